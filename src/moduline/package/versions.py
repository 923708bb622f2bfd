"""Which firmware a package is: version and model, found in what the package holds.

Vendor firmware has no version field; the string a module answers to ``ATI`` stands somewhere in the system image.
Looked at in this order: our own system image's manifest, the system image, the application image, file names, the
name of the package. Among several strings in one place one that names QuecPython wins, then the first.

Source: platform-unisoc 1, 2.9 (names of real packages); strings of a real EG915U and EC600G package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from moduline.errors import FormatError
from moduline.formats import sihr, system_image, uimage
from moduline.formats.system_image import SystemImage
from moduline.package.parts import Part

# EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300: model, revision R03A06M08, flavour. It starts with a letter class and no
# look-behind: that lets the regular-expression engine skip through megabytes of code quickly.
VERSION: Final = re.compile(
    rb"[A-Z]{2}\d{3}[A-Z]{1,8}R\d{2}[A-Z]\d{2}(?:M\d{2})?(?:_[A-Za-z0-9]{1,24}(?:\.\d{1,8}){0,8}){0,8}"
)
IMAGE_ROLES: Final = ("system", "app")
_MODEL_IN_VERSION: Final = re.compile(r"([A-Z]{2}\d{3}[A-Z])([A-Z]{2,4})R\d{2}")
_ENDINGS: Final = re.compile(r"(_merge|\.sign|\.img|\.pac|\.bin|\.zip)+$")


@dataclass(frozen=True, slots=True)
class Identity:
    """Version and model; None where nothing was found."""

    version: str | None
    model: str | None


def identify(parts: Iterable[Part], package_name: str = "", roles: Sequence[str] = IMAGE_ROLES) -> Identity:
    """The identity of a package.

    Args:
        parts: all its parts.
        package_name: name of its file, looked at last.
        roles: parts whose content is searched, in this order.
    """
    parts = tuple(parts)
    own = next(filter(None, (own_system(part) for part in parts if part.role == "system")), None)
    if own is not None:
        return Identity(own.version, own.models[0] if own.models else None)
    images = [part for role in roles for part in parts if part.role == role]
    version = next(filter(None, (_best(places) for places in _places(images, package_name))), None)
    return Identity(version, _model(version, images))


def own_system(part: Part) -> SystemImage | None:
    """Our own system image in a part; None in vendor firmware and in a damaged image, which ``verify`` reports."""
    start = uimage.HEADER_BYTES if uimage.is_uimage(part.data) else 0
    start = sihr.HEADER_BYTES if sihr.is_sihr(part.data) else start
    if not system_image.is_system_image(part.data[start : start + 8]):
        return None
    try:
        return system_image.read(part.data[start:])
    except FormatError:
        return None


def _places(images: list[Part], package_name: str) -> Iterator[list[str]]:
    """Version strings of each place, most trusted first."""
    for part in images:
        yield _versions_in(part.data)
    for name in [*(part.file_name for part in images), package_name]:
        plain = _ENDINGS.sub("", name.rpartition("/")[2])
        yield _versions_in(plain.encode("ascii", "replace"))


def _versions_in(data: bytes) -> list[str]:
    found = (match for match in VERSION.finditer(data) if not data[max(0, match.start() - 1) : match.start()].isalnum())
    return [match[0].decode("ascii") for match in found]


def _best(found: list[str]) -> str | None:
    return next((version for version in found if "QPY" in version), found[0] if found else None)


def _model(version: str | None, images: list[Part]) -> str | None:
    """The model that begins the version, as the firmware itself writes it, else split off the version."""
    if version is None:
        return None
    stem = version[:6].encode("ascii")
    for part in images:
        for region in re.findall(re.escape(stem) + rb"-([A-Z]{2,4})(?![A-Za-z0-9])", part.data):
            if version.startswith((stem + region).decode("ascii")):
                return f"{version[:6]}-{region.decode('ascii')}"
    match = _MODEL_IN_VERSION.match(version)
    return f"{match[1]}-{match[2]}" if match else None
