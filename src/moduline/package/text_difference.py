"""Lines that differ between two scripts, with what stands around them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final

SHOWN_LINES: Final = 2000
AROUND: Final = 3
_MOST_BYTES: Final = 1 << 20
_MARKS: Final = {" ": "same", "+": "added", "-": "removed", "@": "place"}
_CONTROL: Final = frozenset(range(32)) - {9, 10, 12, 13}


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line.

    Attributes:
        state: ``same``, ``added``, ``removed`` or ``place`` (where the next lines stand).
        text: the line without its end.
    """

    state: str
    text: str


def text_of(data: bytes) -> str | None:
    """The text in a file; None where it is none."""
    if _CONTROL & set(data[:_MOST_BYTES]):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def text_difference(old: bytes, new: bytes) -> list[DiffLine] | None:
    """How one text becomes another, at most ``SHOWN_LINES`` lines; None where one of them is no text, or very long."""
    before, after = text_of(old), text_of(new)
    if before is None or after is None or max(len(old), len(new)) > _MOST_BYTES:
        return None
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=AROUND, lineterm="")
    found: list[DiffLine] = []
    for number, line in enumerate(lines):
        if number < 2:  # names of the two files, which have none here
            continue
        if len(found) == SHOWN_LINES:
            break
        state = _MARKS[line[:1] or " "]
        found.append(DiffLine(state, line if state == "place" else line[1:]))
    return found
