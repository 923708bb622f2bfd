"""The seat of the application developer: modules, terminal, files, project, burning, FOTA, packages, AT, rack."""
