"""Factory programming: firmware written straight into a flash, as a gang programmer does it before soldering.

Loaders, formats and NV are left out: the module has its own NV (IMEI, calibration) from the factory. Firmware is a
package, or the images by role of ``package.stock``.

Source: platform-unisoc 2.7, 2.8; platform-asr 1.3, 1.4.
"""

from __future__ import annotations

from moduline.errors import TooBig, WrongModule
from moduline.nor.flash import Flash
from moduline.package import read_package
from moduline.package.parts import FirmwarePackage
from moduline.package.stock import StockFirmware, is_stock, read_stock
from moduline.vmodule.burnt_heads import BurntHeads
from moduline.vmodule.download.asr_tables import keep_table
from moduline.vmodule.download.cpio_unpacker import CpioUnpacker
from moduline.vmodule.download.storage import Storage
from moduline.vmodule.download.unisoc8850_loader import MountedCpioTarget
from moduline.vmodule.facts import ModuleIdentity

Firmware = FirmwarePackage | StockFirmware
CONTENT_KINDS = ("loader", "table", "code", "nv", "cpio")
TABLE_ROLE = "partition_table"
ERASED = b"\xff"


def read_firmware(data: bytes, name: str = "") -> Firmware:
    """What can be programmed into a flash: a package of any container, or stock firmware.

    Args:
        data: the file.
        name: how it is called, for messages.

    Raises:
        FormatError: it is neither.
    """
    return read_stock(data) if is_stock(data) else read_package(data, name)


def program_package(identity: ModuleIdentity, flash: Flash, package: Firmware) -> int:
    """Write firmware; gives the bytes a burner would send for it.

    Raises:
        WrongModule: it is for another chip, or has images for partitions this module does not have.
        TooBig: a part does not fit the flash.
        BadFormat: a part that cannot be unpacked.
    """
    if isinstance(package, StockFirmware):
        return _program_stock(identity, flash, package)
    if package.chip != identity.chip.slug:
        raise WrongModule(package=package.chip, module=identity.chip.slug)
    storage = identity.storage(flash)
    for part in package.parts:
        if not part.is_default:
            continue
        offset = identity.offset_of_address(part.address)
        if part.kind in {"code", "erase"} and 0 <= offset < flash.geometry.capacity_bytes:
            size = part.size if part.kind == "erase" else len(part.data)
            _write(flash, part.name, offset, size, part.data)
        elif part.kind == "cpio":
            _unpack(storage, part.data)
    BurntHeads(identity.chip, flash).drop_all()
    for part in package.parts:
        if part.role == TABLE_ROLE:
            keep_table(flash, part.data)
    return sum(len(part.data) for part in package.parts if part.kind in CONTENT_KINDS)


def _unpack(storage: Storage, archive: bytes) -> None:
    """Write an archive's members as the module's loader does; what one cannot keep is left out."""
    for files in (storage.files, *(one.files for one in storage.volumes.values() if one.device)):
        if not files.is_mountable:
            files.format()
    if storage.volumes:
        MountedCpioTarget(storage).take(archive)
    else:
        CpioUnpacker(storage.files.keep).feed(archive)


def _program_stock(identity: ModuleIdentity, flash: Flash, firmware: StockFirmware) -> int:
    if firmware.chip != identity.chip.slug:
        raise WrongModule(package=firmware.chip, module=identity.chip.slug)
    places = {role: identity.profile.partition(role) for role in firmware.images}
    for role, data in firmware.images.items():
        place = places[role]
        if place is None:
            raise WrongModule(package=f"{firmware.module} ({role})", module=identity.profile.slug)
        if len(data) > place.size_bytes:
            raise TooBig(what=role, need=len(data), have=place.size_bytes)
        _write(flash, role, identity.offset_of(place), len(data), data)
    return sum(map(len, firmware.images.values()))


def _write(flash: Flash, name: str, offset: int, size: int, data: bytes) -> None:
    unit, capacity = flash.geometry.erase_bytes, flash.geometry.capacity_bytes
    first, end = offset // unit * unit, -(-(offset + size) // unit) * unit
    if end > capacity:
        raise TooBig(what=name, need=offset + size, have=capacity)
    if end > first:
        flash.erase(first, end - first)
        flash.program(offset, data.rstrip(ERASED))
