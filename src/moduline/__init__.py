"""Moduline: open tool chain and virtual modules for QuecPython."""

__version__ = "0.1.0"
