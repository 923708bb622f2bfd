"""Stock package plus file-system images gives a production package.

::

    stock       ... ERASE_PY_FS_U  ERASE_PY_FS_B  PS ...
    production  ... ERASE_PY_FS_U  ERASE_PY_FS_B  PY_FS_U  PY_FS_B  PS ...

Nothing else changes: each image becomes one record with its content and one ``File`` element in the XML, written in
the style the XML already has. Merging into a production package replaces the contents. Where an area is comes from the
package itself; a table of the caller is used only for areas the package does not name.

The second half are the vendor's three operations on entries (``pacmerge``, ``pacsubst``, ``pacstrip``), of which the
first half is a special case.

Source: platform-unisoc 2.8, 4, 4.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from moduline.errors import AreaConflict, BadOption, MissingArea, Text, TooBig
from moduline.formats.container import unisoc_scheme
from moduline.formats.container.unisoc import FLAG_CONTENT, Pac, PacEntry
from moduline.formats.container.unisoc_scheme import SchemeFile
from moduline.package.parts import AREA_FILES, AREA_ROLES, ERASE_PREFIX, FirmwarePackage, FsArea, Part
from moduline.package.reading import FIRST_LOGICAL, package_of

BEFORE: Final = "before"
AFTER: Final = "after"
_PLACE_BEFORE: Final = "PS"
_LAST_IMAGES: Final = ("app", "system")


def merge(
    stock: FirmwarePackage, images: Mapping[str, bytes], fallback: Sequence[FsArea] | None = None
) -> FirmwarePackage:
    """The production package of ``stock`` with the images in their areas.

    Args:
        stock: a stock package, or a production package whose images are to be replaced.
        images: role of an area ("user_fs", "backup_fs", "customer_fs_c") to image; exactly as large as the area.
        fallback: areas to assume where the package names none; from the module's profile.

    Raises:
        BadOption: a role that is no area, or an image smaller than its area.
        MissingArea: neither package nor ``fallback`` say where an area is.
        AreaConflict: a fallback area overlaps something the package writes.
        TooBig: an image is larger than its area.
    """
    unknown = sorted(set(images) - set(AREA_ROLES.values()))
    if unknown:
        raise BadOption(name="images", reason=Text("'{role}' is no area", "“{role}”不是文件系统分区"), role=unknown[0])
    pac = stock.source
    areas = []
    for name, role in AREA_ROLES.items():
        if role in images:
            area = locate(stock, role, fallback)
            _check_size(images[role], area)
            pac = _put(pac, stock, area, images[role])
            areas.append(name)
    return package_of(pac, stock.shells, stock.name)


def locate(package: FirmwarePackage, role: str, fallback: Sequence[FsArea] | None = None) -> FsArea:
    """Where the area of a role is.

    Raises:
        MissingArea: neither package nor ``fallback`` say it.
        AreaConflict: the fallback overlaps something the package writes.
    """
    area = package.area(role)
    if area is not None:
        return area
    assumed = next((area for area in fallback or () if area.role == role), None)
    if assumed is None:
        raise MissingArea(role=role, package=package.name or package.product)
    clash = overlapping(package.parts, assumed)
    if clash is not None:
        raise AreaConflict(
            area=assumed.name, address=f"0x{assumed.address:08x}", size=f"0x{assumed.size:x}", part=clash.name
        )
    return replace(assumed, told_by="fallback")


def overlapping(parts: Iterable[Part], area: FsArea) -> Part | None:
    """The first flash part that shares a byte with the area."""
    for part in parts:
        is_flash = part.kind in {"code", "erase"} and part.address < FIRST_LOGICAL
        if is_flash and part.address < area.address + area.size and area.address < part.address + part.size:
            return part
    return None


def strip(package: FirmwarePackage, names: Sequence[str]) -> FirmwarePackage:
    """The package without some entries; the vendor's ``pacstrip``.

    Raises:
        BadOption: an entry that is not there.
    """
    pac = package.source
    for name in names:
        pac = strip_entry(pac, name)
    return package_of(pac, package.shells, package.name)


def _check_size(image: bytes, area: FsArea) -> None:
    if len(image) > area.size:
        raise TooBig(what=Text("the image of {area}", "{area} 的镜像"), need=len(image), have=area.size, area=area.name)
    if len(image) < area.size:
        why = Text("image has {have} bytes, area has {need}", "镜像为 {have} 字节，分区为 {need} 字节")
        raise BadOption(name=area.name, reason=why, have=len(image), need=area.size)


def _put(pac: Pac, stock: FirmwarePackage, area: FsArea, image: bytes) -> Pac:
    """The container with one area filled."""
    if any(entry.id.text == area.name for entry in pac.entries):
        return substitute_entry(pac, area.name, image)
    entry = PacEntry.of(
        area.name,
        flag=FLAG_CONTENT,
        check=1,
        can_omit=0,
        address=area.address,
        data=image,
        file_name=AREA_FILES[area.name],
    )
    file = SchemeFile(area.name, "CODE", area.address, area.size, flag=1, check=0, description=area.name)
    anchor, place = _place(stock, area)
    return _insert(pac, entry, unisoc_scheme.file_node(file), anchor, place)


def _place(stock: FirmwarePackage, area: FsArea) -> tuple[str, str]:
    """Beside which entry an area's content goes: before PS, else behind what erases it, else behind the firmware."""
    if stock.part(_PLACE_BEFORE):
        return _PLACE_BEFORE, BEFORE
    if stock.part(ERASE_PREFIX + area.name):
        return ERASE_PREFIX + area.name, AFTER
    for role in _LAST_IMAGES:
        part = stock.by_role(role)
        if part:
            return part.name, AFTER
    raise MissingArea(role=area.role, package=stock.name or stock.product)


# ---- the vendor's operations on entries ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MergeId:
    """One ``--id`` of pacmerge: which external entry goes beside which one of the base, under which name."""

    external: str
    base: str
    name: str = ""
    place: str = BEFORE

    @classmethod
    def parse(cls, text: str) -> MergeId:
        """From ``ext,base``, ``ext,base,new`` or ``ext,base,new,before|after``.

        Raises:
            BadOption: any other form.
        """
        words = text.split(",")
        place = words[3] if len(words) == 4 else BEFORE
        if not 2 <= len(words) <= 4 or not words[0] or not words[1] or place not in {BEFORE, AFTER}:
            raise _bad_id(
                "'{text}' is not ext,base[,new[,before|after]]",
                "“{text}”不符合 ext,base[,new[,before|after]]",
                text=text,
            )
        return cls(words[0], words[1], words[2] if len(words) > 2 else "", place)


def merge_entries(base: Pac, external: Pac, ids: Sequence[MergeId]) -> Pac:
    """The base with copies of external entries, each beside a base entry; ``pacmerge``.

    Only the named entries are taken. The XML keeps the style of the base, where the vendor's tool writes its own.

    Raises:
        BadOption: an external entry that is not there exactly once, or a name the base already has, or no such place.

    Source: platform-unisoc 4.1.
    """
    pac = base
    for order in ids:
        entry = _entry(external, order.external)
        name = order.name or order.external
        if any(own.id.text == name for own in pac.entries):
            raise _bad_id("the base already has '{id}'", "基础包已有“{id}”", id=name)
        _entry(pac, order.base)
        element = unisoc_scheme.find_file(external.xml, order.external)
        if order.name:
            entry = replace(entry, id=PacEntry.of(name, flag=0, check=0, can_omit=0, address=0).id)
            element = unisoc_scheme.renamed(element, name)
        pac = _insert(pac, replace(entry, gap=b"", stray_offset=None), element, order.base, order.place)
    return pac


def substitute_entry(pac: Pac, name: str, data: bytes) -> Pac:
    """The container with the content of one entry replaced; ``pacsubst``.

    Raises:
        BadOption: no such entry, or one without content.
    """
    old = _entry(pac, name)
    if old.flag != FLAG_CONTENT:
        raise _bad_id("'{id}' has no content", "“{id}”没有内容", id=name)
    return pac.with_entries(replace(entry, data=data) if entry is old else entry for entry in pac.entries)


def strip_entry(pac: Pac, name: str) -> Pac:
    """The container without one entry; ``pacstrip``.

    Raises:
        BadOption: no such entry.
    """
    old = _entry(pac, name)
    without = pac.with_entries(entry for entry in pac.entries if entry is not old)
    return without.with_xml(unisoc_scheme.remove_file(pac.xml, name))


def _insert(pac: Pac, entry: PacEntry, element: unisoc_scheme.Node, anchor: str, place: str) -> Pac:
    """The container with an entry and its ``File`` element beside the anchor."""
    if place == BEFORE:
        xml = unisoc_scheme.insert_file(pac.xml, element, before=anchor)
    else:
        xml = unisoc_scheme.insert_file(pac.xml, element, after=anchor)
    entries: list[PacEntry] = []
    for own in pac.entries:
        pair = [entry, own] if place == BEFORE else [own, entry]
        entries += pair if own.id.text == anchor else [own]
    return pac.with_entries(entries).with_xml(xml)


def _entry(pac: Pac, name: str) -> PacEntry:
    entry = next((entry for entry in pac.entries if name and entry.id.text == name), None)
    if entry is None:
        raise _bad_id("no entry '{id}'", "没有条目“{id}”", id=name)
    return entry


def _bad_id(en: str, zh: str, **facts: Any) -> BadOption:
    return BadOption(name="--id", reason=Text(en, zh), **facts)
