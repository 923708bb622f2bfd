"""What differs between two EigenComm packages: entries of the binpkg, members, then the zip itself.

Source: platform-eigencomm 1.1, 1.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from moduline.formats.container import zip_members
from moduline.formats.container.eigen import EigenPackage
from moduline.formats.container.eigen_binpkg import BinPackage
from moduline.package.difference import ENTRY_PLACE, HEADER_PLACE, Difference, shown_bytes
from moduline.package.eigen import eigen_of
from moduline.package.parts import FirmwarePackage


def diff(before: FirmwarePackage, after: FirmwarePackage) -> Iterator[Difference]:
    """Every difference, in the order folder, binpkg, members, zip."""
    old, new = eigen_of(before), eigen_of(after)
    if old.binpkg_name != new.binpkg_name:
        yield Difference(HEADER_PLACE, "binpkg", "changed", old.binpkg_name, new.binpkg_name)
    yield from _binpkg(old.binpkg, new.binpkg)
    first, second = _others(old), _others(new)
    yield from _contents(first, second)
    yield from _moved(first, second)
    yield from _directory(old, new)


def _binpkg(old: BinPackage, new: BinPackage) -> Iterator[Difference]:
    """Header and entries; sizes, hashes and places follow from the contents."""
    fields = {**old.header, "made_at": old.made_at}, {**new.header, "made_at": new.made_at}
    for name in [name for name in fields[0] | fields[1] if name != "entry_count"]:
        values = [str(one.get(name, "")) for one in fields]
        if values[0] != values[1]:
            yield Difference(HEADER_PLACE, name, "changed", *values)
    for name, one, other in (("records", old.records, new.records), ("tail", old.tail, new.tail)):
        if one != other:
            yield Difference(HEADER_PLACE, name, "changed", shown_bytes(one), shown_bytes(other))
    first, second = ({f"{one.name}": one for one in binpkg.entries} for binpkg in (old, new))
    is_unique = len(first) == len(old.entries) and len(second) == len(new.entries)
    if not is_unique:
        first, second = ({str(i): one for i, one in enumerate(binpkg.entries)} for binpkg in (old, new))
    yield from _contents({n: e.data for n, e in first.items()}, {n: e.data for n, e in second.items()})
    yield from _moved(first, second)
    for name in [name for name in first if name in second]:
        for key in ("name_field", "address", "room_bytes", "kind_field", "rest"):
            values = [_shown(getattr(one[name], key)) for one in (first, second)]
            if values[0] != values[1]:
                yield Difference(ENTRY_PLACE, name, key, *values)
        if first[name].data == second[name].data and first[name].hash_field != second[name].hash_field:
            yield Difference(ENTRY_PLACE, name, "hash")


def _others(source: EigenPackage) -> dict[str, bytes]:
    """Members beside the binpkg; script areas are called by their names, as everywhere."""
    root = source.root
    return {name.removeprefix(root): data for name, data in source.members.items() if name != source.binpkg_name}


def _contents(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[Difference]:
    for name, data in old.items():
        if name not in new:
            yield Difference(ENTRY_PLACE, name, "removed", shown_bytes(data))
    for name, data in new.items():
        if name not in old:
            yield Difference(ENTRY_PLACE, name, "added", "", shown_bytes(data))
        elif old[name] != data:
            yield Difference(ENTRY_PLACE, name, "data", shown_bytes(old[name]), shown_bytes(data))


def _moved(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Difference]:
    kept = [name for name in old if name in new]
    followers = dict(pairwise([*kept, ""]))
    for name, follower in pairwise([*(name for name in new if name in old), ""]):
        if followers[name] != follower:
            yield Difference(ENTRY_PLACE, name, "moved")


def _directory(old: EigenPackage, new: EigenPackage) -> Iterator[Difference]:
    """What the zip says about members that are in both: time, attributes, packing; and its comment."""
    if old.is_bare or new.is_bare:
        if old.is_bare != new.is_bare:
            yield Difference(HEADER_PLACE, "zip", "added" if old.is_bare else "removed")
        return
    first, second = ({info.filename: info for info in zip_members.list_members(one.data)} for one in (old, new))
    for name in [name for name in first if name in second]:
        for key in ("date_time", "external_attr", "compress_type", "comment"):
            values = [str(getattr(one[name], key)) for one in (first, second)]
            if values[0] != values[1]:
                yield Difference(ENTRY_PLACE, name, key, *values)


def _shown(value: object) -> str:
    if isinstance(value, int):
        return f"0x{value:x}"
    assert isinstance(value, bytes)
    return value.rstrip(b"\0").decode("utf-8", "backslashreplace")[:80]
