import struct

import pytest

from eigen_bench import CP, Bench
from eigen_host import (
    AGBOOT,
    AP_ID,
    BOOT_ID,
    CP_ID,
    DLBOOT,
    FLEX_ID,
    LPC,
    RESET,
    WRONG,
    head,
    lpc_answer,
    order,
    packet,
)
from moduline.vmodule.download.eigen_agentboot import TABLE
from moduline.vmodule.download.events import ResetWanted

IMAGE = b"an image" * 100
PENDING = 0xFF


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def host(bench):
    return bench.host.up()


def words(*values):
    return struct.pack(f"<{len(values)}I", *values)


def nak(code):
    return 1, words(code)


# ---- sync words ------------------------------------------------------------------------------------------------------


def bring(host, state):
    """Bring an agentboot that has just started to a state."""
    if state == "lpc-idle":
        return
    host.raw(LPC * 2)
    if state != "lpc":
        host.lpc(0x42, words(FLEX_ID))
    if state in {"idle", "open"}:
        host.raw(AGBOOT * 2)
    if state == "open":
        host.raw(AGBOOT * 2)


EXPECTED = [
    ("lpc-idle", LPC, LPC, "lpc"),
    ("lpc-idle", AGBOOT, WRONG, "lpc-idle"),
    ("lpc-idle", DLBOOT, WRONG, "lpc-idle"),
    ("lpc", LPC, LPC, "lpc"),
    ("lpc", AGBOOT, WRONG, "lpc"),
    ("lpc", DLBOOT, WRONG, "lpc"),
    ("presync", AGBOOT, b"", "idle"),
    ("presync", LPC, b"", "lpc"),
    ("presync", DLBOOT, WRONG, "lpc"),
    ("idle", AGBOOT, AGBOOT, "open"),
    ("idle", LPC, b"", "lpc"),
    ("idle", DLBOOT, WRONG, "lpc"),
    ("open", AGBOOT, AGBOOT, "open"),
    ("open", LPC, b"", "lpc"),
    ("open", DLBOOT, WRONG, "lpc"),
]


@pytest.mark.parametrize(("state", "word", "said", "following"), EXPECTED)
def test_pair_when_in_each_state_then_what_the_reference_says(state, word, said, following):
    host = Bench().host.start_agentboot()
    bring(host, state)
    assert host.session.state == state
    assert host.raw(word * 2) == said
    assert host.session.state == following


def test_table_when_compared_then_it_has_exactly_these_pairs_and_every_state_is_reached_and_left():
    assert {(state, layer.word) for state, layer in TABLE} == {(state, word) for state, word, _, _ in EXPECTED}
    # presync is entered by BURN_ONE, everything else by a pair
    assert {following for _, _, _, following in EXPECTED} | {"presync"} == {state for state, _, _, _ in EXPECTED}
    assert all(any(f != s for s2, _, _, f in EXPECTED if s2 == s) for s, _, _, _ in EXPECTED if s != "lpc")


@pytest.mark.parametrize("state", ["lpc-idle", "presync", "idle"])
@pytest.mark.parametrize("form", ["{w}....", "....{w}"])
def test_idle_states_when_either_half_is_the_word_then_taken(state, form):
    host = Bench().host.start_agentboot()
    bring(host, state)
    word = LPC if state == "lpc-idle" else AGBOOT
    before, after = form.replace("{w}", "|").encode().split(b"|")
    host.raw(before + word + after)
    assert host.session.state == {"lpc-idle": "lpc", "presync": "idle", "idle": "open"}[state]


@pytest.mark.parametrize("state", ["lpc", "open"])
def test_session_when_only_one_half_is_the_word_then_silent(state):
    host = Bench().host.start_agentboot()
    bring(host, state)
    word = LPC if state == "lpc" else AGBOOT
    assert host.raw(word + b"....") == b""
    assert host.raw(word * 2) == word


def test_presync_when_four_words_come_at_once_then_one_echo(host):
    host.lpc(0x42, words(AP_ID))
    assert host.raw(AGBOOT * 4) == AGBOOT


def test_idle_when_a_pair_comes_then_what_stands_behind_it_is_gone(host):
    host.lpc(0x42, words(AP_ID))
    host.raw(AGBOOT * 2)
    assert host.raw(AGBOOT * 2 + packet(0x20)) == AGBOOT
    assert host.ask(0x20)[0] == 0


def test_idle_when_a_pair_comes_shifted_then_not_before_the_next_one(host):
    host.lpc(0x42, words(AP_ID))
    host.raw(AGBOOT * 2)
    assert host.raw(b"x" + AGBOOT * 2) == b""
    host.wait(1.5)
    assert host.raw(AGBOOT * 2) == AGBOOT


def test_session_when_pair_comes_in_the_middle_then_content_is_kept(host):
    host.begin(FLEX_ID)
    whole = head(FLEX_ID, IMAGE, 0x5000)
    host.ask(0x31, words(len(whole)))
    assert host.raw(AGBOOT * 2) == AGBOOT
    assert host.ask(0x32, whole) == (0, b"")
    assert host.ask(0x3A) == (0, b"")


def test_lpc_when_a_burn_was_interrupted_by_its_word_then_status_says_so(host):
    host.begin(AP_ID)
    assert host.raw(LPC * 2) == b""
    assert host.raw(LPC * 2) == LPC
    assert host.status() == 0x83


def test_lpc_when_a_lower_word_came_then_status_says_so(host):
    host.begin(AP_ID)
    assert host.raw(DLBOOT * 2) == WRONG
    assert host.status() == 0x84


# ---- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "status"), [(15.0, PENDING), (16.5, 0x96)])
@pytest.mark.parametrize("state", ["idle", "open"])
def test_download_when_nothing_comes_for_16_s_then_control_returns(host, state, seconds, status):
    bring(host, state)
    assert host.wait(seconds) == b""
    if status == PENDING:
        host.raw(LPC * 2)
    assert host.status() == (0x83 if status == PENDING else status)


def test_download_when_a_request_comes_in_time_then_16_s_begin_anew(host):
    host.begin(AP_ID)
    for _ in range(3):
        host.wait(15)
        assert host.ask(0x20)[0] == 0
    host.wait(16.5)
    assert host.status() == 0x96


@pytest.mark.parametrize(("seconds", "status"), [(3.5, None), (4.5, 0x96)])
def test_presync_when_nothing_comes_then_given_up_after_four_misses_of_a_second(host, seconds, status):
    host.lpc(0x42, words(AP_ID))
    host.wait(seconds)
    if status is None:
        assert host.raw(AGBOOT * 4) == AGBOOT
    else:
        assert host.status() == status


def test_presync_when_four_wrong_reads_come_then_given_up(host):
    host.lpc(0x42, words(AP_ID))
    assert host.raw(b"junkjunk" * 3) == b""
    assert host.session.state == "presync"
    host.raw(b"junkjunk")
    assert host.status() == 0x96


def test_lpc_when_nothing_comes_for_300_s_then_the_module_restarts(host):
    host.wait(299)
    assert ResetWanted() not in host.events
    host.wait(1.5)
    assert host.events[-1] == ResetWanted()


def test_packet_when_it_stops_in_the_middle_then_0x9b_and_the_next_is_heard(host):
    host.begin(AP_ID)
    host.raw(packet(0x31, words(0x110))[:-3])
    said = host.wait(1.5)
    assert said[:6] == bytes.fromhex("3100CD320104")
    assert said[6:10] == words(0x9B)
    assert host.ask(0x20)[0] == 0


def test_header_when_it_stops_in_the_middle_then_forgotten_without_a_word(host):
    host.begin(AP_ID)
    host.raw(packet(0x20)[:5])
    assert host.wait(1.5) == b""
    assert host.ask(0x20)[0] == 0


def test_time_when_this_computer_stands_still_then_the_host_is_not_blamed(host):
    host.begin(AP_ID)
    host.raw(packet(0x20)[:9])
    host.now_s += 30
    host.events += host.session.advance(host.now_s)
    assert host.raw(packet(0x20)[9:])[:4] == bytes.fromhex("2000CD32")


# ---- framing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "crc"), [(4, 0x9E), (6, 0xD1), (8, 0x25), (0x110, 0x8E), (0x4000, 0x9B), (0x10FE, 0x95), (0x330C, 0xC3)]
)
def test_length_when_its_crc_is_that_of_the_reference_then_taken_else_0x9b(length, crc):
    wire = packet(0x32, bytes(length))
    assert wire[7] == crc
    host = Bench().host.up()
    host.begin(AP_ID)
    said = host.raw(wire[:7] + bytes([crc ^ 1]) + wire[8:])
    assert said[4:10] == b"\x01\x04" + words(0x9B)
    assert host.raw(wire)[4:10] == b"\x01\x04" + words(0x82)  # nothing was announced, but it was read whole


def test_length_when_beyond_17_bits_then_refused(host):
    host.begin(AP_ID)
    size = (0x20004).to_bytes(3, "little")
    wire = packet(0x32, bytes(4))
    assert host.raw(wire[:4] + size + wire[7:])[6:10] == words(0x9B)


def test_check_when_wrong_then_0x9a_and_the_same_again_is_taken(host):
    host.begin(AP_ID)
    right = packet(0x31, words(0x110))
    said = host.raw(right[:-1] + bytes([right[-1] ^ 0x80]))
    assert said[:4] == bytes.fromhex("3100CD32")
    assert said[4:10] == b"\x01\x04" + words(0x9A)
    assert host.raw(right)[4] == 0


def test_family_when_the_other_layer_s_then_0x81(host):
    assert host.raw(packet(0x20))[:10] == bytes.fromhex("20004CB3 0104") + words(0x81)
    host.begin(AP_ID)
    assert host.raw(order(0x44))[:10] == bytes.fromhex("4400CD32 0104") + words(0x81)


def test_garbage_when_in_a_session_then_silent_and_after_a_hundred_reads_over(host):
    host.begin(AP_ID)
    assert host.raw(b"\x55" * 8 * 99) == b""
    assert host.session.state == "open"
    host.raw(b"\x55" * 8)
    assert host.status() == 0x96


def test_unknown_command_when_sent_then_0x80_and_the_hundredth_ends_the_session(host):
    host.begin(AP_ID)
    for _ in range(99):
        assert host.ask(0x77) == nak(0x80)
    assert host.ask(0x20)[0] == 0
    assert host.ask(0x77) == nak(0x80)
    assert host.status() == 0x80


def test_agentboot_when_every_byte_comes_alone_then_the_same_answers(bench):
    whole, pieces = Bench().host.up(), bench.host.up()
    image = head(FLEX_ID, IMAGE, 0x5000)
    wire = [
        order(0x42, words(FLEX_ID)), AGBOOT * 4, packet(0x20), packet(0x21), packet(0x22), packet(0x31, words(272)),
        packet(0x32, image), packet(0x3A), AGBOOT * 2, packet(0x31, words(800)), packet(0x32, IMAGE), packet(0x3A),
        order(0x44), order(0xAA),
    ]  # fmt: skip
    for data in wire:
        assert b"".join(pieces.raw(bytes([byte])) for byte in data) == whole.raw(data) != None  # noqa: E711


def test_agentboot_when_silent_then_it_acts_and_says_nothing(bench, host):
    bench.faults.is_silent = True
    assert host.raw(order(0x10, words(0x1000, 0x805000))) == b""
    assert host.raw(order(0xAA)) == b""
    assert host.events[-1] == ResetWanted()


# ---- LPC -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "address", "said"),
    [
        (0x1000, 0x800000, 0),
        (0x10000, 0xBF0000, 0),
        (0x1000, 0xBFF000, 0),
        (0x2000, 0xBFF000, 0x32),
        (0x1000, 0xC00000, 0x32),
        (0x1000, 0x7FF000, 0x32),
        (0x1000, 0x000000, 0x32),
        (0x1000, 0x8800000, 0),
        (0x1000, 0x88FF000, 0),
        (0x2000, 0x88FF000, 0x32),
        (0x1000, 0x8900000, 0x32),
        (0xFFFFFFFF, 0x800001, 0x32),
        (0x400, 0x805400, 0),
    ],
)
def test_erase_when_inside_a_flash_then_done_else_0x32(host, size, address, said):
    assert host.lpc(0x10, words(size, address)) == ((0, b"") if said == 0 else nak(said))


@pytest.mark.parametrize(
    ("size", "address", "ap", "cp"),
    [
        (0x400000, 0x800000, 0xFF, 0),
        (0xFFFFFFFF, 0x800000, 0xFF, 0),
        (0x100000, 0x8800000, 0, 0xFF),
        (0x500000, 0x8800000, 0, 0xFF),
    ],
)
def test_erase_when_at_least_as_long_as_a_flash_then_that_flash_and_not_the_other(bench, host, size, address, ap, cp):
    places = (0x5000, 0x3FFFFF, CP, CP + 0xFFFFF)
    for place in places:
        bench.flash.program(place, b"\0")
    assert host.lpc(0x10, words(size, address)) == (0, b"")
    assert [bench.flash.read(place, 1)[0] for place in places] == [ap, ap, cp, cp]


@pytest.mark.parametrize("size", [0, 4, 7, 9, 12])
def test_erase_when_its_data_is_not_two_words_then_0x82(host, size):
    assert host.lpc(0x10, bytes(size)) == nak(0x82)


@pytest.mark.parametrize(
    ("size", "address", "code"),
    [(0, 0x800000, 0x82), (256, 0x800000, 0x82), (4, 0xBFFFFD, 0x30), (4, 0x100, 0x30), (4, 0x88FFFFD, 0x30)],
)
def test_read_when_out_of_limits_then_refused(host, size, address, code):
    assert host.lpc(0x21, words(size, address)) == nak(code)


def test_read_and_write_when_inside_then_the_flash_s_bytes(bench, host):
    content = bytes(range(256))
    assert host.lpc(0x22, words(256, 0x8812300) + content) == (0, b"")
    assert bench.flash.read(CP + 0x12300, 256) == content
    assert host.lpc(0x21, words(255, 0x8812301)) == (0, content[1:])
    assert host.lpc(0x21, words(240, 0x812300)) == (0, b"\xff" * 240)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (words(4, 0x805000) + b"123", 0x82),
        (words(4, 0x805000) + b"12345", 0x82),
        (words(257, 0x805000) + bytes(257), 0x82),
        (words(0, 0x805000), 0x82),
        (b"1234567", 0x82),
        (words(4, 0xBFFFFE) + b"1234", 0x31),
        (words(4, 0x5000) + b"1234", 0x31),
    ],
)
def test_write_when_wrong_then_refused_and_nothing_is_written(bench, host, data, code):
    before = bench.flash.flash.counts.programs
    assert host.lpc(0x22, data) == nak(code)
    assert bench.flash.flash.counts.programs == before


def test_write_when_bits_would_have_to_be_set_then_0x31(host):
    assert host.lpc(0x22, words(4, 0x805000) + b"\0\0\0\0") == (0, b"")
    assert host.lpc(0x22, words(4, 0x805000) + b"\0\0\x01\0") == nak(0x31)


@pytest.mark.parametrize("command", [0x24, 0x31, 0x32, 0x00, 0xFF])
def test_lpc_when_the_command_s_answer_is_not_known_then_0x80(host, command):
    assert host.lpc(command, words(1, 0x800000)) == nak(0x80)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (words(0x54494D48), 0x98),
        (words(0), 0x98),
        (b"", 0x82),
        (b"123", 0x82),
        (words(AP_ID) + b"\x01", 0x82),
        (words(AP_ID) + b"\x01\xe2", 0x82),
        (words(AP_ID) + b"\x01\xe1", 0x82),
        (words(BOOT_ID) + b"\x01\xe1", 0x82),
    ],
)
def test_burn_one_when_id_or_flash_is_wrong_then_refused_and_lpc_goes_on(host, data, code):
    assert host.lpc(0x42, data) == nak(code)
    assert host.status() == PENDING


def test_status_when_never_started_then_pending_and_after_a_burn_good(host):
    assert host.status() == PENDING
    assert host.burn(CP_ID, IMAGE) == 0
    assert host.status() == 0
    host.lpc(0x42, words(CP_ID))
    host.raw(LPC * 4)
    assert host.status() == 0x83


def test_reset_when_asked_then_said_first_and_nothing_is_heard_after_it(host):
    assert host.raw(order(0xAA)) == lpc_answer(0xAA, RESET)
    assert host.events[-1] == ResetWanted()
    assert host.raw(LPC * 2) == b""
