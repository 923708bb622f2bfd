"""Talk to a running module: its AT port, its REPL, its files."""
