"""Download protocols of the chips' boot ROMs and loaders; one slug per platform, role-blind."""
