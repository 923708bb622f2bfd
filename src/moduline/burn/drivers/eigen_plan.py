"""What burning an EigenComm package will do, as a value: which image goes where, what is erased, what is kept.

Three addresses name one place of the AP flash: an offset (``0x300000``, as Quectel's inis write it), the same seen by
the processor (``0xB00000``, XIP), and what the head carries. Places are compared and erased by XIP address; the head of
a FLEX image carries what the package value says, which is such an address too: hosts were seen with either.

Rules. Order: bootloader, AP, CP, then the other files, each into an area erased before. ``cal``, ``rr`` and ``drr``
hold the calibration of the radio: nothing that touches them is ever planned, which leaves out MergeRfTable: its places
on the EC618 are those of ``drr`` and ``rr``. An area that is erased and gets no new
content is read out and stored first.

Source: platform-eigencomm 1.1, 1.2, 3.3 to 3.5, 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from moduline.burn.action import Action, BurnPlan, PlanOptions, Verb, Verify
from moduline.errors import BadFormat, BadOption, Text, Unsupported
from moduline.formats.container import eigen, eigen_ini
from moduline.package import FirmwarePackage, Part
from moduline.package.parts import SCRIPT_ROLES
from moduline.wire.download import eigen as wire
from moduline.wire.download.eigen_head import MAX_IMAGE_BYTES, ImageId

AP_XIP: Final = 0x800000
CP_XIP: Final = 0x8800000
CP_END: Final = 0x8900000
EXTERNAL: Final = 0x80000000
SECTOR_BYTES: Final = 0x1000
USB_BAUD: Final = 921600
UART_BAUD: Final = 115200
"""What a UART opens with; so nobody has to change the speed of an open port."""

ROLE_IMAGES: Final = {"boot": ImageId.BOOT, "system": ImageId.AP, "modem": ImageId.CP}
"""Roles with an image id of their own; all others are FLEX."""
RF_TABLE: Final = "MergeRfTable"


@dataclass(frozen=True, slots=True)
class ChipWays:
    """What differs between the chips.

    Attributes:
        rom_versions: what the boot ROM calls itself, as the vendor's inis write it.
        has_cp_flash: whether the modem has a flash of its own.
        ap_end: end of the largest AP flash of the chip, as the processor sees it.
        kept: ranges nobody may touch when the package does not name them, as (first, end) of XIP addresses.
    """

    rom_versions: tuple[str, ...]
    has_cp_flash: bool
    ap_end: int
    kept: tuple[tuple[int, int], ...]


CHIPS: Final[dict[str, ChipWays]] = {
    # Source: platform-eigencomm 3.2 (rom_version), 3.3 (AP flash), 1.4 (RF table of the 718HM: 8 MiB), 4 (what a real
    # "erase all but calibration" leaves alone).
    "eigen618": ChipWays(("0000000102000000",), True, 0xC00000, ((0xBCC000, 0xBE4000), (0x88CD000, 0x8900000))),
    "eigen718": ChipWays(("0000000103030000", "0000000203030000", "0000000303030000"), False, 0x1000000, ()),
}


@dataclass(frozen=True, slots=True)
class EigenPlan(BurnPlan):
    """A burn plan with what only EigenComm's loaders need to know.

    Attributes:
        rom_versions: boot ROMs the package is for.
        baud: line speed the agentboot is told.
        has_cp_flash: whether the modem's image goes to a flash of its own.
    """

    rom_versions: tuple[str, ...] = ()
    baud: int = USB_BAUD
    has_cp_flash: bool = True

    def image(self, action: Action) -> ImageId:
        """The image id of a write."""
        return ROLE_IMAGES.get(action.role, ImageId.FLEX)

    def place(self, action: Action) -> int:
        """The XIP address of an action."""
        return xip(action.address, is_cp=self.has_cp_flash and action.role == "modem")

    def head_address(self, action: Action) -> int:
        """What the head of an image carries as its burn address; 0 = the loader's own choice."""
        image = self.image(action)
        if image is ImageId.BOOT:
            return 0
        if image is ImageId.FLEX:
            return action.address
        place = self.place(action)
        return place - (CP_XIP if place >= CP_XIP else AP_XIP)


def xip(address: int, *, is_cp: bool = False) -> int:
    """The address as the processor sees it, from an offset or from such an address.

    Source: platform-eigencomm 3.3, 3.4 (an offset and the offset + 0x800000 are the same place: inferred).
    """
    if is_cp:
        return address if address >= CP_XIP else CP_XIP + address
    return address if address >= AP_XIP else AP_XIP + address


def plan_eigen(package: FirmwarePackage, options: PlanOptions) -> EigenPlan:
    """What burning ``package`` will do.

    Args:
        package: of container ``eigen``.
        options: packets are as large as the device asks for.

    Raises:
        Unsupported: a chip without a row in ``CHIPS``, an image for an external flash, or over the radio calibration.
        BadFormat: no agentboot in the package, an image larger than its place, or two in one place.
        BadOption: a part is wanted that is only carried along.
    """
    ways = CHIPS.get(package.chip)
    if ways is None:
        reason = Text("no burn driver for chip {chip}", "没有适用于平台 {chip} 的烧录驱动")
        remedy = Text("use the vendor's tool for this chip", "该平台请使用厂商工具")
        raise Unsupported(format="package", reason=reason, remedy=remedy, chip=package.chip)
    loader = _agentboot(package, options.extra)
    kept = kept_ranges(package) or ways.kept
    actions: list[Action] = [Action("load", loader.name, loader.role, 0, len(loader.data), data=loader.data)]
    skipped: list[Action] = []
    for part in sorted(package.parts, key=_order):
        if part is loader:
            continue
        is_wanted = _is_wanted(part, options)
        if is_wanted:
            actions += _actions(package, part, ways, options.verify, kept)
        else:
            skipped.append(Action("skip", part.name, part.role, part.address, 0))
    return EigenPlan(
        chip=package.chip,
        model=package.model,
        version=package.version,
        actions=(*_first_keep(_checked(actions, ways)), *skipped),
        verify=options.verify,
        nv_items=(),
        packet_bytes=wire.MAX_DATA_BYTES,
        losses=_losses(actions),
        flash_bytes=ways.ap_end - AP_XIP,
        rom_versions=rom_versions(package) or ways.rom_versions,
        baud=UART_BAUD if "uart" in loader.file_name.lower() else USB_BAUD,
        has_cp_flash=ways.has_cp_flash,
    )


# ---- what the package says -------------------------------------------------------------------------------------------


def _agentboot(package: FirmwarePackage, extra: Sequence[str]) -> Part:
    """The agentboot the user names, else the one for USB, or the one for the UART where there is no other.

    Raises:
        BadFormat: the package has none; it is EigenComm's, and nobody else may bring it.
    """
    loaders = [part for part in package.parts if part.kind == "loader" and part.data]
    if not loaders:
        why = Text(
            "it has no agentboot, which every burn begins with: take the vendor's zip instead of the bare binpkg",
            "缺少 agentboot，烧录必须由它开始：请使用厂商的 zip 包而不是单独的 binpkg",
        )
        raise BadFormat(format=Text("package", "固件包"), reason=why, offset=0, rule="part-missing", role="agentboot")
    return min(loaders, key=lambda part: (part.name not in extra, "uart" in (part.file_name or part.name).lower()))


def rom_versions(package: FirmwarePackage) -> tuple[str, ...]:
    """The boot ROMs that the inis of the package name; empty when they name none.

    Source: platform-eigencomm 3.2, 4 (rom_version, rom_version_append_list).
    """
    found: list[str] = []
    for part in package.parts:
        if (part.file_name or part.name).lower().endswith(".ini"):
            ini = eigen_ini.read(part.data)
            for value in (*ini.all_of("rom_version"), *ini.all_of("rom_version_append_list")):
                found += re.findall(r"\b[0-9a-f]{16}\b", value.lower())
    return tuple(dict.fromkeys(found))


def kept_ranges(package: FirmwarePackage) -> tuple[tuple[int, int], ...]:
    """The calibration areas that ``format_*.json`` of the package names, as (first, end) of XIP addresses.

    Raises:
        BadFormat: the file is no JSON, or a range without numbers.
    """
    found: list[tuple[int, int]] = []
    for part in package.parts:
        if eigen.FORMAT_NAME.fullmatch((part.file_name or part.name).rpartition("/")[2]):
            for region in eigen.format_regions(part.data):
                if region.name.rpartition(".")[2] in eigen.KEPT_REGIONS and region.size_bytes:
                    first = xip(region.begin, is_cp=region.store.startswith("cp") and region.begin < AP_XIP)
                    found.append((first, first + region.size_bytes))
    return tuple(found)


def _order(part: Part) -> int:
    order = ("boot", "system", "modem", "app", "updater")
    return order.index(part.role) if part.role in order else len(order)


def _is_wanted(part: Part, options: PlanOptions) -> bool:
    """Whether a part is burnt.

    Raises:
        BadOption: the user wants one that nobody burns.
    """
    is_named = part.name in options.extra
    if part.kind == "loader" or (is_named and _is_rf_table(part)):
        return part.kind != "loader"  # the RF table is refused where its place is looked at
    if part.kind not in {"code", "erase"} or (part.kind == "code" and not part.data):
        if is_named:
            why = Text("'{part}' is only carried along, it has no place in the module", "“{part}” 仅随包携带，无需烧录")
            raise BadOption(name="with", reason=why, part=part.name)
        return False
    is_meant = options.only != "scripts" or part.role in SCRIPT_ROLES
    return is_named or (part.is_default and is_meant and not _is_rf_table(part))


def _is_rf_table(part: Part) -> bool:
    return any(name.rpartition("/")[2].startswith(RF_TABLE) for name in (part.name, part.file_name))


# ---- what is done ----------------------------------------------------------------------------------------------------


def _actions(
    package: FirmwarePackage, part: Part, ways: ChipWays, verify: Verify, kept: Sequence[tuple[int, int]]
) -> Iterator[Action]:
    """The erase and the write of one part.

    Raises:
        Unsupported, BadFormat: as :func:`make_eigen_plan`.
    """
    is_cp = ways.has_cp_flash and part.role == "modem"
    first, room = xip(part.address, is_cp=is_cp), max(part.size, len(part.data))
    _check_kept(part, first, first + room, kept)
    if part.address >= EXTERNAL:
        reason = Text(
            "{part} goes to an external flash, and how the loader is told so is not public",
            "{part} 位于外部 Flash，加载器的对应命令未公开",
        )
        remedy = Text("use the vendor's tool for this package", "该固件包请使用厂商工具")
        raise Unsupported(format="package", reason=reason, remedy=remedy, part=part.name)
    if part.size and len(part.data) > part.size:
        why = Text("{part} is larger than its place", "{part} 超出其分区")
        raise BadFormat(format="package", reason=why, offset=part.size, part=part.name)
    if part.role not in ROLE_IMAGES:
        area = package.area(part.role)
        size = part.size or (area.size if area else 0) or -(-len(part.data) // SECTOR_BYTES) * SECTOR_BYTES
        if first % SECTOR_BYTES or size % SECTOR_BYTES:
            why = Text("{part} does not lie on flash sectors", "{part} 未按 Flash 扇区对齐")
            raise BadFormat(format="package", reason=why, offset=first, part=part.name)
        name = part.name if part.kind == "erase" else f"{part.name}.erase"
        yield Action("erase", name, part.role, part.address, size)
    if part.kind != "erase":
        if len(part.data) > MAX_IMAGE_BYTES:
            why = Text("{part} is larger than any image may be", "{part} 超出镜像长度上限")
            raise BadFormat(format="package", reason=why, offset=MAX_IMAGE_BYTES, part=part.name)
        is_back = verify == "all" or (verify == "areas" and part.role in SCRIPT_ROLES)
        yield Action("write", part.name, part.role, part.address, len(part.data), is_back, part.data)


def _check_kept(part: Part, first: int, end: int, kept: Sequence[tuple[int, int]]) -> None:
    """Nothing when the range leaves the calibration alone.

    Raises:
        Unsupported: it does not.
    """
    if _is_rf_table(part) or any(first < its_end and its_first < end for its_first, its_end in kept):
        reason = Text(
            "{part} at 0x{first:x} would overwrite the radio calibration of the module (cal, rr, drr)",
            "位于 0x{first:x} 的 {part} 会覆盖模组的射频校准数据（cal、rr、drr）",
        )
        remedy = Text("leave it out; nothing that was calibrated can be made again", "请勿写入；校准数据无法重建")
        raise Unsupported(format="package", reason=reason, remedy=remedy, part=part.name, first=first)


def _checked(actions: list[Action], ways: ChipWays) -> list[Action]:
    """The actions, after a look at their places.

    Raises:
        BadFormat: outside the flash of the chip, or two images in one place.
    """
    placed: list[tuple[int, int, str]] = []
    for action in actions:
        if action.verb == "load":
            continue
        first = xip(action.address, is_cp=ways.has_cp_flash and action.role == "modem")
        end = first + action.size_bytes
        if not (AP_XIP <= first < end <= ways.ap_end or (ways.has_cp_flash and CP_XIP <= first < end <= CP_END)):
            why = Text(
                "{part} does not fit in the flash of the chip: it ends at 0x{end:x}",
                "{part} 超出平台 Flash 容量：结束于 0x{end:x}",
            )
            raise BadFormat(format="package", reason=why, offset=first, part=action.part, end=end)
        if action.verb == "write":
            placed.append((first, end, action.part))
    for (_, end, one), (first, _, other) in zip(sorted(placed), sorted(placed)[1:], strict=False):
        if first < end:
            why = Text("{part} and {other} overlap", "{part} 与 {other} 重叠")
            raise BadFormat(format="package", reason=why, offset=first, part=one, other=other)
    return actions


def _first_keep(actions: list[Action]) -> list[Action]:
    """The actions with the reading of what would be lost before the first erase."""
    written = {action.address for action in actions if action.verb == "write"}
    verb: Verb = "keep"
    keeps = [
        Action(verb, f"{action.part}.backup", action.role, action.address, action.size_bytes)
        for action in actions
        if action.verb == "erase" and action.address not in written
    ]
    loads = [action for action in actions if action.verb == "load"]
    return [*loads, *keeps, *[action for action in actions if action.verb != "load"]]


def _losses(actions: Sequence[Action]) -> tuple[Text, ...]:
    """What is erased, and what of it comes back."""
    names = {
        "user_fs": Text("the files in /usr", "/usr 中的文件"),
        "backup_fs": Text("the files in /bak", "/bak 中的文件"),
    }
    written = {action.address for action in actions if action.verb == "write"}
    lost = []
    for action in actions:
        if action.verb == "erase" and (text := names.get(action.role)) is not None:
            is_back = action.address in written
            lost.append(Text(f"{text.en} (replaced)", f"{text.zh}（将被替换）") if is_back else text)
    return tuple(lost)
