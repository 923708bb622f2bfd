"""What differs between two packages: one frozen value per difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from moduline.digest import sha256_hex

HEADER_PLACE: Final = "header"
ENTRY_PLACE: Final = "entry"
XML_PLACE: Final = "xml"
SCRIPT_PLACE: Final = "script"
SHELL_PLACE: Final = "shell"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes:
        place: "header", "entry", "xml", "script" or "shell".
        name: id of the entry, or name of the field or member.
        what: "added", "removed", "moved", or the name of what changed, such as "data".
        before: value in the first package; contents as size and SHA-256.
        after: value in the second package.
    """

    place: str
    name: str
    what: str
    before: str = ""
    after: str = ""


def shown_bytes(value: bytes) -> str:
    """Contents as a difference shows them: size and the beginning of the SHA-256; empty for none."""
    return f"{len(value)} bytes, sha256 {sha256_hex(value)[:16]}" if value else ""
