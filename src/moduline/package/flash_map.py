"""A package as a map of the flash: its parts where they are burnt, the partitions around them, and what is free.

::

    package   boot [####      ]  system [########  ]          user_fs (erased)
    profile                                          update_store          factory
    map       boot               system              user_fs  update_store free  factory

What a package says of a place counts before what a profile says: production firmware is seen to move partitions.
Of a partition of the profile only what no place of the package covers is shown, and only where the package has no
place of its role. What is left is free: nothing known lies there. Parts within other parts (children of a container
partition) are shown within them. Loaders run in RAM and are not on the map.

Source: platform-unisoc 2.8 to 2.10; platform-asr 1.2; platform-eigencomm 1.3; module profiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from moduline.package.parts import FIRST_LOGICAL, FirmwarePackage, Part
from moduline.package.versions import own_system
from moduline.profiles import catalog
from moduline.profiles.module import ModuleProfile

FREE: Final = "free"
PACKAGE: Final = "package"
ERASED: Final = "erased"
PROFILE: Final = "profile"
_ERASE: Final = "erase_"
_OFF: Final = ("loader", "table", "xml", "script", "unused", "phasecheck", "format", "nv")


@dataclass(frozen=True, slots=True)
class Place:
    """One range of the flash.

    Attributes:
        source: ``package`` (it brings content), ``erased`` (it only erases), ``profile`` or ``free``.
        name: in the package, or of the partition; empty for what is free.
        role: what it is for; empty when unknown.
        address: bus address.
        size_bytes: its room.
        used_bytes: content that the package brings.
        part: position among the parts of the package; None where it brings none.
        mount: where scripts see it; empty for none.
        depth: 0, or 1 for a part within another one.
        is_inferred: the profile's place is this project's choice.
    """

    source: str
    name: str
    role: str
    address: int
    size_bytes: int
    used_bytes: int = 0
    part: int | None = None
    mount: str = ""
    depth: int = 0
    is_inferred: bool = False

    @property
    def end(self) -> int:
        """Address behind its last byte."""
        return self.address + self.size_bytes


@dataclass(frozen=True, slots=True)
class FlashMap:
    """All of the flash.

    Attributes:
        module: slug of the module whose profile is shown; empty when nobody knows it.
        address: of its first byte.
        size_bytes: of the flash; of what the package fills where no profile says it.
        places: by address, without gaps at depth 0.
        elsewhere: places outside of that range: another address space of the same flash.
    """

    module: str
    address: int
    size_bytes: int
    places: tuple[Place, ...]
    elsewhere: tuple[Place, ...] = ()


def flash_map(package: FirmwarePackage) -> FlashMap:
    """The map of a package."""
    profile = profile_of(package)
    own = list(_with_depth(_of_package(package)))
    if profile is not None:
        first = catalog.chip_of(profile).flash.base_address
        size = profile.flash_bytes or catalog.chip_of(profile).flash.size_bytes
        own = [_mounted(one, profile) for one in own]
    else:
        first = min((one.address for one in own), default=0)
        size = max((one.end for one in own), default=first) - first
    inside = [one for one in own if first <= one.address and one.end <= first + size]
    outside = tuple(one for one in own if one not in inside)
    top = [one for one in inside if not one.depth]
    if profile is not None:
        top += _uncovered(_of_profile(profile, own), top)
    top = sorted(top, key=lambda one: one.address)
    filled = [*_filled(top, first, first + size), *(one for one in inside if one.depth)]
    places = sorted(filled, key=lambda one: (one.address, one.depth))
    return FlashMap(profile.slug if profile is not None else "", first, size, tuple(places), outside)


def profile_of(package: FirmwarePackage) -> ModuleProfile | None:
    """The module a package is for; None when it does not say, or nothing is known of that module."""
    system = package.by_role("system")
    own = own_system(system) if system is not None else None
    if own is not None and own.module in catalog.modules():
        return catalog.module(own.module)
    return catalog.module_of_model(package.model)


def _of_package(package: FirmwarePackage) -> list[Place]:
    """Places that the package names; content counts before an erase of the same place, an area before both."""
    found: dict[int, Place] = {}
    for at, part in enumerate(package.parts):
        one = _of_part(at, part)
        if one is None:
            continue
        known = found.get(one.address)
        if known is None or (one.used_bytes and not known.used_bytes):
            found[one.address] = one
    for area in package.areas:
        known = found.get(area.address)
        base = known or Place(ERASED, area.name, area.role, area.address, area.size)
        found[area.address] = replace(base, name=area.name, role=area.role, size_bytes=max(area.size, base.size_bytes))
    return list(found.values())


def _of_part(at: int, part: Part) -> Place | None:
    if part.kind in _OFF or part.address >= FIRST_LOGICAL:
        return None
    size = max(part.size, len(part.data))
    if not size:
        return None
    source = PACKAGE if part.data else ERASED
    return Place(source, part.name, part.role.removeprefix(_ERASE), part.address, size, len(part.data), at)


def _with_depth(places: Sequence[Place]) -> Iterator[Place]:
    """The places, those within another one marked; of two that overlap otherwise the later begins behind the first."""
    end = -1
    outer: Place | None = None
    for one in sorted(places, key=lambda place: (place.address, -place.size_bytes)):
        if outer is not None and one.end <= outer.end:
            yield replace(one, depth=1)
            continue
        start = max(one.address, end)
        yield one if start == one.address else replace(one, address=start, size_bytes=one.end - start)
        outer, end = one, one.end


def _mounted(one: Place, profile: ModuleProfile) -> Place:
    place = profile.partition(one.role)
    return replace(one, mount=place.mount) if place is not None else one


def _of_profile(profile: ModuleProfile, own: Sequence[Place]) -> list[Place]:
    roles = {one.role for one in own}
    return [
        Place(
            PROFILE, one.part or one.device, one.role, one.address, one.size_bytes, mount=one.mount,
            is_inferred=one.is_inferred,
        )
        for one in profile.partitions
        if one.role not in roles
    ]  # fmt: skip


def _uncovered(places: Sequence[Place], taken: Sequence[Place]) -> Iterator[Place]:
    """What of places no other one covers."""
    for place in places:
        rest = [(place.address, place.end)]
        for one in taken:
            rest = [
                piece
                for first, last in rest
                for piece in ((first, min(last, one.address)), (max(first, one.end), last))
            ]
            rest = [(first, last) for first, last in rest if first < last]
        yield from (replace(place, address=first, size_bytes=last - first) for first, last in rest)


def _filled(places: Sequence[Place], first: int, last: int) -> Iterator[Place]:
    """The places with what is free between them."""
    at = first
    for one in places:
        if one.address > at:
            yield Place(FREE, "", "", at, one.address - at)
        yield one
        at = max(at, one.end)
    if at < last:
        yield Place(FREE, "", "", at, last - at)
