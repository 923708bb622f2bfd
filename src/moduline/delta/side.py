"""One side of a patch: a whole firmware package or a raw image, as parts with roles.

A package gives every part that lies in the flash at a place of its own; a raw image is one part. What the image is
for is seen in its bytes: our own or a vendor's system image, a file system of scripts, or just an image.

Source: delta.md 4 (parts); seed S1 (system.img of two packages), seed S4 (customer_fs.bin of a package).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from moduline.delta.images import content_of, own_system_in
from moduline.errors import BadFormat, FormatError, PatchForeign, Text
from moduline.formats import littlefs
from moduline.formats.container.sniff import sniff
from moduline.formats.system_image import SystemImage
from moduline.package import FirmwarePackage, Part, read_package
from moduline.package.parts import FIRST_LOGICAL
from moduline.package.stock import StockFirmware, is_stock, read_stock
from moduline.package.versions import identify
from moduline.profiles import catalog
from moduline.profiles.module import ModuleProfile

FIRMWARE_ROLES: Final = ("system", "app", "modem")
"""Parts that a firmware upgrade renews, in this order. Boot code is never among them: losing it would kill a module."""
SCRIPT_ROLE: Final = "user_fs"
UNKNOWN_ROLE: Final = "image"
"""Of a bare image that nothing is known of."""
_PACKAGES: Final = ("pac", "zip", "binpkg")
_TOKEN: Final = re.compile(r"([0-9]+)")


@dataclass(frozen=True, slots=True)
class SidePart:
    """One part.

    Attributes:
        role: such as ``system``.
        address: bus address; 0 when it is not known.
        data: the content.
        room_bytes: what it may grow to; 0 when it is not known.
    """

    role: str
    address: int
    data: bytes = field(repr=False)
    room_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Side:
    """The old or the new firmware.

    Attributes:
        name: of the file, for people.
        version: of the firmware; empty when not found.
        models: model names it is for; empty when not found.
        chip: slug; empty when not known.
        parts: what lies in the flash.
        package: the package it was read from; None for anything else.
        stock: the stock firmware it was read from, on platforms without packages; None for anything else.
        system: our own system image in it; None for a vendor's.
    """

    name: str
    version: str
    models: tuple[str, ...]
    chip: str
    parts: tuple[SidePart, ...]
    package: FirmwarePackage | None = field(default=None, repr=False)
    stock: StockFirmware | None = field(default=None, repr=False)
    system: SystemImage | None = field(default=None, repr=False)

    def part(self, role: str) -> SidePart | None:
        """The part of a role."""
        return next((one for one in self.parts if one.role == role), None)

    @property
    def is_raw(self) -> bool:
        """Whether it is a single image."""
        return self.package is None and self.stock is None

    @property
    def profile(self) -> ModuleProfile | None:
        """The module it is for; None when it does not say, or nothing is known of that module."""
        slug = self.system.module if self.system is not None else self.stock.module if self.stock is not None else ""
        if slug in catalog.modules():
            return catalog.module(slug)
        return next(filter(None, map(catalog.module_of_model, self.models)), None)

    @property
    def script_room_bytes(self) -> int:
        """Size of the area of user scripts; 0 when it is not known."""
        area = self.package.area(SCRIPT_ROLE) if self.package is not None else None
        if area is not None:
            return area.size
        own = self.system.partition(SCRIPT_ROLE) if self.system is not None else None
        return own.size_bytes if own is not None else 0

    @property
    def script_address(self) -> int:
        """Bus address of that area; 0 when it is not known."""
        area = self.package.area(SCRIPT_ROLE) if self.package is not None else None
        if area is not None:
            return area.address
        own = self.system.partition(SCRIPT_ROLE) if self.system is not None else None
        return own.address if own is not None else 0


def read_side(data: bytes, name: str = "") -> Side:
    """A package or a raw image, recognised by its content.

    Raises:
        BadFormat: an empty file, or a damaged package.
        FormatError: a package that cannot be read.
    """
    kind = sniff(data)
    if kind == "empty":
        raise BadFormat(format=name or Text("file", "文件"), reason=Text("it is empty", "文件为空"), offset=0)
    if is_stock(data):
        return _of_stock(read_stock(data), name)
    if kind in _PACKAGES:
        return _of_package(read_package(data, name), name)
    return _of_image(data, name)


def told(side: Side, module: ModuleProfile | None, role: str = "") -> Side:
    """A side with what the user says about it: which module it is for, and what a bare image is.

    Args:
        side: as it was read.
        module: the module; None: nothing is said.
        role: of a bare image; empty: as it was recognised. Packages know their roles.

    Raises:
        PatchForeign: the firmware says that it is for another module.
    """
    known = side.profile
    if module is not None and known is not None and known.slug != module.slug:
        raise PatchForeign(ours=known.slug, theirs=module.slug)
    if not side.is_raw:
        return side
    part = side.parts[0]
    if role and role != part.role:
        part = SidePart(role, 0, part.data)
    known = known or module
    place = known.partition(part.role) if known is not None else None
    if place is not None and not part.address:
        part = replace(part, address=place.address, room_bytes=place.size_bytes)
    if module is None:
        return replace(side, parts=(part,))
    models = side.models or (module.identity.variant,)
    return replace(side, parts=(part,), chip=side.chip or module.chip, models=models)


def compare(old: str, new: str) -> str:
    """``upgrade``, ``downgrade``, ``same``, or ``unknown`` where the two cannot be ordered.

    The first number in which they differ decides, as a number: M08 < M10, MODULINE9 < MODULINE10. Texts that differ
    before that (another module, BETA against a release) have no order.
    """
    if not old or not new:
        return "unknown"
    if old == new:
        return "same"
    pairs = zip(_TOKEN.split(old), _TOKEN.split(new), strict=False)
    for before, after in pairs:
        if before != after:
            is_order = bool(_TOKEN.fullmatch(before) and _TOKEN.fullmatch(after)) and int(before) != int(after)
            return ("upgrade" if int(before) < int(after) else "downgrade") if is_order else "unknown"
    return "unknown"


def _of_package(package: FirmwarePackage, name: str) -> Side:
    parts = [
        SidePart(one.role, one.address, one.data, one.size)
        for one in package.parts
        if one.kind == "code" and one.role and one.address < FIRST_LOGICAL
    ]
    system = package.by_role("system")
    own = _own(system.data) if system is not None else None
    models = own.models if own is not None else ((package.model,) if package.model else ())
    return Side(name, package.version or "", models, package.chip, tuple(parts), package, system=own)


def _of_stock(stock: StockFirmware, name: str) -> Side:
    own = _own(stock.images.get("system", b""))
    parts = []
    for role, data in stock.images.items():
        place = own.partition(role) if own is not None else None
        parts.append(SidePart(role, place.address if place else 0, data, place.size_bytes if place else 0))
    models = own.models if own is not None else ()
    return Side(name, stock.version, models, stock.chip, tuple(parts), stock=stock, system=own)


def _of_image(data: bytes, name: str) -> Side:
    if littlefs.recognise(data) is not None:
        return Side(name, "", (), "", (SidePart(SCRIPT_ROLE, 0, data),))
    if content_of(data) is None:
        return Side(name, "", (), "", (SidePart(UNKNOWN_ROLE, 0, data),))
    own = own_system_in(data)
    if own is None:
        found = identify([Part("system", "system", "code", data, 0, 0)], name)
        models = (found.model,) if found.model else ()
        return _placed(Side(name, found.version or "", models, "", (SidePart("system", 0, data),)))
    place = own.partition("system")
    part = SidePart("system", place.address if place else 0, data, place.size_bytes if place else 0)
    side = Side(name, own.version, own.models, "", (part,), system=own)
    return replace(side, chip=side.profile.chip) if side.profile is not None else side


def _placed(side: Side) -> Side:
    """A vendor's system image with the chip and the place that its module's profile knows."""
    profile = side.profile
    place = profile.partition("system") if profile is not None else None
    if profile is None or place is None:
        return side
    part = SidePart("system", place.address, side.parts[0].data, place.size_bytes)
    return replace(side, chip=profile.chip, parts=(part,))


def _own(data: bytes) -> SystemImage | None:
    """Our own system image in a part; None in a vendor's and in a damaged one, which ``verify`` reports."""
    try:
        return own_system_in(data)
    except FormatError:
        return None
