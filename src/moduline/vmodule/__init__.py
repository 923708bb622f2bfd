"""The virtual module: flash and wire, and the real interpreter on top."""
