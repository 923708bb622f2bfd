"""What differs between two packages: their containers first, then what is around them.

Values that follow from the contents (offsets, counts, sizes, check values) are not differences; with those aside,
``diff`` is complete: no difference means the same bytes.

Source: platform-unisoc 2, 4.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from moduline.formats.container import zip_members
from moduline.formats.container.shell import Shell
from moduline.package.containers import CONTAINERS, container_of
from moduline.package.difference import HEADER_PLACE, SHELL_PLACE, Difference
from moduline.package.parts import FirmwarePackage


def diff(before: FirmwarePackage, after: FirmwarePackage) -> tuple[Difference, ...]:
    """Every difference between two packages: container, then shells."""
    if before.container != after.container:
        return (Difference(HEADER_PLACE, "container", "changed", before.container, after.container),)
    return (*container_of(before).diff(before, after), *_shells(before.shells, after.shells))


def only_areas(differences: Iterable[Difference]) -> bool:
    """Whether nothing differs but the entries of script areas and what describes them."""
    names = {name for container in CONTAINERS.values() for name in container.area_entries}
    return all(one.place != SHELL_PLACE and one.name in names for one in differences)


def _shells(before: tuple[Shell, ...], after: tuple[Shell, ...]) -> Iterator[Difference]:
    """Members around the package, by name, time and check value."""
    if len(before) != len(after):
        yield Difference(SHELL_PLACE, "depth", "changed", str(len(before)), str(len(after)))
    for old, new in zip(before, after, strict=False):
        first, second = _members(old), _members(new)
        if first != second:
            yield Difference(SHELL_PLACE, new.member, "members", str(first), str(second))


def _members(shell: Shell) -> list[tuple[str, str, str]]:
    rows = []
    for info in zip_members.list_members(shell.data):
        check = "package" if info.filename == shell.member else f"{info.CRC:08x}"
        rows.append((info.filename, "-".join(map(str, info.date_time)), check))
    return rows
