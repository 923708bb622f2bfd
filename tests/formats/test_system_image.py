"""The system image of virtual firmware: a vector put together by hand, every field, named broken inputs, hostile bytes."""

from __future__ import annotations

import json
import random
import struct
import zlib
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from moduline.errors import BadChecksum, BadFormat, FormatError, Unsupported
from moduline.formats import system_image
from moduline.formats.system_image import SystemImage, SystemPartition

ROM = b"\xd2\xcd\x31\x80\x00" + b"rom" * 50
IMAGE = SystemImage(
    version="EC600UCNLBR03A01M08_OCPU_PY_X1",
    module="ec600u",
    models=("EC600U-CNLB",),
    bytecode="6.3",
    partitions=(
        SystemPartition("boot", 0x60000000, 0x10000),
        SystemPartition("backup_fs", 0x60480000, 0x20000, "lfs1", "/bak", "customer_backup_fs", 4096, 31, True),
    ),
    rom=ROM,
)


def by_hand(manifest: bytes, rom: bytes = ROM, lead: int = 64, *, offset: int | None = None, version: int = 1) -> bytes:
    """The layout of docs/spec/system-image.md, without our writer."""
    end = 32 + len(manifest)
    at = end + (-(lead + end)) % 4096 if offset is None else offset
    head = b"MDLNSYS\0" + struct.pack("<5I", version, len(manifest), at, len(rom), zlib.crc32(manifest))
    head += struct.pack("<I", zlib.crc32(head))
    return head + manifest + b"\xff" * (at - end) + rom


def manifest_of(**changes) -> bytes:
    partitions = [
        {
            "address": 0x60000000, "block_bytes": 0, "device": "", "driven_blocks": 0, "fs": "",
            "is_write_protected": False, "mount": "", "role": "boot", "size_bytes": 0x10000,
        },
        {
            "address": 0x60480000, "block_bytes": 4096, "device": "customer_backup_fs", "driven_blocks": 31, "fs": "lfs1",
            "is_write_protected": True, "mount": "/bak", "role": "backup_fs", "size_bytes": 0x20000,
        },
    ]  # fmt: skip
    values = {
        "version": "EC600UCNLBR03A01M08_OCPU_PY_X1",
        "module": "ec600u",
        "models": ["EC600U-CNLB"],
        "bytecode": "6.3",
        "partitions": partitions,
        "rom_sha256": sha256(ROM).hexdigest(),
    }
    values |= changes
    values = {name: value for name, value in values.items() if value is not None}
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_image_when_written_then_bytes_are_the_specified_ones():
    assert system_image.write(IMAGE) == by_hand(manifest_of())


def test_image_when_read_then_values_come_back():
    found = system_image.read(by_hand(manifest_of()) + b"\xff" * 1000)
    assert found == IMAGE
    assert found.partition("backup_fs").driven_blocks == 31
    assert found.partition("modem") is None


@pytest.mark.parametrize("lead", [0, 64, 4096, 4064])
def test_rom_when_placed_then_aligned_where_it_lies(lead):
    data = system_image.write(IMAGE, lead)
    found = system_image.read(data)
    assert (lead + found.rom_offset) % 4096 == 0
    assert data[found.rom_offset :][: len(ROM)] == ROM
    assert found.rom_offset - 32 - len(manifest_of()) < 4096


def test_manifest_when_it_has_unknown_keys_then_kept():
    data = by_hand(manifest_of(zeta={"a": [1, "é"]}, alpha=None, built="2022"))
    assert system_image.write(system_image.read(data)) == data


def test_is_system_image_when_vendor_code_then_false():
    assert system_image.is_system_image(by_hand(manifest_of()))
    assert not system_image.is_system_image(b"\x27\x05\x19\x56" + bytes(64))
    assert not system_image.is_system_image(b"")


def test_specification_when_read_then_has_the_table_and_the_example():
    text = (Path(__file__).resolve().parents[2] / "docs/spec/system-image.md").read_text("utf-8")
    assert system_image.HEADER.as_markdown().strip() in text
    head = b"MDLNSYS\0" + struct.pack("<5I", 1, 2, 0xFC0, 0, zlib.crc32(b"{}"))
    assert by_hand(b"{}", b"")[:34] == head + struct.pack("<I", zlib.crc32(head)) + b"{}"
    for number in (zlib.crc32(b"{}"), zlib.crc32(head)):
        assert struct.pack("<I", number).hex(" ") in text


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


GOOD = by_hand(manifest_of())


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", BadFormat),
        (GOOD[:20], BadFormat),
        (GOOD[:-1], BadFormat),
        (flip(GOOD, 0), BadFormat),
        (flip(GOOD, 12), BadChecksum),
        (flip(GOOD, 40), BadChecksum),
        (flip(GOOD, len(GOOD) - 1), BadChecksum),
        (by_hand(manifest_of(), version=2), Unsupported),
        (by_hand(manifest_of(), offset=32), BadFormat),
        (by_hand(b"{"), BadFormat),
        (by_hand(b"[]"), BadFormat),
        (by_hand(b"[" * 20000), BadFormat),
        (by_hand(manifest_of(version=None)), BadFormat),
        (by_hand(manifest_of(version=1)), BadFormat),
        (by_hand(manifest_of(models=[1])), BadFormat),
        (by_hand(manifest_of(partitions=[1])), BadFormat),
        (by_hand(manifest_of(partitions=[{"role": "boot"}])), BadFormat),
        (by_hand(manifest_of(rom_sha256="00")), BadChecksum),
    ],
)
def test_image_when_broken_then_named_error(data, error):
    with pytest.raises(error):
        system_image.read(data)


@pytest.mark.parametrize(("key", "value"), [("address", -1), ("address", 1 << 32), ("address", True), ("role", 1)])
def test_partition_when_value_is_impossible_then_bad_format(key, value):
    partitions = json.loads(manifest_of())["partitions"]
    partitions[1][key] = value
    with pytest.raises(BadFormat):
        system_image.read(by_hand(manifest_of(partitions=partitions)))


def test_manifest_when_text_is_half_a_character_then_round_trip_without_a_crash():
    manifest = manifest_of().replace(b"EC600U-CNLB", b"EC600U-\\ud800")
    system_image.write(system_image.read(by_hand(manifest)))


def test_image_when_bytes_are_mutated_then_value_or_format_error():
    """Hostile invariant: 2,000 mutations, seed 2."""
    chance = random.Random(2)
    small = by_hand(manifest_of(), lead=4096 - 32 - len(manifest_of()))
    for _ in range(2000):
        data = bytearray(small)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(200)] = chance.randrange(256)
        if chance.random() < 0.5:  # let the mutation through the header's own check
            data[28:32] = struct.pack("<I", zlib.crc32(bytes(data[:28])))
        try:
            system_image.read(bytes(data[: chance.randrange(len(data) + 1)] if chance.random() < 0.2 else data))
        except FormatError:
            continue


def test_fields_when_changed_then_survive_a_round_trip():
    for change in (
        {"version": "x"},
        {"models": ()},
        {"bytecode": "5"},
        {"partitions": (SystemPartition("r", 0, 0xFFFFFFFF),)},
        {"rom": b""},
    ):
        image = replace(IMAGE, **change)
        assert system_image.read(system_image.write(image)) == image
