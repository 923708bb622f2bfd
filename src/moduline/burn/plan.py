"""What a burn will do, as a value, before anything is done.

``--dry-run`` prints exactly this; the session executes this and nothing else. Order is the package's order.

Source: platform-unisoc 2.8, 2.10, 6.1, 6.3, 6.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from moduline.errors import BadFormat, BadOption, Text, Unsupported
from moduline.formats.container.unisoc_scheme import NvItem
from moduline.package import FirmwarePackage, Part

Verb = Literal["load", "write", "erase", "format", "keep_nv", "skip"]
Verify = Literal["device", "areas", "all"]
VERIFIES: Final[tuple[Verify, ...]] = ("device", "areas", "all")

AREA_ROLES: Final = frozenset({"user_fs", "backup_fs", "customer_fs_c", "boot"})
"""Read back after writing unless the user chooses otherwise: what differs per customer, and what a boot needs first."""
READABLE_FROM: Final = 0x60000000
READABLE_TO: Final = 0x80000000
NV_ADDRESS: Final = 0xFE000003

_LOSSES: Final = {
    "erase_user_fs": ("user_fs", Text("the files in /usr", "/usr 中的文件")),
    "erase_backup_fs": ("backup_fs", Text("the files in /bak", "/bak 中的文件")),
    "erase_customer_fs_c": ("customer_fs_c", Text("the third customer area", "第三客户分区")),
    "running_nv": ("", Text("settings changed at run time (running NV)", "运行中修改的设置（运行 NV）")),
    "format_system_fs": ("", Text("the module's own system files", "模组的系统文件")),
    "format_external_fs": ("", Text("the external file system", "外部文件系统")),
}


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that is done to the module.

    Args:
        verb: ``load`` (into RAM), ``write``, ``erase``, ``format``, ``keep_nv`` (write with the module's own IMEI and
            calibration put in) or ``skip``.
        part: name of the part in the package.
        role: role of the part.
        address: load, flash or logical address.
        size_bytes: bytes sent, or the length erased; the block-device name of a format.
        is_read_back: whether it is read back and compared after everything was written.
        data: content, padded to even length.
    """

    verb: Verb
    part: str
    role: str
    address: int
    size_bytes: int
    is_read_back: bool = False
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class BurnPlan:
    """Everything that will happen, in order.

    Args:
        chip: ``unisoc8910``.
        model: what the package is for; None when it does not say.
        version: version the module will report; None when the package does not say.
        actions: in the order of execution, loaders first.
        verify: ``device`` (only the loader's own check), ``areas`` or ``all``.
        nv_items: the XML's list of NV items that are carried over.
        packet_bytes: content bytes per packet.
        losses: what the module had and will not have any more.
    """

    chip: str
    model: str | None
    version: str | None
    actions: tuple[Action, ...]
    verify: Verify
    nv_items: tuple[NvItem, ...]
    packet_bytes: int
    losses: tuple[Text, ...]

    @property
    def write_bytes(self) -> int:
        """Content that is sent, loaders included; bytes."""
        return sum(len(action.data) for action in self.actions)

    @property
    def read_back_bytes(self) -> int:
        """Content that is read back; bytes."""
        return sum(len(action.data) for action in self.actions if action.is_read_back)

    def as_facts(self, lang: str) -> dict[str, Any]:
        """The plan as one JSON object."""
        return {
            "chip": self.chip,
            "model": self.model,
            "version": self.version,
            "verify": self.verify,
            "write_bytes": self.write_bytes,
            "read_back_bytes": self.read_back_bytes,
            "packet_bytes": self.packet_bytes,
            "losses": [text.say(lang) for text in self.losses],
            "actions": [
                {
                    "verb": action.verb,
                    "part": action.part,
                    "address": f"0x{action.address:08x}",
                    "size": action.size_bytes,
                    "read_back": action.is_read_back,
                }
                for action in self.actions
            ],
        }


# Why 0x1000: device takes up to 0x3000, the vendor's host sends 0x800, other hosts were seen on real modules with up to
# 0x1000. One flash sector per packet halves the round trips and was tried on metal by somebody. Source: 5.8.
DEFAULT_PACKET_BYTES: Final = 0x1000
MAX_PACKET_BYTES: Final = 0x3000


def make_plan(
    package: FirmwarePackage,
    verify: Verify = "areas",
    packet_bytes: int = DEFAULT_PACKET_BYTES,
    extra: Sequence[str] = (),
) -> BurnPlan:
    """What burning ``package`` will do.

    Args:
        package: as read; only parts that are done by default are taken.
        verify: what is read back afterwards.
        packet_bytes: content bytes per packet of the flash stage; even, at most 0x3000.
        extra: names of parts that are off by default and wanted nevertheless.

    Raises:
        Unsupported: a chip without a driver.
        BadFormat: the package has no loaders, or a content larger than its place.
        BadOption: a packet size that a module does not take, an unknown ``verify``, or a part that is not there.
    """
    if package.chip != "unisoc8910":
        reason = Text("no burn driver for chip {chip}", "没有适用于平台 {chip} 的烧录驱动")
        remedy = Text("use the vendor's tool for this chip", "该平台请使用厂商工具")
        raise Unsupported(format="package", reason=reason, remedy=remedy, chip=package.chip)
    if verify not in VERIFIES:
        raise BadOption(
            name="verify",
            reason=Text(f"'{verify}' is not device, areas or all", f"“{verify}” 不是 device、areas 或 all"),
        )
    if not 2 <= packet_bytes <= MAX_PACKET_BYTES or packet_bytes % 2:
        reason = Text("must be even and at most {most}", "必须为偶数且不大于 {most}")
        raise BadOption(name="packet_bytes", reason=reason, most=MAX_PACKET_BYTES)
    for name in extra:
        if package.part(name) is None:
            raise BadOption(name="with", reason=Text("no part '{part}'", "没有“{part}”"), part=name)
    loaders = {package.need("first_loader").name, package.need("second_loader").name}
    parts = sorted((part for part in package.parts if part.kind != "xml"), key=lambda part: part.name not in loaders)
    actions = tuple(_action(part, verify, is_wanted=part.is_default or part.name in extra) for part in parts)
    return BurnPlan(
        chip=package.chip,
        model=package.model,
        version=package.version,
        actions=actions,
        verify=verify,
        nv_items=package.nv_items,
        packet_bytes=packet_bytes,
        losses=_losses(actions),
    )


def _action(part: Part, verify: Verify, *, is_wanted: bool) -> Action:
    data = part.data + b"\xff" * (len(part.data) % 2)
    if not is_wanted or part.kind in {"phasecheck", "unknown"} or (part.kind not in {"erase", "format"} and not data):
        return Action("skip", part.name, part.role, part.address, 0)
    if part.kind in {"erase", "format"}:
        verb: Verb = "erase" if part.kind == "erase" else "format"
        return Action(verb, part.name, part.role, part.address, part.size)
    if part.size and len(part.data) > part.size:
        reason = Text("{part} is larger than its place", "{part} 超出其分区")
        raise BadFormat(format="package", reason=reason, offset=part.size, part=part.name)
    if part.kind == "loader":
        return Action("load", part.name, part.role, part.address, len(data), data=data)
    if part.kind == "nv":
        return Action("keep_nv", part.name, part.role, part.address, len(data), data=data)
    can_read = READABLE_FROM <= part.address < READABLE_TO
    is_read_back = can_read and (verify == "all" or (verify == "areas" and part.role in AREA_ROLES))
    return Action("write", part.name, part.role, part.address, len(data), is_read_back, data)


def _losses(actions: Sequence[Action]) -> tuple[Text, ...]:
    """What is erased and not written again."""
    written = {action.role for action in actions if action.verb == "write"}
    lost = []
    for action in actions:
        if action.verb in {"erase", "format"} and action.role in _LOSSES:
            replaced_by, text = _LOSSES[action.role]
            if replaced_by not in written:
                lost.append(text)
            elif replaced_by in AREA_ROLES:
                lost.append(Text(f"{text.en} (replaced)", f"{text.zh}（将被替换）"))
    return tuple(lost)
