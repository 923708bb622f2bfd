"""Arbitrary bytes give a patch or a FormatError, nothing else, quickly, and never more content than was stated."""

from __future__ import annotations

import contextlib
import hashlib
import random
import struct
import zlib

import pytest

from fuzz.mutations import mutations
from moduline.delta import codecs
from moduline.errors import BadFormat, FormatError
from moduline.formats import patch
from moduline.formats.patch import Patch, PatchRegion

NEW = random.Random(5).randbytes(900) + bytes(4000)
CODEC, BLOCK = codecs.encode(NEW)
GOOD = patch.write(
    Patch(
        kind="mini",
        models=("EC600N-CNLC", "EC600N"),
        regions=(
            PatchRegion("system", 0x80024000, 7, b"\7" * 32, len(NEW), hashlib.sha256(NEW).digest(), CODEC, BLOCK),
            PatchRegion("app", 0x90000000, 1, b"\1" * 32, 4, hashlib.sha256(b"abcd").digest(), 0, b"abcd"),
        ),
        source_version="EC600NCNLCR03A01M08",
        target_version="EC600NCNLCR03A01M09",
        chip="asr1603",
        stage=1,
        set_id=b"s" * 16,
    )
)


def resealed(data: bytes) -> bytes:
    """Length, CRCs and hash made right again, so that damage reaches what is behind them."""
    if len(data) < patch.MIN_BYTES:
        return data
    head = bytearray(data[:-112])
    head[16:20] = len(data).to_bytes(4, "little")
    end = 384 + 128 * head[13]
    head[380:384] = bytes(4)
    head[380:384] = struct.pack("<I", zlib.crc32(bytes(head[:end])))
    tail = bytearray(data[-112:-4])
    tail[0:36] = b"MEND" + hashlib.sha256(bytes(head)).digest()
    return bytes(head) + bytes(tail) + struct.pack("<I", zlib.crc32(bytes(tail)))


def whole_way(data: bytes) -> bool:
    """Whether it was read; what was read is written the same and gives no more than it says."""
    try:
        found = patch.read(data)
    except FormatError as failure:
        return bool(failure.message("en")) and not failure.message("zh")
    assert patch.write(found) == data
    assert patch.describe(found)
    for region in found.regions:
        with contextlib.suppress(FormatError):
            assert len(codecs.decode(region)) == region.new_bytes
    return True


def test_fuzz_when_patch_is_damaged_then_value_or_coded_error():
    assert whole_way(GOOD)
    assert sum(whole_way(data) for data in mutations(GOOD, 2000, seed=31) if data != GOOD) == 0


def test_fuzz_when_checks_of_damaged_patch_are_right_then_value_or_coded_error():
    read = [whole_way(resealed(data)) for data in mutations(GOOD, 2000, seed=32)]
    assert 200 < sum(read) < 2000, "the damage should reach behind the checks, and be noticed there"


def test_fuzz_when_bytes_are_noise_then_coded_error():
    for data in mutations(bytes(2000), 300, seed=33):
        assert not whole_way(data)
        assert not whole_way(b"MDLNPCH\0" + data)


@pytest.mark.parametrize("claimed", [0, 1, 4000, 1 << 20, 64 << 20])
def test_decode_when_stream_is_a_bomb_then_stops_at_the_stated_size(claimed):
    bomb = zlib.compress(bytes(64 << 20), 9)
    region = PatchRegion("system", 0, 1, b"\1" * 32, claimed, hashlib.sha256(b"").digest(), codecs.DEFLATE, bomb)
    with pytest.raises(FormatError):
        codecs.decode(region)


def test_decode_when_block_or_codec_is_wrong_then_coded_error():
    new = b"new content" * 9
    good = PatchRegion("system", 0, 1, b"\1" * 32, len(new), hashlib.sha256(new).digest(), *codecs.encode(new))
    assert codecs.decode(good) == new
    for change in (
        {"codec": 2},
        {"codec": 0},
        {"data": good.data + b"\0"},
        {"data": good.data[:-1]},
        {"new_bytes": len(new) - 1},
        {"new_bytes": len(new) + 1},
        {"new_sha256": bytes(32)},
        {"codec_facts": b"\1" * 24},
    ):
        fields = {name: getattr(good, name) for name in PatchRegion.__dataclass_fields__}
        with pytest.raises(FormatError):
            codecs.decode(PatchRegion(**fields | change))


def test_encode_when_nothing_can_be_gained_then_raw():
    noise = random.Random(1).randbytes(500)
    assert codecs.encode(noise) == (codecs.RAW, noise)
    assert codecs.encode(bytes(500))[0] == codecs.DEFLATE


def test_declared_when_no_patch_then_bad_format():
    with pytest.raises(BadFormat):
        patch.declared_bytes(b"no")
