"""Arbitrary bytes give a value that is written as it was read, or a FormatError, and quickly (2,000 mutations each)."""

from __future__ import annotations

import struct
import zlib

import pytest

import asr_maker
from fuzz.mutations import mutations
from moduline.errors import FormatError
from moduline.formats.container import asr_fip, asr_flash_list, asr_script, asr_sparse, asr_stream, asr_table, shell
from moduline.package import diff, merge, read_package, verify, write_package
from samples import sample

COUNT = 2000
STREAM = (
    b"!CRANE! 00000067\ngetvar:version\nOKAY0.5\nprogress:00000001\nOKAY\n"
    b"download:00000004\nDATA00000004\n\x01\x02\x03\x04OKAY\n"
)
IMAGE = b"\1" * asr_maker.U_SIZE


def survives(read, data: bytes) -> bool:
    """Whether reading succeeded; anything but success or a coded error fails the test."""
    try:
        read(data)
    except FormatError as failure:
        sentences = [failure.message("en"), failure.message("zh"), failure.remedy("zh")]
        if not all(sentences):
            raise
        return False
    return True


def round_trip(module, **options):
    def check(data: bytes) -> None:
        value = module.read(data, **options)
        assert module.write(value) == data

    return check


def sparse_whole(data: bytes) -> None:
    image = asr_sparse.read(data, 1 << 20)
    assert asr_sparse.write(image) == data
    assert len(asr_sparse.expand(image)) <= 1 << 20


def stream_whole(data: bytes) -> None:
    found = asr_stream.read(data)
    assert asr_stream.write(found) == data
    list(asr_stream.flashed(found))


def script_whole(data: bytes) -> None:
    script = asr_script.read(data)
    assert asr_script.write(script) == data
    changed = asr_script.with_sizes(script, {"customer_fs.bin": 1})
    assert len(changed.commands) == len(script.commands)
    asr_script.with_flash(script, "b.bin", "b", "customer_fs", 1)


FILL = struct.pack("<2H2I", 0xCAC2, 0, 2, 20) + b"\1\2\3\4" + bytes(4)
SPARSE = struct.pack("<I4H4I", 0xED26FF3A, 1, 0, 28, 12, 4096, 3, 3, 0) + FILL
SPARSE += struct.pack("<2H2I", 0xCAC3, 0, 1, 12) + struct.pack("<2H2I", 0xCAC4, 0, 0, 16)
SPARSE += struct.pack("<I", zlib.crc32(b"\1\2\3\4" * 2048))


@pytest.mark.parametrize(
    ("read", "original"),
    [
        pytest.param(round_trip(asr_table, must_check=False), asr_maker.table(), id="table"),
        pytest.param(round_trip(asr_flash_list), asr_maker.flash_list(), id="flash-list"),
        pytest.param(round_trip(asr_fip), asr_maker.fip(b"content"), id="fip"),
        pytest.param(sparse_whole, asr_sparse.split(b"\1" * 5000, 0x3000)[0], id="sparse"),
        pytest.param(sparse_whole, SPARSE, id="sparse-fill"),
        pytest.param(stream_whole, STREAM, id="stream"),
        pytest.param(script_whole, asr_maker.SCRIPT, id="script"),
    ],
)
def test_fuzz_when_asr_part_is_damaged_then_the_same_bytes_or_coded_error(read, original):
    assert survives(read, original)
    for data in mutations(original, COUNT, seed=21):
        survives(read, data)


def whole_way(data: bytes) -> None:
    package = read_package(data, "fuzz.bin", must_check=False)
    for one in verify(package):
        assert one.say("zh")
    assert diff(package, package) == ()
    assert write_package(package) == data


def test_fuzz_when_asr_package_is_damaged_then_value_or_coded_error():
    original = asr_maker.small_file(customer_fs__bin=b"short")
    assert survives(whole_way, original)
    for data in mutations(original, COUNT, seed=22):
        survives(whole_way, data)


@pytest.mark.parametrize("member", ["download.json", "partition.bin", "flashinfo.bin", "platform_config.json"])
def test_fuzz_when_a_member_of_an_asr_package_is_damaged_then_value_or_coded_error(member):
    content = asr_maker.members(customer_fs__bin=b"short", platform_config__json=b'{"platform": "ASR1603"}')
    read = [
        survives(whole_way, asr_maker.zipped(content | {member: data}))
        for data in mutations(content[member], COUNT // 4, seed=23)
    ]
    assert any(read)


def test_fuzz_when_a_damaged_asr_package_is_merged_into_then_sound_or_coded_error():
    content = asr_maker.members(customer_fs__bin=b"short")

    def merged(data: bytes) -> None:
        package = read_package(asr_maker.zipped(content | {"download.json": data}))
        other = merge(package, {"user_fs": IMAGE})
        flashed = [one for one in other.parts if one.name == "customer_fs" and one.kind == "code"]
        assert flashed[0].data == IMAGE

    done = [survives(merged, data) for data in mutations(asr_maker.SCRIPT, COUNT // 4, seed=24)]
    assert sum(done) > 20


@pytest.mark.parametrize(
    ("module", "name"),
    [(asr_table, "partition_8M.bin"), (asr_flash_list, "flashinfo_8M.bin"), (asr_fip, "asr1603/preboot.img"), (asr_script, "download.json")],
)  # fmt: skip
def test_fuzz_when_a_real_file_is_damaged_then_the_same_bytes_or_coded_error(module, name):
    options = {"must_check": False} if module is asr_table else {}
    for data in mutations(sample(f"asr/{name}").read_bytes(), 300, seed=25):
        survives(round_trip(module, **options), data)


def test_fuzz_when_zip_around_an_asr_package_is_damaged_then_value_or_coded_error():
    original = asr_maker.zipped({"a.pdf": b"%PDF", "fw.bin": asr_maker.small_file(customer_fs__bin=b"")})
    for data in mutations(original, COUNT // 2, seed=26):
        survives(shell.open_shells, data)
