"""One device, without sockets: what it says and when; values typed from the reference's sections 7, 11 to 13."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_alone import COMPLETE, Story
from fleet_rig import FILE, firmware, offer
from moduline.fleet.behaviour import Answer, Behaviour
from moduline.fleet.device import TABLE as REACHES
from moduline.fleet.device import Reach
from moduline.fleet.exchange import (
    Begun,
    Dial,
    Fetch,
    Fetched,
    FetchEnd,
    HangUp,
    Lost,
    Online,
    Say,
    Told,
    TurnedAway,
)
from moduline.fleet.upgrade import TABLE, Phase
from moduline.wire.quecthing import ota_messages as ota
from moduline.wire.quecthing import sys_messages as sys

CLEAN = [1, 2, 4, 5, 8, 9, 11]
MCU = Behaviour(mcus=(("mcu1", "V1"),))


def mcu_story(behaviour=MCU, **facts):
    located = firmware("http://h/f", "2.0", "mcu1", 1)
    return Story(behaviour, **{"offered": offer("V1", "2.0", "mcu1", 1), "located": located} | facts)


# -- the way it goes


def test_device_when_all_goes_well_then_says_what_the_sequence_says():
    story = Story().run()
    assert story.codes == CLEAN
    assert story.endings == [("upgraded", "")]
    assert story.device.stored.module_version == "V2"
    assert [action.ds for action in story.of(Dial)] == [None, "00112233445566778899aabbccddeeff"]


def test_device_when_online_then_asks_first_and_reports_behind():
    """11.1: an application that asks at this event sends its 0x0115 before the reports."""
    story = Story()
    while not story.said:
        story.step()
    assert [type(one) for one in story.said] == [ota.Request, sys.DeviceStatus, sys.DeviceInformation]


def test_device_when_rebooted_into_the_target_then_11_follows_the_reports():
    story = Story(Behaviour(asks_after_s=5.0)).run()
    last = story.said[-3:]
    assert [type(one) for one in last] == [sys.DeviceStatus, sys.DeviceInformation, ota.Report]
    assert last[1].module_version == last[2].module_version == "V2"


def test_mcu_when_written_then_11_carries_its_version_on_the_same_connection():
    story = mcu_story().run()
    assert story.codes == CLEAN
    assert story.said[-1].mcu_versions == "mcu1:2.0"
    assert len(story.of(Dial)) == 1


def test_mcu_when_larger_than_flash_then_4_and_8_per_piece():
    """11.6: ranges 12000-23999, 24000-29999 after the first piece."""
    located = firmware("http://h/f", "2.0", "mcu1", 1, size_bytes=30000)
    story = mcu_story(replace(MCU, free_flash_bytes=12000, checks_limits=False), located=located).run()
    assert [(one.first, one.last, one.is_continued) for one in story.of(Fetch)] == [
        (0, 11999, False),
        (12000, 23999, True),
        (24000, 29999, True),
    ]
    assert story.codes == [1, 2, 4, 5, 8, 4, 5, 8, 4, 5, 8, 9, 11]


def test_offer_when_of_two_components_then_1_and_2_name_the_last():
    """12, trap 6."""
    two = ota.Offer((offer("V1", "2.0", "mcu1", 1).components[0], offer().components[0]), is_grouped=True)
    story = Story(MCU, offered=two).run()
    assert {one.component for one in story.said if isinstance(one, ota.Report)} == {"mod"}


# -- the ways it does not


@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"battery_percent": 80}, "battery"), ({"signal_dbm": -80}, "signal"), ({"space_bytes": 600_000}, "space")],
)
def test_offer_when_the_device_misses_a_limit_then_3(limits, reason):
    story = Story(Behaviour(battery=(50, 50), signal=(-90, -90)), offered=offer(**limits)).run()
    assert story.codes == [1, 3]
    assert story.endings == [("refused", reason)]


def test_offer_when_a_limit_is_none_then_accepted():
    unlimited = offer(battery_percent=0, signal_dbm=0, space_bytes=None)
    assert Story(Behaviour(battery=(1, 1), signal=(-120, -120)), offered=unlimited).run().codes == CLEAN


def test_offer_when_nobody_answers_then_forgotten_and_a_new_one_is_heard():
    story = Story(Behaviour(answer=Answer.IGNORE))
    story.run(700.0)
    assert story.codes == [1]
    story.tell(Told(9, offer()))
    story.run(story.now + 1.0)
    assert story.codes == [1, 1]


def test_url_when_never_sent_then_12_after_30_s():
    story = Story(located=None).run()
    assert story.codes == [1, 2, 12]
    times = {
        action.message.code: at for action, at in zip(story.actions, story.times, strict=True) if _is_report(action)
    }
    assert times[12] - times[2] == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"crc": None}, "incomplete"),
        ({"md5": None}, "incomplete"),
        ({"url": ""}, "incomplete"),
        ({"size_bytes": 0}, "incomplete"),
        ({"size_bytes": -5}, "incomplete"),
        ({"size_bytes": 600_000}, "space"),
        ({"kind": 7}, "unsupported"),
        ({"kind": 1}, "unsupported"),  # it has no such MCU
    ],
)
def test_firmware_when_unusable_then_12_at_once(facts, reason):
    story = Story(located=firmware(**{"url": "http://h/f"} | facts)).run()
    assert story.codes == [1, 2, 12]
    assert story.endings == [("failed", reason)]
    assert not story.of(Fetch)


@pytest.mark.parametrize(
    "located",
    [
        firmware("http://h/f", md5="0" * 32),
        firmware("http://h/f", md5=firmware("u").md5.upper()),  # compared as text
        firmware("http://h/f", crc="00000000"),
        firmware("http://h/f", crc="not hex"),
        firmware("http://h/f", sha256="0" * 64),
    ],
    ids=["md5", "capitals", "crc", "no-crc", "sha256"],
)
def test_digest_when_wrong_then_8_and_6_five_times_and_12_at_last(located):
    """12, trap 10, and the recording digest-wrong, line by line."""
    story = Story(located=located).run()
    assert story.codes == [1, 2] + [4, 5, 8, 6] * 5 + [4, 5, 8, 12]
    assert story.endings == [("failed", "digest")]


def test_download_when_it_breaks_then_6_without_8():
    story = Story(fetched=Fetched(FetchEnd.BROKEN)).run()
    assert story.codes == [1, 2] + [4, 5, 6] * 5 + [4, 5, 12]


def test_flashing_when_refused_then_12_five_seconds_after_9():
    story = Story(Behaviour(flash_refused=1.0)).run()
    assert story.codes == [1, 2, 4, 5, 8, 9, 12]
    times = {
        action.message.code: at for action, at in zip(story.actions, story.times, strict=True) if _is_report(action)
    }
    assert times[12] - times[9] == pytest.approx(5.0)


def test_mcu_when_it_takes_nothing_then_12_a_minute_after_8():
    story = mcu_story(replace(MCU, flash_refused=1.0)).run()
    assert story.codes == [1, 2, 4, 5, 8, 12]


def test_mcu_when_another_version_runs_then_12_with_it():
    story = mcu_story(replace(MCU, wrong_version=1.0)).run()
    assert story.codes[-2:] == [9, 12]
    assert story.said[-1].mcu_versions == "mcu1:9.9"


@pytest.mark.parametrize(
    ("behaviour", "version", "reason"),
    [
        (Behaviour(flash_power_loss=1.0), "V1", "old-version"),
        (Behaviour(boot_loops=1.0, loops=4), "V1", "old-version"),
        (Behaviour(wrong_version=1.0), "9.9", "wrong-version"),
    ],
    ids=["power", "loop", "strange"],
)
def test_module_when_it_wakes_up_with_another_version_then_12_after_the_reconnect(behaviour, version, reason):
    story = Story(behaviour)
    while story.endings != [("failed", reason)]:
        assert story.step()
    assert story.codes == [1, 2, 4, 5, 8, 9]  # and 12 when it is online
    while story.codes[-1] != 12:
        assert story.step()
    assert story.said[-1].module_version == version
    assert len(story.of(Dial)) == 2 + behaviour.loops * (behaviour.boot_loops > 0)


def test_message_when_duplicated_then_said_twice():
    story = Story(Behaviour(duplicates=1.0, asks_after_s=None))
    story.tell(Told(1, offer()), 60.0)
    assert story.run().codes == [1, 1, 2, 2, 4, 4, 5, 5, 8, 8, 9, 9, 11, 11]


# -- power and connections


@pytest.mark.parametrize("cut_before", range(1, 15))
@pytest.mark.parametrize("story_of", [Story, mcu_story], ids=["module", "mcu"])
def test_power_when_cut_before_any_message_then_the_upgrade_ends_all_the_same(story_of, cut_before):
    story = story_of(cut_before=cut_before).run()
    assert story.device.is_done
    assert story.endings[-1] == ("upgraded", "")
    assert story.codes[-1] == 11


def test_connection_when_lost_while_downloading_then_the_download_goes_on_and_its_end_is_said_later():
    story = Story()
    while not story.of(Fetch):
        story.step()
    story.tell(Lost())
    story.run()
    assert story.codes == [1, 2, 4, 9, 11]  # of what could not be said only the last is kept
    assert not [one for one in story.of(HangUp) if one.keeps_download]


def test_report_when_not_acknowledged_then_said_again_after_the_reports():
    story = Story(Behaviour(asks_after_s=None))
    while story.device.reach is not Reach.UP:
        story.step()
    before = len(story.said)
    story.tell(Lost((ota.Report(3, "REFUSEDOTA", 0, "mod"),)))
    while len(story.said) < before + 3:
        assert story.step()
    assert [type(one) for one in story.said[before:]] == [sys.DeviceStatus, sys.DeviceInformation, ota.Report]


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_connack_when_2_to_5_then_the_secret_is_forgotten(code):
    """12, trap 1."""
    story = _dialling()
    story.device.hear(TurnedAway(code), story.now)
    assert story.device.stored.ds is None
    assert story.device.due == pytest.approx(story.now + 600)


def test_connack_when_1_then_the_secret_stays():
    story = _dialling()
    story.device.hear(TurnedAway(1), story.now)
    assert story.device.stored.ds == "secret"


def test_connection_when_refused_again_and_again_then_comes_after_longer_times():
    """12, trap 1: 1.8, 3.5, 7.5 s ...; after 6 failures 30 min."""
    story = _dialling()
    waits = []
    for _ in range(7):
        story.device.hear(Lost(), story.now)
        waits.append(story.device.due - story.now)
        story.now = story.device.due
        while story.device.reach is not Reach.DIALLING:
            story.step()
        story._coming.clear()
    for wait, middle in zip(waits, (1.8, 3.5, 7.5, 15, 30, 60, 1800), strict=True):
        assert 0.8 * middle <= wait <= 1.2 * middle


def test_notice_when_of_the_first_contact_then_hangs_up_and_waits():
    """12, trap 3; the recording auth-error-10422."""
    story = _dialling()
    actions = story.device.hear(Told(1, sys.ErrorNotice(10422)), story.now)
    assert actions == [HangUp(keeps_download=True)]
    assert story.device.due == pytest.approx(story.now + 30)


def test_notice_when_rate_limited_then_stays():
    story = _dialling()
    assert story.device.hear(Told(1, sys.ErrorNotice(10428)), story.now) == []
    assert story.device.reach is Reach.DIALLING


def test_read_when_asked_then_answers_with_what_was_asked_for_and_its_packet_id():
    story = _dialling()
    story.device.hear(Online(), story.now)
    (status,) = story.device.hear(Told(77, sys.ReadStatus((1, 4))), story.now)
    assert status.packet_id == 77
    assert status.message.is_answer
    assert (status.message.free_flash, status.message.signal) == (500_000, None)
    (facts,) = story.device.hear(Told(78, sys.ReadInformation((2,))), story.now)
    assert (facts.message.module_version, facts.message.model) == ("V1", None)


def test_outage_when_it_comes_then_offline_for_its_time_and_back():
    story = Story(Behaviour(asks_after_s=None, outage_every_s=(100, 100), outage_s=(900, 900)))
    while len(story.of(Dial)) < 2:
        assert story.step()
    at = [at for action, at in zip(story.actions, story.times, strict=True) if isinstance(action, Dial)]
    assert at[1] - at[0] == pytest.approx(1000.1)


# -- rules for all of them


def test_tables_when_walked_then_every_phase_but_idle_is_left_by_itself():
    timed = {phase for phase, event in TABLE if event.__name__ == "Due"}
    assert timed == set(Phase) - {Phase.IDLE}
    assert {reach for reach, _ in REACHES} == {Reach.DIALLING, Reach.UP}


HEARD = st.one_of(
    st.just(Told(1, offer())),
    st.just(Told(1, offer("V1", "2.0", "mcu1", 1))),
    st.builds(lambda text: Told(1, offer(None, text or "x", text[::-1] or "y", 1)), st.text(max_size=70)),
    st.just(Told(2, firmware("http://h/f"))),
    st.builds(lambda text: Told(2, firmware("http://h/f", text or "x", "mcu1", 1)), st.text(max_size=70)),
    st.builds(lambda size, url: Told(2, firmware(url, size_bytes=size)), st.integers(-9, 2**62), st.text()),
    st.just(Told(3, sys.Configuration(new_ds="x" * 40, authenticate_again=True))),
    st.just(Told(3, sys.ErrorNotice(10423))),
    st.just(Told(3, sys.ReadStatus(tuple(range(99))))),
    st.just(Lost((ota.Report(5),))),
    st.just(TurnedAway(5)),
    st.just(Online("d" * 32)),
    st.just(Begun()),
    st.just(COMPLETE),
    st.just(Fetched(FetchEnd.SILENT)),
)
WILD = Behaviour(
    mcus=(("mcu1", "V1"),),
    flaky=0.2,
    digest_errors=0.2,
    flash_refused=0.2,
    boot_loops=0.2,
    wrong_version=0.2,
    power_loss=0.1,
    flash_power_loss=0.2,
    duplicates=0.2,
    outage_every_s=(50, 500),
    bytes_per_s=5000,
    asks_every_s=300,
)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), heard=st.lists(st.tuples(st.integers(1, 8), HEARD), max_size=25))
def test_device_when_it_hears_anything_at_any_time_then_never_stands_still(seed, heard):
    story = Story(WILD, seed=seed)
    for steps, event in heard:
        for _ in range(steps):
            story.step()
        for action in story.device.hear(event, story.now):
            story._answer(action)
        device = story.device
        assert device.due < inf or (device.reach is Reach.UP and device.upgrade.phase is Phase.IDLE)
        assert (device.upgrade.phase is Phase.IDLE) == (device.upgrade.due == inf)
    for _ in range(400):
        if not story.step():
            break
    assert len(FILE) == 30720


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_device_when_lived_twice_with_one_seed_then_says_the_same(seed):
    first, second = Story(WILD, seed=seed).run(), Story(WILD, seed=seed).run()
    assert first.actions == second.actions
    assert first.times == second.times


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_device_when_all_misfortunes_are_likely_then_it_comes_to_an_end_within_a_day(seed):
    story = Story(WILD, seed=seed).run(86_400.0)
    assert story.endings


def _dialling():
    story = Story()
    story.device.stored.ds = "secret"
    while story.device.reach is not Reach.DIALLING:
        story.step()
    story._coming.clear()
    return story


def _is_report(action):
    return isinstance(action, Say) and isinstance(action.message, ota.Report)
