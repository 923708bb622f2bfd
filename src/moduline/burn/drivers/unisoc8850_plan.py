"""What a burn does to an 8850: the package's own order, its loader first; what the module would refuse is refused here.

ERASE_SPL comes first and SPL last, so an interrupted burn leaves a module whose ROM stays in download mode.

The loader compares the module's model with its own list when it is told to erase, not when content begins, which
erases too. A package that begins with content (a partial one, such as an application alone) therefore gets an erase of
the very sectors that its first image is about to fill: another model refuses it unharmed.

Everything the loader would stop at half-way (a damaged image, a member of a cpio archive that is too large, an address
it does not know) is an error of the plan, before the first erase.

Source: platform-unisoc 2.7, 2.8, 2.9, 2.10, 3.2, 3.4, 5.7, 5.8, 6.2, 6.3, 6.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from moduline.burn.action import AREA_ROLES, Action, BurnPlan, PlanOptions, Verb, Verify
from moduline.burn.drivers.unisoc_nv import NV_ADDRESS
from moduline.errors import BadFormat, BadOption, Text
from moduline.formats import cpio, sihr
from moduline.package import FirmwarePackage, Part
from moduline.package.parts import SCRIPT_ROLES
from moduline.wire.download.unisoc import FDL_ADDRESS, MAX_FDL_BYTES, MIN_FDL_BYTES

CHIP: Final = "unisoc8850"
MAX_PACKET_BYTES: Final = 0x3000
FLASH_FROM: Final = 0x60000000
FLASH_TO: Final = 0x80000000
"""Internal flash from 0x60000000, external from 0x70000000."""
ERASABLE: Final = frozenset({0xFE000001, 0xFE000002, 0xFE000005, 0xFE000006})
"""Logical addresses that ERASE_FLASH knows."""
CPIO_ADDRESS: Final = 0xFE000004
CPIO_MEMBER_BYTES: Final = 0x190000
NV_BYTES: Final = 0x28000
ERASE_BYTES: Final = 0x1000
ALL: Final = (0, 0xFFFFFFFF)
FIRST_BAUD: Final = 115200
"""Rate of ROM and loader until it is changed; a loader is not told this one."""
BAUDS: Final = (FIRST_BAUD, 230400, 460800, 921600)
READ_BACK_ROLES: Final = AREA_ROLES | {"first_boot"}
_NV_FORMATS: Final = frozenset({"format_system_fs", "format_modem_fs"})
"""Formats of file systems of the module; nobody says on which of them its NV lies."""

_LOSSES: Final = {
    "erase_user_fs": ("user_fs", Text("the files in /usr", "/usr 中的文件")),
    "erase_backup_fs": ("backup_fs", Text("the files in /bak", "/bak 中的文件")),
    "erase_customer_fs_c": ("customer_fs_c", Text("the third customer area", "第三客户分区")),
    "running_nv": ("", Text("settings changed at run time (running NV)", "运行中修改的设置（运行 NV）")),
    "format_system_fs": ("", Text("the module's own system files", "模组的系统文件")),
    "format_modem_fs": ("modem", Text("the modem's file system (/modem)", "modem 文件系统（/modem）")),
    "format_external_fs": ("", Text("the external file system", "外部文件系统")),
}


@dataclass(frozen=True, slots=True)
class Plan8850(BurnPlan):
    """A plan for an 8850.

    Args:
        baud: line rate the loader is told; 0: the rate stays. USB ignores it.
    """

    baud: int = 0


def plan_8850(package: FirmwarePackage, options: PlanOptions) -> Plan8850:
    """What burning ``package`` will do.

    Args:
        package: as read; only parts that are done by default are taken.
        options: packet sizes are even and at most 0x3000.

    Raises:
        BadFormat: no loader, one that the ROM would refuse, or content that the loader would.
        BadChecksum: an image with a SIHR header is damaged.
        BadOption: a packet size that a module does not take.
    """
    if not 2 <= options.packet_bytes <= MAX_PACKET_BYTES or options.packet_bytes % 2:
        reason = Text("must be even and at most {most}", "必须为偶数且不大于 {most}")
        raise BadOption(name="packet_bytes", reason=reason, most=MAX_PACKET_BYTES)
    if options.baud and options.baud not in BAUDS:
        reason = Text("{given} is none of {known}", "{given} 不在 {known} 之中")
        raise BadOption(name="baud", reason=reason, given=options.baud, known=", ".join(map(str, BAUDS)))
    loader = package.need("first_loader")
    _check_loader(loader)
    parts = sorted((part for part in package.parts if part.kind != "xml"), key=lambda part: part.name != loader.name)
    actions = [_action(part, options.verify, is_wanted=_is_wanted(part, options)) for part in parts]
    if _may_lose_nv(actions) and not any(action.verb == "keep_nv" for action in actions):
        actions.insert(1, Action("keep", "NV", "nv", NV_ADDRESS, NV_BYTES))
    _ask_for_the_model_first(actions)
    return Plan8850(
        chip=package.chip,
        model=package.model,
        version=package.version,
        actions=tuple(actions),
        verify=options.verify,
        nv_items=package.nv_items,
        packet_bytes=options.packet_bytes,
        losses=_losses(actions),
        baud=0 if options.baud == FIRST_BAUD else options.baud,
    )


def _is_wanted(part: Part, options: PlanOptions) -> bool:
    if part.name in options.extra:
        return True
    is_script = part.kind == "loader" or part.role.removeprefix("erase_") in SCRIPT_ROLES
    return part.is_default and (is_script or options.only != "scripts")


def _check_loader(part: Part) -> None:
    """Nothing when the ROM would take and start the loader.

    Raises:
        BadFormat: another address, size or header than the ROM takes (rules ``loader-…``).
        BadChecksum: a CRC of its header is wrong.
    """
    if part.address != FDL_ADDRESS:
        raise _refused("loader-address", "the ROM loads to {want} only", "ROM 只接受加载地址 {want}", part, FDL_ADDRESS)
    if not MIN_FDL_BYTES <= len(part.data) <= MAX_FDL_BYTES:
        raise _refused(
            "loader-size", "the ROM takes at most {want} bytes", "ROM 最多接受 {want} 字节", part, MAX_FDL_BYTES
        )
    if not sihr.is_sihr(part.data):
        raise _refused("loader-header", "the loader has no SIHR header", "引导程序缺少 SIHR 头部", part, 0)
    image = sihr.read(part.data)
    if not FDL_ADDRESS <= image.load_address < FDL_ADDRESS + MAX_FDL_BYTES:
        raise _refused(
            "loader-window", "its header says another load address", "头部中的加载地址不符", part, FDL_ADDRESS
        )


def _refused(rule: str, en: str, zh: str, part: Part, want: int, **facts: Any) -> BadFormat:
    reason = Text(f"{{part}}: {en}", f"{{part}}：{zh}")
    found = {"part": part.name, "want": f"0x{want:x}", "address": f"0x{part.address:08x}", **facts}
    return BadFormat(format="package", reason=reason, offset=0, rule=rule, **found)


def _is_flash(address: int) -> bool:
    return FLASH_FROM <= address < FLASH_TO


def _action(part: Part, verify: Verify, *, is_wanted: bool) -> Action:
    data = part.data + b"\xff" * (len(part.data) % 2)
    if not is_wanted or part.kind in {"phasecheck", "unknown"} or (part.kind not in {"erase", "format"} and not data):
        return Action("skip", part.name, part.role, part.address, 0)
    if part.kind in {"erase", "format"}:
        if not _is_flash(part.address) and part.address not in ERASABLE and (part.address, part.size) != ALL:
            raise _refused("erase-address", "nothing to erase at {address}", "{address} 处没有可擦除的内容", part, 0)
        verb: Verb = "erase" if part.kind == "erase" else "format"
        return Action(verb, part.name, part.role, part.address, part.size)
    if part.size and len(part.data) > part.size:
        raise _refused("part-size", "it is larger than its place", "内容超出其分区", part, part.size)
    if part.kind == "loader":
        return Action("load", part.name, part.role, part.address, len(data), data=data)
    if part.kind == "nv":
        return Action("keep_nv", part.name, part.role, part.address, len(data), data=data)
    _check_content(part)
    can_read = _is_flash(part.address)
    is_read_back = can_read and (verify == "all" or (verify == "areas" and part.role in READ_BACK_ROLES))
    return Action("write", part.name, part.role, part.address, len(data), is_read_back, data)


def _check_content(part: Part) -> None:
    """Nothing when the loader will take the content and the ROM or the boot code may start it.

    Raises:
        BadFormat: an address the loader cannot write, or an archive it cannot unpack.
        BadChecksum: a CRC of its SIHR header is wrong.
    """
    if part.address == CPIO_ADDRESS:
        for member in cpio.read(part.data).members:
            if len(member.data) > CPIO_MEMBER_BYTES:
                what = ("a file in it is larger than {want} bytes", "其中有文件超过 {want} 字节")
                raise _refused(
                    "cpio-member", *what, part, CPIO_MEMBER_BYTES, member=member.name.decode("ascii", "replace")
                )
    elif not _is_flash(part.address):
        raise _refused("address", "the loader writes nothing at {address}", "引导程序不能写入 {address}", part, 0)
    if sihr.is_sihr(part.data):
        sihr.read(part.data)


def _ask_for_the_model_first(actions: list[Action]) -> None:
    """Let the first change be one that another model refuses; does nothing where it is, or cannot be."""
    changes = [action for action in actions if action.verb not in {"load", "keep", "skip"}]
    images = [action for action in changes if action.verb == "write" and _is_flash(action.address)]
    if not images or changes[0].verb in {"erase", "format"}:
        return
    image = images[0]
    start = image.address - image.address % ERASE_BYTES
    size = image.address + image.size_bytes - start
    erase = Action("erase", f"ERASE_{image.part}", "", start, size + -size % ERASE_BYTES)
    actions.insert(actions.index(changes[0]), erase)


def _may_lose_nv(actions: Sequence[Action]) -> bool:
    """Whether something is done after which the module's NV may be gone."""
    return any(
        action.verb in {"erase", "format"}
        and (action.role in _NV_FORMATS or (action.address, action.size_bytes) == ALL)
        for action in actions
    )


def reaches(actions: Sequence[Action]) -> tuple[int, ...]:
    """One past the last address of each flash chip (internal, external) that is written or erased.

    The module is asked for it before anything is changed.
    """
    ends = [
        action.address + action.size_bytes
        for action in actions
        if action.verb in {"write", "erase"} and action.size_bytes and _is_flash(action.address)
    ]
    split = 0x70000000
    chips = ([end for end in ends if end <= split], [end for end in ends if end > split])
    return tuple(max(chip) for chip in chips if chip)


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
