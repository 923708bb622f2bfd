"""Two packages part by part, byte by byte and file by file: what ``diff`` says in words, as a picture wants it.

Source: platform-unisoc 2, 4.1.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Final

from moduline.package.contents import PartFiles, files_or_none
from moduline.package.parts import FirmwarePackage, Part

STATES: Final = ("added", "removed", "changed", "moved", "same")
COLUMNS: Final = 96
"""Pieces of a byte map."""


@dataclass(frozen=True, slots=True)
class FileDifference:
    """One file that differs.

    Attributes:
        path: of the file.
        state: ``added``, ``removed`` or ``changed``.
        old_bytes: before; 0: it was not there.
        new_bytes: afterwards; 0: it is gone.
    """

    path: str
    state: str
    old_bytes: int
    new_bytes: int


@dataclass(frozen=True, slots=True)
class PartDifference:
    """One part in both packages, or in one.

    Attributes:
        name: in the package that has it.
        role: of the part.
        state: of ``STATES``; ``moved``: the same content at another address or in another room.
        before: its position among the parts of the first package; None: it is not there.
        after: the same in the second package.
        old_bytes: content before.
        new_bytes: content afterwards.
        changed_bytes: bytes that differ at their places, and what one has more than the other.
        byte_map: share of changed bytes in each of ``COLUMNS`` pieces, 0 to 1; empty where nothing is compared.
        files: what differs inside; empty where there are no files, or none differs.
    """

    name: str
    role: str
    state: str
    before: int | None
    after: int | None
    old_bytes: int
    new_bytes: int
    changed_bytes: int
    byte_map: tuple[float, ...] = ()
    files: tuple[FileDifference, ...] = ()


def compare_packages(before: FirmwarePackage, after: FirmwarePackage) -> tuple[PartDifference, ...]:
    """Every part of either package, in the order of the second; what it lacks comes last."""
    olds = _by_key(before)
    news = _by_key(after)
    found = [_difference(before, after, olds.get(key), at) for key, at in news.items()]
    return (*found, *(_difference(before, after, at, None) for key, at in olds.items() if key not in news))


def changed_bytes(old: bytes, new: bytes) -> int:
    """Bytes that differ at their places, and what one has more than the other."""
    shared = min(len(old), len(new))
    more = max(len(old), len(new)) - shared
    if old[:shared] == new[:shared]:
        return more
    mixed = int.from_bytes(old[:shared], "big") ^ int.from_bytes(new[:shared], "big")
    return shared - mixed.to_bytes(shared, "big").count(0) + more


def byte_map(old: bytes, new: bytes, columns: int = COLUMNS) -> tuple[float, ...]:
    """Share of changed bytes in each piece of the longer one, 0 to 1."""
    total = max(len(old), len(new))
    if not total:
        return ()
    columns = min(columns, total)
    edges = [number * total // columns for number in range(columns + 1)]
    return tuple(
        changed_bytes(old[first:last], new[first:last]) / (last - first) for first, last in itertools.pairwise(edges)
    )


def compare_files(before: PartFiles | None, after: PartFiles | None) -> tuple[FileDifference, ...]:
    """Files that differ, by path; folders do not count."""
    olds, news = ({} if one is None else one.files for one in (before, after))
    found = []
    for path in sorted({*olds, *news}):
        old, new = olds.get(path), news.get(path)
        if old == new or (path in olds and path in news and (old is None) != (new is None)):
            continue
        state = "added" if old is None else "removed" if new is None else "changed"
        found.append(FileDifference(path, state, len(old or b""), len(new or b"")))
    return tuple(found)


def _difference(
    before: FirmwarePackage, after: FirmwarePackage, old_at: int | None, new_at: int | None
) -> PartDifference:
    old = before.parts[old_at] if old_at is not None else None
    new = after.parts[new_at] if new_at is not None else None
    known = new or old
    assert known is not None
    was, now = (one.data if one is not None else b"" for one in (old, new))
    state = _state(old, new)
    is_changed = state == "changed"
    files = compare_files(files_or_none(old), files_or_none(new)) if state not in {"same", "moved"} else ()
    return PartDifference(
        known.name, known.role, state, old_at, new_at, len(was), len(now), changed_bytes(was, now),
        byte_map(was, now) if is_changed else (), files,
    )  # fmt: skip


def _state(old: Part | None, new: Part | None) -> str:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if old.data != new.data:
        return "changed"
    is_there = (old.address, old.size, old.kind) == (new.address, new.size, new.kind)
    return "same" if is_there else "moved"


def _by_key(package: FirmwarePackage) -> dict[tuple[str, int], int]:
    """Position of each part by its name, numbered where a name comes twice.

    A script area that a stock package only erases and a production package fills has one key.
    """
    seen: Counter[str] = Counter()
    found = {}
    for at, part in enumerate(package.parts):
        name = (
            part.role.removeprefix("erase_") if part.role.endswith("_fs") or "customer_fs" in part.role else part.name
        )
        found[name, seen[name]] = at
        seen[name] += 1
    return found
