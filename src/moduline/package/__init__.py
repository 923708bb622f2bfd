"""The package room: what a firmware package holds, and stock plus images gives production package.

Verbs: ``read_package``, ``write_package``, ``merge``, ``verify``, ``diff``.
"""

from __future__ import annotations

from moduline.package.merge import merge
from moduline.package.parts import FirmwarePackage, FsArea, Part
from moduline.package.reading import read_package, write_package

__all__ = ["FirmwarePackage", "FsArea", "Part", "merge", "read_package", "write_package"]
