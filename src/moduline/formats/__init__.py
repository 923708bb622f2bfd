"""Bytes of files: every format as tables, values, readers and writers; pure."""
