"""What one power-on life of the module's software consists of: frozen values, made by the hardware half.

::

    vmodule.boot ──RuntimePlan──▶ ScriptRuntime.start() ──▶ child process (MicroPython)
                 ◀──OwnerCalls── power down, restart, download mode, power cut, notices

The hardware half decides *what* runs (which bytes of the flash are the ROM file system, where /usr and /bak are, what
the module is called); this half only runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from moduline.errors import FlashCut
from moduline.events import Notice
from moduline.nor.flash import Flash
from moduline.vmodule.interpreter.desk import MakeDesk
from moduline.vmodule.interpreter.module_facts import ModuleFacts, Quirks

__all__ = ["ByteEnd", "ModuleFacts", "MountPlan", "OwnerCalls", "Quirks", "RomWindow", "RuntimePlan"]


class ByteEnd(Protocol):
    """The module's end of a port (``port.pty.PtyEnd``): bytes in, bytes out."""

    async def read_some(self, limit: int = 65536) -> bytes:
        """At least one byte from the host; raises PortGone when the port vanished."""

    async def write_all(self, data: bytes) -> None:
        """Send all of ``data`` to the host."""


@dataclass(frozen=True, slots=True)
class MountPlan:
    """One file system in flash and where scripts see it.

    Attributes:
        path: mount point, such as ``/usr``.
        partition: the name scripts know it by, such as ``customer_fs``.
        offset: start in the flash, in bytes, on an erase sector.
        size_bytes: size of the partition.
        kind: ``lfs1`` or ``lfs2``.
        block_bytes: file-system block, a multiple of the flash's erase unit.
        driven_blocks: blocks the module's driver uses; littlefs 1 modules leave the last one out.
        read_bytes: unit of reading.
        program_bytes: unit of programming.
        lookahead_bytes: look-ahead buffer of the allocator, in bytes.
        is_write_protected: writing calls return -1 instead of doing anything (``/bak``).

    Source: device-api 2.1, 5.5, 5.6.
    """

    path: str
    partition: str
    offset: int
    size_bytes: int
    kind: str
    driven_blocks: int
    block_bytes: int = 4096
    read_bytes: int = 4096
    program_bytes: int = 4096
    lookahead_bytes: int = 4096
    is_write_protected: bool = False


@dataclass(frozen=True, slots=True)
class RomWindow:
    """Where the ROM file system with the on-board modules lies in a file.

    Attributes:
        path: the file, usually the module's flash file.
        offset: start of the ROMFS image in it, in bytes.
        size_bytes: its length.
    """

    path: Path
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class OwnerCalls:
    """What the runtime asks of the hardware half; called on the event loop, must return at once.

    Attributes:
        on_power_down: the script called ``Power.powerDown()``.
        on_power_restart: the script called ``Power.powerRestart()`` or the watchdog fired.
        on_enter_download: the script asked for download mode.
        on_power_cut: a flash operation met a power cut; the child is dead already.
        on_notice: something worth telling the user, such as a formatted partition or a twin in use.
        on_watchdog: the watchdog restarts the module; None: as ``on_power_restart``.
    """

    on_power_down: Callable[[], None]
    on_power_restart: Callable[[], None]
    on_enter_download: Callable[[], None]
    on_power_cut: Callable[[FlashCut], None]
    on_notice: Callable[[Notice], None]
    on_watchdog: Callable[[], None] | None = None

    def bite(self) -> None:
        """The watchdog restarts the module."""
        (self.on_watchdog or self.on_power_restart)()


@dataclass(frozen=True, slots=True)
class RuntimePlan:
    """Everything one power-on life needs.

    Attributes:
        name: of the virtual module, for notices and process titles.
        flash: where programs and erases go; power cuts come from here.
        flash_path: the same cells as a file, mapped read-only into the child.
        mounts: file systems in mount order.
        facts: what the module says about itself.
        repl: module side of the REPL port.
        owner: what to call when the script changes the power state.
        quirks: profile switches.
        uarts: module side of each UART that leads somewhere, by number.
        rom: where the on-board modules are; ``None`` for the built-in ones.
        power_on_reason: what ``Power.powerOnReason()`` says (1 key, 2 reset, 3 supply).
        power_down_reason: what ``Power.powerDownReason()`` says.
        core: processor core the child is pinned to; ``None`` lets the zygote spread.
        twins_folder: where version-6 twins of version-5 files are; ``None`` for ``<home>/twins``.
        is_confined: refuse to run where the kernel cannot confine the child.
        desks: make the desks that answer questions about what surrounds the module; see ``desk``.
        skips_main: the first boot comes to the prompt without running main.py, as after an interrupted one.
        has_line_probes: scripts carry probes that tell which lines ran; a desk answers ``line_ran``.
    """

    name: str
    flash: Flash
    flash_path: Path
    mounts: tuple[MountPlan, ...]
    facts: ModuleFacts
    repl: ByteEnd
    owner: OwnerCalls
    quirks: Quirks = field(default_factory=Quirks)
    uarts: Mapping[int, ByteEnd] = field(default_factory=dict)
    rom: RomWindow | None = None
    power_on_reason: int = 1
    power_down_reason: int = 1
    core: int | None = None
    twins_folder: Path | None = None
    is_confined: bool = False
    desks: tuple[MakeDesk, ...] = ()
    skips_main: bool = False
    has_line_probes: bool = False
