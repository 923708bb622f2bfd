"""The wire as the reference types it (platform-unisoc section 7): these bytes in, those bytes out."""

from __future__ import annotations

import pytest

from unisoc_host import LOADER_1, LOADER_2

CONNECT = "ae 0c 00 00 00 ff 00 00  00 00 00 00 00 00 00 00 00 00 00 00"
START_16 = "ae 11 00 00 00 ff 00 00  04 00 00 00 c0 00 80 00 10 00 00 00 50 44 4c 31 00"
MID_16 = "ae 1c 00 00 00 ff 00 00  05 00 00 00 00 00 00 00 10 00 00 00  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"
END = "ae 10 00 00 00 ff 00 00  06 00 00 00 00 00 00 00 00 00 00 00 1c 3c 6e 06"
EXEC = "ae 0c 00 00 00 ff 00 00  07 00 00 00 00 00 00 00 00 00 00 00"
PDL_ACK = "ae 04 00 00 00 ff 00 00  00 00 00 00"
PDL_ERROR_4 = "ae 04 00 00 00 ee 00 00  04 00 00 00"
PDL_ERROR_9 = "ae 04 00 00 00 ee 00 00  09 00 00 00"

BSL_CONNECT = "7e 00 00 00 00 ff ff 7e"
BSL_ACK = "7e 00 80 00 00 ff 7f 7e"
VER = (
    "7e 00 81 00 22 53 70 72 65 61 64 74 72 75 6d 20 42 6f 6f 74 20 42 6c 6f 63 6b 20 76 65 72 73 69 6f 6e 20 31 2e 32 "
    "00 a9 e9 7e"
)
START_U = "7e 00 01 00 08 60 42 00 00 00 06 00 00 9f ae 7e"
START_NV = "7e 00 01 00 0c fe 00 00 03 00 02 00 00 12 34 56 78 99 40 7e"
START_CPIO = "7e 00 01 00 08 fe 00 00 04 00 00 00 6a 01 88 7e"
MIDST_ESCAPED = "7e 00 02 00 04 7d 5e 7d 5d 01 02 80 7a 7e"
MIDST_3 = "7e 00 02 00 03 01 02 03 fb f8 7e"
BSL_END = "7e 00 03 00 00 ff fc 7e"
BSL_EXEC = "7e 00 04 00 00 ff fb 7e"
RESET = "7e 00 05 00 00 ff fa 7e"
READ_NV = "7e 00 06 00 0c fe 00 00 03 00 00 30 00 00 00 00 00 d1 e9 7e"
BAUD_115200 = "7e 00 09 00 04 00 01 c2 00 3d f1 7e"
BAUD_921600 = "7e 00 09 00 04 00 0e 10 00 ef e4 7e"
ERASE_U = "7e 00 0a 00 08 60 42 00 00 00 06 00 00 9f a5 7e"
ERASE_RUNNING_NV = "7e 00 0a 00 08 fe 00 00 01 00 00 00 00 01 ec 7e"
FORMAT_FSYS = "7e 00 0a 00 08 fe 00 00 06 53 59 53 46 5b 47 7e"
FORMAT_FMOD = "7e 00 0a 00 08 fe 00 00 06 44 4f 4d 46 70 51 7e"
ERASE_ALL = "7e 00 0a 00 08 00 00 00 00 ff ff ff ff ff ed 7e"
REPARTITION = "7e 00 0b 00 00 ff f4 7e"
POWER_OFF = "7e 00 17 00 00 ff e8 7e"
INVALID = "7e 00 82 00 00 ff 7d 5d 7e"
DESTINATION = "7e 00 89 00 00 ff 76 7e"


def exchange(host, sent):
    return host.raw(bytes.fromhex(sent)).hex(" ")


def plain(text):
    return bytes.fromhex(text).hex(" ")


def test_rom_when_given_the_reference_frames_then_answers_them_byte_for_byte(host):
    assert exchange(host, CONNECT) == plain(PDL_ACK)
    assert exchange(host, START_16) == plain(PDL_ACK)
    assert exchange(host, MID_16) == plain(PDL_ACK)
    assert exchange(host, END) == plain(PDL_ACK)
    assert exchange(host, EXEC) == plain(PDL_ERROR_9)  # sixteen counting bytes are no image


def test_rom_when_load_address_is_outside_then_error_4(host):
    outside = START_16.replace("c0 00 80 00", "00 00 84 00")
    assert exchange(host, outside) == plain(PDL_ERROR_4)


def test_rom_when_image_is_right_then_exec_is_not_answered_and_fdl1_greets(host):
    assert host.load_first(LOADER_1)[-1] is None
    assert exchange(host, "7e") == plain(VER)
    assert exchange(host, "7e 7e 7e") == ""
    assert exchange(host, BSL_CONNECT) == plain(BSL_ACK)
    assert exchange(host, BAUD_921600) == plain(BSL_ACK)


def test_fdl1_when_fdl2_is_elsewhere_then_0x89_and_silence(host):
    host.load_first()
    exchange(host, "7e")
    assert exchange(host, START_U) == plain(DESTINATION)
    assert exchange(host, BSL_CONNECT) == ""


def test_exec_of_fdl2_when_sent_then_its_ack_is_the_only_answer(host):
    host.load_first()
    exchange(host, "7e")
    host.write(0x810000, LOADER_2)
    assert exchange(host, BSL_EXEC) == plain(BSL_ACK)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (BSL_CONNECT, BSL_ACK),
        (BAUD_115200, BSL_ACK),
        (START_U, BSL_ACK),
        (START_NV, BSL_ACK),
        (START_CPIO, BSL_ACK),
        (ERASE_U, BSL_ACK),
        (ERASE_RUNNING_NV, BSL_ACK),
        (FORMAT_FSYS, BSL_ACK),
        (FORMAT_FMOD, "7e 00 84 00 00 ff 7b 7e"),
        (ERASE_ALL, BSL_ACK),
        (REPARTITION, BSL_ACK),
        (POWER_OFF, BSL_ACK),
        (RESET, BSL_ACK),
        (BSL_EXEC, INVALID),
        (MIDST_3, "7e 00 86 00 00 ff 79 7e"),
        (BSL_END, "7e 00 86 00 00 ff 79 7e"),
    ],
)
def test_fdl2_when_given_a_reference_frame_then_answers_as_the_device(host, sent, answer):
    host.up()
    assert exchange(host, sent) == plain(answer)


def test_fdl2_when_data_is_escaped_then_flash_holds_the_plain_bytes(host, flash):
    host.up()
    # RFC 1071 by hand: 0001 + 0008 + 6042 + 0007 = 6052, complement 9fad
    assert exchange(host, "7e 00 01 00 08 60 42 00 00 00 00 00 07 9f ad 7e") == plain(BSL_ACK)
    assert exchange(host, MIDST_ESCAPED) == plain(BSL_ACK)
    assert exchange(host, MIDST_3) == plain(BSL_ACK)
    assert exchange(host, BSL_END) == plain(BSL_ACK)
    assert flash.read(0x420000, 8).hex(" ") == "7e 7d 01 02 01 02 03 ff"


def test_fdl2_when_nv_is_read_then_first_packet_is_3000_bytes_of_the_block(host, storage):
    host.up()
    answer = host.raw(bytes.fromhex(READ_NV))
    assert answer.startswith(bytes.fromhex("7e 00 93 30 00"))
    assert answer[5:7] == storage.nv.read_block()[:2]
