"""Sequences of a whole upgrade: timers, refusal, several components, stepping stones, the end of a plan, retries.

Source: ota-semantics 7, 12, 13.
"""

from __future__ import annotations

import pytest

from moduline.cloud.plans.rules import Versions
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import events
from moduline.cloud.upgrades.offer import AskVersions, LookAgain, PlanItem, SayPlan, SayUrl, standing
from moduline.cloud.upgrades.reading import read
from moduline.cloud.upgrades.upgrade import LogSource, Phase, Terms, UpgradeState
from upgrade_story import MCU, MODULE, Story, is_plan, is_url, item

WRITTEN = (1, 2, 4, 5, 8, 9)


def two(**of_module):
    return Story(item("pump", MCU, "1.0", "2.0", 0, artifact=8), item(sort=1, **of_module))


# ---- the clean run (13.1) -------------------------------------------------------------------------------------------


def test_module_when_all_goes_well_then_said_and_logged_as_in_the_reference():
    story = Story(terms=Terms(min_battery=30, min_signal_dbm=-113, disk_bytes=19656))
    assert story.says == [SayPlan(1, (PlanItem("mod", MODULE, "V1", "V2", 30, 19656, -113),))]
    assert story.status == "NOT_UPGRADED"
    assert story.codes(1) == ()
    assert story.status == "NOT_UPGRADED"
    assert story.codes(2) == (SayUrl(1, 0, "mod", MODULE, "V2", 7),)
    assert story.status == "UPGRADING"
    assert story.codes(4, 5, 5, 5, 8, 9) == ()
    assert story.reconnect() == ()
    assert story.versions("V2") == ()
    assert story.codes(11, versions=Versions("V2")) == ()
    assert (story.status, story.state.phase, story.state.deadline) == ("UPGRADED", Phase.FINAL, None)
    assert [status for _, status in story.words] == [None, "received", "confirmed", "confirmed", "ready", "downloading", "downloaded", "upgrading", "succeeded", "succeeded"]  # fmt: skip
    assert {line.source for line in story.lines} == {LogSource.PLATFORM, LogSource.DEVICE}


def test_offer_when_no_disk_is_said_then_the_size_of_the_files_and_the_delay_if_any():
    (say,) = Story(terms=Terms(negotiation_delay_s=120)).says
    assert (say.items[0].disk_bytes, say.delay_s) == (30000, 120)


def test_offer_when_the_upgrade_is_open_or_over_then_nothing_happens():
    story = Story()
    assert story.offer() == ()
    story.codes(*WRITTEN, 11, versions=Versions("V2"))
    assert story.offer() == ()
    assert story.status == "UPGRADED"


# ---- refusal --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codes", [(3,), (1, 3), (1, 2, 3)])
def test_device_when_it_refuses_then_waits_with_the_reason_and_the_time(codes):
    story = Story()
    story.codes(*codes, gap=0)
    assert (story.status, story.reason, story.state.phase) == ("NOT_UPGRADED", 110, Phase.WAITING)
    assert story.state.refused_at == story.now
    assert story.state.deadline is None


def test_refusal_when_codes_come_again_afterwards_then_nothing_is_taken_up():
    story = Story()
    story.codes(1, 3)
    assert story.codes(1, 2, 3, 1, 4) == ()
    assert story.state.phase is Phase.WAITING
    assert is_plan(story.offer())
    assert story.reason is None


def test_refusal_when_the_download_has_begun_then_ignored():
    story = Story()
    story.codes(1, 2, 4, 3)
    assert story.of().status.value == "ready"


# ---- timers (7.4) ---------------------------------------------------------------------------------------------------


def test_plan_when_not_answered_in_60_s_then_back_to_not_received():
    story = Story()
    assert story.wait(59.9) == ()
    assert story.state.is_open
    story.wait(0.2)
    assert (story.state.phase, story.status) == (Phase.WAITING, "NOT_UPGRADED")
    assert is_plan(story.offer())


def test_plan_when_not_decided_in_ten_minutes_then_back_to_not_received():
    story = Story()
    story.codes(1, gap=0)
    story.wait(599.9)
    assert story.state.is_open
    story.wait(0.2)
    assert story.state.phase is Phase.WAITING


def test_plan_when_answered_late_then_taken_up_again_unless_the_device_is_busy_elsewhere():
    story = Story()
    story.wait(100)
    story.codes(1, free=False)
    assert story.state.phase is Phase.WAITING
    assert is_url(story.codes(2))
    assert story.state.is_open
    other = Story()
    other.codes(1)
    other.wait(700)
    assert other.codes(1) == ()
    assert other.state.is_open


def test_url_when_not_answered_then_again_after_10_s_and_three_times_after_60():
    story = Story(terms=Terms(timeout_s=3600))
    story.codes(1, 2, gap=0)
    begin, sent = story.now, []
    for _ in range(3700):
        story.now += 1
        if story.state.deadline is not None and story.state.deadline <= story.now:
            sent += [story.now - begin for one in story.tell(events.TimePassed()) if isinstance(one, SayUrl)]
    assert sent == [10, 70, 130, 190]
    assert (story.status, story.reason) == ("FAILED", 210)


def test_silence_when_online_then_the_url_again_and_when_offline_then_patience():
    story = Story()
    story.codes(1, 2, 4, 5, gap=0)
    assert is_url(story.wait(301))
    story.codes(5, gap=0)
    story.tell(events.Disconnected())
    assert story.wait(900) == ()
    assert story.status == "UPGRADING"
    story.tell(events.Connected())
    assert story.versions("V1") == ()
    assert is_url(story.wait(301))


def test_silence_when_progress_or_a_request_for_the_file_comes_then_begins_anew():
    story = Story()
    story.codes(1, 2, 4, 5, gap=0)
    for event in ("5", "file"):
        story.wait(299)
        if event == "5":
            story.codes(5, gap=0)
        else:
            story.tell(events.FileAsked(7, 206))
    assert story.wait(299) == ()
    assert is_url(story.wait(2))


def test_download_when_it_fails_then_the_url_again_after_10_s_times_tries_at_most_five():
    story = Story()
    story.codes(1, 2, gap=0)
    for tries in range(1, 6):
        story.codes(4, 5, 6, gap=0)
        assert story.wait(10 * tries - 1) == ()
        assert is_url(story.wait(1.5))
    story.codes(4, 5, 6, gap=0)
    assert story.wait(600) == ()
    assert story.state.is_open, "the device is to say 12; else the limit ends it"


def test_download_when_the_device_vanishes_after_a_failure_then_fails_with_the_downloads_reason():
    story = Story(terms=Terms(timeout_s=1800))
    story.codes(1, 2, 4, 5, 8, 6)
    story.tell(events.Disconnected())
    story.wait(1900)
    assert (story.status, story.reason) == ("FAILED", 230)


@pytest.mark.parametrize(("codes", "reason"), [((1, 2, 4), 260), ((1, 2, 4, 5), 260), ((1, 2, 4, 5, 8), 260)])
def test_device_when_it_never_comes_back_then_fails_at_the_limit(codes, reason):
    story = Story(terms=Terms(timeout_s=600))
    story.codes(*codes, gap=0)
    story.tell(events.Disconnected())
    story.wait(599)
    assert story.status == "UPGRADING"
    story.wait(2)
    assert (story.status, story.reason) == ("FAILED", reason)


def test_writing_when_it_begins_late_then_has_at_least_25_minutes():
    story = Story(terms=Terms(timeout_s=60))
    story.codes(1, 2, 4, 5, 8, gap=0)
    story.wait(59)
    story.codes(9, gap=0)
    story.tell(events.Disconnected())
    story.wait(1499)
    assert story.status == "UPGRADING"
    story.wait(2)
    assert (story.status, story.reason) == ("FAILED", 260)


def test_time_when_passed_too_early_or_after_the_end_then_harmless():
    story = Story()
    before = story.state
    assert story.tell(events.TimePassed()) == ()
    assert story.state == before
    story.codes(*WRITTEN, 11, versions=Versions("V2"))
    story.now += 1e6
    assert story.tell(events.TimePassed()) == ()


# ---- connections ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codes", [(), (1,)])
def test_device_when_connected_again_before_it_agreed_then_hears_the_plan_after_its_versions(codes):
    story = Story()
    story.codes(*codes)
    assert story.reconnect(after=1) == ()
    assert is_plan(story.versions("V1"))
    assert story.versions("V1", request=True) == (), "one breath: 0x0044 and 0x0115"


def test_device_when_it_tells_no_versions_then_hears_the_plan_after_five_seconds():
    story = Story()
    story.reconnect(after=1)
    assert story.wait(4.9) == ()
    assert is_plan(story.wait(0.2))


@pytest.mark.parametrize("codes", [(1, 2), (1, 2, 4), (1, 2, 4, 5), (1, 2, 4, 5, 6)])
def test_url_when_the_device_is_back_and_its_versions_are_late_then_not_said_before_them(codes):
    """It may have written the target meanwhile: an idle device that hears a URL loads and writes it again."""
    story = Story()
    story.codes(*codes)
    story.reconnect(after=10)
    said = story.wait(1000)  # the workers lag
    assert not [one for one in said if isinstance(one, SayUrl)]
    assert said[0] == AskVersions()
    assert story.versions("V2") == ()
    assert story.status == "UPGRADED"


def test_url_when_the_device_is_back_while_a_timer_is_about_to_say_it_then_not_said():
    story = Story()
    story.codes(1, 2, 4, 5, gap=0)
    story.wait(299)
    story.reconnect(after=0.5)
    assert story.wait(4.9) == ()
    assert story.versions("V2") == ()
    assert story.status == "UPGRADED"


@pytest.mark.parametrize("codes", [(1, 2), (1, 2, 4, 5)])
def test_device_when_it_never_tells_versions_then_the_upgrade_ends_all_the_same(codes):
    story = Story()
    story.codes(*codes)
    story.reconnect(after=1)
    story.wait(7200)
    assert story.status == "FAILED"


def test_device_when_connected_again_after_it_agreed_then_hears_the_url():
    story = Story()
    story.codes(1, 2)
    assert story.reconnect(after=20) == ()
    assert is_url(story.versions("V1"))


def test_device_when_connected_again_while_it_loads_or_writes_then_hears_nothing():
    for codes in ((1, 2, 4), (1, 2, 4, 5), (1, 2, 4, 5, 8), WRITTEN):
        story = Story()
        story.codes(*codes)
        assert story.reconnect() == ()
        assert story.versions("V1") == ()
        assert story.wait(20) == ()


def test_device_when_it_asks_while_the_plan_is_open_then_hears_it_again():
    story = Story()
    story.now += 30
    assert is_plan(story.versions("V1", request=True))
    story.codes(1, 2)
    story.now += 8
    assert is_url(story.versions("V1", request=True))
    story.codes(4)
    story.now += 30
    assert story.versions("V1", request=True) == ()


def test_device_when_it_lost_power_while_downloading_then_says_6_at_boot_and_is_served_again():
    story = Story()
    story.codes(1, 2, 4, 5)
    story.reconnect()
    story.versions("V1")
    story.codes(6)
    assert is_url(story.wait(11))
    story.codes(4, 5, 8, 9)
    story.reconnect()
    story.versions("V2")
    assert story.status == "UPGRADED"


def test_standing_when_a_ddi_client_polls_then_what_it_must_hear():
    story = Story()
    assert isinstance(standing(story.state), SayPlan)
    story.codes(1, 2)
    assert isinstance(standing(story.state), SayUrl)
    story.codes(4)
    assert standing(story.state) is None
    assert standing(UpgradeState(1)) is None


# ---- repetitions ----------------------------------------------------------------------------------------------------


def test_codes_when_repeated_then_no_second_line_and_no_second_url():
    story = Story()
    for code in WRITTEN:
        story.codes(code)
        lines, says = len(story.lines), len(story.says)
        story.codes(code, code)
        assert (len(story.lines), len(story.says)) == (lines, says), code


def test_codes_when_late_then_one_line_each_and_no_change():
    story = Story()
    story.codes(*WRITTEN, 11, versions=Versions("V2"))
    before = story.status
    story.codes(12, 12, 6, 99, 98)
    assert story.status == before
    assert [line.code for line in story.lines[-3:]] == [12, 6, 99]


def test_download_error_when_repeated_then_one_try():
    story = Story()
    story.codes(1, 2, 4, 5, 6, 6, 6)
    assert story.of().tries == 1


@pytest.mark.parametrize("codes", [(4,), (4, 5), (5,), (8,), (4, 5, 8)])
def test_download_error_when_the_try_before_is_repeated_then_the_url_comes_all_the_same(codes):
    story = Story()
    story.codes(1, 2, 4, 5, 6, *codes)
    assert is_url(story.wait(11))


def test_pieces_of_an_mcu_file_when_repeated_then_no_step_back():
    story = Story(item("pump", MCU, "1.0", "2.0"))
    story.codes(1, 2, 4, 5, 8, 4, 5, 8, 4, 5, 8, 9, component="pump", kind=MCU)
    story.codes(11, component="pump", kind=MCU, versions=Versions("V1", {"pump": "2.0"}))
    assert story.status == "UPGRADED"


def test_piece_of_an_mcu_file_when_it_fails_then_a_failed_download():
    story = Story(item("pump", MCU, "1.0", "2.0"))
    story.codes(1, 2, 4, 5, 8, 4, 6, component="pump", kind=MCU)
    assert int(story.of("pump").reason) == 220


# ---- several components ---------------------------------------------------------------------------------------------


def test_two_components_when_all_goes_well_then_one_offer_and_one_url_after_the_other():
    story = two()
    (say,) = story.says
    assert [one.component for one in say.items] == ["pump", "mod"]
    assert is_url(story.codes(1, 2), "pump")  # the client names the last one only (trap 6)
    assert story.of("pump").status == story.of("mod").status
    story.codes(4, 5, 8, 9, component="pump", kind=MCU)
    assert is_url(story.codes(11, component="pump", kind=MCU, versions=Versions("V1", {"pump": "2.0"})), "mod")
    assert story.status == "UPGRADING"
    story.codes(4, 5, 8, 9)
    story.reconnect()
    story.versions("V2", pump="2.0")
    assert story.status == "UPGRADED"


def test_two_components_when_the_first_fails_then_the_second_is_not_begun():
    story = two()
    story.codes(1, 2)
    assert story.codes(4, 5, 12, component="pump", kind=MCU) == ()
    assert (story.status, story.state.phase) == ("FAILED", Phase.FINAL)
    assert story.of("mod").status.value == "confirmed"


def test_two_components_when_each_takes_its_time_then_each_has_the_whole_limit():
    story = Story(item("pump", MCU, "1.0", "2.0", 0), item(sort=1), terms=Terms(timeout_s=1800))
    story.codes(1, 2)
    story.wait(1700)
    story.codes(11, component="pump", kind=MCU, versions=Versions("V1", {"pump": "2.0"}))
    story.codes(4, 5)
    story.wait(1700)
    assert story.status == "UPGRADING"


def test_two_components_when_one_is_at_the_target_then_only_the_other_is_offered():
    story = Story(offer=False)
    settled = (item("pump", MCU, "2.0", "2.0", 0),)
    (say,) = story.offer(item(sort=1), settled=settled)
    assert [one.component for one in say.items] == ["mod"]
    assert story.of("pump").status.value == "no-update"
    story.codes(*WRITTEN, 11, versions=Versions("V2"))
    assert story.status == "UPGRADED"


def test_code_when_of_a_component_that_is_not_in_the_plan_then_ignored():
    story = Story()
    story.codes(1, component="other", kind=MCU)
    assert story.of().status.value == "not-received"
    story.codes(1, component="fw", kind=MODULE)  # a device has one module, whatever it calls it
    assert story.of().status.value == "received"


# ---- stepping stones ------------------------------------------------------------------------------------------------


def test_stepping_stone_when_reached_then_waits_for_the_next_offer():
    story = Story(item(target="V2", final="V3"))
    story.codes(*WRITTEN)
    story.reconnect()
    assert story.versions("V2") == (LookAgain(1),)
    assert (story.status, story.state.phase, story.state.attempt) == ("NOT_UPGRADED", Phase.WAITING, 1)
    assert story.codes(11, versions=Versions("V2")) == ()
    assert is_plan(story.offer(item(source="V2", target="V3", artifact=9)))
    story.codes(*WRITTEN, 11, versions=Versions("V3"))
    assert story.status == "UPGRADED"


def test_stepping_stone_when_the_device_comes_with_the_final_version_then_upgraded():
    story = Story(item(target="V2", final="V3"))
    story.codes(*WRITTEN)
    story.reconnect()
    story.versions("V3")
    assert story.status == "UPGRADED"


def test_stepping_stone_when_waiting_and_the_final_version_is_reported_then_no_update():
    story = Story(item(target="V2", final="V3"))
    story.wait(100)
    story.versions("V3")
    assert story.status == "NO_UPDATE"
    assert story.state.phase is Phase.FINAL


# ---- end of the plan, cancel, retry ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [Reason.PLAN_ENDED, Reason.TERMINATED])
def test_plan_when_over_then_what_has_not_begun_never_does(reason):
    story = Story(offer=False)
    story.tell(events.PlanOver(reason))
    assert (story.status, story.reason, story.state.phase) == ("NOT_UPGRADED", int(reason), Phase.FINAL)
    assert story.offer() == ()


@pytest.mark.parametrize("codes", [(), (1,), (1, 2), (1, 2, 4, 5), WRITTEN])
def test_plan_when_over_then_what_was_offered_runs_to_its_end(codes):
    story = Story()
    story.codes(*codes)
    assert story.tell(events.PlanOver(Reason.TERMINATED)) == ()  # there is no message for it
    story.codes(*WRITTEN, 11, versions=Versions("V2"))
    assert story.status == "UPGRADED"


def test_plan_when_over_and_the_device_gives_nothing_back_then_ends_with_the_plans_reason():
    story = Story()
    story.tell(events.PlanOver(Reason.PLAN_ENDED))
    story.wait(61)
    assert (story.status, story.reason, story.state.phase) == ("NOT_UPGRADED", 261, Phase.FINAL)
    story = Story()
    story.codes(1, 2, 4, 5)
    story.tell(events.PlanOver(Reason.TERMINATED))
    story.wait(3601 + 300)
    assert (story.status, story.reason) == ("FAILED", 262)


def test_offer_when_cancelled_before_the_download_then_waits_and_no_url_is_sent():
    story = Story()
    story.codes(1)
    story.tell(events.Cancelled())
    assert (story.status, story.reason, story.state.phase) == ("NOT_UPGRADED", 263, Phase.WAITING)
    assert story.codes(2, 12) == ()
    assert story.lines[-3].source is LogSource.USER


def test_offer_when_the_download_has_begun_then_not_cancelled():
    story = Story()
    story.codes(1, 2, 4)
    before = story.state
    story.tell(events.Cancelled())
    assert story.state == before


def test_upgrade_when_failed_and_retried_then_another_attempt_and_a_clean_start():
    story = Story(versions=Versions("V1"))
    story.codes(1, 2, 4, 5, 12, versions=Versions("V1"))
    assert story.tell(events.Retried()) == (LookAgain(1),)
    assert (story.status, story.state.attempt, story.state.phase) == ("NOT_UPGRADED", 2, Phase.WAITING)
    assert is_plan(story.offer())
    story.codes(*WRITTEN, 11, versions=Versions("V2"))
    assert (story.status, story.state.attempt) == ("UPGRADED", 2)


@pytest.mark.parametrize("version", ["V2", "V9"])
def test_upgrade_when_failed_and_the_version_has_changed_then_not_retried(version):
    story = Story()
    story.codes(*WRITTEN, 12, versions=Versions("V1"))
    story.versions(version)
    before = story.state
    story.tell(events.Retried(by_user=True))
    assert story.state == before
    assert story.status == "FAILED", "final is final, whatever is reported later"


def test_upgrade_when_it_did_not_fail_then_not_retried():
    story = Story()
    for codes in ((), (1, 2), (4, 5, 8, 9)):
        story.codes(*codes)
        before = story.state
        story.tell(events.Retried())
        assert story.state == before
    story.codes(11, versions=Versions("V2"))
    story.tell(events.Retried())
    assert (story.status, story.state.attempt) == ("UPGRADED", 1)


def test_retry_when_one_of_two_components_succeeded_then_only_the_other_goes_again():
    story = two()
    story.codes(1, 2)
    story.codes(11, component="pump", kind=MCU, versions=Versions("V1", {"pump": "2.0"}))
    story.codes(4, 5, 12, versions=Versions("V1", {"pump": "2.0"}))
    story.tell(events.Retried())
    (say,) = story.offer(item(sort=1), settled=(item("pump", MCU, "2.0", "2.0", 0),))
    assert [one.component for one in say.items] == ["mod"]
    assert story.of("pump").status.value == "succeeded"


# ---- DDI ------------------------------------------------------------------------------------------------------------


def ddi(*feedback, versions=None):
    story = Story(versions=versions)
    for execution, finished in feedback:
        story.tell(events.DdiFeedback(execution, finished, ("text",)))
    return story


def test_ddi_when_it_closes_with_success_then_upgrading_until_the_version_comes():
    story = ddi(("proceeding", "none"), ("downloaded", "none"), ("proceeding", "none"), ("closed", "success"))
    assert story.status == "UPGRADING"
    story.versions("V2")
    assert story.status == "UPGRADED"


def test_ddi_when_it_closes_before_the_restart_and_still_reports_the_old_version_then_patience():
    """rauc-hawkbit-updater closes right after installing (hawkbit-ddi, trap 4)."""
    story = ddi(("closed", "success"))
    story.versions("V1")
    story.wait(120)
    assert story.status == "UPGRADING"
    story.wait(3700)
    assert (story.status, story.reason) == ("FAILED", 251)


@pytest.mark.parametrize(
    ("feedback", "status", "reason"),
    [
        (("closed", "failure"), "FAILED", 240),
        (("canceled", "none"), "FAILED", 263),
        (("rejected", "none"), "NOT_UPGRADED", 110),
        (("closed", "none"), "UPGRADING", None),
        (("scheduled", "none"), "UPGRADING", None),
        (("resumed", "none"), "UPGRADING", None),
        (("download", "none"), "UPGRADING", None),
        (("nonsense", "nonsense"), "UPGRADING", None),
    ],
)
def test_ddi_feedback_when_told_then_as_the_table_says(feedback, status, reason):
    story = ddi(feedback)
    assert (story.status, story.reason) == (status, reason)


def test_ddi_when_it_loads_the_file_before_it_says_a_word_then_the_offer_is_taken():
    story = Story()
    story.now += 50
    story.tell(events.FileAsked(7, 404))
    assert story.status == "NOT_UPGRADED"
    story.tell(events.FileAsked(7, 200))
    assert (story.status, story.of().status.value) == ("UPGRADING", "ready")
    story.wait(250)
    story.tell(events.DdiFeedback("closed", "success"))
    story.versions("V2")
    assert story.status == "UPGRADED"


def test_ddi_when_the_update_was_skipped_then_nothing_was_installed():
    story = Story()
    story.tell(events.DdiFeedback("closed", "success", ("Skipped Update.",)))
    assert (story.status, story.state.phase) == ("NOT_UPGRADED", Phase.WAITING)


def test_ddi_when_progress_comes_after_the_download_then_never_backwards():
    story = ddi(("downloaded", "none"), ("download", "none"))
    assert story.of().status.value == "downloaded"
    story = ddi(("closed", "success"), ("proceeding", "none"), ("closed", "success"))
    assert story.of().status.value == "upgrading"


def test_event_when_read_twice_from_the_same_state_then_the_same_answer():
    story = Story()
    event = events.StatusReported(2, MODULE, "mod")
    assert read(story.state, event, story.now) == read(story.state, event, story.now)


# ---- hostile devices ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codes", [(), (1,)])
def test_offer_when_the_device_connects_all_the_time_and_never_begins_then_withdrawn(codes):
    """Else it could keep itself from every other plan."""
    story = Story()
    story.codes(*codes)
    begin = story.now
    while story.state.is_open:
        assert story.now < begin + 2000
        story.reconnect(after=1)
        story.versions("V1")
        story.wait(40)
    assert story.state.phase is Phase.WAITING
    assert story.now >= begin + 1700


@pytest.mark.parametrize("codes", [(), (1,)])
def test_offer_when_the_device_asks_all_the_time_and_never_begins_then_withdrawn(codes):
    story = Story()
    begin = story.now
    while story.state.is_open:
        assert story.now < begin + 2000
        story.codes(*codes)
        story.versions("V1", request=True)
        story.wait(30)
    assert story.state.phase is Phase.WAITING


def test_offer_when_begun_in_time_then_not_withdrawn_later():
    story = Story(terms=Terms(timeout_s=7200))
    story.codes(1, 2, 4, 5)
    story.wait(5000)
    assert story.status == "UPGRADING"


def test_versions_when_of_thousands_of_components_then_only_those_of_the_plan_are_kept():
    story = two()
    for n in range(50):
        told = {f"x{n}-{k}": "1" for k in range(100)} | {"pump": "1.0"}
        story.versions("V1", **told)
    assert dict(story.state.versions.mcu) == {"pump": "1.0"}


def test_words_and_names_when_hostile_then_only_a_line_or_nothing():
    story = Story()
    for component in ("", "x" * 10_000, "mod\x00", "../mod"):
        story.tell(events.StatusReported(2, MCU, component, Versions("V1", {component: "\x00"}), "{}" * 1000))
    assert story.status == "NOT_UPGRADED"
    assert len(story.lines) == 1


@pytest.mark.parametrize("codes", [(1, 2), (1, 2, 4, 5, 6)])
def test_url_when_due_and_the_device_is_offline_then_said_after_it_connects_and_not_before(codes):
    story = Story()
    story.codes(*codes)
    story.tell(events.Disconnected())
    assert story.wait(600) == ()
    story.tell(events.Connected())
    assert is_url(story.versions("V1"))


def test_upgrade_when_failed_and_the_plan_is_over_then_not_retried():
    story = Story()
    story.codes(1, 2)
    story.tell(events.PlanOver(Reason.TERMINATED))
    story.codes(4, 5, 12, versions=Versions("V1"))
    before = story.state
    story.tell(events.Retried(by_user=True))
    assert story.state == before
