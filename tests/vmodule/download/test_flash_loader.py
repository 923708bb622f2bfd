from __future__ import annotations

import zlib

import pytest

from moduline.formats import nv
from moduline.vmodule.download.events import (
    BaudChanged,
    CutReached,
    Panicked,
    PartDone,
    PowerOffWanted,
    ResetWanted,
    UnplugReached,
)
from moduline.wire.download.unisoc import BslCommand, pack_words
from unisoc_host import ACK

NV = 0xFE000003
PHASE_CHECK = 0xFE000002
CPIO = 0xFE000004
CPIO_EXAMPLE = bytes.fromhex(
    "c7 71 73 36 4a ca b6 81 00 00 00 00 01 00 00 00 08 60 4a dd 14 00 00 00 15 00".replace(" ", "")
) + b"prepack/example.txt\0PREPACK FILE EXAMPLE\n\0" + bytes.fromhex(
    "c7 71 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 0b 00 00 00 00 00"
) + b"TRAILER!!!\0\0"  # fmt: skip


@pytest.fixture
def fdl2(host):
    return host.up()


def content(size, seed=1):
    return bytes((i * 31 + seed * 7 + (i >> 8)) & 0xFF for i in range(size))


# ---- flash -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packet", [0x210, 0x800, 0x1000, 0x3000])
def test_flash_part_when_written_then_flash_holds_it(fdl2, flash, packet):
    data = content(100_001)
    assert set(fdl2.write(0x60010000, data, packet)) == {ACK}
    assert flash.read(0x10000, len(data) + 1) == data + b"\xff"
    assert PartDone(0x60010000, len(data)) in fdl2.events


def test_flash_part_when_written_over_old_content_then_its_sectors_are_erased_first(fdl2, flash):
    fdl2.write(0x60010000, content(0x30000, 1))
    fdl2.write(0x60010000, content(0x2100, 2))
    assert flash.read(0x10000, 0x3000) == content(0x2100, 2) + b"\xff" * 0xF00
    assert flash.read(0x13000, 16) == content(0x30000, 1)[0x3000:0x3010]


def test_flash_part_when_start_is_unaligned_then_erase_is_rounded(fdl2, flash):
    fdl2.write(0x60420000, content(0x3000))
    assert set(fdl2.write(0x60421080, content(0x10, 5))) == {ACK}
    assert flash.read(0x421000, 0x1000) == b"\xff" * 0x80 + content(0x10, 5) + b"\xff" * 0xF70


def test_flash_part_when_transfer_stops_then_far_tail_is_still_old(fdl2, flash):
    """The erase overlaps with reception: it is a bounded distance ahead of the content."""
    fdl2.write(0x60010000, content(0x80000, 1))
    fdl2.code(BslCommand.START_DATA, 0x60010000, 0x80000)
    fdl2.bsl(BslCommand.MIDST_DATA, content(0x800, 2))
    assert flash.read(0x10000, 0x800) == content(0x800, 2)
    assert flash.read(0x12000, 0x1000) == b"\xff" * 0x1000
    assert flash.read(0x80000, 0x10000) == content(0x80000, 1)[0x70000:]


def test_boot_when_received_then_written_only_at_end(fdl2, flash):
    old, new = content(0x9000, 1), content(0x8000, 2)
    fdl2.write(0x60000000, old)
    fdl2.code(BslCommand.START_DATA, 0x60000000, len(new))
    for at in range(0, len(new), 0x800):
        fdl2.bsl(BslCommand.MIDST_DATA, new[at : at + 0x800])
    assert flash.read(0, len(old)) == old
    assert fdl2.code(BslCommand.END_DATA) == ACK
    assert flash.read(0, len(new)) == new


@pytest.mark.parametrize(
    ("address", "size", "answer"),
    [
        (0x60000000, 0x10001, 0x8A),  # boot is collected in 64 KiB of memory
        (0x60800000, 4, 0x89),
        (0x607FF000, 0x1001, 0x8A),
        (0x70000000, 4, 0x84),
        (0x10000000, 4, 0x89),
        (0xFE000001, 4, 0x89),
        (0xFE000005, 4, 0x89),
        (0xFE000009, 4, 0x89),
        (PHASE_CHECK, 0xFF, 0x8A),
        (PHASE_CHECK, 0x101, 0x8A),
        (NV, 0x20001, 0x8A),
    ],
)
def test_start_when_place_or_size_is_wrong_then_refused(fdl2, address, size, answer):
    assert fdl2.code(BslCommand.START_DATA, address, size) == answer
    assert fdl2.bsl(BslCommand.MIDST_DATA, b"1234")[0] == 0x86


def test_midst_when_too_much_then_size_error_and_transfer_must_restart(fdl2):
    fdl2.code(BslCommand.START_DATA, 0x60010000, 100)
    assert fdl2.bsl(BslCommand.MIDST_DATA, bytes(101))[0] == 0x8A
    assert fdl2.bsl(BslCommand.MIDST_DATA, bytes(100))[0] == 0x86
    assert set(fdl2.write(0x60010000, bytes(100))) == {ACK}


def test_end_when_bytes_are_missing_then_size_error(fdl2):
    assert fdl2.write(0x60010000, bytes(99), size=100)[-1] == 0x8A
    assert fdl2.code(BslCommand.END_DATA) == 0x86


def test_end_when_flash_lost_a_bit_then_verify_error(fdl2, flash):
    fdl2.code(BslCommand.START_DATA, 0x60010000, 0x800)
    fdl2.bsl(BslCommand.MIDST_DATA, b"\xff" * 0x800)
    flash.program(0x10123, b"\xfe")
    assert fdl2.code(BslCommand.END_DATA) == 0x8B


def test_end_when_fault_says_so_then_verify_error_for_that_part_only(fdl2, faults):
    faults.verify_errors.add(0x60010000)
    assert fdl2.write(0x60010000, bytes(8))[-1] == 0x8B
    assert fdl2.write(0x60260000, bytes(8))[-1] == ACK


# ---- NV, PhaseCheck, cpio ------------------------------------------------------------------------------------------


def read_nv(host, size=0x3000):
    block, offset = b"", 0
    while True:
        kind, data = host.bsl(BslCommand.READ_FLASH, pack_words(NV, size, offset))
        if kind != 0x93:
            return block, kind
        block += data
        offset += len(data)


def test_nv_when_read_to_the_end_then_whole_block_with_right_crc_then_0x82(fdl2, identity):
    block, last = read_nv(fdl2)
    assert (len(block), last) == (0x20000, 0x82)
    assert nv.is_crc_right(block)
    assert nv.read(block).imei == identity.factory_imei


def test_nv_when_crc_is_stale_then_0x84_and_old_block_stays(fdl2, storage):
    before = storage.nv.read_block()
    assert fdl2.write(NV, b"\x12\x34" + before[2:])[-1] == 0x84
    assert storage.nv.read_block() == before


def test_nv_when_rewritten_then_read_back_in_the_same_session(fdl2, storage):
    block = nv.write(nv.read(storage.nv.read_block()).with_item(0x300, b"changed"))
    codes = [fdl2.code(BslCommand.START_DATA, NV, len(block), sum(block))]
    codes += [fdl2.bsl(BslCommand.MIDST_DATA, block[at : at + 0x800])[0] for at in range(0, len(block), 0x800)]
    assert {*codes, fdl2.code(BslCommand.END_DATA)} == {ACK}
    assert read_nv(fdl2)[0] == block


def test_nv_when_offsets_are_not_consecutive_then_0x82(fdl2):
    assert fdl2.bsl(BslCommand.READ_FLASH, pack_words(NV, 0x1000, 0))[0] == 0x93
    assert fdl2.bsl(BslCommand.READ_FLASH, pack_words(NV, 0x1000, 0x2000))[0] == 0x82
    assert fdl2.bsl(BslCommand.READ_FLASH, pack_words(NV, 0x1000, 0x1000))[0] == 0x93


def test_nv_when_written_during_a_read_then_the_snapshot_goes_on(fdl2, storage):
    before = storage.nv.read_block()
    fdl2.bsl(BslCommand.READ_FLASH, pack_words(NV, 0x1000, 0))
    storage.nv.write_block(nv.write(nv.read(before).with_item(0x300, b"changed")))
    assert fdl2.bsl(BslCommand.READ_FLASH, pack_words(NV, 0x1000, 0x1000)) == (0x93, before[0x1000:0x2000])


def test_nv_when_there_is_none_then_operation_failed(fdl2, storage):
    storage.nv.format()
    assert fdl2.bsl(BslCommand.READ_FLASH, pack_words(NV, 0x1000, 0))[0] == 0x84


def test_nv_when_block_cannot_be_kept_then_operation_failed(fdl2):
    import random

    noise = random.Random(1).randbytes(0x20000)
    assert fdl2.write(NV, nv.with_right_crc(noise), 0x3000)[-1] == 0x84


def test_phase_check_when_written_then_read_and_erased(fdl2):
    assert fdl2.bsl(BslCommand.READ_FLASH, pack_words(PHASE_CHECK, 0x100))[0] == 0x84
    assert set(fdl2.write(PHASE_CHECK, content(0x100))) == {ACK}
    assert fdl2.bsl(BslCommand.READ_FLASH, pack_words(PHASE_CHECK, 0x100)) == (0x93, content(0x100))
    assert fdl2.code(BslCommand.ERASE_FLASH, PHASE_CHECK, 0) == ACK
    assert fdl2.bsl(BslCommand.READ_FLASH, pack_words(PHASE_CHECK, 0x100))[0] == 0x84


@pytest.mark.parametrize("packet", [1, 7, 0x800])
def test_cpio_when_written_then_unpacked(fdl2, storage, packet):
    assert len(CPIO_EXAMPLE) == 106
    assert set(fdl2.write(CPIO, CPIO_EXAMPLE, packet)) == {ACK}
    assert storage.files.read("/prepack/example.txt") == b"PREPACK FILE EXAMPLE\n"


def test_cpio_when_a_name_is_no_text_and_too_long_then_passed_over(fdl2, storage):
    name = b"\xff" * 101
    head = bytes.fromhex("c771 0000 0000 b681 0000 0000 0100 0000 0000 0000 6600 0000 0200".replace(" ", ""))
    assert set(fdl2.write(CPIO, head + name + b"\0" + b"xy" + CPIO_EXAMPLE)) == {ACK}
    assert storage.files.paths() == ("/prepack/example.txt",)


def test_cpio_when_it_is_none_then_operation_failed(fdl2):
    assert fdl2.write(CPIO, b"PK\x03\x04" + bytes(60))[-1] == 0x84


def test_cpio_when_file_system_is_foreign_then_0x96_until_formatted(fdl2, flash):
    flash.program(0x320000, b"somebody else")
    assert fdl2.code(BslCommand.START_DATA, CPIO, 106) == 0x96
    assert fdl2.code(BslCommand.ERASE_FLASH, 0xFE000006, int.from_bytes(b"FSYS", "little")) == ACK
    assert set(fdl2.write(CPIO, CPIO_EXAMPLE)) == {ACK}


def test_nv_when_factory_partition_is_foreign_then_0x96(fdl2, flash):
    flash.erase(0x7E0000, 0x20000)
    flash.program(0x7E0000, b"somebody else")
    assert fdl2.code(BslCommand.START_DATA, NV, 0x20000) == 0x96
    assert fdl2.code(BslCommand.START_DATA, PHASE_CHECK, 0x100) == 0x96


# ---- reading, erasing, leaving ---------------------------------------------------------------------------------------


def test_read_when_two_or_three_words_then_same_bytes(fdl2, flash):
    fdl2.write(0x60010000, content(0x4000))
    two = fdl2.bsl(BslCommand.READ_FLASH, pack_words(0x60010000, 0x3000))
    three = fdl2.bsl(BslCommand.READ_FLASH, pack_words(0x60010000, 0x3000, 0x1000))
    assert two == three == (0x93, content(0x4000)[:0x3000])


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ((0x607FF000, 0x1000), 0x93),
        ((0x607FF000, 0x1001), 0x82),
        ((0x60800000, 1), 0x82),
        ((0x10000000, 1), 0x82),
        ((0x70000000, 1), 0x84),
        ((0x60000000, 0x10000), 0x82),
        ((0x60000000, 0), 0x82),
        ((0x60000000,), 0x82),
        ((NV, 0x10, 0x20000), 0x82),
    ],
)
def test_read_when_range_is_wrong_then_0x82(fdl2, words, answer):
    assert fdl2.bsl(BslCommand.READ_FLASH, pack_words(*words))[0] == answer


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ((0x60420000, 0x60000), ACK),
        ((0x60420010, 1), ACK),
        ((0x607FF000, 0x1001), 0x82),
        ((0x10000000, 0x1000), 0x82),
        ((0x70000000, 0x1000), 0x84),
        ((0xFE000005, 0), ACK),
        ((0xFE000006, int.from_bytes(b"FEXT", "little")), 0x84),
        ((0x60420000,), 0x82),
    ],
)
def test_erase_when_asked_then_answered_as_the_device(fdl2, words, answer):
    assert fdl2.code(BslCommand.ERASE_FLASH, *words) == answer


def test_erase_when_unaligned_then_whole_sectors_are_gone(fdl2, flash):
    fdl2.write(0x60420000, content(0x3000))
    fdl2.code(BslCommand.ERASE_FLASH, 0x60421010, 1)
    assert flash.read(0x420000, 0x3000) == content(0x3000)[:0x1000] + b"\xff" * 0x1000 + content(0x3000)[0x2000:]


def test_erase_all_when_done_then_nv_and_phase_check_are_back(fdl2, flash, storage):
    fdl2.write(PHASE_CHECK, content(0x100))
    fdl2.write(0x60010000, content(0x2000))
    before = storage.nv.read_block()
    assert fdl2.code(BslCommand.ERASE_FLASH, 0, 0xFFFFFFFF) == ACK
    assert zlib.crc32(flash.read(0, 0x7E0000)) == zlib.crc32(b"\xff" * 0x7E0000)
    assert storage.nv.read_block() == before
    assert storage.nv.read_phase_check() == content(0x100)


@pytest.mark.parametrize(
    "command", [0x07, 0x08, 0x0C, 0x0D, 0x0F, 0x10, 0x13, 0x14, 0x15, 0x19, 0x1A, 0x1B, 0x1C, 0x21, 0x7F, 0xFF, 0x1234]
)
def test_command_when_not_implemented_then_0x82(fdl2, command):
    assert fdl2.bsl(command) == (0x82, b"")


@pytest.mark.parametrize("command", [BslCommand.CONNECT, BslCommand.REPARTITION, BslCommand.ENABLE_DEBUG])
def test_command_when_only_acknowledged_then_ack(fdl2, command):
    assert fdl2.bsl(command) == (ACK, b"")


@pytest.mark.parametrize(
    ("command", "event"), [(BslCommand.NORMAL_RESET, ResetWanted()), (BslCommand.POWER_OFF, PowerOffWanted())]
)
def test_leaving_when_asked_then_acknowledged_and_nothing_is_heard_after(fdl2, command, event):
    assert fdl2.code(command) == ACK
    assert event in fdl2.events
    assert fdl2.code(BslCommand.CONNECT) is None


def test_baud_when_changed_then_ack(fdl2):
    assert fdl2.code(BslCommand.CHANGE_BAUD, 115200) == ACK
    assert BaudChanged(115200) in fdl2.events


# ---- framing and faults ----------------------------------------------------------------------------------------------


def test_fdl2_when_flags_come_in_runs_then_harmless(fdl2):
    assert fdl2.raw(b"\x7e" * 10) == b""
    assert fdl2.raw(b"\x7e\x7e" + bytes.fromhex("7e 00 00 00 00 ff ff 7e") + b"\x7e") == bytes.fromhex(
        "7e00800000ff7f7e"
    )


def test_fdl2_when_check_is_wrong_then_panics(fdl2):
    assert fdl2.raw(bytes.fromhex("7e 00 00 00 00 ff fe 7e")) == b""
    assert Panicked("bad-check") in fdl2.events
    assert fdl2.code(BslCommand.CONNECT) is None


def test_fdl2_when_packet_is_larger_than_the_device_takes_then_dropped(fdl2):
    fdl2.code(BslCommand.START_DATA, 0x60010000, 0x8000)
    assert fdl2.bsl(BslCommand.MIDST_DATA, bytes(0x3021)) is None
    assert fdl2.bsl(BslCommand.MIDST_DATA, bytes(0x3000))[0] == ACK


def test_fdl2_when_everything_comes_byte_by_byte_then_same_flash(fdl2, flash):
    from moduline.wire.download.unisoc import encode_bsl

    sent = encode_bsl(1, pack_words(0x60010000, 300)) + encode_bsl(2, content(300)) + encode_bsl(3)
    answers = b"".join(fdl2.raw(sent[i : i + 1]) for i in range(len(sent)))
    assert answers == encode_bsl(0x80) * 3
    assert flash.read(0x10000, 300) == content(300)


def test_faults_when_silent_or_logging_then_wire_shows_it(fdl2, faults):
    faults.has_log_frames = True
    assert fdl2.raw(bytes.fromhex("7e 00 00 00 00 ff ff 7e")).startswith(b"\x7e\x00\xff")
    faults.is_silent = True
    assert fdl2.code(BslCommand.CONNECT) is None


def test_faults_when_content_limit_is_reached_then_cut_or_unplug_at_that_packet(fdl2, faults):
    before = fdl2.session.content_bytes
    faults.unplug_at_bytes = before + 0x1000
    fdl2.code(BslCommand.START_DATA, 0x60010000, 0x4000)
    fdl2.bsl(BslCommand.MIDST_DATA, bytes(0x800))
    assert UnplugReached() not in fdl2.events
    fdl2.bsl(BslCommand.MIDST_DATA, bytes(0x800))
    assert UnplugReached() in fdl2.events
    faults.cut_at_bytes = before + 0x1801
    assert fdl2.bsl(BslCommand.MIDST_DATA, bytes(0x800))[0] == ACK
    assert fdl2.bsl(BslCommand.MIDST_DATA, bytes(0x800)) is None
    assert CutReached() in fdl2.events
