"""The package room: what a firmware package holds, and stock plus images gives production package.

Verbs: ``read_package``, ``write_package``, ``merge``, ``verify``, ``diff``.
"""

from __future__ import annotations

from moduline.package.difference import Difference
from moduline.package.findings import Finding
from moduline.package.inspect import diff
from moduline.package.merge import merge
from moduline.package.parts import FirmwarePackage, FsArea, Part
from moduline.package.reading import read_package, write_package
from moduline.package.verify import verify

__all__ = [
    "Difference",
    "Finding",
    "FirmwarePackage",
    "FsArea",
    "Part",
    "diff",
    "merge",
    "read_package",
    "verify",
    "write_package",
]
