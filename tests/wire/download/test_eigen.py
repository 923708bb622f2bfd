"""Packets of EigenComm's boot ROM and agentboot. Every hex string here is typed from platform-eigencomm 3.1 to 3.6."""

from __future__ import annotations

import hashlib
import random

import pytest

from moduline.errors import BadFormat
from moduline.wire.download.eigen import (
    AP_FLASH,
    CP_FLASH,
    RESET_ANSWER,
    WRONG_LAYER,
    Answer,
    AnswerDecoder,
    BadCheck,
    BadLength,
    Command,
    Dropped,
    Echo,
    Layer,
    LpcCommand,
    Request,
    RequestDecoder,
    Words,
    crc8_maxim,
    encode_answer,
    encode_length,
    encode_request,
    nak,
    pack_words,
    unpack_version,
    unpack_words,
)
from moduline.wire.download.eigen_head import (
    HEAD_BYTES,
    HashMode,
    ImageHead,
    ImageId,
    encode_baud,
    head_of,
    is_hash_right,
    pack_head,
    unpack_head,
)

D, A, L = Layer.DLBOOT, Layer.AGBOOT, Layer.LPC
DATA_4 = bytes((1, 2, 3, 4))
ROM_VERSION = bytes.fromhex("000000020100000002262120")

REQUESTS = {
    "DLBOOT GET_VERSION": (D, Request(0x20), "20 00 CD 32 00 00 00 00"),
    "DLBOOT DATA_HEAD": (D, Request(0x31, 0, pack_words(0x110)), "31 00 CD 32 04 00 00 00 10 01 00 00"),
    "DLBOOT DATA": (D, Request(0x32, 0, DATA_4), "32 00 CD 32 04 00 00 00 01 02 03 04 3F 01 00 00"),
    "AGBOOT GET_VERSION": (A, Request(0x20), "20 00 CD 32 00 00 00 00 B3 5B C3 EA"),
    "AGBOOT SEL_IMAGE": (A, Request(0x21), "21 00 CD 32 00 00 00 00 2D 5B 69 26"),
    "AGBOOT VERIFY": (A, Request(0x22), "22 00 CD 32 00 00 00 00 CE 5C E6 A8"),
    "AGBOOT DATA_HEAD": (
        A,
        Request(0x31, 0, pack_words(0x110)),
        "31 00 CD 32 04 00 00 9E 10 01 00 00 13 E2 4E AC",
    ),
    "AGBOOT DATA": (A, Request(0x32, 1, DATA_4), "32 01 CD 32 04 00 00 9E 01 02 03 04 5A F6 FD DC"),
    "AGBOOT DONE": (A, Request(0x3A), "3A 00 CD 32 00 00 00 00 50 76 B8 07"),
    "LPC BURN_ONE BL": (L, Request(0x42, 0, b"IMBO"), "42 00 4C B3 04 00 00 9E 49 4D 42 4F 2E 82 DA 6C"),
    "LPC BURN_ONE AP": (L, Request(0x42, 0, b"IBKD"), "42 00 4C B3 04 00 00 9E 49 42 4B 44 D2 A7 96 21"),
    "LPC BURN_ONE CP": (
        L,
        Request(0x42, 0, b"IBPC" + CP_FLASH),
        "42 00 4C B3 06 00 00 D1 49 42 50 43 01 E1 36 57 D1 F2",
    ),
    "LPC BURN_ONE FLEX": (L, Request(0x42, 0, b"IXLF"), "42 00 4C B3 04 00 00 9E 49 58 4C 46 9F 76 68 91"),
    "LPC BURN_STATUS": (L, Request(0x44), "44 00 4C B3 00 00 00 00 AD AB 08 E7"),
    "LPC ERASE": (
        L,
        Request(0x10, 0, pack_words(0x1000, 0x9C4000)),
        "10 00 4C B3 08 00 00 25 00 10 00 00 00 40 9C 00 07 15 B5 B7",
    ),
    "LPC SYS_RESET": (L, Request(0xAA), "AA 00 4C B3 00 00 00 00 FE 9C 52 71"),
}
ANSWERS = {
    "DLBOOT GET_VERSION": (D, Answer(0x20, 0, 0, ROM_VERSION), "20 00 CD 32 00 0C 000000020100000002262120"),
    "DLBOOT DATA_HEAD": (D, Answer(0x31, 0, 0, pack_words(0x110)), "31 00 CD 32 00 04 10 01 00 00"),
    "DLBOOT DATA": (D, Answer(0x32, 1), "32 01 CD 32 00 00"),
    "AGBOOT SEL_IMAGE": (A, Answer(0x21, 0, 0, b"HMIT"), "21 00 CD 32 00 04 48 4D 49 54 25 4F 95 03"),
    "AGBOOT VERIFY": (A, Answer(0x22), "22 00 CD 32 00 00 BB 02 6E 58"),
    "AGBOOT DATA_HEAD": (A, Answer(0x31, 0, 0, pack_words(0x110)), "31 00 CD 32 00 04 10 01 00 00 85 FC BF 1E"),
    "AGBOOT DATA": (A, Answer(0x32, 2), "32 02 CD 32 00 00 40 53 78 21"),
    "AGBOOT DONE": (A, Answer(0x3A), "3A 00 CD 32 00 00 4D 82 EB B7"),
    "LPC BURN_ONE": (L, Answer(0x42), "42 00 4C B3 00 00 08 AD 88 E5"),
    "LPC BURN_STATUS": (L, Answer(0x44, 0, 0, pack_words(0)), "44 00 4C B3 00 04 00 00 00 00 F3 EB F4 EE"),
    "LPC SYS_RESET": (L, Answer(0xAA, 0, 0, RESET_ANSWER), "AA 00 4C B3 00 08 5A7A5A7A5A7A5A7A A5 E8 98 9A"),
}


@pytest.mark.parametrize(("layer", "request_", "wire"), REQUESTS.values(), ids=REQUESTS)
def test_request_typed_from_the_reference_both_ways(layer: Layer, request_: Request, wire: str) -> None:
    assert encode_request(layer, request_) == bytes.fromhex(wire)
    assert RequestDecoder(layer).feed(bytes.fromhex(wire)) == [request_]


@pytest.mark.parametrize(("layer", "answer", "wire"), ANSWERS.values(), ids=ANSWERS)
def test_answer_typed_from_the_reference_both_ways(layer: Layer, answer: Answer, wire: str) -> None:
    assert encode_answer(layer, answer) == bytes.fromhex(wire)
    assert AnswerDecoder(layer).feed(bytes.fromhex(wire)) == [answer]


def test_sync_words_on_the_wire_are_those_of_the_reference() -> None:
    assert [layer.word.hex(" ") for layer in (D, A, L)] == ["00 d3 02 2b", "aa d3 02 2b", "cd d3 02 2b"]
    assert WRONG_LAYER.hex(" ") == "2b 02 d3 ee"


@pytest.mark.parametrize(
    ("length", "crc"),
    [(4, 0x9E), (6, 0xD1), (8, 0x25), (0x110, 0x8E), (0x4000, 0x9B), (0x10FE, 0x95), (0x330C, 0xC3)],
)
def test_length_field_carries_crc8_in_its_top_byte(length: int, crc: int) -> None:
    assert encode_length(length) == crc << 24 | length


def test_crc8_of_the_check_string_and_length_zero() -> None:
    assert crc8_maxim(b"123456789") == 0xA1
    assert encode_length(0) == 0


@pytest.mark.parametrize("name", REQUESTS)
def test_request_byte_by_byte_and_with_a_tail(name: str) -> None:
    layer, request, wire = REQUESTS[name]
    data = bytes.fromhex(wire)
    decoder = RequestDecoder(layer)
    assert [decoder.feed(data[at : at + 1]) for at in range(len(data))] == [[]] * (len(data) - 1) + [[request]]
    assert RequestDecoder(layer).feed(data + data[:5]) == [request]
    assert decoder.is_empty


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("garbage", [b"", b"\xcd", b"\x20\x00", b"\x20\x00\xcd", b"boot: v1\r\n", b"\xff" * 700])
def test_answer_behind_garbage_byte_by_byte_is_found(name: str, garbage: bytes) -> None:
    layer, answer, wire = ANSWERS[name]
    data = garbage + bytes.fromhex(wire)
    decoder = AnswerDecoder(layer)
    events = [event for at in range(len(data)) for event in decoder.feed(data[at : at + 1])]
    assert events[-1] == answer
    assert sum(event.size_bytes for event in events if isinstance(event, Dropped)) == len(garbage)
    assert decoder.is_empty


def test_echo_words_are_told_apart_and_follow_each_other() -> None:
    decoder = AnswerDecoder(A)
    data = b"\0" + A.word + WRONG_LAYER + L.word + bytes.fromhex(ANSWERS["AGBOOT DONE"][2]) + D.word
    assert decoder.feed(data) == [Dropped(1), Echo(A), Echo(None), Echo(L), Answer(0x3A), Echo(D)]


@pytest.mark.parametrize("layer", Layer)
def test_pair_of_words_is_reported_with_both_halves(layer: Layer) -> None:
    decoder = RequestDecoder(layer)
    assert decoder.feed(layer.word * 2) == [Words(layer, layer)]
    assert decoder.feed(b"????" + layer.word) == [Words(None, layer)]
    assert decoder.feed(b"????????") == [Dropped(8)]


def test_pair_of_words_asks_idle_devices_with_either_half_sessions_with_both() -> None:
    assert Words(None, A).asks_for(A, is_idle=True)
    assert not Words(None, A).asks_for(A, is_idle=False)
    assert Words(A, A).asks_for(A, is_idle=False)
    assert not Words(L, L).asks_for(A, is_idle=True)


def test_request_with_wrong_crc8_is_bad_length_and_clears_the_buffer() -> None:
    decoder = RequestDecoder(A)
    wire = bytes.fromhex("32 01 CD 32 04 00 00 9F 01 02 03 04 5A F6 FD DC")
    assert decoder.feed(wire) == [BadLength(0x32, 1)]
    assert decoder.is_empty


def test_request_longer_than_taken_is_bad_length() -> None:
    wire = encode_request(A, Request(0x32, 0, bytes(0x4001)))
    assert RequestDecoder(A).feed(wire[:8]) == [BadLength(0x32, 0)]
    assert RequestDecoder(D, 0x400).feed(encode_request(D, Request(0x32, 0, bytes(0x401)))[:8]) == [BadLength(0x32, 0)]


def test_request_with_one_flipped_bit_is_bad_check_and_the_next_one_is_read() -> None:
    good = bytes.fromhex(REQUESTS["AGBOOT DATA"][2])
    events = RequestDecoder(A).feed(good[:9] + b"\x03" + good[10:] + good)
    assert isinstance(events[0], BadCheck)
    assert events[1:] == [Request(0x32, 1, DATA_4)]
    rom = bytes.fromhex(REQUESTS["DLBOOT DATA"][2])
    assert RequestDecoder(D).feed(rom[:-4] + b"\x40\x01\0\0") == [BadCheck(0x32, 0, 0x140, 0x13F)]


def test_answer_with_one_flipped_bit_is_bad_check_and_the_next_one_is_found() -> None:
    good = bytes.fromhex(ANSWERS["AGBOOT DATA"][2])
    events = AnswerDecoder(A).feed(good[:-1] + b"\0" + good)
    assert isinstance(events[0], BadCheck)
    assert events[-1] == Answer(0x32, 2)


def test_layer_of_a_decoder_changed_between_feeds_reads_the_other_marker() -> None:
    decoder = RequestDecoder(L)
    decoder.push(bytes.fromhex(REQUESTS["LPC BURN_ONE AP"][2]) + A.word * 2 + bytes.fromhex(REQUESTS["AGBOOT DONE"][2]))
    assert decoder.next_event() == Request(LpcCommand.BURN_ONE, 0, b"IBKD")
    decoder.layer = A
    assert decoder.next_event() == Words(A, A)
    assert decoder.next_event() == Request(Command.DONE)
    assert decoder.next_event() is None


def test_decoders_given_arbitrary_bytes_raise_nothing_and_hold_little() -> None:
    chance = random.Random(4)
    pieces = [A.word, L.word, b"\xcd\x32", b"\x4c\xb3", b"\x32\0", bytes.fromhex(REQUESTS["AGBOOT DATA"][2])]
    for layer in Layer:
        asked, answered = RequestDecoder(layer, 64), AnswerDecoder(layer)
        for _ in range(2000):
            data = chance.choice([*pieces, chance.randbytes(chance.randrange(12))])
            asked.feed(data)
            answered.feed(data)
        assert asked.clear() <= 8 + 64 + 4
        assert answered.clear() <= 6 + 255 + 4


def test_version_of_the_real_chip_gives_the_rom_version_of_the_ini() -> None:
    assert unpack_version(ROM_VERSION).rom_version == "0000000102000000"
    assert f"{unpack_version(ROM_VERSION).built:08x}" == "20212602"
    with pytest.raises(BadFormat):
        unpack_version(ROM_VERSION + b"\0")
    with pytest.raises(BadFormat):
        unpack_words(b"\0" * 7, 2)


def test_nak_carries_its_code_as_a_word() -> None:
    refusal = nak(Request(0x31, 3), 0x94)
    assert refusal == Answer(0x31, 3, 1, b"\x94\0\0\0")
    assert refusal.code == 0x94
    assert Answer(0x31).code is None


# ---- the image head --------------------------------------------------------------------------------------------------


def test_head_of_hello_is_the_one_of_the_reference() -> None:
    data = pack_head(head_of(ImageId.AP, 0x24000, b"hello"))
    start = "01000010 484D4954 07051820 00000000 01000000 EE000000 00000000 00000000 62532DEA"
    assert data.startswith(bytes.fromhex(start))
    assert hashlib.sha256(data).hexdigest() == "520895df58ac18a2f06cb748510e36ad7e9034550136cc770f9509731cef543f"
    assert is_hash_right(data)
    assert not is_hash_right(data[:-1] + b"\1")


def test_head_of_the_real_agentboot_is_the_captured_one() -> None:
    digest = bytes.fromhex("0bd2f394b9acb1f4ae7eee70b8774e457bbf7bd2a0ea70fc6ea32f92fc1e98e7")
    data = pack_head(ImageHead(ImageId.BOOT, 0, 35568, digest, encode_baud(921600), 1))
    assert data[22:24] == bytes.fromhex("00A4")
    assert data[32:36] == bytes.fromhex("6112D135")
    assert data[76:80] == bytes.fromhex("F08A0000")
    assert data[96:100] == bytes.fromhex("0BD2F394")
    request = encode_request(D, Request(Command.DATA, 0, data))
    assert request[-4:] == bytes.fromhex("632B0000")


@pytest.mark.parametrize("at", [16, 20, 21, 22, 24, 28, 64, 68, 72, 76, 80, 96, 128, 192, 256])
@pytest.mark.parametrize("value", [0x00, 0x01, 0x7F, 0xFF])
def test_head_field_survives_a_round_trip(at: int, value: int) -> None:
    data = bytearray(pack_head(head_of(ImageId.FLEX, 0x300000, b"x", baud=460800)))
    data[at] = value
    again = pack_head(unpack_head(bytes(data)))
    assert again[:32] + again[64:] == bytes(data[:32] + data[64:])


def test_head_fields_read_back_as_written() -> None:
    head = unpack_head(pack_head(head_of(ImageId.CP, 0x1000, b"abc", baud=1152000, options=1)))
    assert (head.image_id, head.burn_address, head.size_bytes, head.baud) == (ImageId.CP, 0x1000, 3, 1152000)
    assert (head.hash_mode, head.options, head.load_address) == (HashMode.NOT_CHECKED, 1, 0x04010000)
    assert head_of(1, 0, b"").baud == 0


@pytest.mark.parametrize("data", [b"", bytes(HEAD_BYTES), bytes(HEAD_BYTES - 1), bytes(HEAD_BYTES + 1)])
def test_head_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(BadFormat):
        unpack_head(data)


def test_constants_of_the_flash_choice_are_those_of_the_reference() -> None:
    assert (AP_FLASH.hex(), CP_FLASH.hex()) == ("01e0", "01e1")
