"""Friendly, raw and raw-paste framing; every byte sequence typed from device-api 3.4 and 3.5."""

from __future__ import annotations

import pytest

from moduline.errors import BadAnswer, BadOption
from moduline.wire import rawrepl
from moduline.wire.rawrepl import (
    Finished,
    Found,
    MarkFinder,
    Need,
    OfferDecoder,
    Output,
    Pacing,
    PasteOffer,
    Piece,
    ReplyDecoder,
)


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        (rawrepl.ENTER_RAW, "01"),
        (rawrepl.LEAVE_RAW, "02"),
        (rawrepl.INTERRUPT, "03"),
        (rawrepl.END, "04"),
        (rawrepl.PASTE_MODE, "05"),
        (rawrepl.RAW_PASTE_REQUEST, "054101"),
        (rawrepl.encode_window(rawrepl.QUECTEL_WINDOW_BYTES), "52018000"),
        (rawrepl.RAW_PASTE_REFUSED, "5200"),
        (rawrepl.WINDOW_OPEN, "01"),
        (rawrepl.RAW_BANNER, "726177205245504c3b204354524c2d4220746f20657869740d0a3e"),
        (rawrepl.SOFT_REBOOT, "4d50593a20736f6674207265626f6f740d0a"),
        (rawrepl.FRIENDLY_PROMPT, "3e3e3e20"),
        (rawrepl.CONTINUATION_PROMPT, "2e2e2e20"),
        (rawrepl.PASTE_PROMPT, "3d3d3d20"),
        (rawrepl.PROTECTED, "5245504c20726566757365"),
    ],
)
def test_sequence_when_compared_then_is_the_reference_s(given, typed):
    assert given.hex() == typed


def fed(decoder, data: bytes, size: int) -> list:
    events = []
    for at in range(0, len(data), size):
        found = decoder.feed(data[at : at + size])
        events += found if isinstance(found, list) else [found]
    return events


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_reply_when_cut_anywhere_then_same_output_and_error(size):
    reply = b"Hello World !\r\n\x04Traceback\r\nOSError: -2\r\n\x04>"
    events = fed(ReplyDecoder(), reply, size)
    assert b"".join(e.data for e in events if isinstance(e, Output)) == b"Hello World !\r\n"
    assert events[-1] == Finished(b"Traceback\r\nOSError: -2\r\n", b"")
    assert sum(isinstance(e, Finished) for e in events) == 1


def test_reply_when_a_tail_follows_then_is_given_back():
    assert ReplyDecoder().feed(b"\x04\x04>late line\r\n") == [Finished(b"", b"late line\r\n")]


def test_reply_when_a_thread_prints_before_the_prompt_then_is_skipped():
    assert ReplyDecoder().feed(b"1\x04\x04INFO:x\r\n>") == [Output(b"1"), Finished(b"", b"")]


@pytest.mark.parametrize(
    "stream", [b"\x04" + b"e" * (rawrepl.ERROR_LIMIT_BYTES + 1), b"\x04\x04" + b"n" * (rawrepl.NOISE_LIMIT_BYTES + 1)]
)
def test_reply_when_a_section_never_ends_then_bad_answer(stream):
    with pytest.raises(BadAnswer):
        ReplyDecoder().feed(stream)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_mark_when_cut_anywhere_then_found_with_noise_before_and_tail_after(size):
    finder = MarkFinder("raw REPL", rawrepl.RAW_BANNER)
    stream = b"mount.\r\nraw REPL; CTRL-B to exit\r\nraw REPL; CTRL-B to exit\r\n>OK"
    found = [f for f in fed(finder, stream, size) if isinstance(f, Found)]
    assert found[0].before == b"mount.\r\nraw REPL; CTRL-B to exit\r\n"
    assert b"OK".startswith(found[0].after)


def test_mark_when_several_then_the_earliest_wins():
    found = MarkFinder("code", b"OK", b"\x04").feed(b"xx\x04OK")
    assert found == Found(b"\x04", b"xx", b"OK")


def test_mark_when_noise_never_ends_then_bad_answer():
    finder = MarkFinder("code", b"OK")
    with pytest.raises(BadAnswer) as failure:
        finder.feed(b"\r\n" * rawrepl.NOISE_LIMIT_BYTES)
    assert failure.value.facts["what"] == "code"


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize(
    ("answer", "offer"),
    [
        (b"R\x01\x80\x00", PasteOffer(128, b"", b"")),
        (b"log\r\nR\x01\x20\x00", PasteOffer(32, b"log\r\n", b"")),
        (b"R\x00", PasteOffer(None, b"", b"")),
        (b"raw REPL; CTRL-B to exit\r\n>", PasteOffer(None, b"", b"")),
    ],
)
def test_offer_when_cut_anywhere_then_read_in_each_form(answer, offer, size):
    found = fed(OfferDecoder(), answer, size)
    assert found[-1] == offer
    assert set(found[:-1]) <= {Need.MORE}


def test_offer_when_a_window_mark_follows_then_is_left_over():
    assert OfferDecoder().feed(b"R\x01\x80\x00\x01") == PasteOffer(128, b"", b"\x01")


def test_offer_when_the_window_is_nothing_then_bad_answer():
    with pytest.raises(BadAnswer):
        OfferDecoder().feed(b"R\x01\x00\x00")


def test_code_when_longer_than_a_piece_then_pieces_of_256_with_their_pause():
    """Source: device-api 4, QPYcom core: 256-byte pieces, 10 ms apart."""
    pieces = list(rawrepl.split_pieces(b"a" * 600, Pacing()))
    assert pieces == [Piece(b"a" * 256, 0.01), Piece(b"a" * 256, 0.01), Piece(b"a" * 88, 0.01)]


@pytest.mark.parametrize("byte", [1, 2, 3, 4])
def test_code_when_it_holds_a_command_byte_then_refused(byte):
    with pytest.raises(BadOption):
        rawrepl.checked_code(b"print(1)" + bytes([byte]))


def test_code_when_empty_then_does_not_become_a_soft_reset():
    assert rawrepl.checked_code(b"") == b"\n"
