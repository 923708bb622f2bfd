"""What happened, for other programs: written with the change, told at least once and in order."""
