"""Rehearsals of patches on virtual flash, and what they prove."""
