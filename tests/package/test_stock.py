"""Stock firmware without a container: written and read back, and every damage is a message."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.errors import FormatError
from moduline.formats.container import zip_members
from moduline.package.stock import MANIFEST, StockFirmware, is_stock, read_stock, write_stock

FIRMWARE = StockFirmware("ec600n", "asr1603", "EC600NCNLCR03A01M08_OCPU_PY_X", {"boot": b"boot", "system": bytes(9000)})
GOOD = {"format": 1, "module": "m", "chip": "c", "version": "v", "roles": ["boot"]}


def zipped(manifest, **members):
    data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return zip_members.write_members([(MANIFEST, data), *((f"{name}.img", one) for name, one in members.items())])


def test_firmware_when_written_then_read_back_the_same_and_the_same_bytes_every_time():
    data = write_stock(FIRMWARE)
    assert is_stock(data)
    assert read_stock(data) == FIRMWARE
    assert write_stock(read_stock(data)) == data


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + bytes(50), b"x" * 100])
def test_bytes_when_something_else_then_not_stock(data):
    assert not is_stock(data)


def test_zip_when_of_another_kind_then_not_stock():
    assert not is_stock(zip_members.write_members([("platform_config.json", b"{}")]))


@pytest.mark.parametrize(
    "data",
    [
        zipped(b"{", boot=b""),
        zipped(b"[]", boot=b""),
        zipped(b"[" * 3000, boot=b""),
        zipped(GOOD | {"format": 2}, boot=b""),
        zipped(GOOD | {"roles": "boot"}, boot=b""),
        zipped(GOOD | {"roles": [1]}, boot=b""),
        zipped(GOOD | {"roles": ["boot"] * 40}, boot=b""),
        zipped(GOOD | {"version": None}, boot=b""),
        zipped(GOOD),
        zipped(GOOD, boot=bytes((16 << 20) + 1)),
    ],
    ids=["json", "list", "deep", "format", "roles", "role", "many", "version", "missing", "large"],
)
def test_file_when_broken_then_a_format_error(data):
    with pytest.raises(FormatError):
        read_stock(data)


@given(st.integers(0, 600), st.binary(max_size=8))
def test_file_when_bytes_are_changed_then_a_value_or_a_format_error(at, noise):
    data = bytearray(write_stock(FIRMWARE))
    data[at : at + len(noise)] = noise
    with contextlib.suppress(FormatError):
        assert isinstance(read_stock(bytes(data)), StockFirmware)
