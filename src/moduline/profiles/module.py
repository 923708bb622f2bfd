"""What a module is: its chip, where things lie in its flash, its file systems, how its firmware behaves.

Source: each fact's own, in ``modules/*.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from moduline.errors import BadOption, Text
from moduline.formats.littlefs.volume import KINDS, FsGeometry
from moduline.profiles.schema import Table

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
        role: as in packages: boot, system, app, modem, user_fs, backup_fs, system_fs, factory ...
        part: id in the container; empty when packages do not carry it.
        address: bus address.
        size_bytes: length.
        mount: where scripts see it; empty for none.
        device: name scripts know it by, such as ``customer_fs``; empty for none.
        is_write_protected: scripts cannot write there.
    """

    role: str
    part: str
    address: int
    size_bytes: int
    mount: str = ""
    device: str = ""
    is_write_protected: bool = False


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
    """

    model: str
    variant: str
    product_id: str
    serial_stem: str
    imei_stem: str
    build_date: str
    qpy_version: str


@dataclass(frozen=True, slots=True)
class RuntimeProfile:
    """How the firmware's interpreter behaves.

    Attributes:
        bytecode: version of ``.mpy`` files it loads, such as ``5``.
        compiler_flags: what the compiler must be told for this firmware.
        language: MicroPython release that fixes the syntax.
        gc_heap_bytes: script heap.
        system_heap_bytes: what ``_thread.get_heap_size()`` says.
        ctrl_c_stops_main: Ctrl-C ends a running main.py.
        is_raw_paste_on: the raw REPL knows raw-paste.
        has_power_down_reason: ``Power.powerDownReason`` exists.
        is_uart_8_bits_only: other data bits are refused.
    """

    bytecode: str
    compiler_flags: tuple[str, ...]
    language: str
    gc_heap_bytes: int
    system_heap_bytes: int
    ctrl_c_stops_main: bool
    is_raw_paste_on: bool
    has_power_down_reason: bool
    is_uart_8_bits_only: bool


@dataclass(frozen=True, slots=True)
class ModuleProfile:
    """A module.

    Attributes:
        slug: such as ``ec600u``.
        chip: slug of its chip.
        convention: slug of the convention its firmware follows.
        package_models: beginnings of the model names in packages that are for it, such as ``EC600U``.
        fs: its script file systems.
        partitions: its flash, by address.
        identity: what a sample says about itself.
        runtime: how its interpreter behaves.
    """

    slug: str
    chip: str
    convention: str
    package_models: tuple[str, ...]
    fs: FsProfile
    partitions: tuple[Partition, ...]
    identity: IdentityProfile
    runtime: RuntimeProfile

    def partition(self, role: str) -> Partition | None:
        """The partition of a role."""
        return next((one for one in self.partitions if one.role == role), None)

    def fits_model(self, model: str) -> bool:
        """Whether a package of that model is for this module."""
        return model.upper().startswith(self.package_models)


def read_module(top: Table) -> ModuleProfile:
    """The profile in a module's TOML file.

    Raises:
        BadRecipe: a key is missing, wrong or unknown, or a fact has no source.
    """
    top.sourced()
    fs, identity, runtime, quirks = (top.table(n).sourced() for n in ("fs", "identity", "runtime", "quirks"))
    profile = ModuleProfile(
        slug=top.text("slug"),
        chip=top.text("chip"),
        convention=top.text("convention"),
        package_models=top.texts("package_models"),
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
            ctrl_c_stops_main=quirks.flag("ctrl_c_stops_main"),
            is_raw_paste_on=quirks.flag("is_raw_paste_on"),
            has_power_down_reason=quirks.flag("has_power_down_reason"),
            is_uart_8_bits_only=quirks.flag("is_uart_8_bits_only"),
        ),
    )
    for table in (fs, identity, runtime, quirks, top):
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
    )
    one.end()
    return partition


def _identity(table: Table) -> IdentityProfile:
    return IdentityProfile(**{name: table.text(name) for name in IdentityProfile.__dataclass_fields__})
