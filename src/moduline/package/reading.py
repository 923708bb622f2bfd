"""From bytes to a ``FirmwarePackage`` and back, whatever container it is."""

from __future__ import annotations

from moduline.formats.container.shell import close_shells, open_shells
from moduline.package.containers import CONTAINERS, container_of
from moduline.package.parts import FirmwarePackage


def read_package(data: bytes, name: str = "", *, must_check: bool = True) -> FirmwarePackage:
    """The package in a file, whatever shells it comes in; recognised by content alone.

    Args:
        data: the file.
        name: how the file is called; used in errors and, last, to find the version.
        must_check: False reads on with wrong container CRCs; ``verify`` then lists them.

    Raises:
        BadFormat: shells, container or its description are damaged or contradict each other.
        BadChecksum: a CRC of the container is wrong.
        Unsupported: a package of another platform, or without a loader.
        UnknownFormat: no package at all.
    """
    opened = open_shells(data, name)
    return CONTAINERS[opened.kind].read(opened, name, must_check=must_check)


def write_package(package: FirmwarePackage) -> bytes:
    """The file again, in the shells it came in; unchanged packages give the bytes that were read."""
    return close_shells(package.shells, container_of(package).write(package))
