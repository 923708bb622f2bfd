"""Entries of a ``.pac`` put beside, replaced and taken away: script areas, and the vendor's three operations.

::

    stock       ... ERASE_PY_FS_U  ERASE_PY_FS_B  PS ...
    production  ... ERASE_PY_FS_U  ERASE_PY_FS_B  PY_FS_U  PY_FS_B  PS ...

Nothing else changes: each image becomes one record with its content and one ``File`` element in the XML, written in
the style the XML already has. The vendor's operations are ``pacmerge``, ``pacsubst`` and ``pacstrip``.

Source: platform-unisoc 2.8, 4, 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from moduline.errors import BadOption, MissingArea, Text, Unsupported
from moduline.formats.container import unisoc_scheme
from moduline.formats.container.unisoc import FLAG_CONTENT, Pac, PacEntry
from moduline.formats.container.unisoc_scheme import SchemeFile
from moduline.package.parts import FirmwarePackage, FsArea
from moduline.package.unisoc import AREA_FILES, AREA_ROLES, CONTAINER, ERASE_PREFIX, pac_of, package_of

BEFORE: Final = "before"
AFTER: Final = "after"
_PLACE_BEFORE: Final = "PS"
_LAST_IMAGES: Final = ("app", "system")


def fill(stock: FirmwarePackage, images: Sequence[tuple[FsArea, bytes]]) -> FirmwarePackage:
    """The package with images in their areas, in the order U, B, C."""
    order = list(AREA_ROLES.values())
    pac = pac_of(stock)
    for area, image in sorted(images, key=lambda one: order.index(one[0].role)):
        pac = _put(pac, stock, area, image)
    return package_of(pac, stock.shells, stock.name)


def substitute(package: FirmwarePackage, name: str, data: bytes) -> FirmwarePackage:
    """The package with another content of one entry; see ``substitute_entry``."""
    return package_of(substitute_entry(pac_of(package), name, data), package.shells, package.name)


def strip(package: FirmwarePackage, names: Sequence[str]) -> FirmwarePackage:
    """The package without some entries; see ``strip_entry``."""
    pac = pac_of(package)
    for name in names:
        pac = strip_entry(pac, name)
    return package_of(pac, package.shells, package.name)


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


def pacmerge(base: FirmwarePackage, external: FirmwarePackage, ids: Sequence[MergeId]) -> FirmwarePackage:
    """The vendor's ``pacmerge``: ``merge_entries`` with the XML in the vendor's style; the base's shells stay.

    Raises:
        Unsupported: one of the two is no ``.pac``.
        BadOption: an external entry that is not there exactly once, or a name the base already has, or no such place.
    """
    for package in (base, external):
        if package.container != CONTAINER:
            raise Unsupported(
                format="pacmerge",
                reason=Text("{package} is no .pac package", "{package} 不是 .pac 固件包"),
                remedy=Text("only packages of UNISOC chips are merged so", "仅展锐平台固件包可如此合并"),
                package=package.name or package.container,
            )
    merged = merge_entries(pac_of(base), pac_of(external), ids)
    return package_of(merged.with_xml(unisoc_scheme.in_vendors_style(merged.xml)), base.shells, base.name)


def merge_entries(base: Pac, external: Pac, ids: Sequence[MergeId]) -> Pac:
    """The base with copies of external entries, each beside a base entry.

    Only the named entries are taken. The XML keeps the style of the base; ``pacmerge`` writes the vendor's.

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
