"""Who one virtual module is, and where things lie in its flash; from profile, rack and number."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Protocol

from moduline.nor.flash import Flash
from moduline.nor.geometry import Geometry
from moduline.profiles import catalog
from moduline.profiles.chip import ChipProfile
from moduline.profiles.module import ModuleProfile, Partition
from moduline.vmodule.download.storage import MODEM_DEVICE, Storage, Volume
from moduline.vmodule.file_store import FileStore
from moduline.vmodule.interpreter.plan import ModuleFacts, Quirks
from moduline.vmodule.nv_store import NvStore, derived_imei

SERIAL_DIGITS = 5


@dataclass(frozen=True, slots=True)
class ModuleIdentity:
    """One module of a rack.

    Attributes:
        name: as in ``virt:NAME``.
        rack: whose module it is.
        number: place in the rack, from 1.
        slot: name of the place, such as ``A1``.
        profile: what kind of module it is.
        chip: its chip.
    """

    name: str
    rack: str
    number: int
    slot: str
    profile: ModuleProfile
    chip: ChipProfile

    @property
    def factory_imei(self) -> str:
        """The IMEI it leaves the factory with; what counts later is NV."""
        return derived_imei(self.rack, self.number, self.profile.identity.imei_stem)

    @property
    def serial_number(self) -> str:
        """The number on its label."""
        return f"{self.profile.identity.serial_stem}{self.number:0{SERIAL_DIGITS}d}"

    @property
    def location(self) -> str:
        """Its place on the virtual USB tree, the same in every state."""
        return f"virt-{self.rack}-{self.number}"

    @property
    def geometry(self) -> Geometry:
        """Sizes of its flash; a modem's own flash lies behind it, in the same file."""
        flash, cp = self.chip.flash, self.chip.cp_flash
        size = flash.size_bytes + (cp.size_bytes if cp is not None else 0)
        return Geometry(size, erase_bytes=flash.erase_bytes, page_bytes=flash.program_bytes)

    def offset_of(self, partition: Partition) -> int:
        """Where a partition begins in the flash."""
        return self.offset_of_address(partition.address)

    def offset_of_address(self, address: int) -> int:
        """Where a bus address lies in the flash; may be outside."""
        flash, cp = self.chip.flash, self.chip.cp_flash
        if cp is not None and address >= cp.base_address:
            return flash.size_bytes + address - cp.base_address
        return address - flash.base_address

    def address_of(self, offset: int) -> int:
        """The bus address of a place in the flash."""
        flash, cp = self.chip.flash, self.chip.cp_flash
        if cp is not None and offset >= flash.size_bytes:
            return cp.base_address + offset - flash.size_bytes
        return flash.base_address + offset

    def storage(self, flash: Flash) -> Storage:
        """What loaders and boot code keep in the flash."""
        factory, files = self.profile.partition("factory"), self.profile.partition("system_fs")
        unit, capacity = flash.geometry.erase_bytes, flash.geometry.capacity_bytes
        # Every known layout ends with the factory partition; 128 KiB are what NV needs.
        factory_at, factory_bytes = (
            (self.offset_of(factory), factory.size_bytes) if factory else (capacity - 32 * unit, 32 * unit)
        )
        files_at, files_bytes = (self.offset_of(files), files.size_bytes) if files else (0, 0)
        modem = self.profile.partition("modem_fs")
        volumes = (
            {
                "/modem": Volume(MODEM_DEVICE, FileStore(flash, self.offset_of(modem), modem.size_bytes)),
                "/factory": Volume("", FileStore(flash, factory_at, factory_bytes)),  # records beside those of NV
            }
            if modem
            else {}
        )
        return Storage(
            flash,
            NvStore(flash, factory_at, factory_bytes, self.chip.entry.nv_bytes),
            FileStore(flash, files_at, files_bytes),
            volumes,
        )


def identity_of(module: str, name: str, rack: str = "default", number: int = 1, slot: str = "") -> ModuleIdentity:
    """The identity of module ``number`` of a rack.

    Args:
        module: slug of the profile, such as ``ec600u``.
        name: as in ``virt:NAME``.
        rack: whose module it is.
        number: place in the rack, from 1.
        slot: name of the place; empty for ``A<number>``.

    Raises:
        UnknownModule: no such profile.
    """
    profile = catalog.module(module)
    return ModuleIdentity(name, rack, number, slot or f"A{number}", profile, catalog.chip_of(profile))


class BootedFirmware(Protocol):
    """What a firmware says about itself; empty texts leave the profile's."""

    @property
    def firmware_version(self) -> str:
        """What ``modem.getDevFwVersion()`` says."""

    @property
    def build_date(self) -> str:
        """In the banner."""

    @property
    def qpy_version(self) -> str:
        """Last item of ``uos.uname()``."""


def facts_of(identity: ModuleIdentity, imei: str, booted: BootedFirmware, battery_mv: int) -> ModuleFacts:
    """What scripts are told about the module.

    Args:
        identity: who it is.
        imei: from NV; empty when NV is lost.
        booted: what boots.
        battery_mv: supply voltage.
    """
    about, runtime = identity.profile.identity, identity.profile.runtime
    return ModuleFacts(
        model=about.model,
        imei=imei or "0" * 15,
        serial_number=identity.serial_number,
        firmware_version=booted.firmware_version,
        product_id=about.product_id,
        variant=about.variant,
        build_date=booted.build_date or about.build_date,
        qpy_version=booted.qpy_version or about.qpy_version,
        gc_heap_bytes=runtime.gc_heap_bytes,
        system_heap_bytes=runtime.system_heap_bytes,
        battery_mv=battery_mv,
        release=about.release,
        core_version=about.core_version,
        repl_uart=runtime.repl_uart,
        repl_baud=runtime.repl_baud,
    )


def quirks_of(identity: ModuleIdentity, *, is_language_strict: bool = False) -> Quirks:
    """Where this module's firmware differs from others.

    Args:
        identity: who it is.
        is_language_strict: newer syntax shall be refused.
    """
    profile = identity.profile
    return Quirks(
        **asdict(profile.quirks),
        checksum_schema=catalog.convention(profile.convention).checksum,
        has_download_command=bool(identity.chip.entry.at_commands),
        language=profile.runtime.language,
        is_language_strict=is_language_strict,
    )
