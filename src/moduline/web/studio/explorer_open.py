"""A file as the explorer shows it: a package with its parts, a file system image alone, or a patch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from moduline.digest import sha256_hex
from moduline.errors import FormatError, TooBig
from moduline.formats import littlefs, patch
from moduline.formats.patch import Patch
from moduline.package import FirmwarePackage, Part, read_package, verify
from moduline.package.contents import PartFiles, files_in
from moduline.package.findings import Finding, of_error
from moduline.package.flash_map import FlashMap, flash_map
from moduline.web import host_files
from moduline.web.studio.fota_sides import Shelf

MOST_BYTES: Final = 128 << 20


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was read.

    Args:
        name: of the file.
        size_bytes: of the file.
        sha256: of the file.
        package: what it holds; None: it is no package.
        patch: what it is; None: it is no patch.
        parts: of the package; an image alone is one part.
        map: of the flash; None without a package.
        findings: what a check says.
        files: what is in parts, by their positions.
    """

    name: str
    size_bytes: int
    sha256: str
    package: FirmwarePackage | None = field(default=None, repr=False)
    patch: Patch | None = field(default=None, repr=False)
    parts: tuple[Part, ...] = field(default=(), repr=False)
    map: FlashMap | None = field(default=None, repr=False)
    findings: tuple[Finding, ...] = ()
    files: dict[int, PartFiles] = field(default_factory=dict, repr=False)

    @property
    def used(self) -> dict[int, float]:
        """Share of each file system that is used, by the positions of the parts."""
        return {at: one.used_blocks / one.block_count for at, one in self.files.items() if one.block_count}


def read(data: bytes, name: str) -> Opened:
    """A file, recognised by its content.

    Raises:
        BadFormat: it is damaged so that nothing can be shown.
        UnknownFormat: it is nothing known.
    """
    digest = sha256_hex(data)
    if patch.is_patch(data):
        return Opened(name, len(data), digest, patch=patch.read(data))
    if littlefs.recognise(data) is not None:
        alone = Part(name, "user_fs", "code", data, 0, len(data), file_name=name)
        inside = files_in(alone)
        return Opened(name, len(data), digest, parts=(alone,), files={0: inside} if inside is not None else {})
    package = read_package(data, name, must_check=False)
    findings = verify(package)
    files: dict[int, PartFiles] = {}
    for at, part in enumerate(package.parts):
        try:
            found = files_in(part)
        except FormatError as wrong:
            if not any(one.part == part.name and one.slug == "image-damaged" for one in findings):
                findings.append(of_error("image-damaged", part.name, wrong))
            continue
        if found is not None:
            files[at] = found
    return Opened(name, len(data), digest, package, None, package.parts, flash_map(package), tuple(findings), files)


_shelf: Final = Shelf(read)


def open_file(path: str) -> Opened:
    """A file below the root; blocks while it is read.

    Raises:
        NoSuchFile: it cannot be read.
        TooBig: no package is as large.
        FormatError: it is damaged, or nothing known.
    """
    place = host_files.resolve(path)
    if place.is_file() and place.stat().st_size > MOST_BYTES:
        raise TooBig(what=place.name, need=place.stat().st_size, have=MOST_BYTES)
    found = _shelf.get(path)
    assert isinstance(found, Opened)
    return found
