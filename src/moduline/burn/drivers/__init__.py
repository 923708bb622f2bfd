"""Host side of each download protocol: sans-I/O sessions, each a table of states and cues."""
