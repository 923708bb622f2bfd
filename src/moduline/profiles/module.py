"""What a module is: its chip, where things lie in its flash, its file systems, how its firmware behaves.

Source: each fact's own, in ``modules/*.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from moduline.errors import BadOption, Text
from moduline.formats.littlefs.volume import KINDS, FsGeometry
from moduline.profiles.chip import ChipProfile, UsbIdentity
from moduline.profiles.schema import Table

FAILURE_VALUES: Final = ("code", "percent")
SET_APN_FORMS: Final = ("dials", "flag")
USER_FS: Final = "user_fs"
BACKUP_FS: Final = "backup_fs"


@dataclass(frozen=True, slots=True)
class FsProfile:
    """How the firmware formats and drives its script file systems.

    Attributes:
        kind: ``lfs1`` or ``lfs2``.
        block_bytes: erase unit of the file system.
        read_bytes: read unit.
        program_bytes: program unit.
        idle_last_blocks: blocks at the end of a partition that the driver leaves alone.
    """

    kind: str
    block_bytes: int
    read_bytes: int
    program_bytes: int
    idle_last_blocks: int

    def geometry(self, area_bytes: int) -> FsGeometry:
        """The geometry of a file system that fills an area.

        Raises:
            BadOption: the area is no whole number of blocks, or too small.
        """
        if area_bytes % self.block_bytes:
            why = Text(f"{area_bytes} bytes are no whole number of blocks", f"{area_bytes} 字节不是块大小的整数倍")
            raise BadOption(name=Text("area", "分区"), reason=why)
        count = area_bytes // self.block_bytes
        usable = count - self.idle_last_blocks
        return FsGeometry(self.kind, self.block_bytes, count, self.read_bytes, self.program_bytes, usable)

    def driven_blocks(self, area_bytes: int) -> int:
        """Blocks the module's own driver uses of an area."""
        return area_bytes // self.block_bytes - self.idle_last_blocks


@dataclass(frozen=True, slots=True)
class Partition:
    """One range of the flash.

    Attributes:
        role: as in packages: boot, system, app, modem, user_fs, backup_fs, system_fs, factory ...; ``update_store`` is
            where a firmware update waits, ``modem_fs`` a file system the modem's code is unpacked into.
        part: id in the container; empty when packages do not carry it.
        address: bus address.
        size_bytes: length.
        mount: where scripts see it; empty for none.
        device: name scripts know it by, such as ``customer_fs``; empty for none.
        is_write_protected: scripts cannot write there.
        is_inferred: the place is this project's choice, good for virtual modules; it is never burnt to.
    """

    role: str
    part: str
    address: int
    size_bytes: int
    mount: str = ""
    device: str = ""
    is_write_protected: bool = False
    is_inferred: bool = False


@dataclass(frozen=True, slots=True)
class IdentityProfile:
    """What a sample module says about itself.

    Attributes:
        model: ``modem.getDevModel()``.
        variant: model with region, as in ``uos.uname()``.
        product_id: ``modem.getDevProductId()``.
        serial_stem: beginning of a serial number; a virtual module appends digits.
        imei_stem: first eight digits of an IMEI (type allocation code).
        build_date: in the REPL banner.
        qpy_version: last item of ``uos.uname()``.
        release: third item of ``uos.uname()``.
        core_version: what the banner calls the interpreter; differs from ``release`` on every known module.
    """

    model: str
    variant: str
    product_id: str
    serial_stem: str
    imei_stem: str
    build_date: str
    qpy_version: str
    release: str
    core_version: str


@dataclass(frozen=True, slots=True)
class RuntimeProfile:
    """How the firmware's interpreter behaves.

    Attributes:
        bytecode: version of ``.mpy`` files it loads, such as ``5``.
        compiler_flags: what the compiler must be told for this firmware.
        language: MicroPython release that fixes the syntax.
        gc_heap_bytes: script heap.
        system_heap_bytes: what ``_thread.get_heap_size()`` says.
        repl_uart: number of the UART that is the REPL.
        repl_baud: its nominal speed.
    """

    bytecode: str
    compiler_flags: tuple[str, ...]
    language: str
    gc_heap_bytes: int
    system_heap_bytes: int
    repl_uart: int
    repl_baud: int


@dataclass(frozen=True, slots=True)
class QuirkProfile:
    """Where the firmwares of modules differ; ``[quirks]``, ``[fota]`` and ``[api]`` of the table.

    Attributes:
        ctrl_c_stops_main: Ctrl-C ends a running main.py.
        is_raw_paste_on: the raw REPL knows raw-paste.
        has_power_down_reason: ``Power.powerDownReason`` exists.
        is_uart_8_bits_only: other data bits are refused.
        is_fota_blocking: ``fota.httpDownload`` returns when the work is done; otherwise it only accepts.
        fota_failure_value: second item of the callback's list on failure: ``code`` or ``percent``.
        has_fota_reset_disable: ``fota(reset_disable=1)`` is honoured.
        has_fota_steps: ``write``, ``flush`` and ``verify`` are supported.
        has_fota_full: packages with a whole script area are taken.
        has_fota_mini: the two-stage upgrade is supported.
        has_fota_apn: ``fota.apn_set`` and ``fota.download_cancel`` exist.
        set_apn_form: ``dials`` or ``flag``.
        info_cb_arity: arguments of the OTA ``infoCB``, 5 or 6.
        is_missing_exec_silent: ``example.exec`` of a missing file says nothing.
        has_repl_password: the prompt can be locked by a password.
        has_app_fota_options: ``app_fota`` takes the keywords of newer firmware.
        is_mcc_hex: cell information gives the country code in hex.
        is_nitz_in_quarters: network time has its zone in quarters of an hour.
        pdp_profiles: highest number of a data call's profile.
        account_bytes: longest user name and password of a data call.
        is_power_key_heard_on_release: the power key is told of when it is let go after half a second.
        can_alarm_switch_on: the RTC's alarm switches the module on.
    """

    ctrl_c_stops_main: bool
    is_raw_paste_on: bool
    has_power_down_reason: bool
    is_uart_8_bits_only: bool
    is_fota_blocking: bool
    fota_failure_value: str
    has_fota_reset_disable: bool
    has_fota_steps: bool
    has_fota_full: bool
    has_fota_mini: bool
    set_apn_form: str
    info_cb_arity: int
    is_missing_exec_silent: bool
    has_repl_password: bool
    has_app_fota_options: bool
    is_mcc_hex: bool
    is_nitz_in_quarters: bool
    pdp_profiles: int
    account_bytes: int
    has_fota_apn: bool
    is_power_key_heard_on_release: bool
    can_alarm_switch_on: bool


@dataclass(frozen=True, slots=True)
class UsbOverride:
    """USB ids of a module that differ from those of its chip."""

    running: UsbIdentity
    download: UsbIdentity


@dataclass(frozen=True, slots=True)
class ModuleProfile:
    """A module.

    Attributes:
        slug: such as ``ec600u``.
        chip: slug of its chip.
        convention: slug of the convention its firmware follows.
        aliases: other names users know it by, such as ``ec600s-2020`` or ``EC600S-CN``.
        package_models: beginnings of the model names in packages that are for it, such as ``EC600U``.
        fs: its script file systems.
        partitions: its flash, by address.
        identity: what a sample says about itself.
        runtime: how its interpreter behaves.
        quirks: where its firmware differs from others'.
        flash_bytes: size of its flash; 0 for that of the chip.
        usb: its own USB ids; None for those of the chip.
    """

    slug: str
    chip: str
    convention: str
    aliases: tuple[str, ...]
    package_models: tuple[str, ...]
    fs: FsProfile
    partitions: tuple[Partition, ...]
    identity: IdentityProfile
    runtime: RuntimeProfile
    quirks: QuirkProfile
    flash_bytes: int = 0
    usb: UsbOverride | None = None

    def partition(self, role: str) -> Partition | None:
        """The partition of a role."""
        return next((one for one in self.partitions if one.role == role), None)

    def fit_of(self, model: str) -> int:
        """How closely a model name of a package is this module's: letters in common, 0 for not at all."""
        wanted = plain_model(model)
        beginnings = (plain_model(one) for one in self.package_models)
        return max((len(one) for one in beginnings if wanted.startswith(one)), default=0)

    def on_chip(self, chip: ChipProfile) -> ChipProfile:
        """The chip as this module has it: with its own flash size and USB ids."""
        size = self.flash_bytes or chip.flash.size_bytes
        usb = self.usb or UsbOverride(chip.running, chip.download)
        flash = replace(chip.flash, size_bytes=size)
        return replace(chip, flash=flash, running=usb.running, download=usb.download)


def plain_model(model: str) -> str:
    """A model name without what people and tools write differently: ``EC600S-CN_LB`` is ``EC600SCNLB``."""
    return model.upper().replace("-", "").replace("_", "")


def read_module(top: Table) -> ModuleProfile:
    """The profile in a module's TOML file.

    Raises:
        BadRecipe: a key is missing, wrong or unknown, or a fact has no source.
    """
    top.sourced()
    fs, identity, runtime = (top.table(n).sourced() for n in ("fs", "identity", "runtime"))
    profile = ModuleProfile(
        slug=top.text("slug"),
        chip=top.text("chip"),
        convention=top.text("convention"),
        aliases=top.texts("aliases"),
        package_models=tuple(model.upper() for model in top.texts("package_models")),
        fs=FsProfile(
            fs.choice("kind", KINDS),
            fs.number("block_bytes"),
            fs.number("read_bytes"),
            fs.number("program_bytes"),
            fs.number("idle_last_blocks"),
        ),
        partitions=tuple(sorted((_partition(one) for one in top.tables("partitions")), key=lambda p: p.address)),
        identity=_identity(identity),
        runtime=RuntimeProfile(
            bytecode=runtime.text("bytecode"),
            compiler_flags=runtime.texts("compiler_flags"),
            language=runtime.text("language"),
            gc_heap_bytes=runtime.number("gc_heap_bytes"),
            system_heap_bytes=runtime.number("system_heap_bytes"),
            repl_uart=runtime.number("repl_uart"),
            repl_baud=runtime.number("repl_baud"),
        ),
        quirks=_quirks(top),
        flash_bytes=_flash_bytes(top),
        usb=_usb(top),
    )
    for table in (fs, identity, runtime, top):
        table.end()
    for before, after in zip(profile.partitions, profile.partitions[1:], strict=False):
        if before.address + before.size_bytes > after.address:
            top.refuse("partitions", f"{before.role} overlaps {after.role}", f"{before.role} 与 {after.role} 重叠")
    return profile


def _partition(one: Table) -> Partition:
    one.sourced()
    partition = Partition(
        role=one.text("role"),
        part=one.text("part", ""),
        address=one.number("address"),
        size_bytes=one.number("size_bytes"),
        mount=one.text("mount", ""),
        device=one.text("device", ""),
        is_write_protected=one.flag("is_write_protected", default=False),
        is_inferred=one.is_inferred,
    )
    one.end()
    return partition


def _identity(table: Table) -> IdentityProfile:
    return IdentityProfile(**{name: table.text(name) for name in IdentityProfile.__dataclass_fields__})


def _quirks(top: Table) -> QuirkProfile:
    quirks, fota, api = (top.table(name).sourced() for name in ("quirks", "fota", "api"))
    profile = QuirkProfile(
        ctrl_c_stops_main=quirks.flag("ctrl_c_stops_main"),
        is_raw_paste_on=quirks.flag("is_raw_paste_on"),
        has_power_down_reason=quirks.flag("has_power_down_reason"),
        is_uart_8_bits_only=quirks.flag("is_uart_8_bits_only"),
        is_fota_blocking=fota.flag("is_blocking"),
        fota_failure_value=fota.choice("failure_value", FAILURE_VALUES),
        has_fota_reset_disable=fota.flag("has_reset_disable"),
        has_fota_steps=fota.flag("has_steps"),
        has_fota_full=fota.flag("has_full"),
        has_fota_mini=fota.flag("has_mini"),
        set_apn_form=api.choice("set_apn_form", SET_APN_FORMS),
        info_cb_arity=api.number("info_cb_arity"),
        is_missing_exec_silent=api.flag("is_missing_exec_silent"),
        has_repl_password=api.flag("has_repl_password"),
        has_app_fota_options=api.flag("has_app_fota_options"),
        is_mcc_hex=api.flag("is_mcc_hex"),
        is_nitz_in_quarters=api.flag("is_nitz_in_quarters"),
        pdp_profiles=api.number("pdp_profiles"),
        account_bytes=api.number("account_bytes"),
        has_fota_apn=fota.flag("has_apn", default=False),
        is_power_key_heard_on_release=quirks.flag("is_power_key_heard_on_release", default=False),
        can_alarm_switch_on=quirks.flag("can_alarm_switch_on", default=False),
    )
    for table in (quirks, fota, api):
        table.end()
    return profile


def _flash_bytes(top: Table) -> int:
    if not top.has("flash"):
        return 0
    table = top.table("flash").sourced()
    size = table.number("size_bytes")
    table.end()
    return size


def _usb(top: Table) -> UsbOverride | None:
    if not top.has("usb"):
        return None
    table = top.table("usb").sourced()
    ids = UsbOverride(
        UsbIdentity(table.number("running_vid"), table.number("running_pid")),
        UsbIdentity(table.number("download_vid"), table.number("download_pid")),
    )
    table.end()
    return ids
