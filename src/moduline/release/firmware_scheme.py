"""The description inside our own ``.pac``: what a burner shall do, in the layout of the vendor's generator.

CRLF, one tab per level, a declaration; the attribute order is fixed. What carries over from a module's own NV is
listed here too, and everything but the IMEI may be missing there.

Source: platform-unisoc 2.6, 2.8; NV items of a real EG915U package.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from moduline.formats.container.unisoc import FLAG_CONTENT, FLAG_OPERATION

NO_ID: Final = 0xFFFFFFFF
NvWish = tuple[str, int, bool]
"""An NV item that is carried over: name, list id, whether the module may lack it."""
NV_ITEMS: Final[tuple[NvWish, ...]] = (
    ("Calibration", NO_ID, False),
    ("GSM Calibration", 0x26D, True),
    ("LTE Calibration", 0x26E, True),
    ("IMEI", NO_ID, False),
    ("IMEI2", 0x179, True),
    ("module_def", 0x300, True),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do with a module, as record and description need it.

    Attributes:
        id: name of the entry.
        type: HOST_FDL, FDL2, NV, EraseFlash or CODE.
        address: target, or a logical address.
        size: room there, length of an erase, or a block-device name.
        data: content; empty for an operation.
        file_name: of the content.
        is_default: whether it is done unless the user says otherwise.
        check_flag: 1 for loaders.
        description: text for people; the id when empty.
    """

    id: str
    type: str
    address: int
    size: int
    data: bytes = field(default=b"", repr=False)
    file_name: str = ""
    is_default: bool = True
    check_flag: int = 0
    description: str = ""

    @property
    def flag(self) -> int:
        """1 with content, 0 without."""
        return FLAG_CONTENT if self.data else FLAG_OPERATION


def scheme_xml(
    product: str, operations: Sequence[Operation], flash_type: int = 1, nv_items: Sequence[NvWish] = NV_ITEMS
) -> bytes:
    """The description of all operations, in order.

    Args:
        product: its name.
        operations: what a burner does.
        flash_type: as in the header: 1 for 8910, 0 for 8850.
        nv_items: what carries over from a module's own NV.
    """
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<BMAConfig>", "\t<ProductList>"]
    lines += ["\t\t" + line for line in _product(product, flash_type, nv_items)]
    lines += ["\t</ProductList>", "\t<SchemeList>", f"\t\t<Scheme name={quoteattr(product)}>"]
    lines += ["\t\t\t" + line for one in operations for line in _file(one)]
    lines += ["\t\t</Scheme>", "\t</SchemeList>", "</BMAConfig>"]
    return "".join(line + "\r\n" for line in lines).encode("utf-8")


def _product(product: str, flash_type: int, nv_items: Sequence[NvWish]) -> Iterator[str]:
    leaves = (("SchemeName", product), ("RebootByAT", "1"), ("FlashTypeID", str(flash_type)), ("Mode", "0"))
    yield f"<Product name={quoteattr(product)}>"
    yield from (f"\t{_leaf(*pair)}" for pair in leaves)
    yield '\t<NVBackup backup="1">'
    for name, number, may_be_missing in nv_items:
        yield f'\t\t<NVItem backup="1" name={quoteattr(name)}>'
        yield f"\t\t\t{_leaf('ID', f'{number:#x}')}"
        if may_be_missing:
            yield '\t\t\t<BackupFlag use="1">'
            yield '\t\t\t\t<NVFlag check="1" name="Continue"/>'
            yield "\t\t\t</BackupFlag>"
        else:
            yield '\t\t\t<BackupFlag use="1"/>'
        yield "\t\t</NVItem>"
    yield "\t</NVBackup>"
    yield '\t<Chips enable="0">'
    yield from (f'\t\t<ChipItem id="{number}" name="{name}"/>' for number, name in (("0x2222", "L2"), ("0x7777", "L7")))
    yield "\t</Chips>"
    yield "</Product>"


def _file(one: Operation) -> Iterator[str]:
    yield "<File>"
    yield from (f"\t{_leaf(*pair)}" for pair in (("ID", one.id), ("IDAlias", one.id), ("Type", one.type)))
    yield "\t<Block>"
    yield f"\t\t{_leaf('Base', f'{one.address:#x}')}"
    yield f"\t\t{_leaf('Size', f'{one.size:#x}')}"
    yield "\t</Block>"
    yield f"\t{_leaf('Flag', str(one.flag))}"
    yield f"\t{_leaf('CheckFlag', str(one.check_flag))}"
    erase = "Erase flash" if one.type == "EraseFlash" else one.id
    yield f"\t{_leaf('Description', one.description or erase)}"
    yield "</File>"


def _leaf(tag: str, text: str) -> str:
    return f"<{tag}>{escape(text)}</{tag}>"
