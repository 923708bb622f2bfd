"""PDL and BSL frames of the Unisoc download protocols. Every hex string here is typed from platform-unisoc 5.2 and 7."""

from __future__ import annotations

import pytest

from moduline.errors import BadFormat
from moduline.wire.download.unisoc import (
    END_TAG,
    FLOW_NORMAL,
    START_TAG,
    VERSION_LOADER,
    VERSION_ROM,
    BslBadCheck,
    BslDecoder,
    BslDropped,
    BslFrame,
    BslSync,
    PdlAnswer,
    PdlDecoder,
    PdlDropped,
    PdlPacket,
    PdlRequest,
    encode_bsl,
    encode_pdl_answer,
    encode_pdl_request,
    pack_words,
    sum32,
    sum_check,
    unpack_pdl_answer,
    unpack_pdl_request,
    unpack_words,
)
from moduline.wire.download.unisoc_bsl import unescape

PDL_REQUESTS = {
    "CONNECT": (PdlRequest(0), "ae0c000000ff0000 000000000000000000000000"),
    "START": (PdlRequest(4, 0x8000C0, 16, START_TAG), "ae11000000ff0000 04000000c0008000100000005044 4c3100"),
    "MID": (
        PdlRequest(5, 0, 16, bytes(range(16))),
        "ae1c000000ff0000 050000000000000010000000 000102030405060708090a0b0c0d0e0f",
    ),
    "END": (PdlRequest(6, 0, 0, END_TAG), "ae10000000ff0000 060000000000000000000000 1c3c6e06"),
    "EXEC": (PdlRequest(7), "ae0c000000ff0000 070000000000000000000000"),
}
PDL_ANSWERS = {
    "ACK": (PdlAnswer(0), "ae04000000ff0000 00000000"),
    "error 4": (PdlAnswer(4), "ae04000000ee0000 04000000"),
}
SUM_FRAMES = {
    "CONNECT": (0x00, b"", "7e00000000ffff7e"),
    "ACK": (0x80, b"", "7e00800000ff7f7e"),
    "VER": (
        0x81,
        VERSION_LOADER,
        "7e00810022 5370726561647472756d20426f6f7420426c6f636b2076657273696f6e20312e3200 a9e97e",
    ),
    "START FDL2": (0x01, pack_words(0x810000, 0xCBE0), "7e00010008008100000000cbe033957e"),
    "START U": (0x01, pack_words(0x60420000, 0x60000), "7e00010008604200000006 00009fae7e"),
    "START AP": (0x01, pack_words(0x60030000, 0x20BA00), "7e000100086003000000 20ba00e5d27e"),
    "START NV": (0x01, pack_words(0xFE000003, 0x20000, 0x12345678), "7e0001000cfe00000300020000123456789940 7e"),
    "START cpio": (0x01, pack_words(0xFE000004, 0x6A), "7e00010008fe0000040000006a01887e"),
    "MIDST escaped": (0x02, bytes.fromhex("7e7d0102"), "7e000200047d5e7d5d0102807a7e"),
    "MIDST odd": (0x02, bytes.fromhex("010203"), "7e00020003010203fbf87e"),
    "END": (0x03, b"", "7e00030000fffc7e"),
    "EXEC": (0x04, b"", "7e00040000fffb7e"),
    "RESET": (0x05, b"", "7e00050000fffa7e"),
    "READ NV": (0x06, pack_words(0xFE000003, 0x3000, 0), "7e0006000cfe0000030000300000000000d1e97e"),
    "READ answer": (0x93, bytes.fromhex("11223344"), "7e0093000411223344bb027e"),
    "BAUD 115200": (0x09, pack_words(115200), "7e000900040001c2003df17e"),
    "BAUD 921600": (0x09, pack_words(921600), "7e00090004000e1000efe47e"),
    "ERASE U": (0x0A, pack_words(0x60420000, 0x60000), "7e000a0008604200000006 00009fa57e"),
    "ERASE SPL": (0x0A, pack_words(0x60000000, 0x20000), "7e000a000860000000000200009feb7e"),
    "ERASE NV": (0x0A, pack_words(0xFE000001, 0), "7e000a0008fe0000010000000001ec7e"),
    "FORMAT FSYS": (0x0A, pack_words(0xFE000006, 0x53595346), "7e000a0008fe000006535953465b477e"),
    "FORMAT FMOD": (0x0A, pack_words(0xFE000006, 0x444F4D46), "7e000a0008fe000006444f4d4670517e"),
    "ERASE ALL": (0x0A, pack_words(0, 0xFFFFFFFF), "7e000a000800000000ffffffffffed7e"),
    "REPARTITION": (0x0B, b"", "7e000b0000fff47e"),
    "POWER OFF": (0x17, b"", "7e00170000ffe87e"),
    "0x82": (0x82, b"", "7e00820000ff7d5d7e"),
    "0x89": (0x89, b"", "7e00890000ff767e"),
    "0x8b": (0x8B, b"", "7e008b0000ff747e"),
    "0x97": (0x97, b"", "7e00970000ff687e"),
}
CRC_FRAMES = {
    "VER": (0x81, VERSION_ROM, "7e00810006535052443300570a7e"),
    "CONNECT": (0x00, b"", "7e0000000000007e"),
    "ACK": (0x80, b"", "7e008000003b5a7e"),
    "START": (0x01, pack_words(0x50800000, 0xE580), "7e00010008508000000000e580efe47e"),
    "MIDST": (0x02, bytes.fromhex("7e7d0102"), "7e000200047d5e7d5d010280e07e"),
    "END": (0x03, b"", "7e0003000059507e"),
    "EXEC": (0x04, b"", "7e00040000dcc07e"),
    "BAUD": (0x09, pack_words(921600), "7e00090004000e1000bab87e"),
    "0x82": (0x82, b"", "7e00820000553a7e"),
    "0x83": (0x83, b"", "7e00830000620a7e"),
    "0x85": (0x85, b"", "7e00850000d0aa7e"),
    "0x8b": (0x8B, b"", "7e008b0000cbab7e"),
}
BSL = [("sum", name, *row) for name, row in SUM_FRAMES.items()] + [
    ("crc16", name, *row) for name, row in CRC_FRAMES.items()
]
each_bsl = pytest.mark.parametrize(("check", "name", "kind", "data", "frame"), BSL, ids=[f"{b[0]}-{b[1]}" for b in BSL])
each_request = pytest.mark.parametrize(("request_", "packet"), PDL_REQUESTS.values(), ids=PDL_REQUESTS)


@each_bsl
def test_bsl_when_encoded_then_is_the_worked_frame(check, name, kind, data, frame):
    assert encode_bsl(kind, data, check) == bytes.fromhex(frame)


@each_bsl
def test_bsl_when_whole_then_one_frame(check, name, kind, data, frame):
    assert BslDecoder(check).feed(bytes.fromhex(frame)) == [BslFrame(kind, data)]


@each_bsl
def test_bsl_when_byte_by_byte_then_the_same_frame_at_the_last_byte(check, name, kind, data, frame):
    decoder = BslDecoder(check)
    events = [decoder.feed(bytes([byte])) for byte in bytes.fromhex(frame)]
    assert events[-1] == [BslFrame(kind, data)]
    assert not any(events[:-1])
    assert decoder.is_empty


@each_bsl
def test_bsl_when_followed_by_a_tail_then_the_tail_waits(check, name, kind, data, frame):
    decoder = BslDecoder(check)
    whole = bytes.fromhex(frame)
    assert decoder.feed(whole + whole[:3]) == [BslFrame(kind, data)]
    assert decoder.feed(whole[3:]) == [BslFrame(kind, data)]


@each_request
def test_pdl_request_when_encoded_then_is_the_worked_packet_and_back(request_, packet):
    whole = bytes.fromhex(packet)
    assert encode_pdl_request(request_) == whole
    (event,) = PdlDecoder((FLOW_NORMAL,)).feed(whole)
    assert unpack_pdl_request(event) == request_


@pytest.mark.parametrize(("answer", "packet"), PDL_ANSWERS.values(), ids=PDL_ANSWERS)
def test_pdl_answer_when_encoded_then_is_the_worked_packet_and_back(answer, packet):
    whole = bytes.fromhex(packet)
    assert encode_pdl_answer(answer) == whole
    (event,) = PdlDecoder().feed(whole)
    assert unpack_pdl_answer(event) == answer


@each_request
def test_pdl_when_byte_by_byte_and_with_a_tail_then_the_same_packet(request_, packet):
    whole = bytes.fromhex(packet)
    decoder = PdlDecoder()
    events = [decoder.feed(bytes([byte])) for byte in whole]
    assert [unpack_pdl_request(event) for event in events[-1]] == [request_]
    assert not any(events[:-1])
    (event,) = decoder.feed(whole + whole[:9])
    assert unpack_pdl_request(event) == request_
    assert decoder.take_rest() == whole[:9]


def test_checks_when_given_the_check_strings_then_the_documented_values():
    """platform-unisoc 5.4."""
    assert sum_check(b"12345678").to_bytes(2, "little") == bytes.fromhex("2f2b")
    assert sum_check(b"123456789").to_bytes(2, "little") == bytes.fromhex("f62a")
    assert sum_check(b"") == 0xFFFF
    assert sum_check(b"\xff\xff") == 0
    assert sum32(b"\xff" * 3) == 765


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 4096, 12288])
@pytest.mark.parametrize("byte", [0x00, 0x7D, 0x7E, 0x5D, 0x5E, 0xFF])
def test_bsl_when_content_is_one_byte_repeated_then_round_trips(size, byte):
    data = bytes([byte]) * size
    assert BslDecoder().feed(encode_bsl(2, data)) == [BslFrame(2, data)]


def test_bsl_when_sum_is_rfc1071_over_big_endian_words_then_equal():
    data = bytes(range(251)) * 3
    total = sum(int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert sum_check(data).to_bytes(2, "little") == (total ^ 0xFFFF).to_bytes(2, "big")


def test_bsl_when_flags_run_between_frames_then_they_are_harmless():
    ack = bytes.fromhex("7e00800000ff7f7e")
    assert BslDecoder().feed(b"\x7e\x7e\x7e" + ack + b"\x7e\x7e" + ack) == [BslFrame(0x80), BslFrame(0x80)]


def test_bsl_when_a_closing_flag_opens_the_next_frame_then_both_are_read():
    ack = bytes.fromhex("7e00800000ff7f7e")
    assert BslDecoder().feed(ack + ack[1:]) == [BslFrame(0x80), BslFrame(0x80)]


def test_bsl_when_a_flag_comes_early_then_the_packet_restarts():
    ack = bytes.fromhex("7e00800000ff7f7e")
    assert BslDecoder().feed(bytes.fromhex("7e0001") + ack) == [BslDropped(2, "length"), BslFrame(0x80)]


def test_bsl_when_bytes_come_before_any_flag_then_they_are_noise():
    ack = bytes.fromhex("7e00800000ff7f7e")
    assert BslDecoder().feed(b"OK\r\n" + ack) == [BslDropped(4, "noise"), BslFrame(0x80)]


def test_bsl_when_the_check_is_wrong_then_says_what_was_expected():
    assert BslDecoder().feed(bytes.fromhex("7e00800000ff7e7e".replace("ff7e", "ff7a"))) == [
        BslBadCheck(0x80, 0x7AFF, 0x7FFF)
    ]


def test_bsl_when_too_much_comes_without_a_flag_then_is_dropped_up_to_the_next_flag():
    decoder = BslDecoder(max_data_bytes=64)
    events = decoder.feed(b"\x7e" + bytes(1000))
    assert events == [BslDropped(1000, "oversize")]
    assert decoder.feed(bytes(10)) == [BslDropped(10, "oversize")]
    ack = bytes.fromhex("7e00800000ff7f7e")
    assert decoder.feed(b"\x00" + ack) == [BslDropped(1, "oversize"), BslFrame(0x80)]


def test_bsl_when_a_packet_is_larger_than_the_receiver_takes_then_it_is_dropped():
    decoder = BslDecoder(max_data_bytes=64)
    assert decoder.feed(encode_bsl(2, bytes(65))) == [BslDropped(71, "oversize")]
    assert decoder.feed(encode_bsl(2, bytes(64))) == [BslFrame(2, bytes(64))]


@pytest.mark.parametrize(("flags", "stream"), [(1, b"\x7e"), (3, b"\x7e\x7e\x7e"), (3, b"\x7e\x00\x7e\x7e\x7e")])
def test_bsl_when_waiting_for_flags_then_reports_them_once_and_goes_on(flags, stream):
    """Three in a row for the 8850, one for FDL1; any other byte resets the count; more flags are ignored."""
    decoder = BslDecoder(sync_flags=flags)
    events = [event for byte in stream for event in decoder.feed(bytes([byte]))]
    assert events == [BslSync()]
    assert decoder.feed(b"\x7e\x7e" + encode_bsl(0)) == [BslFrame(0)]


def test_bsl_when_the_last_sync_flag_opens_a_frame_then_the_frame_is_read():
    assert BslDecoder(sync_flags=1).feed(encode_bsl(0)) == [BslSync(), BslFrame(0)]


@pytest.mark.parametrize("count", [1, 3, 64, 65, 300])
def test_unescape_when_few_or_many_escapes_then_the_same(count):
    plain = b"\x7e\x7da" * count
    escaped = plain.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    assert unescape(escaped) == plain


def test_unescape_when_an_escape_is_unknown_then_or_0x20_like_the_device():
    assert unescape(b"\x7d\x41") == b"\x61"
    assert unescape(b"\x7d\x7d" * 100) == b"\x7d" * 100
    assert unescape(b"a\x7d") is None
    assert unescape(b"\x7d\x5d" * 100 + b"\x7d") is None


def test_pdl_when_noise_or_a_wrong_header_comes_then_is_dropped_silently():
    """platform-unisoc 5.2: bytes before AE are skipped, wrong flow or length is dropped without an answer."""
    ack = bytes.fromhex("ae04000000ff000000000000")
    assert PdlDecoder().feed(b"\x00\x7e" + ack) == [PdlDropped(2, "noise"), PdlPacket(0xFF, bytes(4))]
    too_long = bytes.fromhex("ae0d080000ff0000")
    assert PdlDecoder().feed(too_long + ack) == [PdlDropped(8, "header"), PdlPacket(0xFF, bytes(4))]
    too_short = bytes.fromhex("ae03000000ff0000")
    assert PdlDecoder().feed(too_short + ack) == [PdlDropped(8, "header"), PdlPacket(0xFF, bytes(4))]
    error = bytes.fromhex("ae04000000ee000004000000")
    assert PdlDecoder((FLOW_NORMAL,)).feed(error)[0] == PdlDropped(8, "header")


def test_pdl_when_header_padding_is_garbage_then_it_is_ignored():
    (event,) = PdlDecoder().feed(bytes.fromhex("ae04000000ff55aa00000000"))
    assert unpack_pdl_answer(event) == PdlAnswer(0)


def test_pdl_when_the_longest_chunk_comes_then_it_fits():
    request_ = PdlRequest(5, 3, 0x800, bytes(0x800))
    (event,) = PdlDecoder().feed(encode_pdl_request(request_))
    assert unpack_pdl_request(event) == request_


def test_words_when_not_words_then_bad_format():
    assert unpack_words(pack_words(1, 2), 2, 3) == (1, 2)
    for broken in (b"\0", b"\0" * 4, b"\0" * 16):
        with pytest.raises(BadFormat):
            unpack_words(broken, 2, 3)
    with pytest.raises(BadFormat):
        unpack_pdl_answer(PdlPacket(0xFF, b"\0" * 5))
    with pytest.raises(BadFormat):
        unpack_pdl_request(PdlPacket(0xFF, b"\0"))
