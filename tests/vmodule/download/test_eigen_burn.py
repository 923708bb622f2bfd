import hashlib
import struct

import pytest

from eigen_bench import CP, Bench
from eigen_host import AGBOOT, AP_ID, BOOT_ID, CP_ID, FLEX_ID, HEAD_ID, TO_AP, TO_CP, answer_of, head, packet
from moduline.vmodule.download.events import CutReached, PartBegun, PartDone, UnplugReached

IMAGE = bytes(range(249)) * 3
BIG = hashlib.sha256(b"big").digest() * 5000  # two blocks and a rest
BLOCK = 0x10000


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


# ---- where images go -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image_id", "address", "selector", "place"),
    [
        (BOOT_ID, 0, b"", 0x4000),
        (BOOT_ID, 0x123, b"", 0x4000),
        (BOOT_ID, 0x8000, TO_AP, 0x4000),
        (AP_ID, 0, b"", 0x20000),
        (AP_ID, 0x24000, b"", 0x24000),
        (AP_ID, 0x824000, b"", 0x24000),
        (CP_ID, 0, TO_CP, CP),
        (CP_ID, 0, b"", CP),
        (CP_ID, 0x4000, TO_CP, CP + 0x4000),
        (CP_ID, 0x8805000, TO_CP, CP + 0x5000),
        (CP_ID, 0x25000, TO_AP, 0x25000),
        (FLEX_ID, 0x3B4000, b"", 0x3B4000),
        (FLEX_ID, 0xBB4000, TO_AP, 0x3B4000),
        (FLEX_ID, 0x4000, b"", 0x4000),
        (FLEX_ID, 0x4100, b"", 0x4100),
        (FLEX_ID, 0xE7000, TO_CP, CP + 0xE7000),
    ],
)
def test_image_when_burnt_then_at_the_place_of_the_reference(bench, host, image_id, address, selector, place):
    assert host.burn(image_id, IMAGE, address, selector) == 0
    assert bench.flash.read(place, len(IMAGE)) == IMAGE
    bus = place + 0x800000 if place < CP else place - CP + 0x8800000
    assert host.events[-2:] == [PartBegun(bus, len(IMAGE)), PartDone(bus, len(IMAGE))]


@pytest.mark.parametrize(
    ("image_id", "selector", "address", "heads"),
    [(BOOT_ID, b"", 0, (0,)), (AP_ID, b"", 0x24000, (0x2000,)), (CP_ID, TO_CP, 0, ()), (FLEX_ID, b"", 0x3B4000, ())],
)
def test_head_when_of_boot_code_or_system_then_kept_in_erased_flash_else_not(
    bench, host, image_id, selector, address, heads
):
    for place in (0x10, 0x1FFF, 0x2010, 0x3FFF):
        bench.flash.program(place, b"\0")
    assert host.burn(image_id, IMAGE, address, selector) == 0
    for place in (0, 0x2000):
        kept = bench.flash.read(place, 0x2000)
        if place in heads:
            assert kept == head(image_id, IMAGE, address).ljust(0x2000, b"\xff")
        else:
            assert kept == (b"\xff" * 0x10 + b"\0").ljust(0x1FFF, b"\xff") + b"\0"


def test_image_when_over_an_old_one_then_only_the_sectors_it_touches_are_erased(bench, host):
    flash = bench.flash.flash
    for at in range(0, 0x60000, 0x1000):
        flash.program(at, b"\0" * 0x1000)
    assert host.burn(FLEX_ID, BIG, 0x24100) == 0
    assert flash.read(0x24100, len(BIG)) == BIG
    assert flash.read(0x23FFF, 2) == b"\0\xff"
    end = (0x24100 + len(BIG) + 0xFFF) & ~0xFFF
    assert flash.read(end - 1, 2) == b"\xff\0"
    assert max(flash.wear) == 1


def test_blocks_when_sent_one_by_one_then_each_is_in_the_flash_before_the_next(bench, host):
    host.begin(AP_ID)
    assert host.ask(0x21) == (0, words(HEAD_ID))
    host.content(head(AP_ID, BIG, 0x24000))
    for at in range(0, len(BIG), BLOCK):
        assert bench.flash.read(0x24000 + at, 16) == b"\xff" * 16
        assert host.raw(AGBOOT * 2) == AGBOOT
        assert host.ask(0x20) == (0, bytes.fromhex("010000010100000011262120"))
        assert host.ask(0x21) == (0, words(AP_ID))
        assert host.ask(0x22) == (0, b"")
        assert host.content(BIG[at : at + BLOCK]) == (0, b"")
        assert bench.flash.read(0x24000 + at, 16) == BIG[at : at + 16]
    assert host.status() == 0


# ---- what a head may not say -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image_id", "data", "code"),
    [
        (AP_ID, head(BOOT_ID, IMAGE, 0x24000), 0x98),
        (AP_ID, head(AP_ID, IMAGE, 0x24000, magic=0x10000002), 0x98),
        (AP_ID, head(AP_ID, IMAGE, 0x24000, skip=1), 0x98),
        (AP_ID, head(AP_ID, IMAGE, 0x24000, count=2), 0x82),
        (AP_ID, head(AP_ID, IMAGE, 0x24000, mode=0xBB), 0x82),
        (AP_ID, head(AP_ID, IMAGE, 0x24001), 0x82),
        (AP_ID, head(AP_ID, IMAGE, 0x240FF), 0x82),
        (AP_ID, head(AP_ID, IMAGE, 0x3F00), 0x82),
        (AP_ID, head(AP_ID, IMAGE, 0x803F00), 0x82),
        (FLEX_ID, head(FLEX_ID, IMAGE, 0), 0x82),
        (FLEX_ID, head(FLEX_ID, IMAGE, 0x800000), 0x82),
        (AP_ID, head(AP_ID, IMAGE, 0x24000, size=0), 0x94),
        (AP_ID, head(AP_ID, IMAGE, 0x4000, size=0x3FC001), 0x94),
        (AP_ID, head(AP_ID, IMAGE, 0x4100, size=0x3FC000), 0x94),
        (AP_ID, head(AP_ID, IMAGE, 0xFFFFFF00), 0x94),
        (CP_ID, head(CP_ID, IMAGE, 0x4000, size=0x100000), 0x94),
        (FLEX_ID, head(FLEX_ID, IMAGE, 0x3FFF00), 0x94),
        (AP_ID, head(AP_ID, IMAGE, 0x24000, mode=0xAA)[:-1] + b"\x01", 0x9A),
        (AP_ID, head(AP_ID, IMAGE, 0x24000, mode=0xDD)[:-1] + b"\x01", 0x9A),
        (AP_ID, head(AP_ID, IMAGE, 0x24000, extra=b"HTPO" + words(4)), 0x6F),
        (AP_ID, head(AP_ID, IMAGE, 0x24000) + b"more", 0x6F),
        (AP_ID, head(AP_ID, IMAGE, 0x24000, extra=b"HTPO" + words(5)) + b"more", 0x6F),
        (AP_ID, b"\xff" * 272, 0x98),
        (AP_ID, bytes(0x2000), 0x98),
    ],
)
def test_head_when_it_breaks_a_rule_then_its_code_in_nak_and_status_and_nothing_is_written(
    bench, host, image_id, data, code
):
    host.begin(image_id)
    assert host.content(data) == nak(code)
    assert host.status() == code
    assert bench.flash.flash.counts.operations == 0


def test_head_when_its_own_hash_is_wrong_in_the_mode_every_host_uses_then_taken(host):
    host.begin(FLEX_ID)
    whole = bytearray(head(FLEX_ID, IMAGE, 0x5000))
    whole[40] ^= 1
    assert host.content(bytes(whole)) == (0, b"")


def test_head_when_extended_then_kept_whole(bench, host):
    extra = b"extended head" * 10
    whole = head(AP_ID, IMAGE, 0x24000, extra=b"HTPO" + words(len(extra))) + extra
    host.begin(AP_ID)
    assert host.content(whole) == (0, b"")
    assert bench.flash.read(0x2000, len(whole)) == whole


@pytest.mark.parametrize(("mode", "status"), [(0xEE, 0), (0xAA, 0x33), (0xDD, 0x33)])
def test_body_when_another_than_the_head_promised_then_found_only_where_hashes_are_checked(host, mode, status):
    assert host.burn(AP_ID, BIG, 0x24000, mode=mode, digest=bytes(32)) == status


@pytest.mark.parametrize("mode", [0xAA, 0xDD])
def test_body_when_hashes_are_checked_and_right_then_good(host, mode):
    assert host.burn(AP_ID, BIG, 0x24000, mode=mode) == 0


# ---- what a session may not do ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remaining", "said"),
    [(0, 0x94), (1, None), (0x110, None), (0x2000, None), (0x2001, 0x94), (0xFFFFFFFF, 0x94)],
)
def test_data_head_when_a_head_is_wanted_then_up_to_8_kib(host, remaining, said):
    host.begin(AP_ID)
    assert host.ask(0x31, words(remaining)) == ((0, words(remaining)) if said is None else nak(said))


@pytest.mark.parametrize(
    ("taken", "remaining", "said"),
    [
        (0, 0x10000, 0x4000),
        (0, 0x4001, 0x4000),
        (0, 0x3FFF, 0x3FFF),
        (0, 0x10001, None),
        (0, len(BIG), None),
        (0x4000, 0xC000, 0x4000),
        (0x4000, 0xC001, None),
    ],
)
def test_data_head_when_a_block_is_wanted_then_the_smaller_of_rest_and_16_kib(host, taken, remaining, said):
    host.begin(AP_ID)
    host.content(head(AP_ID, BIG, 0x24000))
    host.raw(AGBOOT * 2)
    if taken:
        host.ask(0x31, words(BLOCK))
        assert host.ask(0x32, BIG[:taken]) == (0, b"")
    assert host.ask(0x31, words(remaining)) == ((0, words(said)) if said else nak(0x94))


@pytest.mark.parametrize("size", [0, 3, 5])
def test_data_head_when_not_one_word_then_0x82(host, size):
    host.begin(AP_ID)
    assert host.ask(0x31, bytes(size)) == nak(0x82)


@pytest.mark.parametrize("command", [0x20, 0x21, 0x22, 0x31, 0x3A, 0x40])
def test_request_other_than_data_when_longer_than_four_bytes_then_0x82(host, command):
    host.begin(AP_ID)
    assert host.ask(command, bytes(5)) == nak(0x82)
    assert host.ask(0x21) == (0, words(HEAD_ID))


def test_data_when_not_announced_or_of_another_length_then_0x82_and_not_taken(host):
    host.begin(AP_ID)
    assert host.ask(0x32, bytes(272)) == nak(0x82)
    assert host.ask(0x31, words(272)) == (0, words(272))
    assert host.ask(0x32, bytes(271)) == nak(0x82)
    assert host.ask(0x32, bytes(273)) == nak(0x82)
    assert host.ask(0x32, head(AP_ID, IMAGE, 0x24000)) == (0, b"")
    assert host.ask(0x32, bytes(272)) == nak(0x82)
    assert host.ask(0x3A) == (0, b"")


@pytest.mark.parametrize("index", [0, 1, 254, 255])
def test_data_when_of_any_index_then_answered_with_the_next(host, index):
    host.begin(FLEX_ID)
    host.ask(0x31, words(272))
    assert host.raw(packet(0x32, bytes(272), index)) == answer_of(0x32, index=(index + 1) % 256)


def test_done_when_before_everything_is_there_then_0x82_and_the_rest_may_still_come(host):
    host.begin(AP_ID)
    assert host.ask(0x3A) == nak(0x82)
    host.ask(0x31, words(100))
    host.ask(0x32, head(AP_ID, IMAGE, 0x24000)[:100])
    assert host.ask(0x3A) == nak(0x82)
    host.ask(0x31, words(172))
    host.ask(0x32, head(AP_ID, IMAGE, 0x24000)[100:])
    assert host.ask(0x3A) == (0, b"")


def test_done_when_repeated_then_acknowledged_again_in_all_three_places(host):
    host.begin(AP_ID)
    host.content(head(AP_ID, IMAGE, 0x24000))
    assert host.ask(0x3A) == (0, b"")  # no sync in between: the answer was lost
    assert host.raw(AGBOOT * 2) == AGBOOT
    assert host.ask(0x3A) == (0, b"")  # synchronised first
    assert host.raw(AGBOOT * 2) == AGBOOT
    assert host.content(IMAGE) == (0, b"")
    assert host.ask(0x3A) == (0, b"")  # behind the last block
    assert host.status() == 0
    assert host.raw(bytes.fromhex("3A00CD3200000000 5076B807"))[4:6] == b"\x01\x04"  # no longer


def test_verify_when_the_host_skips_then_acknowledged_and_the_burn_is_over(host):
    host.begin(AP_ID)
    assert host.ask(0x22, b"\0") == (0, b"")
    assert host.ask(0x22, b"\x01") == (0, b"")
    assert host.status() == 0x98


def test_disconnect_when_sent_then_acknowledged_and_the_burn_is_over(host):
    host.begin(AP_ID)
    assert host.ask(0x40) == (0, b"")
    assert host.status() == 0x99


def test_burn_when_one_failed_then_the_next_one_is_good(bench, host):
    assert host.burn(AP_ID, IMAGE, 0x24001) == 0x82
    assert host.burn(AP_ID, IMAGE, 0x24000) == 0
    assert bench.flash.read(0x24000, len(IMAGE)) == IMAGE


def test_block_when_begun_anew_after_a_time_out_then_nothing_of_the_first_try_is_left(bench, host):
    host.begin(AP_ID)
    host.content(head(AP_ID, BIG, 0x24000))
    host.raw(AGBOOT * 2)
    host.ask(0x31, words(BLOCK))
    host.ask(0x32, b"\0" * 0x4000)
    host.wait(17)
    assert host.burn(AP_ID, BIG, 0x24000) == 0
    assert bench.flash.read(0x24000, len(BIG)) == BIG


# ---- faults ----------------------------------------------------------------------------------------------------------


def test_verify_fault_when_set_for_a_part_then_0x33_in_status(bench, host):
    bench.faults.verify_errors.add(0x824000)
    assert host.burn(AP_ID, IMAGE, 0x24000) == 0x33
    assert host.burn(FLEX_ID, IMAGE, 0x3B4000) == 0


@pytest.mark.parametrize("extra", [1, 272, 273, 272 + 0x4000, 272 + 0x4001])
def test_cut_at_content_when_reached_then_that_packet_has_no_effect_and_nothing_is_said(bench, host, extra):
    bench.faults.cut_at_bytes = host.session.content_bytes + extra
    host.begin(AP_ID)

    def go_on():
        host.content(head(AP_ID, BIG, 0x24000))
        assert host.raw(AGBOOT * 2) == AGBOOT
        host.content(BIG[:BLOCK])
        host.status()

    with pytest.raises((AssertionError, TypeError)):
        go_on()
    assert host.events[-1] == CutReached()
    assert host.raw(AGBOOT * 2) == b""


def test_unplug_at_content_when_reached_then_told_once_and_the_transfer_goes_on(bench, host):
    bench.faults.unplug_at_bytes = host.session.content_bytes + 500
    assert host.burn(AP_ID, IMAGE, 0x24000) == 0
    assert host.events.count(UnplugReached()) == 1


def test_log_and_check_switches_when_set_then_nothing_changes_as_this_wire_has_neither(bench, host):
    bench.faults.has_log_frames = bench.faults.is_bad_check_answered = True
    assert host.burn(AP_ID, IMAGE, 0x24000) == 0


def test_image_when_sent_as_beanio_s_downloader_does_then_burnt_with_its_filling(bench, host):
    """Size rounded up to 0x4000, a head hash of half a head, four words at once, always whole packets at the end."""
    image = BIG[: 0x10000 + 0x5EBE]
    filled = image.ljust(0x18000, b"\0")
    whole = bytearray(head(CP_ID, image, size=len(filled)))
    whole[32:64] = hashlib.sha256(whole[:32]).digest()
    assert host.lpc(0x42, words(CP_ID) + TO_CP) == (0, b"")
    assert b"".join(host.raw(AGBOOT) for _ in range(4)) == AGBOOT
    assert host.content(bytes(whole)) == (0, b"")
    for start, asked in ((0, (0x10000, 0xC000, 0x8000, 0x4000)), (0x10000, (0x5EBE, 0x4000))):
        assert host.raw(AGBOOT * 2) == AGBOOT
        for index, remaining in enumerate(asked):
            at = start + 0x4000 * index
            assert host.ask(0x31, words(remaining)) == (0, words(0x4000))
            assert host.ask(0x32, filled[at : at + 0x4000], index) == (0, b"")
        assert host.ask(0x3A) == (0, b"")
    assert host.status() == 0
    assert bench.flash.read(CP, len(filled)) == filled
