"""What a burn does to an 8910: the package's own order, loaders first.

Source: platform-unisoc 2.8, 2.10, 5.8, 6.1, 6.3, 6.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moduline.burn.action import AREA_ROLES, Action, BurnPlan, PlanOptions, Verb, Verify
from moduline.errors import BadFormat, BadOption, Text
from moduline.package import FirmwarePackage, Part
from moduline.package.parts import SCRIPT_ROLES

READABLE_FROM: Final = 0x60000000
READABLE_TO: Final = 0x80000000
MAX_PACKET_BYTES: Final = 0x3000

_LOSSES: Final = {
    "erase_user_fs": ("user_fs", Text("the files in /usr", "/usr 中的文件")),
    "erase_backup_fs": ("backup_fs", Text("the files in /bak", "/bak 中的文件")),
    "erase_customer_fs_c": ("customer_fs_c", Text("the third customer area", "第三客户分区")),
    "running_nv": ("", Text("settings changed at run time (running NV)", "运行中修改的设置（运行 NV）")),
    "format_system_fs": ("", Text("the module's own system files", "模组的系统文件")),
    "format_external_fs": ("", Text("the external file system", "外部文件系统")),
}


def plan_8910(package: FirmwarePackage, options: PlanOptions) -> BurnPlan:
    """What burning ``package`` will do.

    Args:
        package: as read; only parts that are done by default are taken.
        options: packet sizes are even and at most 0x3000.

    Raises:
        BadFormat: the package has no loaders, or a content larger than its place.
        BadOption: a packet size that a module does not take.
    """
    if not 2 <= options.packet_bytes <= MAX_PACKET_BYTES or options.packet_bytes % 2:
        reason = Text("must be even and at most {most}", "必须为偶数且不大于 {most}")
        raise BadOption(name="packet_bytes", reason=reason, most=MAX_PACKET_BYTES)
    loaders = {package.need("first_loader").name, package.need("second_loader").name}
    parts = sorted((part for part in package.parts if part.kind != "xml"), key=lambda part: part.name not in loaders)
    actions = tuple(_action(part, options.verify, is_wanted=_is_wanted(part, options)) for part in parts)
    return BurnPlan(
        chip=package.chip,
        model=package.model,
        version=package.version,
        actions=actions,
        verify=options.verify,
        nv_items=package.nv_items,
        packet_bytes=options.packet_bytes,
        losses=_losses(actions),
    )


def _is_wanted(part: Part, options: PlanOptions) -> bool:
    if part.name in options.extra:
        return True
    is_script = part.kind == "loader" or part.role.removeprefix("erase_") in SCRIPT_ROLES
    return part.is_default and (is_script or options.only != "scripts")


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
