"""The kinds of container a firmware package comes in: for each, what reads, writes, changes and checks it.

Everything else in this room and above works on ``FirmwarePackage`` alone. A new container is a row here, its files
beside this one, and its recognition by content in ``formats.container.shell``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from moduline.formats.container.shell import Opened
from moduline.formats.littlefs import FsGeometry
from moduline.package import (
    asr,
    asr_diff,
    asr_members,
    asr_verify,
    eigen,
    eigen_diff,
    eigen_members,
    eigen_shapes,
    eigen_verify,
    unisoc,
    unisoc_diff,
    unisoc_entries,
    unisoc_verify,
)
from moduline.package.difference import Difference
from moduline.package.findings import Finding
from moduline.package.parts import FirmwarePackage, FsArea


class ReadsOpened(Protocol):
    """Gives the package in an opened file; ``must_check`` False reads on with wrong check values."""

    def __call__(self, opened: Opened, name: str = "", *, must_check: bool = True) -> FirmwarePackage:
        """The package."""


class WritesInner(Protocol):
    """Gives the container's bytes without shells."""

    def __call__(self, package: FirmwarePackage) -> bytes:
        """The bytes."""


class FillsAreas(Protocol):
    """Gives the package with images in their areas; sizes were checked."""

    def __call__(self, stock: FirmwarePackage, images: Sequence[tuple[FsArea, bytes]]) -> FirmwarePackage:
        """The package."""


class SubstitutesPart(Protocol):
    """Gives the package with another content of one part."""

    def __call__(self, package: FirmwarePackage, name: str, data: bytes) -> FirmwarePackage:
        """The package."""


class StripsParts(Protocol):
    """Gives the package without some parts."""

    def __call__(self, package: FirmwarePackage, names: Sequence[str]) -> FirmwarePackage:
        """The package."""


class VerifiesContainer(Protocol):
    """Gives what is wrong with the container itself; parts are checked by ``verify`` for every container alike."""

    def __call__(self, package: FirmwarePackage) -> Iterable[Finding]:
        """The findings."""


class Differs(Protocol):
    """Gives the differences of two packages of this kind, shells aside."""

    def __call__(self, before: FirmwarePackage, after: FirmwarePackage) -> Iterable[Difference]:
        """The differences."""


class TellsFacts(Protocol):
    """Gives what ``pack info`` tells beyond what every package has."""

    def __call__(self, package: FirmwarePackage) -> dict[str, Any]:
        """The facts, ready for JSON."""


@dataclass(frozen=True, slots=True)
class Container:
    """One kind of container.

    Attributes:
        read: see ``ReadsOpened``; the others alike.
        area_entries: names of the entries that hold script areas.
        ending: of the name of a bare container, such as ".pac".
        has_nested_parts: a part may lie within another one (a child of a container partition) and be written after it.
        has_plain_loaders: loaders have no header that could be checked.
        geometry: what an image for an area must be like, as the package's own image tells; None where the module's
            profile says it. Takes the package, the area, and the read and program units.
        reshape: the container in the form it has in a kind of shell, given that kind and the stem of its files; None
            where it is the same in all.
        own_kinds: further kinds of shell that only this container has.
    """

    read: ReadsOpened
    write: WritesInner
    fill: FillsAreas
    substitute: SubstitutesPart
    strip: StripsParts
    verify: VerifiesContainer
    diff: Differs
    facts: TellsFacts
    area_entries: frozenset[str]
    ending: str
    has_nested_parts: bool = False
    has_plain_loaders: bool = False
    geometry: Callable[[FirmwarePackage, FsArea, int, int], FsGeometry] | None = None
    reshape: Callable[[FirmwarePackage, str, str], bytes] | None = None
    own_kinds: tuple[str, ...] = ()


CONTAINERS: Final[Mapping[str, Container]] = {
    unisoc.CONTAINER: Container(
        read=unisoc.read_opened,
        write=unisoc.write_inner,
        fill=unisoc_entries.fill,
        substitute=unisoc_entries.substitute,
        strip=unisoc_entries.strip,
        verify=unisoc_verify.verify,
        diff=unisoc_diff.diff,
        facts=unisoc.facts_of,
        area_entries=frozenset(unisoc.AREA_ROLES),
        ending=".pac",
    ),
    asr.CONTAINER: Container(
        read=asr.read_opened,
        write=asr.write_inner,
        fill=asr_members.fill,
        substitute=asr_members.substitute,
        strip=asr_members.strip,
        verify=asr_verify.verify,
        diff=asr_diff.diff,
        facts=asr.facts_of,
        area_entries=frozenset({*asr.AREA_ROLES, *asr.AREA_FILES.values()}),
        ending=".zip",
        has_nested_parts=True,
    ),
    eigen.CONTAINER: Container(
        read=eigen.read_opened,
        write=eigen.write_inner,
        fill=eigen_members.fill,
        substitute=eigen_members.substitute,
        strip=eigen_members.strip,
        verify=eigen_verify.verify,
        diff=eigen_diff.diff,
        facts=eigen.facts_of,
        area_entries=frozenset({*eigen.AREA_ROLES, *eigen.AREA_FILES.values()}),
        ending=".zip",
        has_plain_loaders=True,
        geometry=eigen_members.geometry_of,
        reshape=eigen_shapes.reshape,
        own_kinds=("binpkg",),
    ),
}
"""By the kind ``formats.container.shell.open_shells`` recognises."""


def container_of(package: FirmwarePackage) -> Container:
    """The row of a package's container."""
    return CONTAINERS[package.container]
