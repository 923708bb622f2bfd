"""Factory programming: a package written straight into a flash, as a gang programmer does it before soldering.

Loaders, formats and NV are left out: the module has its own NV (IMEI, calibration) from the factory.

Source: platform-unisoc 2.7, 2.8.
"""

from __future__ import annotations

from moduline.errors import TooBig, WrongModule
from moduline.nor.flash import Flash
from moduline.package.parts import FirmwarePackage, Part
from moduline.vmodule.download.cpio_unpacker import CpioUnpacker
from moduline.vmodule.download.flash_loader import INTERNAL_FLASH
from moduline.vmodule.facts import ModuleIdentity

CONTENT_KINDS = ("loader", "code", "nv", "cpio")


def program_package(identity: ModuleIdentity, flash: Flash, package: FirmwarePackage) -> int:
    """Write a package's parts; gives the bytes a burner would send for it.

    Raises:
        WrongModule: the package is for another chip.
        TooBig: a part does not fit the flash.
        BadFormat: a part that cannot be unpacked.
    """
    if package.chip != identity.chip.slug:
        raise WrongModule(package=package.chip, module=identity.chip.slug)
    files = identity.storage(flash).files
    for part in package.parts:
        if not part.is_default:
            continue
        if part.kind in {"code", "erase"} and part.address >> 24 == INTERNAL_FLASH:
            _write(flash, part)
        elif part.kind == "cpio":
            if not files.is_mountable:
                files.format()
            CpioUnpacker(files.keep).feed(part.data)
    return sum(len(part.data) for part in package.parts if part.kind in CONTENT_KINDS)


def _write(flash: Flash, part: Part) -> None:
    unit, capacity = flash.geometry.erase_bytes, flash.geometry.capacity_bytes
    offset = part.address & 0xFFFFFF
    size = part.size if part.kind == "erase" else len(part.data)
    first, end = offset // unit * unit, -(-(offset + size) // unit) * unit
    if end > capacity:
        raise TooBig(what=part.name, need=offset + size, have=capacity)
    if end > first:
        flash.erase(first, end - first)
        flash.program(offset, part.data)
