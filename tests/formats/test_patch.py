"""The update container: a vector put together by hand, every field, named broken inputs."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from moduline.errors import BadChecksum, BadFormat, ModulineError, TooBig, Unsupported
from moduline.formats import patch
from moduline.formats.patch import Patch, PatchRegion

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec" / "patch.md"


def by_hand(*, head=(), region=(), trailer=(), tail=b"", content=b"abcd"):
    """The example of docs/spec/patch.md, without our writer; changes as (offset, bytes), checks made right again."""
    header = bytearray(384)
    header[0:8] = b"MDLNPCH\0"
    total = 384 + 128 + len(content) + 112
    struct.pack_into("<HBBBBBBIII", header, 8, 1, 2, 1, 1, 1, 0, 0, total, 4096, 0)
    header[64:71] = b"EC600N\0"
    row = bytearray(128)
    row[0:7] = b"user_fs"
    struct.pack_into("<I", row, 16, 0x80900000)
    struct.pack_into("<I", row, 56, len(content))
    row[60:92] = hashlib.sha256(content).digest()
    struct.pack_into("<HHII", row, 92, 0, 0, 512, len(content))
    for target, changes in ((header, head), (row, region)):
        for at, data in changes:
            target[at : at + len(data)] = data
    struct.pack_into("<I", header, 380, 0)
    struct.pack_into("<I", header, 380, zlib.crc32(bytes(header) + bytes(row)))
    body = bytes(header) + bytes(row) + content + tail
    end = bytearray(b"MEND" + hashlib.sha256(body).digest() + bytes(72))
    for at, data in trailer:
        end[at : at + len(data)] = data
    return body + bytes(end) + struct.pack("<I", zlib.crc32(bytes(end)))


VALUE = Patch(
    kind="full",
    models=("EC600N",),
    regions=(
        PatchRegion("user_fs", 0x80900000, 0, bytes(32), 4, hashlib.sha256(b"abcd").digest(), codec=0, data=b"abcd"),
    ),
)


def test_patch_when_read_by_hand_then_is_the_value_and_writes_the_same():
    assert patch.read(by_hand()) == VALUE
    assert patch.write(VALUE) == by_hand()
    assert patch.declared_bytes(by_hand()[:384]) == 628


def test_spec_when_read_then_has_the_tables_and_the_example():
    text = SPEC.read_text("utf-8")
    for table in (patch.HEADER, patch.REGION, patch.TRAILER):
        assert table.as_markdown() in text
    found = re.findall(r"^([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)$", text, re.MULTILINE)
    shown = {int(at, 16): bytes.fromhex(data) for at, data in found}
    assert len(shown) == 5
    for at, data in shown.items():
        assert by_hand()[at : at + len(data)] == data, hex(at)


FULL = Patch(
    kind="mini",
    models=("EC600N-CNLC", "EC600N"),
    regions=(
        PatchRegion("system", 0x10, 3, b"\1" * 32, 5, b"\2" * 32, 1, b"block"),
        PatchRegion("app", 0xFFFFFFF0, 1, b"\3" * 32, 16, b"\4" * 32, 65535, b"", b"f" * 24),
    ),
    source_version="V1",
    target_version="V" * 87,
    chip="asr1603",
    place="fp",
    stage=2,
    set_id=b"s" * 16,
    block_bytes=65536,
    spare_bytes=0xFFFFFFFF,
    key_id=b"k" * 8,
    signature=b"g" * 64,
)


@pytest.mark.parametrize(
    ("name", "at", "value", "raw"),
    [
        ("kind", 10, "mini", b"\3"),
        ("stage", 11, 2, b"\2"),
        ("place", 14, "fp", b"\2"),
        ("place", 14, "fs", b"\1"),
        ("place", 14, "", b"\0"),
        ("block_bytes", 20, 1, b"\1\0\0\0"),
        ("block_bytes", 20, 65536, b"\0\0\1\0"),
        ("block_bytes", 20, 1 << 20, b"\0\0\x10\0"),
        ("spare_bytes", 24, 0, b"\0\0\0\0"),
        ("spare_bytes", 24, 0xFFFFFFFF, b"\xff\xff\xff\xff"),
        ("set_id", 28, b"s" * 16, b"s" * 16),
        ("chip", 44, "", bytes(20)),
        ("chip", 44, "c" * 19, b"c" * 19 + b"\0"),
        ("models", 64, (), bytes(128)),
        ("models", 64, ("m" * 127,), b"m" * 127 + b"\0"),
        ("models", 64, ("A", "B"), b"A\0B\0\0"),
        ("source_version", 192, "", bytes(88)),
        ("source_version", 192, "s" * 87, b"s" * 87 + b"\0"),
        ("target_version", 280, "t" * 87, b"t" * 87 + b"\0"),
    ],
)
def test_field_when_at_its_limits_then_stands_where_the_table_says_and_comes_back(name, at, value, raw):
    changed = replace(FULL, **{name: value})
    data = patch.write(changed)
    assert data[at : at + len(raw)] == raw
    assert patch.read(data) == changed


@pytest.mark.parametrize(
    ("name", "at", "value", "raw"),
    [
        ("role", 0, "r" * 15, b"r" * 15 + b"\0"),
        ("address", 16, 0, bytes(4)),
        ("old_bytes", 20, 64 << 20, b"\0\0\0\4"),
        ("old_sha256", 24, b"\xff" * 32, b"\xff" * 32),
        ("new_bytes", 56, 64 << 20, b"\0\0\0\4"),
        ("new_sha256", 60, b"\xfe" * 32, b"\xfe" * 32),
        ("codec", 92, 0x102, b"\2\1"),
        ("data", 100, b"x" * 513, b"\1\2\0\0"),
        ("codec_facts", 104, b"c" * 24, b"c" * 24),
    ],
)
def test_region_field_when_at_its_limits_then_stands_where_the_table_says(name, at, value, raw):
    region = replace(FULL.regions[0], **{name: value})
    changed = replace(FULL, regions=(region, FULL.regions[1]))
    data = patch.write(changed)
    assert data[384 + at : 384 + at + len(raw)] == raw
    assert patch.read(data) == changed


@pytest.mark.parametrize(
    ("data", "error", "rule"),
    [
        pytest.param(b"", BadFormat, "magic", id="nothing"),
        pytest.param(by_hand(head=[(0, b"X")]), BadFormat, "magic", id="magic"),
        pytest.param(by_hand()[:200], BadFormat, "truncated", id="head-only"),
        pytest.param(by_hand()[:-1], BadFormat, "length", id="last-byte-missing"),
        pytest.param(by_hand() + b"\0", BadFormat, "length", id="byte-behind"),
        pytest.param(by_hand(head=[(8, b"\2")]), Unsupported, None, id="version"),
        pytest.param(by_hand(head=[(10, b"\0")]), Unsupported, None, id="kind-0"),
        pytest.param(by_hand(head=[(10, b"\4")]), Unsupported, None, id="kind-4"),
        pytest.param(by_hand(head=[(11, b"\0")]), BadFormat, "stage", id="stage-0"),
        pytest.param(by_hand(head=[(11, b"\2")]), BadFormat, "stage", id="stage-beyond"),
        pytest.param(by_hand(head=[(12, b"\2")]), BadFormat, "stage", id="stage-count"),
        pytest.param(by_hand(head=[(13, b"\0")]), BadFormat, "regions", id="no-region"),
        pytest.param(by_hand(head=[(13, b"\x09")]), BadFormat, "regions", id="nine-regions"),
        pytest.param(by_hand(head=[(13, b"\2")]), BadFormat, None, id="more-regions-than-there-are"),
        pytest.param(by_hand(head=[(14, b"\3")]), BadFormat, "place", id="place"),
        pytest.param(by_hand(head=[(15, b"\1")]), BadFormat, "reserved", id="reserved"),
        pytest.param(by_hand(head=[(379, b"\1")]), BadFormat, "reserved", id="reserved-end"),
        pytest.param(by_hand(head=[(20, b"\1\1")]), BadFormat, "block", id="erase-unit"),
        pytest.param(by_hand(head=[(20, bytes(4))]), BadFormat, "block", id="no-erase-unit"),
        pytest.param(by_hand(head=[(28, b"\1")]), BadFormat, "set", id="set-of-one"),
        pytest.param(by_hand(head=[(44, b"ASR")]), BadFormat, "text", id="chip-upper-case"),
        pytest.param(by_hand(head=[(71, b"\0A\0")]), BadFormat, "models", id="empty-model"),
        pytest.param(by_hand(head=[(64, b"m" * 128)]), BadFormat, "models", id="models-without-end"),
        pytest.param(by_hand(head=[(64, b"\xe4\0")]), BadFormat, "models", id="model-not-ascii"),
        pytest.param(by_hand(head=[(192, b"V 1")]), BadFormat, "text", id="blank-in-version"),
        pytest.param(by_hand(head=[(192, b"V\0W")]), BadFormat, "text", id="text-behind-text"),
        pytest.param(by_hand(head=[(280, b"v" * 88)]), BadFormat, "text", id="version-without-end"),
        pytest.param(by_hand(region=[(0, b"1ser_fs")]), BadFormat, "text", id="role"),
        pytest.param(by_hand(region=[(0, bytes(7))]), BadFormat, "text", id="no-role"),
        pytest.param(by_hand(region=[(20, b"\1")]), BadFormat, "old", id="old-size-without-hash"),
        pytest.param(by_hand(region=[(56, bytes(4))]), BadFormat, "size", id="nothing-new"),
        pytest.param(by_hand(region=[(56, b"\1\0\0\4")]), BadFormat, "size", id="bomb"),
        pytest.param(by_hand(region=[(16, b"\xfe\xff\xff\xff")]), BadFormat, "address", id="beyond-the-bus"),
        pytest.param(by_hand(region=[(94, b"\1")]), BadFormat, "reserved", id="region-reserved"),
        pytest.param(by_hand(region=[(96, b"\1")]), BadFormat, "data", id="gap"),
        pytest.param(by_hand(region=[(100, b"\5")]), BadFormat, "data", id="block-into-trailer"),
        pytest.param(by_hand(region=[(100, b"\3")]), BadFormat, "data", id="stray-byte"),
        pytest.param(by_hand(trailer=[(0, b"X")]), BadFormat, "trailer", id="trailer"),
        pytest.param(by_hand(trailer=[(4, bytes(32))]), BadChecksum, None, id="sha"),
        pytest.param(by_hand(trailer=[(36, b"\1")]), BadFormat, "signature", id="key-without-signature"),
        pytest.param(by_hand(trailer=[(44, b"\1")]), BadFormat, "signature", id="signature-without-key"),
        pytest.param(by_hand().replace(b"abcd", b"abce"), BadChecksum, None, id="content-flipped"),
        pytest.param(by_hand()[:100] + b"\1" + by_hand()[101:], BadChecksum, None, id="header-flipped"),
        pytest.param(by_hand()[:-1] + b"\0", BadChecksum, None, id="trailer-crc"),
    ],
)
def test_patch_when_broken_then_named_error(data, error, rule):
    with pytest.raises(error) as raised:
        patch.read(data)
    if rule:
        assert raised.value.facts.get("rule") == rule
    assert raised.value.message("zh")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"place": "xx"},
        {"stage": 3},
        {"set_id": bytes(16)},
        {"block_bytes": 3},
        {"chip": "C"},
        {"chip": "c" * 20},
        {"models": ("m" * 128,)},
        {"models": ("",)},
        {"source_version": "s" * 88},
        {"source_version": "é"},
        {"regions": ()},
        {"regions": FULL.regions * 2},
        {"regions": FULL.regions[:1] * 9},
        {"key_id": bytes(8)},
    ],
)
def test_patch_when_value_is_impossible_then_not_written(change):
    value = replace(FULL, **change)
    with pytest.raises(ModulineError) as raised:
        patch.write(value)
    assert isinstance(raised.value, BadFormat | TooBig | BadChecksum)


def test_describe_when_asked_then_says_versions_and_regions():
    rows = dict(patch.describe(FULL))
    assert (rows["kind"], rows["source"], rows["signed"]) == ("mini 2/2", "V1", (b"k" * 8).hex())
    assert rows["system"] == "0x00000010 3 -> 5, codec 1, 5 bytes"
