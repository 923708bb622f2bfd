"""The flasher: what it is told, what it refuses and in which words, what it leaves in the flash (platform-asr 1.4, 1.5, 4.2)."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from asr_bench import ROWS, SIZE_16M, TABLE, bench, flasher
from asr_host import BLOCK, chunk, flash_list, sparse, table, vendor_sparse
from moduline.vmodule.download.asr_tables import TABLE_BYTES, read_places, stored_table
from moduline.vmodule.download.events import DownloadFaults, PartBegun, PartDone
from samples import sample

THIS_FLASH = 0x601800C8
WORKED_SHA256 = "9f1f8515117a20f7f66dfc2eef62eb37956059ef69c1793bc74a7f1c2b300d0f"


@pytest.fixture
def up():
    host, flash, _ = bench()
    return host.up(), flash


@pytest.fixture
def told():
    host, flash, _ = flasher()
    return host, flash


def partition(host, image):
    answer = host.download(image)
    return host.say("partition") if answer == "OKAY" else answer


# ---- what it is told ------------------------------------------------------------------------------------------------


def test_table_of_the_test_host_when_made_of_the_worked_example_then_its_bytes():
    import hashlib

    rows = [
        ("all", "group", 0, 0x1000000),
        ("external", "flash", 0, 0x1000000),
        ("customer_fs", "raw", 0x900000, 0x500000),
        ("customer_backup_fs", "raw", 0xE00000, 0x32000),
    ]
    image = table(rows)
    assert (hashlib.sha256(image).hexdigest(), image[-4:]) == (WORKED_SHA256, bytes.fromhex("CBABF834"))


def test_variables_when_told_then_format_word_and_tab_space_hex(told):
    host, _ = told
    assert host.say("getvar:partition-type:customer_fs") == "OKAYraw"
    assert host.say("getvar:partition-type:external") == "OKAYflash"
    assert host.say("getvar:partition-size:customer_fs") == "OKAY\t 0x500000"
    assert host.say("getvar:partition-size:bootloader") == "OKAY\t 0x24000"
    assert host.say("getvar:partition-type:nvm").startswith("FAIL")


@pytest.mark.parametrize(
    ("name", "image", "answer"),
    [
        ("magic", table(ROWS, magic=b"BTPB"), "FAILptable: invalid magic"),
        ("neither", b"hello", "FAILptable: invalid magic"),
        ("short", table(ROWS)[:0x887], "FAILptable: size too small"),
        ("only a magic", b"BTPA", "FAILptable: size too small"),
        ("crc", table(ROWS, crc=1), "FAILptable: crc not match"),
        ("33 entries", table(ROWS, count=33), "FAILptable: count > MAX"),
        ("giant count", table(ROWS, count=0xFFFFFFFF), "FAILptable: count > MAX"),
        ("32 entries", table(ROWS, count=32), "OKAY"),
        ("no entry", table([]), "OKAY"),
        ("short form", table(ROWS, short=0), "OKAY"),
        ("short form with three bytes", table(ROWS, short=3), "OKAY"),
        ("short form with a wrong CRC", table(ROWS, short=4), "FAILptable: crc not match"),
        ("longer", table(ROWS) + bytes(100), "OKAY"),
    ],
)
def test_partition_when_table_follows_or_breaks_a_rule_then_as_the_real_flasher(name, image, answer, up):
    host, _ = up
    assert partition(host, flash_list([THIS_FLASH])) == "OKAY"
    assert partition(host, image) == answer, name
    assert partition(host, TABLE) == "OKAY"


@pytest.mark.parametrize(
    ("name", "image", "answer"),
    [
        ("first", flash_list([THIS_FLASH]), "OKAY"),
        ("one of many", flash_list([0x601700C8, 0x431700F8, THIS_FLASH]), "OKAY"),
        ("another flash", flash_list([0x601700C8]), "FAILflash 0x601800c8 not found in flash info"),
        ("cut off", flash_list([THIS_FLASH])[:-1], "FAILflash info image too small"),
        ("only a magic", b"FNIF", "FAILflash info image too small"),
        ("giant count", flash_list([THIS_FLASH], count=0xFFFFFFFF), "FAILflash info image too small"),
        ("another follows and does not", flash_list([1], following=1), "FAILflash info image too small"),
        ("two blocks", flash_list([1], following=1) + flash_list([THIS_FLASH]), "OKAY"),
        ("three", flash_list([1], following=9) * 2 + flash_list([THIS_FLASH]), "OKAY"),
        ("four", flash_list([THIS_FLASH], following=1) * 3 + flash_list([1]), "FAILflash info: too many blocks"),
        ("bad second", flash_list([THIS_FLASH], following=1) + bytes(0x90), "FAILflash info: invalid magic"),
    ],
)
def test_partition_when_flash_list_names_this_flash_or_not_then_taken_or_refused(name, image, answer, up):
    assert partition(up[0], image) == answer, name


def test_partition_when_real_8_mb_files_are_sent_then_fitting_modules_take_them():
    listed, places = (sample(f"asr/{name}_8M.bin").read_bytes() for name in ("flashinfo", "partition"))
    small, flash, _ = _small()
    small.up()
    assert [partition(small, listed), partition(small, places)] == ["OKAY", "OKAY"]
    assert small.say("getvar:partition-size:user_fs") == "OKAY\t 0x100000"
    assert small.say("getvar:partition-type:system") == "OKAYpart"
    assert stored_table(flash, 0, 0x24000) == places
    large, _, _ = bench()
    assert partition(large.up(), listed).startswith("FAIL")


def _small():
    """The flasher of a SMUX chip on 8 MB."""
    from asr_host import Host
    from moduline.nor.geometry import Geometry
    from moduline.nor.memory import MemoryFlash
    from moduline.vmodule.download.asr import AbootSession
    from moduline.vmodule.download.asr_program import AsrRom
    from moduline.vmodule.download.unisoc import Storage
    from moduline.vmodule.file_store import FileStore
    from moduline.vmodule.nv_store import NvStore

    flash = MemoryFlash(Geometry(0x800000, erase_bytes=0x1000, page_bytes=256))
    storage = Storage(flash, NvStore(flash, 0x7E0000, 0x20000), FileStore(flash, 0, 0))
    return Host(AbootSession(AsrRom("arom-tiny", "2020.07.30", is_ethos=False), storage)), flash, None


def test_partition_when_table_comes_before_the_flash_list_then_refused(up):
    host, flash = up
    assert partition(host, TABLE).startswith("FAIL")
    assert host.put("customer_fs", vendor_sparse(b"x", 0, 0x500)).startswith("FAILwriting")
    assert flash.read(0, 0x24000) == b"\xff" * 0x24000


def test_partition_when_nothing_was_downloaded_then_fail(up):
    assert up[0].say("partition").startswith("FAIL")


def test_table_when_taken_then_it_is_in_the_boot_partition_once(told):
    host, flash = told
    assert stored_table(flash, 0, 0x24000) == TABLE
    before = flash.flash.counts.erases
    assert partition(host, TABLE) == "OKAY"
    assert flash.flash.counts.erases == before
    assert partition(host, table(ROWS, short=0)) == "OKAY"
    assert stored_table(flash, 0, 0x24000) == TABLE
    assert flash.flash.counts.erases == before


def test_table_when_another_one_is_taken_then_it_replaces_the_first(told):
    host, flash = told
    other = table(ROWS[:-1])
    assert partition(host, other) == "OKAY"
    assert stored_table(flash, 0, 0x24000) == other


def test_table_when_it_has_no_boot_partition_then_not_kept(up):
    host, flash = up
    partition(host, flash_list([THIS_FLASH]))
    assert partition(host, table([row for row in ROWS if row[0] != "bootloader"])) == "OKAY"
    assert stored_table(flash, 0, 0x24000) is None
    assert "not kept" in host.logs[-1]


def test_table_when_boot_code_is_written_over_it_then_kept_again(told):
    host, flash = told
    assert host.write("bootloader", b"\x11" * 0x24000, 0x24000) == "OKAY"
    assert stored_table(flash, 0, 0x24000) == TABLE
    assert flash.read(0, 0x23000) == b"\x11" * 0x23000


def test_table_when_boot_code_brings_one_in_its_volume_then_that_one_counts(told):
    host, flash = told
    own = table(ROWS[:-1])
    code = (b"\x22" * 0x5040 + own).ljust(0x24000, b"\x22")
    assert host.write("bootloader", code, 0x24000) == "OKAY"
    assert flash.read(0, 0x24000) == code
    assert stored_table(flash, 0, 0x24000) == own


def test_table_when_boot_partition_is_erased_then_gone(told):
    host, flash = told
    assert host.say("erase:bootloader") == "OKAY"
    assert stored_table(flash, 0, 0x24000) is None


def test_stored_table_when_magic_stands_in_the_middle_of_code_then_only_a_right_one_counts(told):
    _, flash = told
    flash.erase(0, 0x24000)
    flash.program(0x100, b"BTPA" + bytes(40))
    flash.program(0x2000, table(ROWS, crc=7))
    assert stored_table(flash, 0, 0x24000) is None
    flash.program(0x6010, TABLE)
    assert stored_table(flash, 0, 0x24000) == TABLE
    assert len(TABLE) == TABLE_BYTES
    assert set(read_places(TABLE)) == {row[0] for row in ROWS}


# ---- writing and erasing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bootloader", "system", "small", "custom", "customer_fs"])
def test_flash_when_partition_can_be_written_then_its_bytes_are_there_and_neighbours_untouched(name, told):
    host, flash = told
    start, size = next(row[2:] for row in ROWS if row[0] == name)
    before = flash.read(0, SIZE_16M)
    data = random.Random(name).randbytes(0x1800)
    assert host.write(name, data, size) == "OKAY"
    assert flash.read(start, 0x2000) == data + b"\xff" * 0x800
    after = flash.read(0, SIZE_16M)
    assert (after[:start], after[start + 0x2000 :]) == (before[:start], before[start + 0x2000 :])
    assert PartDone(0x80000000 + start, 0x2000) in host.events
    assert any(isinstance(event, PartBegun) and event.address == 0x80000000 + start for event in host.events)


def test_flash_when_the_whole_chip_is_named_then_written(told):
    host, flash = told
    assert host.put("external", vendor_sparse(b"whole", 0x600, SIZE_16M // BLOCK)) == "OKAY"
    assert flash.read(0x600000, 5) == b"whole"


def test_flash_when_content_has_many_segments_then_all_of_it(told):
    host, flash = told
    data = random.Random(5).randbytes(0x500000)
    assert host.write("customer_fs", data, 0x500000) == "OKAY"
    assert flash.read(0x900000, 0x500000) == data
    assert sum(isinstance(event, PartDone) for event in host.events) == 6


def test_flash_when_written_again_then_the_new_content(told):
    host, flash = told
    for letter in (b"a", b"b"):
        assert host.write("small", letter * 0x3000, 0x3000) == "OKAY"
    assert flash.read(0x70000, 0x3000) == b"b" * 0x3000


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("all", 'FAILwriting partition "all" not found or not supported.'),
        ("nowhere", 'FAILwriting partition "nowhere" not found or not supported.'),
        ("", "FAIL"),
        ("customer_fs ", 'FAILwriting partition "customer_fs " not found or not supported.'),
        ("beyond", "FAILfailed to flash, address is out of range!"),
    ],
)
def test_flash_when_partition_is_none_then_the_real_words_and_the_image_stays(name, answer, told):
    host, _ = told
    assert host.download(vendor_sparse(b"x", 0, 2)) == "OKAY"
    assert host.say(f"flash:{name}").startswith(answer)
    assert host.say("flash:small") == "OKAY"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("customer_fs", "OKAY"),
        ("all", 'FAILerasing partition "all" not found or not supported.'),
        ("nowhere", 'FAILerasing partition "nowhere" not found or not supported.'),
        ("odd", 'FAILerase partition "odd" failed.'),
        ("beyond", "FAILfailed to flash, address is out of range!"),
    ],
)
def test_erase_when_asked_for_then_the_real_words(name, answer, told):
    host, _ = told
    assert host.say(f"erase:{name}") == answer


def test_erase_when_done_then_exactly_the_partition_is_blank(told):
    host, flash = told
    assert host.write("system", b"s" * 0x40000, 0x40000) == "OKAY"
    assert host.write("small", b"t" * 0x3000, 0x3000) == "OKAY"
    assert host.say("erase:small") == "OKAY"
    assert flash.read(0x70000, 0x3000) == b"\xff" * 0x3000
    assert flash.read(0x24000, 0x40000) == b"s" * 0x40000


def test_flash_when_partition_begins_inside_a_sector_then_the_rest_of_it_stays(told):
    host, flash = told
    flash.program(0x90000, b"before" * 10)
    flash.program(0x91800, b"behind" * 10)
    assert host.put("odd", vendor_sparse(b"odd" * 1000, 0, 1)) == "OKAY"
    assert flash.read(0x90800, 3000) == b"odd" * 1000
    assert (flash.read(0x90000, 60), flash.read(0x91800, 60)) == (b"before" * 10, b"behind" * 10)


def test_progress_when_written_then_percentages_rise_and_stay_below_100(told):
    host, _ = told
    blocks = [chunk(0xCAC1, 1, bytes([n]) * BLOCK) for n in range(20)]
    host.notes.clear()
    assert host.put("customer_fs", sparse([*blocks, chunk(0xCAC3, 0x500 - 20)], 0x500)) == "OKAY"
    assert host.put("system", sparse([chunk(0xCAC1, 1, bytes(BLOCK))] * 64, 64)) == "OKAY"
    values = [int(note[4:]) for note in host.notes if note.startswith("PROG")]
    assert values
    assert max(values) < 100


def test_verify_error_when_switched_on_for_a_place_then_its_flash_fails():
    host, _, faults = flasher(faults=DownloadFaults())
    faults.verify_errors.add(0x80070000)
    assert host.write("small", b"x", 0x3000) == 'FAILwrote partition "small" failed.'
    assert host.write("custom", b"x", 0x2000) == "OKAY"


def test_download_when_larger_than_the_flashers_memory_then_refused(told):
    host, _ = told
    assert host.say("download:00100000") == "DATA00100000"
    host.send(bytes(0x100000))
    assert host.say("download:00100001").startswith("FAIL")


@pytest.mark.parametrize("command", ["verify", "call", "partition", "flash:small"])
def test_flasher_when_nothing_is_there_to_work_on_then_fail(command, told):
    host, _ = told
    assert host.say(command).startswith("FAIL")


def test_crc_when_made_by_the_test_host_then_that_of_the_worked_example():
    """platform-asr 4.3: one block of 0xFF at block 1 of 3, 32/16 layout, 4196 bytes."""
    data = b"\xff" * BLOCK
    image = sparse(
        [
            chunk(0xCAC3, 1),
            chunk(0xCAC1, 1, data),
            chunk(0xCAC3, 1),
            chunk(0xCAC4, 0, struct.pack("<I", zlib.crc32(data))),
        ],
        3,
    )
    assert len(image) == 4196
    assert image[:32] == bytes.fromhex(
        "3AFF26ED010000002000100000100000030000000400000000000000 00000000".replace(" ", "")
    )
    assert image[32:48] == bytes.fromhex("C3CA0000010000001000000000000000")
    assert image[48:64] == bytes.fromhex("C1CA0000010000001010000000000000")
    assert image[-20:] == bytes.fromhex("C4CA00000000000014000000000000000A6754F1")
