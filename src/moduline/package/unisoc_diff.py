"""What differs between two ``.pac`` files, entry by entry and word by word of the description.

Values that follow from the contents (offsets, counts, sizes, check values) are not differences; with those aside,
nothing found means the same bytes.

Source: platform-unisoc 2, 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise

from moduline.formats.container import unisoc_scheme
from moduline.formats.container.unisoc import FLAG_XML, Pac, PacEntry
from moduline.formats.record import WideText
from moduline.package.difference import ENTRY_PLACE, HEADER_PLACE, XML_PLACE, Difference, shown_bytes
from moduline.package.parts import FirmwarePackage
from moduline.package.unisoc import pac_of


def diff(before: FirmwarePackage, after: FirmwarePackage) -> Iterator[Difference]:
    """Every difference of the containers, in the order header, entries, XML."""
    old, new = pac_of(before), pac_of(after)
    yield from _header(old, new)
    yield from _entries(old, new)
    yield from _xml(old.xml, new.xml)


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return shown_bytes(value)
    if isinstance(value, WideText):
        rest = value.raw[2 * (len(value.text) + 1) :]
        return value.text + (f" + {rest.hex()}" if rest else "")
    return str(value)


def _header(before: Pac, after: Pac) -> Iterator[Difference]:
    for field in fields(before.header):
        old, new = getattr(before.header, field.name), getattr(after.header, field.name)
        if old != new:
            yield Difference(HEADER_PLACE, field.name, "changed", _shown(old), _shown(new))
    for name in ("header_gap", "tail"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Difference(HEADER_PLACE, name, "changed", _shown(old), _shown(new))


def _entries(before: Pac, after: Pac) -> Iterator[Difference]:
    """Entries without the XML's content, which is compared by its words."""
    old, new = _by_name(before), _by_name(after)
    for name in old:
        if name not in new:
            yield Difference(ENTRY_PLACE, name, "removed", _shown(old[name].data))
    for name, entry in new.items():
        if name not in old:
            yield Difference(ENTRY_PLACE, name, "added", "", _shown(entry.data))
    kept = [name for name in old if name in new]
    for name in _moved(kept, [name for name in new if name in old]):
        yield Difference(ENTRY_PLACE, name, "moved")
    for name in kept:
        for field in fields(PacEntry):
            is_text_of_xml = field.name == "data" and old[name].flag == new[name].flag == FLAG_XML
            first, second = getattr(old[name], field.name), getattr(new[name], field.name)
            if first != second and not is_text_of_xml:
                yield Difference(ENTRY_PLACE, name, field.name, _shown(first), _shown(second))


def _by_name(pac: Pac) -> dict[str, PacEntry]:
    return {entry.id.text: entry for entry in pac.entries}


def _moved(before: list[str], after: list[str]) -> list[str]:
    """Names whose follower is another one than before."""
    followers = dict(pairwise([*before, ""]))
    return [name for name, follower in pairwise([*after, ""]) if followers[name] != follower]


def _xml(before: bytes, after: bytes) -> Iterator[Difference]:
    """Differences of the description; "style" is one of white space or attribute order alone."""
    old, old_rest = _files_and_rest(before)
    new, new_rest = _files_and_rest(after)
    for name in old:
        if name not in new:
            yield Difference(XML_PLACE, name, "removed", _flat(old[name]))
    for name, text in new.items():
        if name not in old:
            yield Difference(XML_PLACE, name, "added", "", _flat(text))
        elif old[name] != text:
            yield Difference(XML_PLACE, name, _kind_of_change(old[name], text), _flat(old[name]), _flat(text))
    for name in _moved([n for n in old if n in new], [n for n in new if n in old]):
        yield Difference(XML_PLACE, name, "moved")
    if old_rest != new_rest:
        yield Difference(XML_PLACE, "text", _kind_of_change(old_rest, new_rest), _shown(old_rest), _shown(new_rest))


def _kind_of_change(before: bytes, after: bytes) -> str:
    is_same = unisoc_scheme.parse(before.strip()).canonical() == unisoc_scheme.parse(after.strip()).canonical()
    return "style" if is_same else "changed"


def _flat(xml: bytes) -> str:
    """An element on one line."""
    return " ".join(xml.decode("utf-8", "replace").split())


def _files_and_rest(xml: bytes) -> tuple[dict[str, bytes], bytes]:
    """The bytes of each ``File`` with the line break before it, and the XML without them."""
    files: dict[str, bytes] = {}
    rest: list[bytes] = []
    at = 0
    for node, lead in unisoc_scheme.files_of(xml):
        files[node.value("ID")] = xml[node.start - lead : node.end]
        rest.append(xml[at : node.start - lead])
        at = node.end
    return files, b"".join([*rest, xml[at:]])
