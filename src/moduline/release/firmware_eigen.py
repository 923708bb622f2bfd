"""Virtual firmware of EigenComm modules in the container of the real ones: a zip around a binpkg, agentboot and inis.

::

    <folder>/agentboot_uart/agentboot.bin agentboot_usb/agentboot.bin     text of ours
              ap_application.bin ap_updater.bin                           text of ours
              at_command.binpkg          ap_bootloader, ap_at_command (our system image), cp-demo-flash
              customer_backup_fs.bin customer_fs.bin                      formatted and empty
              format_ec618.json          what is never erased
              MergeRfTable.bin           text of ours; no burner writes it
              quec_download_config.ini quec_download_uart.ini quec_download_usb.ini

This is the layout of 2023; ``package.convert`` makes the .bin of 2024 out of it. Its programmer images and
``single_pkg`` are not made: what they hold is not documented. The loaders hold no code: a virtual module brings its
own, and a real one stops at them.

Source: platform-eigencomm 1.1 to 1.3, 3.2 (rom_version), 4; a published list of both layouts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from moduline.formats.container import eigen, eigen_binpkg, eigen_ini
from moduline.formats.container.eigen_ini import DownloadFile
from moduline.formats.littlefs import write_image
from moduline.package.eigen import AREA_FILES, CHIP_OF_ROM, RF_TABLE
from moduline.profiles.chip import ChipProfile
from moduline.profiles.module import ModuleProfile, Partition
from moduline.release.firmware_recipe import FirmwareRecipe

# What the entries of a real package are called, and the flash of the modem as it has it.
ENTRIES: Final = {"boot": ("ap_bootloader", "BL"), "system": ("ap_at_command", "AP")}
MODEM: Final = ("cp-demo-flash", "CP", 0, 0x80000)
AGENTBOOT_BYTES: Final = 32 << 10
STUB_BYTES: Final = 4 << 10
SMALL_BYTES: Final = 1 << 10
_CALIBRATION_CP: Final = (("drr", 0x88CE000, 0x19000), ("rr", 0x88E7000, 0x19000))
_BAUDS: Final = {"usb": 921600, "uart": 460800}
_RESETS: Final = {"usb": "at+ecrst=delay,599", "uart": "at+ecrst=delay,650"}


def pack(
    recipe: FirmwareRecipe,
    module: ModuleProfile,
    chip: ChipProfile,
    images: Mapping[str, bytes],
    text: Callable[[str, int], bytes],
) -> bytes:
    """The package; the same inputs give the same bytes.

    Args:
        recipe: which firmware it is.
        module: what it is for.
        chip: its chip.
        images: what lies in the flash, by the role of its partition.
        text: gives so many bytes that say what they stand for.
    """
    places = {one.part: one for one in module.partitions}
    spaces = {name: places[name] for name in AREA_FILES if name in places}
    files = {
        "ap_application.bin": text("application", SMALL_BYTES),
        "ap_updater.bin": text("updater", STUB_BYTES),
        **{AREA_FILES[name]: write_image((), module.fs.geometry(one.size_bytes)) for name, one in spaces.items()},
    }
    listed = tuple(
        DownloadFile(index, name, _offset(chip, place), place.size_bytes)
        for index, (name, place) in enumerate(((n, places[n.removesuffix(".bin")]) for n in eigen_ini.FILES), 1)
    )
    members = {
        eigen.AGENTBOOTS["agentboot_uart"]: text("agentboot for the UART", AGENTBOOT_BYTES),
        eigen.AGENTBOOTS["agentboot_usb"]: text("agentboot for USB", AGENTBOOT_BYTES),
        eigen.BINPKG_NAME: binpkg(recipe, module, chip, images, text("modem", STUB_BYTES)),
        **files,
        f"format_{chip.name.lower()}.json": format_file(module, chip, spaces),
        RF_TABLE: text("RF table", SMALL_BYTES),
        eigen.DOWNLOAD_NAME: eigen_ini.make(listed),
        "quec_download_uart.ini": tool_ini("uart", chip, listed),
        "quec_download_usb.ini": tool_ini("usb", chip, listed),
    }
    folder = f"MODULINE_{module.identity.variant.replace('-', '_')}_FW/"
    readme = {"changelog.md": f"# {module.identity.variant}\n\nVirtual firmware, for virtual modules only.\n".encode()}
    return eigen.make(readme | {folder + name: data for name, data in members.items()})


def binpkg(
    recipe: FirmwareRecipe, module: ModuleProfile, chip: ChipProfile, images: Mapping[str, bytes], modem: bytes
) -> bytes:
    """The binpkg: boot code, system and modem, in the order of a real one."""
    entries = []
    for role, (name, kind) in ENTRIES.items():
        place = module.partition(role)
        assert place is not None, f"{module.slug} has no {role} partition"
        entries.append((name, kind, _offset(chip, place), place.size_bytes, images[role]))
    name, kind, address, room = MODEM
    entries.append((name, kind, address, room, modem))
    return eigen_binpkg.write(eigen_binpkg.make(entries, recipe.built_at))


def format_file(module: ModuleProfile, chip: ChipProfile, spaces: Mapping[str, Partition]) -> bytes:
    """The ranges a format may erase, and the calibration it may not."""
    flash, factory = chip.flash, module.partition("factory")
    assert factory is not None, f"{module.slug} has no factory partition"
    first, end = _offset(chip, factory), _offset(chip, factory) + factory.size_bytes
    space = spaces["customer_fs"]

    def row(store: str, begin: int, length: int) -> dict[str, Any]:
        return {"stor_type": store, "offst_flag": 1, "begin": f"0x{begin:x}", "length": length}

    described: dict[str, Any] = {
        "fs": {"begin": f"0x{space.address:x}", "length": space.size_bytes},
        **{name: {"begin": f"0x{begin:x}", "length": length} for name, begin, length in _CALIBRATION_CP},
        "cal": [row("ap_flash", first, factory.size_bytes)],
        "erallum": [
            row("ap_flash", 0, first),
            row("ap_flash", end, flash.size_bytes - end),
            row("cp_flash", 0, 0xCD000),
        ],
    }
    return json.dumps(described, indent=2).encode("ascii") + b"\n"


def tool_ini(port: str, chip: ChipProfile, files: tuple[DownloadFile, ...]) -> bytes:
    """What the vendor's tool is told for one kind of port."""
    rom = next(word for word, slug in CHIP_OF_ROM.items() if slug == chip.slug)
    lines = [
        "; virtual firmware, for virtual modules only",
        "[config]",
        "line_0_com = auto",
        f"agbaud = {_BAUDS[port]}",
        "",
        "[package_info]",
        f"arg_pkg_path_val = {eigen.BINPKG_NAME}",
        "",
        "[agentboot]",
        f"agpath = {eigen.AGENTBOOTS[f'agentboot_{port}']}",
        "",
        "[control]",
        "pullup_qspi = 1",
        f"rom_version = {rom}",
        "prempt_detect_time = 6",
        "msg_waittime = 2",
        "max_preamble_cnt = 8",
        f"atreset = {_RESETS[port]}",
    ]
    for one in files:
        lines += ["", f"[flexfile{one.index + 1}]", f"filepath = {one.file_name}", f"burnaddr = 0x{one.address:X}"]
        lines += ["storage_type = ap_flash"]
    return "".join(line + "\r\n" for line in lines).encode("ascii")


def _offset(chip: ChipProfile, place: Partition) -> int:
    """Offset in the flash, as binpkg and inis of this chip write it."""
    return place.address - chip.flash.base_address
