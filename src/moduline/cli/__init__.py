"""The command line: parse, call one verb, print; one noun per file."""
