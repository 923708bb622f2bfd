"""Virtual firmware of ASR modules in the container of the real ones: a zip with script, tables, loaders and images.

::

    platform_config.json  download.json
    preboot.img flasher.img         FIP containers; what is in them is text of ours and a digest of it
    flashinfo.bin partition.bin     of the module's profile
    bootloader.ubi system.img       the same images every virtual module boots from
    customer_fs.bin customer_backup_fs.bin    formatted and empty

The script has the order of the vendor's template: boot code, system, erasing what an update left behind, then the file
systems. The loaders hold no code: a virtual module brings its own, and a real one refuses them, because their
certificate is none: the text ``MDLNCERT`` and the SHA-256 of the other content. What a real one holds is not public.

Source: platform-asr 1.2 to 1.6, 1.8, 4.4; device-api 2.1 (both file systems formatted and empty).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from moduline.formats.container import asr, asr_fip, asr_flash_list, asr_script, asr_table
from moduline.formats.container.asr_flash_list import FlashBlock, FlashDevice, FlashList
from moduline.formats.container.asr_table import AsrPartition, PartitionTable
from moduline.formats.container.platform_config import CONFIG_NAME
from moduline.formats.littlefs import write_image
from moduline.package.asr import AREA_FILES
from moduline.profiles.chip import ChipProfile
from moduline.profiles.module import ModuleProfile, Partition
from moduline.release.firmware_recipe import FirmwareRecipe

CERTIFICATE_MARK: Final = b"MDLNCERT"
CERTIFICATE_BYTES: Final = 0x40E
PREBOOT_BYTES: Final = 16 << 10
FLASHER_BYTES: Final = 32 << 10
ABOOT_VERSION: Final = "0.5"
# What the ROM of each generation calls itself. Source: platform-asr 1.3 (scripts of real packages), 4.1.
PRODUCTS: Final = {"2019.01.15": "arom|arom-tiny"}
PRODUCT: Final = "arom-tiny"
IMAGE_FILES: Final = {"boot": "bootloader.ubi", "system": "system.img"}
# Erased so that no half-finished update of the firmware before is taken up.
ERASED_ROLES: Final = ("update_flags",)
# A GD25LQ: vendor C8, type 60, then the size as a power of two. Source: platform-asr 1.5 (0x601700C8 has 8 MB).
_FLASH_VENDOR: Final = 0x600000C8
_FLASH_NAME: Final = b"MODULINE VIRTUAL NOR"
_FORMATS: Final = {"boot": "ubi"}


def pack(
    recipe: FirmwareRecipe,
    module: ModuleProfile,
    chip: ChipProfile,
    images: Mapping[str, bytes],
    loaders: Mapping[str, bytes],
) -> bytes:
    """The package; the same inputs give the same bytes.

    Args:
        recipe: which firmware it is.
        module: what it is for.
        chip: its chip.
        images: what lies in the flash, by the role of its partition.
        loaders: texts of "preboot" and "flasher".
    """
    files = {IMAGE_FILES[role]: data for role, data in images.items()}
    spaces = [one for one in module.partitions if one.part in AREA_FILES]
    files |= {AREA_FILES[one.part]: write_image((), module.fs.geometry(one.size_bytes)) for one in spaces}
    members = {
        CONFIG_NAME: json.dumps({"platform": chip.name}).encode("ascii"),
        asr.SCRIPT_NAME: asr_script.write(asr_script.make(_commands(module, chip, images, spaces))),
        "preboot.img": loader(loaders["preboot"]),
        "flasher.img": loader(loaders["flasher"]),
        asr.FLASH_LIST_NAME: asr_flash_list.write(flash_list(chip)),
        asr.TABLE_NAME: asr_table.write(partition_table(module, chip, images)),
        **files,
        "readme.txt": f"{recipe.version}: virtual firmware, for virtual modules only\n".encode("ascii"),
    }
    return asr.make(members)


def loader(content: bytes) -> bytes:
    """A loader image of ours: the content, and a certificate that is only its digest."""
    certificate = (CERTIFICATE_MARK + hashlib.sha256(content).digest()).ljust(CERTIFICATE_BYTES, b"\xff")
    return asr_fip.make(content, certificate)


def flash_list(chip: ChipProfile) -> FlashList:
    """One virtual flash chip of the chip profile's sizes."""
    flash = chip.flash
    flash_id = _FLASH_VENDOR | (flash.size_bytes.bit_length() - 1) << 16
    return FlashList(
        (
            FlashBlock(
                id=flash_id,
                name_field=_FLASH_NAME,
                size_bytes=flash.size_bytes,
                devices=(FlashDevice(flash_id, _FLASH_NAME),),
                erase_bytes=flash.erase_bytes,
                page_bytes=flash.program_bytes,
                sector_bytes=flash.erase_bytes,
            ),
        )
    )


def partition_table(module: ModuleProfile, chip: ChipProfile, images: Mapping[str, bytes]) -> PartitionTable:
    """The module's partitions in the order of their places."""
    flash = chip.flash
    rows = [
        AsrPartition.of("all", "group", 0, flash.size_bytes, 0),
        AsrPartition.of("external", "flash", 0, flash.size_bytes, 1),
    ]
    for one in sorted(module.partitions, key=lambda one: one.address):
        used = len(images[one.role]) if one.role in images else None
        kind = _FORMATS.get(one.role, "raw")
        rows.append(AsrPartition.of(one.part, kind, one.address - flash.base_address, one.size_bytes, 2, used))
    return PartitionTable(tuple(rows))


def _commands(
    module: ModuleProfile, chip: ChipProfile, images: Mapping[str, bytes], spaces: list[Partition]
) -> list[dict[str, Any]]:
    """The script, in the order of the vendor's template."""

    def flash(partition: str, image: str, group: str) -> dict[str, Any]:
        return {"command": "flash", "group": group, "image": image, "partition": partition, "weight": 1}

    parts = {one.role: one.part for one in module.partitions}
    erased = [parts[role] for role in ERASED_ROLES if role in parts]
    flashed = [
        flash(parts[role], IMAGE_FILES[role], group)
        for role, group in (("boot", "1"), ("system", "2"))
        if role in images
    ]
    spaces_flashed = [flash(one.part, AREA_FILES[one.part], "6") for one in spaces]
    product = PRODUCTS.get(chip.entry.bootrom, PRODUCT)
    required = (("product", product), ("version", ABOOT_VERSION), ("version-bootrom", chip.entry.bootrom))
    return [
        *({"command": "require", "group": "0", "name": name, "value": value} for name, value in required),
        {"command": "progress", "group": "0", "name": "weight", "value": len(flashed) + len(spaces_flashed)},
        *({"command": "call", "group": "0", "image": image} for image in ("preboot.img", "flasher.img")),
        *({"command": "partition", "group": "0", "image": image} for image in (asr.FLASH_LIST_NAME, asr.TABLE_NAME)),
        *flashed,
        *({"command": "erase", "group": "3", "partition": name} for name in erased),
        *spaces_flashed,
    ]
