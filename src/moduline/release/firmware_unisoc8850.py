"""What a burner does with virtual firmware of an 8850 module: the operations of its ``.pac``, in order.

::

    FDL  ERASE_SPL  BOOT  PhaseCheck  (FMT_FSSYS)  FMT_FSMOD  (FMT_FSEXT)  NV  AP  ERASE_PY_FS_U  ERASE_PY_FS_B
    CP  INDELTANV  FLASH  SPL                                     in brackets: only when the user asks for it

The order is that of a real EC600G package, with the first boot stage erased first and written last, so that an
interrupted burn leaves the chip in its ROM's download mode; the two erasures of the script areas stand behind the
system. The vendor's tool lists them behind SPL, where a cut would boot new firmware on old scripts.

Every image has a SIHR header with right check values and no certificate: a real chip refuses it. The loader holds no
code, but the list of models it is for, as a real one does; ``CP`` and ``INDELTANV`` are archives of one text each.

Source: platform-unisoc 2.8 to 2.10, 3.2, 3.4; a real EC600G package (order, NV items, model list).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from moduline.formats import cpio, sihr
from moduline.profiles.chip import ChipProfile
from moduline.profiles.module import ModuleProfile, Partition
from moduline.release.firmware_recipe import FirmwareRecipe
from moduline.release.firmware_scheme import NO_ID, NvWish, Operation

FLASH_TYPE: Final = 0
FDL_BYTES: Final = 16 << 10
IMAGE_NAME: Final = "moduline virtual firmware"
NV_ITEMS: Final[tuple[NvWish, ...]] = (
    ("Calibration", NO_ID, False),
    ("LTE Calibration", 0x26E, False),
    ("Golden_Calib", 0x26F, False),
    ("IMEI", NO_ID, False),
    ("IMEI2", 0x179, False),
    ("GPS_Aptsx", 0x1B4, True),
    ("Simlock", 0x1F0, True),
    ("module_def", 0x300, True),
)
"""What carries over from a module's own NV: name, list id, whether the module may lack it."""
_ARCHIVES: Final = 0xFE000004
_FORMAT: Final = 0xFE000006


def operations(
    recipe: FirmwareRecipe,
    module: ModuleProfile,
    chip: ChipProfile,
    images: Mapping[str, bytes],
    nv_block: bytes,
    text: Callable[[str, int], bytes],
) -> list[Operation]:
    """Every operation.

    Args:
        recipe: which firmware it is.
        module: what it is for.
        chip: its chip.
        images: what lies in the flash, by role: first_boot, boot, system.
        nv_block: the template of fixed NV.
        text: makes so many bytes of text that say what they stand for.
    """
    place: dict[str, Partition] = {one.role: one for one in module.partitions}
    (loader,) = chip.loaders
    stem = f"{recipe.alias}_{recipe.version}"

    def image(role: str, file_name: str) -> Operation:
        part = place[role]
        return Operation(part.part, "CODE", part.address, part.size_bytes, images[role], file_name)

    def erase(name: str, role: str) -> Operation:
        return Operation(name, "EraseFlash", place[role].address, place[role].size_bytes)

    def format_of(name: str, device: bytes, *, is_default: bool) -> Operation:
        return Operation(name, "EraseFlash", _FORMAT, int.from_bytes(device, "little"), is_default=is_default)

    return [
        Operation(
            loader.part,
            loader.part,
            loader.address,
            loader.max_bytes,
            _fdl(recipe, loader.address, text),
            loader.file_name,
            check_flag=1,
        ),
        erase("ERASE_SPL", "first_boot"),
        image("boot", "boot.sign.img"),
        Operation("PhaseCheck", "CODE", 0xFE000002, 0x100, description="Producting phases information section"),
        format_of("FMT_FSSYS", b"FSYS", is_default=False),
        format_of("FMT_FSMOD", b"FMOD", is_default=True),
        format_of("FMT_FSEXT", b"FEXT", is_default=False),
        Operation("NV", "NV", 0xFE000003, chip.entry.nv_bytes, nv_block, "moduline_virtual_nvitem.bin"),
        image("system", f"{stem}.sign.img"),
        erase("ERASE_PY_FS_U", "user_fs"),
        erase("ERASE_PY_FS_B", "backup_fs"),
        _archive(recipe, "CP", "modem/cp.bin.000", text("modem", 4 << 10)),
        _archive(recipe, "INDELTANV", "factory/indeltanv_moduline.bin", text("NV delta", 512)),
        Operation("FLASH", "EraseFlash", 0xFE000001, 0, description="Erase NV"),
        image("first_boot", "spl.sign.img"),
    ]


def _fdl(recipe: FirmwareRecipe, address: int, text: Callable[[str, int], bytes]) -> bytes:
    """The loader: the models it is for, between NULs, then text."""
    models = b"".join(model.replace("-", "").encode("ascii") + b"\0" for model in recipe.models)
    payload = b"\0" + models + text("loader", FDL_BYTES - sihr.HEADER_BYTES - len(models) - 1)
    return sihr.write(payload, IMAGE_NAME, recipe.built_at, address + sihr.HEADER_BYTES)


def _archive(recipe: FirmwareRecipe, name: str, path: str, data: bytes) -> Operation:
    member = cpio.CpioMember(path.encode("ascii"), data, mtime=recipe.built_at)
    content = cpio.write(cpio.CpioArchive((member,)))
    return Operation(name, "CODE", _ARCHIVES, 0, content, f"moduline_virtual_{name.lower()}.cpio")
