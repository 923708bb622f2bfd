from __future__ import annotations

import hashlib
import struct
from dataclasses import replace

import pytest

from moduline.digest import crc16_arc
from moduline.errors import BadChecksum, BadFormat, TooBig, Unsupported
from moduline.formats.container import unisoc
from moduline.formats.container.unisoc import HEADER, RECORD, Pac, PacEntry, PacHeader
from moduline.formats.record import WideText
from package_maker import small_file, small_pac
from samples import sample

SAMPLES = [
    "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac",
    "unisoc/CSDK_RDA8910.pac",
    "unisoc/EC600GCN_LD__8850XM_cat1_open_core.pac",
    "unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac",
    "unisoc/EC600GCN_LD__appimage.pac",
]


def worked_example() -> Pac:
    """The package of platform-unisoc 2.12."""
    header = PacHeader(WideText.of("UIX8910_MODEM"), WideText.of("8910 MODULE"), WideText.of("APPIMG"), flash_type=1)
    return Pac(
        header,
        (
            PacEntry.of(
                "HOST_FDL", flag=1, check=1, can_omit=0, address=0x8000C0, data=bytes(range(16)), file_name="fdl1.img"
            ),
            PacEntry.of("FLASH", flag=0, check=1, can_omit=1, address=0xFE000001),
            PacEntry.of(
                "", flag=2, check=0, can_omit=0, address=0, data=b"<BMAConfig/>\n", file_name="UIX8910_MODEM.xml"
            ),
        ),
    )


def test_pac_when_worked_example_then_bytes_are_those_of_the_reference():
    """Golden vector of platform-unisoc 2.12."""
    data = unisoc.write(worked_example())
    assert len(data) == 9893
    assert data[48:52] == bytes.fromhex("a5260000")
    assert data[2116:2124] == bytes.fromhex("faff faff e45a 39a9")
    records = [data[2124 + 2580 * i + 1540 :][:28] for i in range(3)]
    assert records[0] == bytes.fromhex("10000000 01000000 01000000 88260000 00000000 01000000 c0008000")
    assert records[1] == bytes.fromhex("00000000 00000000 01000000 98260000 01000000 01000000 010000fe")
    assert records[2] == bytes.fromhex("0d000000 02000000 00000000 98260000 00000000 01000000 00000000")
    assert hashlib.sha256(data).hexdigest() == "acbed41763f7efb711eb23113e2fb4ac60596581c8813da82bc84e361bef1fc0"
    assert unisoc.read(data) == worked_example()


def test_pac_when_tables_are_counted_then_sizes_are_those_of_the_reference():
    assert (HEADER.total_bytes, RECORD.total_bytes) == (2124, 2580)
    assert [HEADER.offsets[n] for n in ("size", "product", "alias", "magic", "crc1", "crc2")] == [
        48,
        52,
        1104,
        2116,
        2120,
        2122,
    ]
    assert [RECORD.offsets[n] for n in ("id", "file_name", "size", "offset", "addresses", "reserved")] == [
        4,
        516,
        1540,
        1552,
        1564,
        1584,
    ]


@pytest.mark.parametrize("name", SAMPLES)
def test_pac_when_real_file_then_written_again_byte_for_byte(name):
    data = sample(name).read_bytes()
    assert unisoc.write(unisoc.read(data)) == data


HEADER_PLACES = {
    "mode": 1084,
    "flash_type": 1088,
    "nand_strategy": 1092,
    "nv_backup": 1096,
    "nand_page_type": 1100,
    "omadm_flag": 1304,
    "is_omadm": 1308,
    "is_preload": 1312,
}


@pytest.mark.parametrize("value", [0, 1, 0x12345678, 0xFFFFFFFF])
@pytest.mark.parametrize("name", HEADER_PLACES)
def test_pac_when_header_number_is_set_then_stands_at_its_place(name, value):
    pac = worked_example()
    changed = replace(pac, header=replace(pac.header, **{name: value}))
    data = unisoc.write(changed)
    assert struct.unpack_from("<I", data, HEADER_PLACES[name])[0] == value
    assert unisoc.read(data) == changed


@pytest.mark.parametrize(
    ("name", "at", "width"), [("product", 52, 512), ("product_version", 564, 512), ("alias", 1104, 200)]
)
def test_pac_when_header_text_is_at_its_longest_then_round_trips(name, at, width):
    pac = worked_example()
    text = "x" * (width // 2 - 1)
    changed = replace(pac, header=replace(pac.header, **{name: WideText.of(text)}))
    data = unisoc.write(changed)
    assert data[at : at + width] == text.encode("utf-16-le") + b"\0\0"
    assert unisoc.read(data) == changed
    with pytest.raises(TooBig):
        unisoc.write(replace(pac, header=replace(pac.header, **{name: WideText.of("x" * (width // 2 + 1))})))


RECORD_PLACES = {"check": 1548, "can_omit": 1556, "address_count": 1560}


@pytest.mark.parametrize("value", [0, 1, 0x12345678, 0xFFFFFFFF])
@pytest.mark.parametrize("name", RECORD_PLACES)
def test_pac_when_record_number_is_set_then_stands_at_its_place(name, value):
    pac = worked_example()
    changed = pac.with_entries([replace(pac.entries[0], **{name: value}), *pac.entries[1:]])
    data = unisoc.write(changed)
    assert struct.unpack_from("<I", data, 2124 + RECORD_PLACES[name])[0] == value
    assert unisoc.read(data) == changed


def resealed(data: bytearray) -> bytes:
    """The bytes with both CRCs made right."""
    data[2120:2122] = crc16_arc(bytes(data[:2120])).to_bytes(2, "little")
    data[2122:2124] = crc16_arc(bytes(data[2124:])).to_bytes(2, "little")
    return bytes(data)


def test_pac_when_bytes_without_meaning_are_set_then_they_survive():
    """Garbage behind strings, reserved bytes, stray offsets of operations, gaps and a tail."""
    data = bytearray(unisoc.write(worked_example()))
    data[52 + 40 : 52 + 60] = b"garbage behind text "
    data[1316:1320] = b"resv"
    record = 2124 + 2580
    data[record + 600 : record + 604] = b"junk"
    data[record + 1552 : record + 1556] = (77).to_bytes(4, "little")
    data[record + 1600 : record + 1604] = b"more"
    data[9864:9864] = b"gap!"
    data += b"tail"
    for index in (0, 2):
        at = 2124 + 2580 * index + 1552
        data[at : at + 4] = (struct.unpack_from("<I", data, at)[0] + 4).to_bytes(4, "little")
    data[48:52] = len(data).to_bytes(4, "little")
    data = resealed(data)
    pac = unisoc.read(data)
    assert pac.header.product.text == "UIX8910_MODEM"
    assert unisoc.write(pac) == data


def set_u32(at: int, value: int):
    def change(data: bytearray) -> None:
        data[at : at + 4] = value.to_bytes(4, "little")

    return change


def same_id_twice(data: bytearray) -> None:
    data[2124 + 2580 + 4 : 2124 + 2580 + 516] = data[2124 + 4 : 2124 + 516]


BROKEN = {
    "bad-magic": (set_u32(2116, 0x12345678), "magic"),
    "size-too-large": (set_u32(48, 9894), "size"),
    "size-huge": (set_u32(48, 0xFFFFFFFF), "size"),
    "no-records": (set_u32(1076, 0), "records"),
    "two-hundred-records": (set_u32(1076, 200), "records"),
    "huge-record-count": (set_u32(1076, 0xFFFFFFFF), "records"),
    "records-behind-the-end": (set_u32(1080, 9000), "records"),
    "records-in-the-header": (set_u32(1080, 2123), "records"),
    "record-of-another-size": (set_u32(2124, 2576), "record-size"),
    "content-behind-the-end": (set_u32(2124 + 1552, 9880), "content-range"),
    "content-in-the-records": (set_u32(2124 + 1552, 2124), "content-range"),
    "content-huge": (set_u32(2124 + 1540, 0xFFFFFFF0), "content-range"),
    "contents-overlap": (set_u32(2124 + 1540, 20), "content-range"),
    "same-id-twice": (same_id_twice, "duplicate-id"),
    "two-xml": (set_u32(2124 + 1544, 2), "xml"),
    "no-xml": (set_u32(2124 + 2 * 2580 + 1544, 1), "xml"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_pac_when_broken_then_the_rule_is_named(name):
    change, rule = BROKEN[name]
    data = bytearray(unisoc.write(worked_example()))
    change(data)
    with pytest.raises(BadFormat) as failure:
        unisoc.read(resealed(data))
    assert failure.value.facts["rule"] == rule
    assert failure.value.message("zh")


@pytest.mark.parametrize("size", [0, 1, 47, 2123])
def test_pac_when_shorter_than_its_header_then_truncated(size):
    with pytest.raises(BadFormat) as failure:
        unisoc.read(unisoc.write(worked_example())[:size])
    assert failure.value.facts["rule"] == "truncated"


@pytest.mark.parametrize(
    ("at", "name"), [(100, "CRC1"), (2121, "CRC1"), (2122, "CRC2"), (5000, "CRC2"), (9892, "CRC2")]
)
def test_pac_when_a_bit_flips_then_the_crc_is_named(at, name):
    data = bytearray(unisoc.write(worked_example()))
    data[at] ^= 0x10
    with pytest.raises(BadChecksum) as failure:
        unisoc.read(bytes(data))
    assert failure.value.facts["name"] == name


def test_pac_when_told_to_read_on_then_both_wrong_crcs_are_listed():
    data = bytearray(small_file())
    data[100] ^= 1
    data[-1] ^= 1
    pac = unisoc.read(bytes(data), must_check=False)
    assert [check.name for check in pac.wrong_checks] == ["CRC1", "CRC2"]
    assert unisoc.read(unisoc.write(pac)).wrong_checks == ()


def test_pac_when_second_header_form_then_unsupported():
    data = bytearray(unisoc.write(worked_example()))
    data[0:18] = "BP_R2.0.1".encode("utf-16-le")
    with pytest.raises(Unsupported):
        unisoc.read(resealed(data))


def test_pac_when_partial_then_accepted():
    """Loaders and one operation are a normal package (platform-unisoc 2.11)."""
    whole = small_pac()
    keep = {"HOST_FDL", "FDL2", "ERASE_BOOT", ""}
    part = whole.with_entries(entry for entry in whole.entries if entry.id.text in keep)
    assert unisoc.read(unisoc.write(part)) == part
