"""What a chip is: its flash, its loaders' places, how it enters and shows download mode.

Source: each fact's own, in ``chips/*.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from moduline.profiles.schema import Table

IMAGE_HEADERS: Final = ("uimage", "sihr", "none")
WIRES: Final = ("pdl", "bsl", "aboot", "agboot")


@dataclass(frozen=True, slots=True)
class FlashProfile:
    """The NOR flash scripts and firmware live in.

    Attributes:
        base_address: bus address of its first byte.
        size_bytes: capacity.
        erase_bytes: erase unit.
        program_bytes: program page.
    """

    base_address: int
    size_bytes: int
    erase_bytes: int
    program_bytes: int


@dataclass(frozen=True, slots=True)
class LoaderWindow:
    """Where a loader is sent.

    Attributes:
        part: id in the container, such as ``HOST_FDL``.
        address: load address.
        max_bytes: room there.
        file_name: name of the vendor's file.
    """

    part: str
    address: int
    max_bytes: int
    file_name: str


@dataclass(frozen=True, slots=True)
class UsbIdentity:
    """Vendor and product id of one state."""

    vid: int
    pid: int


@dataclass(frozen=True, slots=True)
class DownloadEntry:
    """How the chip enters download mode, and what it is there.

    Attributes:
        wire: protocol of the ROM: ``pdl``, ``bsl`` (Unisoc), ``aboot`` (ASR), ``agboot`` (EigenComm).
        port_name: what drivers call the port, as the burning guide has it.
        has_descriptor: the device itself tells that name; otherwise it has no text, and only drivers name it.
        bootrom: what the ROM calls its version; empty where it does not say.
        rom_product: what the ROM calls itself; empty where it does not say.
        link: how an ASR ROM frames its commands: ``smux`` or ``ethos``; empty for other wires.
        at_commands: AT commands that do it; none where only the pin does.
        window_s: how long the ROM waits before the module boots by itself, in seconds.
        nv_bytes: size of the fixed NV block.
    """

    wire: str
    port_name: str
    has_descriptor: bool
    bootrom: str
    rom_product: str
    link: str
    at_commands: tuple[str, ...]
    window_s: float
    nv_bytes: int

    @property
    def product(self) -> str:
        """USB product text in download mode; empty where the device has none."""
        return self.port_name if self.has_descriptor else ""


@dataclass(frozen=True, slots=True)
class ChipProfile:
    """A chip.

    Attributes:
        slug: such as ``unisoc8910``.
        name: what the maker calls it.
        platform: ``asr``, ``unisoc`` or ``eigen``.
        container: format of its packages: ``unisoc`` (.pac), ``asr`` (zip), ``eigen`` (.binpkg in a zip).
        flash: its flash.
        cp_flash: the modem's own flash, where it has one.
        image_header: what stands before boot code and system in the flash: ``uimage``, ``sihr`` or ``none``.
        loaders: in the order in which they are sent; empty where packages bring their own places.
        running: USB ids of a running module.
        download: USB ids in download mode.
        entry: how download mode is entered.
        port_names: USB interface names of a running module by role, as (role, name).
    """

    slug: str
    name: str
    platform: str
    container: str
    flash: FlashProfile
    cp_flash: FlashProfile | None
    image_header: str
    loaders: tuple[LoaderWindow, ...]
    running: UsbIdentity
    download: UsbIdentity
    entry: DownloadEntry
    port_names: tuple[tuple[str, str], ...]

    def port_name(self, role: str) -> str:
        """USB text of a role's port; empty for a port without one."""
        if role == "download":
            return self.entry.product
        return next((name for known, name in self.port_names if known == role), "")


def read_chip(top: Table) -> ChipProfile:
    """The profile in a chip's TOML file.

    Raises:
        BadRecipe: a key is missing, wrong or unknown, or a fact has no source.
    """
    top.sourced()
    flash, image, entry, usb = (top.table(name).sourced() for name in ("flash", "image", "download", "usb"))
    cp_flash = top.table("cp_flash").sourced() if top.has("cp_flash") else None
    loaders = tuple(one.sourced() for one in top.tables("loaders", []))
    ports = tuple(one.sourced() for one in top.tables("ports"))
    profile = ChipProfile(
        slug=top.text("slug"),
        name=top.text("name"),
        platform=top.choice("platform", ("asr", "unisoc", "eigen")),
        container=top.text("container"),
        flash=_flash(flash),
        cp_flash=_flash(cp_flash) if cp_flash is not None else None,
        image_header=image.choice("header", IMAGE_HEADERS),
        loaders=tuple(
            LoaderWindow(one.text("part"), one.number("address"), one.number("max_bytes"), one.text("file_name"))
            for one in loaders
        ),
        running=UsbIdentity(usb.number("running_vid"), usb.number("running_pid")),
        download=UsbIdentity(usb.number("download_vid"), usb.number("download_pid")),
        entry=_entry(entry),
        port_names=tuple((one.text("role"), one.text("name")) for one in ports),
    )
    for table in (flash, image, entry, usb, *([cp_flash] if cp_flash else []), *loaders, *ports, top):
        table.end()
    return profile


def _flash(table: Table) -> FlashProfile:
    return FlashProfile(
        table.number("base_address"),
        table.number("size_bytes"),
        table.number("erase_bytes"),
        table.number("program_bytes"),
    )


def _entry(table: Table) -> DownloadEntry:
    return DownloadEntry(
        wire=table.choice("wire", WIRES),
        port_name=table.text("port_name"),
        has_descriptor=table.flag("has_descriptor"),
        bootrom=table.text("bootrom", ""),
        rom_product=table.text("rom_product", ""),
        link=table.text("link", ""),
        at_commands=table.texts("at_commands"),
        window_s=table.seconds("window_s"),
        nv_bytes=table.number("nv_bytes"),
    )
