"""Containers: the outer file formats of firmware packages."""
