"""The XML of a ``.pac``: read into values, and edited as text so that untouched bytes stay.

The vendor tools write this XML in two styles (CRLF and tabs with a declaration; LF and one space without), the
attribute order of one is random, so nothing here relies on white space or order. An edit finds the bytes of one
``File`` element by the parser's offsets and inserts or removes text there, in the indentation that stands there.

The parser is expat with every document type and entity declaration refused, which leaves no way to write an entity
bomb or to name an outside file; depth and number of elements are limited.

Source: platform-unisoc 2.6, 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from moduline.errors import BadFormat, Text

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 16
MAX_NODES: Final = 20_000
NO_LIST_ID: Final = 0xFFFFFFFF
FILE_PATH: Final = ("BMAConfig", "SchemeList", "Scheme", "File")
NV_ITEM_PATH: Final = ("BMAConfig", "ProductList", "Product", "NVBackup", "NVItem")


@dataclass(slots=True)
class Node:
    """One element; ``start`` and ``end`` are byte offsets of its first ``<`` and behind its last ``>``."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    start: int
    end: int = 0
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def child(self, tag: str) -> Node | None:
        """The first child of that tag."""
        return next((child for child in self.children if child.tag == tag), None)

    def value(self, *tags: str) -> str:
        """Text of the element reached through ``tags``, stripped; "" when it is absent."""
        node: Node | None = self
        for tag in tags:
            node = node.child(tag) if node else None
        return node.text.strip() if node else ""

    def attribute(self, name: str) -> str:
        """Value of an attribute; "" when it is absent."""
        return dict(self.attributes).get(name, "")

    def canonical(self) -> tuple[Any, ...]:
        """The element as a value without white space and attribute order, for comparisons."""
        return (
            self.tag,
            tuple(sorted(self.attributes)),
            self.text.strip(),
            tuple(child.canonical() for child in self.children),
        )


@dataclass(frozen=True, slots=True)
class SchemeFile:
    """One ``File`` element: what the loader is told about one entry.

    Attributes:
        type: HOST_FDL, FDL2, FDL, NV, EraseFlash or CODE.
        address: ``Block/Base``: target address, or a logical one from 0xFE000001 on.
        size: ``Block/Size``: partition size, erase length, or the block-device name of a format; bytes.
        flag: 1 content, 0 operation.
        check: 1 only for loaders.
    """

    id: str
    type: str
    address: int
    size: int
    flag: int
    check: int
    description: str = ""


@dataclass(frozen=True, slots=True)
class NvItem:
    """One NV item that is carried over from the module to the new NV block.

    Attributes:
        id: list id, or None for the special ones without one (calibration, IMEI).
        may_be_missing: the vendor's ``Continue``: no error when the module lacks it.
    """

    name: str
    id: int | None
    may_be_missing: bool


@dataclass(frozen=True, slots=True)
class Scheme:
    """What the XML says: the product, the entries and the NV items to keep."""

    product: str
    files: tuple[SchemeFile, ...]
    nv_backup: bool
    nv_items: tuple[NvItem, ...]

    def file(self, name: str) -> SchemeFile | None:
        """The ``File`` of an entry id."""
        return next((file for file in self.files if file.id == name), None)


class _Builder:
    """Collects nodes from expat; refuses what could make a small file expensive."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.root: Node | None = None
        self.stack: list[Node] = []
        self.count = 0
        self.parser = expat.ParserCreate("utf-8")
        self.parser.ordered_attributes = True
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.on_start
        self.parser.EndElementHandler = self.on_end
        self.parser.CharacterDataHandler = self.on_text
        self.parser.StartDoctypeDeclHandler = self.on_declaration
        self.parser.EntityDeclHandler = self.on_declaration

    def on_declaration(self, *_: Any) -> None:
        raise _broken("xml-declaration", "a document type declaration", "不允许文档类型声明", self.at())

    def on_start(self, tag: str, attributes: list[str]) -> None:
        self.count += 1
        if self.count > MAX_NODES or len(self.stack) >= MAX_DEPTH:
            raise _broken("xml-limit", "too many or too deep elements", "元素过多或嵌套过深", self.at())
        pairs = tuple(zip(attributes[::2], attributes[1::2], strict=True))
        node = Node(tag, pairs, self.at())
        if self.stack:
            self.stack[-1].children.append(node)
        else:
            self.root = node
        self.stack.append(node)

    def on_end(self, _tag: str) -> None:
        at = self.at()
        # For <a></a> expat stands at the closing tag, for <a/> already behind it.
        is_empty_tag = not self.data.startswith(b"</", at)
        self.stack.pop().end = at if is_empty_tag else self.data.index(b">", at) + 1

    def on_text(self, text: str) -> None:
        if self.stack:
            self.stack[-1].text += text

    def at(self) -> int:
        return int(self.parser.CurrentByteIndex)


def _broken(rule: str, en: str, zh: str, offset: int, **facts: Any) -> BadFormat:
    return BadFormat(format="pac XML", reason=Text(en, zh), offset=offset, rule=rule, **facts)


def parse(xml: bytes) -> Node:
    """The tree of the XML.

    Raises:
        BadFormat: not well-formed, or it declares entities, or it is beyond the limits.
    """
    if len(xml) > MAX_BYTES:
        raise _broken("xml-limit", "larger than 1 MiB", "超过 1 MiB", MAX_BYTES)
    builder = _Builder(xml)
    try:
        builder.parser.Parse(xml, True)
    except expat.ExpatError as wrong:
        text = expat.ErrorString(wrong.code)
        raise _broken("xml-syntax", text, f"语法错误（{text}）", builder.parser.ErrorByteIndex) from wrong
    assert builder.root is not None, "expat accepts no document without an element"
    return builder.root


def _walk(root: Node, path: tuple[str, ...]) -> Iterator[Node]:
    """Elements at a path of tags from the root."""
    level = [root] if root.tag == path[0] else []
    for tag in path[1:]:
        level = [child for node in level for child in node.children if child.tag == tag]
    return iter(level)


def _number(text: str, node: Node, what: str) -> int:
    """A number as C writes it, 0x… or decimal, of at most 32 bits."""
    try:
        value = int(text, 16) if text[:2].lower() == "0x" else int(text, 10)
    except ValueError:
        value = -1
    if not 0 <= value <= 0xFFFFFFFF:
        raise _broken(
            "xml-number",
            "'{text}' is no value of {what}",
            "“{text}”不是有效的 {what}",
            node.start,
            text=text[:40],
            what=what,
        )
    return value


def _read_file(node: Node) -> SchemeFile:
    return SchemeFile(
        id=node.value("ID"),
        type=node.value("Type"),
        address=_number(node.value("Block", "Base"), node, "Base"),
        size=_number(node.value("Block", "Size"), node, "Size"),
        flag=_number(node.value("Flag"), node, "Flag"),
        check=_number(node.value("CheckFlag"), node, "CheckFlag"),
        description=node.value("Description"),
    )


def _read_nv_item(node: Node) -> NvItem:
    number = _number(node.value("ID"), node, "ID")
    flags = node.child("BackupFlag")
    names = {flag.attribute("name") for flag in flags.children if flag.attribute("check") == "1"} if flags else set()
    return NvItem(node.attribute("name"), None if number == NO_LIST_ID else number, "Continue" in names)


def read(xml: bytes) -> Scheme:
    """What the XML says.

    Raises:
        BadFormat: it cannot be parsed, an element lacks its number, or an id occurs twice.
    """
    root = parse(xml)
    files = tuple(_read_file(node) for node in _walk(root, FILE_PATH))
    seen: set[str] = set()
    for file in files:
        if file.id in seen:
            raise _broken("xml-duplicate", "the id '{id}' occurs twice", "标识“{id}”重复出现", 0, id=file.id)
        seen.add(file.id)
    backups = list(_walk(root, NV_ITEM_PATH[:-1]))
    items = tuple(_read_nv_item(node) for node in _walk(root, NV_ITEM_PATH) if node.attribute("backup") != "0")
    products = list(_walk(root, NV_ITEM_PATH[:3]))
    return Scheme(
        product=products[0].attribute("name") if products else "",
        files=files,
        nv_backup=any(node.attribute("backup") == "1" for node in backups),
        nv_items=items,
    )


def file_node(file: SchemeFile) -> Node:
    """The element of a ``File``, in the order of the vendor's generator."""

    def leaf(tag: str, text: str) -> Node:
        return Node(tag, (), 0, text=text)

    block = Node("Block", (), 0, children=[leaf("Base", f"{file.address:#x}"), leaf("Size", f"{file.size:#x}")])
    return Node(
        "File",
        (),
        0,
        children=[
            leaf("ID", file.id),
            leaf("IDAlias", file.id),
            leaf("Type", file.type),
            block,
            leaf("Flag", str(file.flag)),
            leaf("CheckFlag", str(file.check)),
            leaf("Description", file.description),
        ],
    )


def renamed(element: Node, name: str) -> Node:
    """A ``File`` element under another id."""
    children = [Node(c.tag, c.attributes, 0, text=name) if c.tag in {"ID", "IDAlias"} else c for c in element.children]
    return Node(element.tag, element.attributes, 0, children=children)


def find_file(xml: bytes, name: str) -> Node:
    """The ``File`` element of an entry id.

    Raises:
        BadFormat: there is none.
    """
    for node in _walk(parse(xml), FILE_PATH):
        if node.value("ID") == name:
            return node
    raise _broken("xml-missing", "no File element for '{id}'", "缺少“{id}”的 File 元素", 0, id=name)


def files_of(xml: bytes) -> list[tuple[Node, int]]:
    """Every ``File`` element in order, with the number of white-space bytes of the line break before it."""
    return [(node, len(_lead_of(xml, node.start))) for node in _walk(parse(xml), FILE_PATH)]


def insert_file(xml: bytes, element: Node, *, before: str = "", after: str = "") -> bytes:
    """The XML with ``element`` beside the ``File`` of the id ``before`` or ``after``, in the style found there."""
    anchor = find_file(xml, before or after)
    lead, step = _style_at(xml, anchor)
    text = _render(element, lead, step).encode()
    if before:
        return xml[: anchor.start] + text + lead.encode() + xml[anchor.start :]
    return xml[: anchor.end] + lead.encode() + text + xml[anchor.end :]


def in_vendors_style(xml: bytes) -> bytes:
    """The XML as the vendor's merge tool writes it: no declaration, LF, one space per level.

    Its attribute order is random; here attributes keep theirs.

    Source: platform-unisoc 2.6, 4.1 step 4.
    """
    return (_render(parse(xml), "\n", " ") + "\n").encode()


def move_file(xml: bytes, name: str, address: int, size: int) -> bytes:
    """The XML with another ``Block`` of an id; every other byte stays.

    Raises:
        BadFormat: there is no such element, or it has no ``Block``.
    """
    for tag, value in (("Size", size), ("Base", address)):  # from behind, so that places in front stay right
        block = find_file(xml, name).child("Block")
        leaf = block.child(tag) if block else None
        if leaf is None:
            raise _broken("xml-missing", "no Block of '{id}'", "“{id}”缺少 Block", 0, id=name)
        xml = xml[: leaf.start] + f"<{tag}>{value:#x}</{tag}>".encode("ascii") + xml[leaf.end :]
    return xml


def remove_file(xml: bytes, name: str) -> bytes:
    """The XML without the ``File`` of an id and the white space before it."""
    anchor = find_file(xml, name)
    lead, _ = _style_at(xml, anchor)
    return xml[: anchor.start - len(lead)] + xml[anchor.end :]


def _style_at(xml: bytes, node: Node) -> tuple[str, str]:
    """Line break with indentation before an element, and the indentation one level adds; both "" if there is none."""
    lead = _lead_of(xml, node.start)
    inner = _lead_of(xml, node.children[0].start) if node.children else ""
    return lead, inner[len(lead) :] if inner.startswith(lead) else ""


def _lead_of(xml: bytes, start: int) -> str:
    """The last line break before ``start`` and the white space behind it; "" when something else stands there."""
    at = start
    while at > 0 and xml[at - 1] in b" \t":
        at -= 1
    if at == 0 or xml[at - 1] != 0x0A:
        return ""
    at -= 2 if xml[at - 2 : at] == b"\r\n" else 1
    return xml[at:start].decode("ascii")


def _escaped(text: str) -> str:
    """Text for content or a quoted attribute; ``xml.sax.saxutils`` would load an HTTP client for this."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _render(node: Node, lead: str, step: str) -> str:
    attributes = "".join(f' {name}="{_escaped(value)}"' for name, value in node.attributes)
    if not node.children:
        text = _escaped(node.text)
        return f"<{node.tag}{attributes}>{text}</{node.tag}>" if text else f"<{node.tag}{attributes}/>"
    inner = "".join(lead + step + _render(child, lead + step, step) for child in node.children)
    return f"<{node.tag}{attributes}>{inner}{lead}</{node.tag}>"
