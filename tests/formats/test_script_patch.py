"""The patch of a script: a file put together by hand, every field, broken files, the example of the specification."""

from __future__ import annotations

import hashlib
import random
import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from moduline.errors import BadFormat, FormatError, Unsupported
from moduline.formats import script_patch
from moduline.formats.script_patch import ScriptPatch

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec" / "script-patch.md"
OLD_SHA256, NEW_SHA256 = hashlib.sha256(b"old\n").digest(), hashlib.sha256(b"new!\n").digest()
VALUE = ScriptPatch(0, 4, OLD_SHA256, 5, NEW_SHA256, b"new!\n")
BY_HAND = struct.pack("<8sHHI32sI32sI", b"MDLNSCR\0", 1, 0, 4, OLD_SHA256, 5, NEW_SHA256, 5) + b"new!\n"


def test_patch_when_read_by_hand_then_is_the_value_and_writes_the_same():
    assert script_patch.read(BY_HAND) == VALUE
    assert script_patch.write(VALUE) == BY_HAND


def test_example_when_printed_then_is_that_of_the_specification():
    lines = [line.split("  ")[1] for line in SPEC.read_text("utf-8").splitlines() if re.match(r"00[0-9a-f]{2}  ", line)]
    assert bytes.fromhex(" ".join(lines)) == BY_HAND


@pytest.mark.parametrize(
    ("field", "at", "size", "value"),
    [
        ("codec", 10, 2, 1),
        ("codec", 10, 2, 3),
        ("old_bytes", 12, 4, 0),
        ("old_bytes", 12, 4, 1 << 20),
        ("new_bytes", 48, 4, 0),
        ("new_bytes", 48, 4, 1 << 20),
        ("old_sha256", 16, 32, b"\xff" * 32),
        ("new_sha256", 52, 32, bytes(32)),
    ],
)
def test_field_when_at_an_end_of_its_range_then_stands_at_its_place(field, at, size, value):
    changed = replace(VALUE, **{field: value})
    written = script_patch.write(changed)
    wanted = value if isinstance(value, bytes) else value.to_bytes(size, "little")
    assert written == BY_HAND[:at] + wanted + BY_HAND[at + size :]
    assert script_patch.read(written) == changed


def with_bytes(at, data):
    return BY_HAND[:at] + data + BY_HAND[at + len(data) :]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"", BadFormat, id="empty"),
        pytest.param(BY_HAND[:87], BadFormat, id="head-cut"),
        pytest.param(BY_HAND[:-1], BadFormat, id="data-cut"),
        pytest.param(BY_HAND + b"x", BadFormat, id="tail"),
        pytest.param(with_bytes(0, b"X"), BadFormat, id="magic"),
        pytest.param(with_bytes(8, b"\2"), Unsupported, id="version"),
        pytest.param(with_bytes(10, b"\2"), Unsupported, id="codec"),
        pytest.param(with_bytes(12, b"\xff\xff\xff\xff"), BadFormat, id="old-too-large"),
        pytest.param(with_bytes(48, b"\xff\xff\xff\xff"), BadFormat, id="new-too-large"),
        pytest.param(with_bytes(84, b"\xff\xff\xff\xff"), BadFormat, id="data-too-large"),
        pytest.param(with_bytes(16, bytes(32)), BadFormat, id="old-of-any-content-but-of-a-length"),
        pytest.param(with_bytes(10, b"\3\0\0\0\0\0" + bytes(32)), BadFormat, id="window-without-old"),
    ],
)
def test_patch_when_broken_then_refused(data, error):
    with pytest.raises(error) as raised:
        script_patch.read(data)
    assert raised.value.message("zh")


def test_patch_when_bytes_are_arbitrary_then_a_value_or_a_format_error():
    chance = random.Random(8)
    for _ in range(3000):
        data = bytearray(BY_HAND)
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            assert script_patch.write(script_patch.read(bytes(data))) == data
        except FormatError:
            continue


def test_rows_when_described_then_name_codec_and_sizes():
    rows = dict(script_patch.describe(VALUE))
    assert rows["codec"] == "raw"
    assert rows["new"].startswith("5 ")
    assert dict(script_patch.describe(replace(VALUE, old_bytes=0, old_sha256=bytes(32))))["old"] == "-"
