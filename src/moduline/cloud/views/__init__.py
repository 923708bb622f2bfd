"""What is looked at over several rooms: devices by a filter, and whole lists as files."""
