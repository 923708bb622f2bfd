"""What the flash makes of a power-on: stay in the ROM, or run which software with which file systems; pure reading.

::

    boot image right? ──no──▶ download (boot-erased, boot-invalid)
        │ yes
    system image right? ──no──▶ download (system-erased, system-invalid)
        │ yes
    ours? ──yes──▶ for this model? ──no──▶ download (system-foreign)
        │ no               │ yes
        ▼                  ▼
    vendor's:          version, partitions and ROMFS from its manifest
    built-in on-board modules, version found by pattern, partitions from the profile

On the metal a module whose boot code is right and whose system is not is dead until the boot pin is held; here its
boot code falls back to the ROM by itself, and says why.

A vendor's package may have its file systems elsewhere than the profile says: when there is no superblock at the
profile's place but there are some elsewhere, those are taken, in the order of their addresses, and reported.

How boot code and system are packed depends on the chip, see ``image_headers``; where an agentboot has burnt them, its
heads tell whether it finished, see ``burnt_heads``.

Source: platform-unisoc 2.10, 3.1, 9; brief, decision 5; docs/design/virtual-module.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from moduline.errors import BadChecksum, BadFormat, FormatError
from moduline.events import Notice
from moduline.formats import littlefs, system_image, uimage
from moduline.nor.flash import Flash
from moduline.package.parts import Part
from moduline.package.versions import identify
from moduline.profiles import catalog
from moduline.profiles.module import BACKUP_FS, USER_FS, Partition
from moduline.vmodule.burnt_heads import BurntHeads
from moduline.vmodule.download.asr_tables import Places, read_places, stored_table
from moduline.vmodule.facts import ModuleIdentity
from moduline.vmodule.image_headers import ImagePlace
from moduline.vmodule.interpreter.plan import MountPlan, RomWindow

MAX_SAID_CHARS: Final = 40
TABLE_WIRE: Final = "aboot"
"""Boot code of chips with this download protocol keeps a partition table in the flash."""
_SUPERBLOCK_BYTES: Final = 8192
_LITTLEFS: Final = b"littlefs"
_MOUNTED_ROLES: Final = (USER_FS, BACKUP_FS)


@dataclass(frozen=True, slots=True)
class StayInRom:
    """Nothing to boot; ``reason`` is a slug such as ``boot-erased``."""

    reason: str


@dataclass(frozen=True, slots=True)
class BootSystem:
    """What runs.

    Attributes:
        firmware_version: of the software in the flash; empty when none was found.
        mounts: file systems in mount order.
        rom: where the on-board modules are; None for the built-in ones.
        is_ours: the system image is one of ours, not a vendor's.
        build_date: of the firmware, for banner and ``uos.uname()``; empty when it does not say.
        qpy_version: last item of ``uos.uname()``; empty when it does not say.
        notices: what the user should know.
    """

    firmware_version: str
    mounts: tuple[MountPlan, ...]
    rom: RomWindow | None
    is_ours: bool
    build_date: str = ""
    qpy_version: str = ""
    notices: tuple[Notice, ...] = ()


BootDecision = StayInRom | BootSystem


class BootCode:
    """Reads one module's flash; keeps what it found out about a vendor's image, by the images' CRCs.

    Args:
        identity: of the module.
        flash: its flash.
        flash_path: the file with the same cells, for the ROM window.
    """

    def __init__(self, identity: ModuleIdentity, flash: Flash, flash_path: Path) -> None:
        self._identity = identity
        self._flash = flash
        self._flash_path = flash_path
        self._versions: dict[bytes, str] = {}
        self._heads = BurntHeads(identity.chip, flash)
        self._table: Places = {}

    def decide(self) -> BootDecision:
        """What a power-on does now.

        Raises:
            FlashCut: the power went away.
        """
        for name, role in (("boot", "first_boot"), ("boot", "boot"), ("system", "system")):
            if role == "system" and not self._is_table_read():
                return StayInRom("boot-no-table")
            place = self._place(role)
            if place is not None and (fault := place.fault()) is not None:
                return StayInRom(f"{name}-{fault}")
        system = self._place("system")
        if system is None:
            return StayInRom("system-erased")
        if self._heads.is_belied("boot"):
            return StayInRom("boot-invalid")
        return self._ours(system) or self._vendors(system)

    def can_update(self, decision: BootDecision) -> bool:
        """Whether there is boot code, which alone applies updates."""
        return isinstance(decision, BootSystem) or not decision.reason.startswith("boot-")

    def begin_update(self) -> None:
        """The system is about to be changed in place.

        Raises:
            FlashCut: the power went away.
        """
        self._heads.drop_system()

    def sure_version(self, decision: BootDecision) -> str | None:
        """Version of a system that is whole; None when none is, or a vendor's has no check values to tell by."""
        if isinstance(decision, StayInRom) or not (decision.is_ours or self._identity.chip.image_header != "none"):
            return None
        return decision.firmware_version

    def _place(self, role: str) -> ImagePlace | None:
        partition = self._identity.profile.partition(role)
        if partition is None:
            return None
        start, room = self._range_of(partition)
        return ImagePlace(self._flash, start, room, self._identity.chip.image_header)

    def _is_table_read(self) -> bool:
        """Find where things lie, where that is told by a table in the flash; False when there is none."""
        boot = self._identity.profile.partition("boot")
        if self._identity.chip.entry.wire != TABLE_WIRE or boot is None:
            return True
        table = stored_table(self._flash, self._identity.offset_of(boot), boot.size_bytes)
        self._table = read_places(table) if table is not None else {}
        return table is not None

    def _range_of(self, partition: Partition) -> tuple[int, int]:
        """Offset and size of a partition: as the table in the flash says, else as the profile does."""
        place = self._table.get(partition.part)
        if place is not None and 0 < place.size <= self._flash.geometry.capacity_bytes - place.start:
            return place.start, place.size
        return self._identity.offset_of(partition), partition.size_bytes

    # ---- our own system ----------------------------------------------------------------------------------------------

    def _ours(self, system: ImagePlace) -> BootDecision | None:
        content_at = system.content_start
        if not system_image.is_system_image(self._flash.read(content_at, system_image.HEADER.total_bytes)):
            return None
        try:
            image = system_image.read(system.content())
        except (FormatError, BadFormat, BadChecksum):
            return StayInRom("system-invalid")
        profile = self._identity.profile
        if profile.identity.model not in image.models and profile not in map(catalog.module_of_model, image.models):
            return StayInRom("system-foreign")
        partitions = [one for role in _MOUNTED_ROLES if (one := image.partition(role)) is not None and one.fs]
        mounts = tuple(self._mount_of_ours(one) for one in partitions)
        rom = RomWindow(self._flash_path, content_at + image.rom_offset, len(image.rom))
        date, qpy = (_said(image, key) for key in ("build_date", "qpy_version"))
        return BootSystem(image.version, mounts, rom, is_ours=True, build_date=date, qpy_version=qpy)

    def _mount_of_ours(self, one: system_image.SystemPartition) -> MountPlan:
        return MountPlan(
            path=one.mount,
            partition=one.device,
            offset=one.address - self._identity.chip.flash.base_address,
            size_bytes=one.size_bytes,
            kind=one.fs,
            driven_blocks=one.driven_blocks,
            block_bytes=one.block_bytes,
            read_bytes=self._identity.profile.fs.read_bytes,
            program_bytes=self._identity.profile.fs.program_bytes,
            is_write_protected=one.is_write_protected,
        )

    # ---- a vendor's system -------------------------------------------------------------------------------------------

    def _vendors(self, system: ImagePlace) -> BootDecision:
        if self._heads.is_belied("system"):  # ours has check values of its own
            return StayInRom("system-invalid")
        mounts, notices = self._vendor_mounts()
        return BootSystem(self._vendor_version(system), mounts, None, is_ours=False, notices=notices)

    def _vendor_version(self, system: ImagePlace) -> str:
        app = self._identity.profile.partition("app")
        key = system.stamp()
        if app is not None:
            key += self._flash.read(self._identity.offset_of(app), uimage.HEADER_BYTES)
        if key not in self._versions:
            images = [("system", system.content())]
            if app is not None:
                images.append(("app", self._flash.read(self._identity.offset_of(app), app.size_bytes)))
            parts = (Part(role, role, "code", data, 0, 0) for role, data in images)
            self._versions[key] = identify(parts).version or ""
        return self._versions[key]

    def _vendor_mounts(self) -> tuple[tuple[MountPlan, ...], tuple[Notice, ...]]:
        profile = self._identity.profile
        places = [one for role in _MOUNTED_ROLES if (one := profile.partition(role)) is not None]
        kinds = {one.role: self._kind_at(self._range_of(one)[0]) for one in places}
        elsewhere = [] if any(kinds.values()) else self._found_elsewhere(places)
        mounts, notices = [], []
        for one in places:
            (offset, size), kind = self._range_of(one), kinds[one.role]
            if elsewhere:
                offset, size, kind = elsewhere.pop(0)
                facts = {"role": one.role, "expected": f"0x{one.address:08x}", "found": f"0x{offset:06x}"}
                notices.append(Notice("virt.fs-elsewhere", self._identity.name, facts))
            mounts.append(self._mount_of_profile(one, offset, size, kind or profile.fs.kind))
        return tuple(mounts), tuple(notices)

    def _mount_of_profile(self, one: Partition, offset: int, size: int, kind: str) -> MountPlan:
        fs = self._identity.profile.fs
        return MountPlan(
            path=one.mount,
            partition=one.device,
            offset=offset,
            size_bytes=size,
            kind=kind,
            driven_blocks=fs.driven_blocks(size),
            block_bytes=fs.block_bytes,
            read_bytes=fs.read_bytes,
            program_bytes=fs.program_bytes,
            is_write_protected=one.is_write_protected,
        )

    def _kind_at(self, offset: int) -> str | None:
        """Kind of the file system that begins there."""
        return littlefs.recognise(self._flash.read(offset, _SUPERBLOCK_BYTES))

    def _found_elsewhere(self, places: list[Partition]) -> list[tuple[int, int, str]]:
        """Offset, size and kind of file systems outside the profile's places, by offset."""
        unit, capacity = self._flash.geometry.erase_bytes, self._flash.geometry.capacity_bytes
        known = [(start, start + size) for start, size in map(self._range_of, places)]
        found: list[tuple[int, int, str]] = []
        for at in range(0, capacity - _SUPERBLOCK_BYTES, unit):
            if any(start <= at < end for start, end in known) or (found and at < found[-1][0] + found[-1][1]):
                continue
            if _LITTLEFS not in self._flash.read(at, 64):
                continue
            kind, size = self._measured(at)
            if kind is not None and 0 < size <= capacity - at:
                found.append((at, size, kind))
        return found

    def _measured(self, at: int) -> tuple[str | None, int]:
        """Kind and size of the file system that begins at ``at``; as large as its superblock says."""
        kind = self._kind_at(at)
        if kind is None:
            return None, 0
        try:
            geometry = littlefs.read_image(
                self._flash.read(at, self._flash.geometry.capacity_bytes - at), kind
            ).geometry
        except FormatError:
            return None, 0
        return kind, geometry.block_bytes * geometry.block_count


def _said(image: system_image.SystemImage, key: str) -> str:
    """A text of the manifest that a banner can show; empty when there is none."""
    value = json.loads(dict(image.others).get(key, '""'))
    return value if isinstance(value, str) and len(value) <= MAX_SAID_CHARS and value.isprintable() else ""
