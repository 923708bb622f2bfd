from __future__ import annotations

import pytest

from moduline.errors import BadFormat
from moduline.formats.container import unisoc, unisoc_scheme
from moduline.formats.container.unisoc_scheme import NvItem, SchemeFile
from package_maker import small_pac, xml_of
from samples import sample

ROWS = [
    ("HOST_FDL", "HOST_FDL", 0x8000C0, 0xFF40, 1, 1),
    ("AP", "CODE", 0x60010000, 0x280000, 1, 0),
    ("FLASH", "EraseFlash", 0xFE000001, 0, 0, 0),
]


@pytest.mark.parametrize("style", ["crlf", "lf"])
def test_scheme_when_read_then_both_styles_say_the_same(style):
    scheme = unisoc_scheme.read(xml_of(ROWS, style))
    assert scheme.product == "UIX8910_MODEM"
    assert scheme.nv_backup
    assert scheme.nv_items == (NvItem("Calibration", None, False), NvItem("GSM Calibration", 0x26D, True))
    assert scheme.files == tuple(SchemeFile(*row, description=row[0]) for row in ROWS)


@pytest.mark.parametrize("style", ["crlf", "lf"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_scheme_when_file_is_inserted_then_written_in_the_style_of_the_base(style, place):
    """The edited text is what the vendor tool of that style would have written."""
    new = ("PY_FS_U", "CODE", 0x604E0000, 0x60000, 1, 0)
    at = 1 if place == "before" else 2
    element = unisoc_scheme.file_node(SchemeFile(*new, description="PY_FS_U"))
    edited = unisoc_scheme.insert_file(xml_of(ROWS, style), element, **{place: "AP"})
    assert edited == xml_of([*ROWS[:at], new, *ROWS[at:]], style)
    assert unisoc_scheme.remove_file(edited, "PY_FS_U") == xml_of(ROWS, style)


def test_scheme_when_xml_is_on_one_line_then_edit_adds_no_white_space():
    xml = b"".join(line.strip() for line in xml_of(ROWS, "lf").splitlines())
    element = unisoc_scheme.file_node(SchemeFile("X", "CODE", 1, 2, 1, 0, "a < b & c"))
    edited = unisoc_scheme.insert_file(xml, element, before="FLASH")
    assert b"\n" not in edited
    assert unisoc_scheme.read(edited).file("X").description == "a < b & c"
    assert unisoc_scheme.remove_file(edited, "X") == xml


def test_scheme_when_real_then_every_record_has_its_file():
    pac = unisoc.read(sample("unisoc/CSDK_RDA8910.pac").read_bytes())
    scheme = unisoc_scheme.read(pac.xml)
    assert [file.id for file in scheme.files] == [entry.id.text for entry in pac.entries if entry.flag != 2]
    assert scheme.file("FMT_FSSYS").size == 0x53595346
    assert scheme.nv_items[1] == NvItem("GSM Calibration", 0x26D, True)


BILLION = b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>'
BROKEN = {
    "empty": (b"", "xml-syntax"),
    "not-xml": (b"\x00\x01\x02", "xml-syntax"),
    "unclosed": (b"<BMAConfig><a>", "xml-syntax"),
    "entity-bomb": (BILLION, "xml-declaration"),
    "outside-file": (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "xml-declaration"),
    "unknown-entity": (b"<a>&nbsp;</a>", "xml-syntax"),
    "deep": (b"<a>" * 100000, "xml-limit"),
    "wide": (b"<a>" + b"<b/>" * 30000 + b"</a>", "xml-limit"),
    "large": (b"<a>" + b" " * (1 << 20) + b"</a>", "xml-limit"),
    "no-number": (xml_of(ROWS).replace(b"0x8000c0", b"zero"), "xml-number"),
    "negative": (xml_of(ROWS).replace(b"0x8000c0", b"-1"), "xml-number"),
    "too-large-number": (xml_of(ROWS).replace(b"0x8000c0", b"0x100000000"), "xml-number"),
    "endless-number": (xml_of(ROWS).replace(b"0x8000c0", b"9" * 5000), "xml-number"),
    "same-id-twice": (xml_of([*ROWS, ROWS[0]]), "xml-duplicate"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_scheme_when_broken_then_the_rule_is_named(name):
    xml, rule = BROKEN[name]
    with pytest.raises(BadFormat) as failure:
        unisoc_scheme.read(xml)
    assert failure.value.facts["rule"] == rule


def test_scheme_when_edit_names_no_file_then_refused():
    with pytest.raises(BadFormat) as failure:
        unisoc_scheme.remove_file(small_pac().xml, "NOT_THERE")
    assert failure.value.facts["rule"] == "xml-missing"


def test_scheme_when_element_has_attributes_then_they_survive_copying():
    """pacmerge copies whatever an external ``File`` holds."""
    external = b'<BMAConfig><SchemeList><Scheme><File id="a&quot;&lt;&amp;"><ID>X</ID><Odd/></File></Scheme></SchemeList></BMAConfig>'
    element = unisoc_scheme.find_file(external, "X")
    edited = unisoc_scheme.insert_file(xml_of(ROWS), element, after="AP")
    assert unisoc_scheme.find_file(edited, "X").canonical() == element.canonical()
    assert unisoc_scheme.find_file(edited, "X").attribute("id") == 'a"<&'
