"""The delta room: what turns one firmware into another, as one small file.

Verbs: ``read_side`` (a package or image from bytes), ``target_of``, ``make``, ``apply``, ``sign``, ``check_signature``,
``compare``.
"""

from __future__ import annotations

from moduline.delta.apply import apply
from moduline.delta.make import Made, make
from moduline.delta.side import Side, SidePart, compare, read_side, told
from moduline.delta.signature import check_signature, sign
from moduline.delta.target import Target, target_of

__all__ = [
    "Made",
    "Side",
    "SidePart",
    "Target",
    "apply",
    "check_signature",
    "compare",
    "make",
    "read_side",
    "sign",
    "target_of",
    "told",
]
