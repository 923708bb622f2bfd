"""Success by version, and failure reasons by pattern.  Source: ota-semantics 7.3, 8."""

from __future__ import annotations

import pytest

from moduline.cloud.plans.rules import Versions
from moduline.cloud.upgrades import events
from moduline.cloud.upgrades.offer import AskVersions
from moduline.cloud.upgrades.upgrade import ComponentState, Terms
from moduline.cloud.upgrades.verdict import failure_reason
from upgrade_story import MCU, Story, is_url, item

WRITTEN = (1, 2, 4, 5, 8, 9)


def pump():
    return item("pump", MCU, "1.0", "2.0")


def mcu(*codes, story=None, versions=None, gap=0.05):
    story = story or Story(pump())
    story.codes(*codes, component="pump", kind=MCU, versions=versions, gap=gap)
    return story


# ---- success --------------------------------------------------------------------------------------------------------


def test_success_when_told_with_the_target_then_upgraded():
    story = Story()
    story.codes(*WRITTEN, 11, versions=Versions("V2"))
    assert (story.status, story.reason) == ("UPGRADED", None)
    assert story.state.deadline is None


def test_success_when_told_with_another_version_then_mismatch():
    story = Story()
    story.codes(*WRITTEN, 11, versions=Versions("V9"))
    assert (story.status, story.reason) == ("FAILED", 250)
    story = Story()
    story.codes(*WRITTEN, 11, versions=Versions("V1"))
    assert (story.status, story.reason) == ("FAILED", 250)


def test_success_when_told_without_version_then_asked_for_and_waits_for_the_next_report():
    story = Story()
    assert AskVersions() in story.codes(*WRITTEN, 11)
    assert story.status == "UPGRADING"
    story.versions("V2")
    assert story.status == "UPGRADED"


def test_success_when_no_version_comes_then_not_confirmed():
    story = Story(terms=Terms(timeout_s=3600))
    story.codes(*WRITTEN, 11)
    story.wait(3000)
    assert story.status == "UPGRADING"
    story.wait(700)
    assert (story.status, story.reason) == ("FAILED", 251)


def test_success_when_told_without_version_and_a_third_one_follows_then_mismatch():
    story = Story()
    story.codes(*WRITTEN, 11)
    story.versions("V9")
    assert (story.status, story.reason) == ("FAILED", 250)


@pytest.mark.parametrize("codes", [(1,), (1, 2), (1, 2, 4), (1, 2, 4, 5), (1, 2, 4, 5, 6), (1, 2, 4, 5, 8), WRITTEN])
def test_target_when_reported_in_any_state_that_has_begun_then_upgraded(codes):
    """Power loss after flashing: 11 never comes."""
    story = Story()
    story.codes(*codes)
    story.reconnect()
    story.versions("V2")
    assert story.status == "UPGRADED"


def test_target_when_reported_before_the_plan_is_received_then_no_update_required():
    story = Story()
    story.versions("V2")
    assert story.status == "NO_UPDATE"


def test_error_when_told_with_the_target_then_the_version_counts():
    story = Story()
    story.codes(*WRITTEN, 12, versions=Versions("V2"))
    assert story.status == "UPGRADED"


def test_module_when_back_with_the_old_version_then_has_a_minute():
    story = Story()
    story.codes(*WRITTEN)
    story.reconnect()
    story.versions("V1")
    story.wait(59)
    assert story.status == "UPGRADING"
    story.wait(2)
    assert (story.status, story.reason) == ("FAILED", 252)


def test_module_when_back_with_the_old_version_and_away_again_then_goes_on():
    """The connection broke in the five seconds before the restart: nothing is written yet."""
    story = Story()
    story.codes(*WRITTEN)
    story.reconnect(after=1)
    story.versions("V1")
    story.tell(events.Disconnected())
    story.wait(300)
    assert story.status == "UPGRADING"
    story.tell(events.Connected())
    story.versions("V2")
    assert story.status == "UPGRADED"


def test_module_when_it_reports_the_old_version_without_a_reconnect_then_nothing_follows():
    story = Story()
    story.codes(*WRITTEN)
    story.versions("V1")
    story.wait(120)
    assert story.status == "UPGRADING"


def test_mcu_when_the_module_is_back_while_it_is_written_then_patience():
    """MCU in 9 stays 9 over a restart (trap 8)."""
    story = mcu(*WRITTEN)
    story.reconnect()
    story.versions("V1", pump="1.0")
    story.wait(300)
    assert story.status == "UPGRADING"
    story.versions(pump="2.0")
    assert story.status == "UPGRADED"


# ---- reasons --------------------------------------------------------------------------------------------------------


def test_error_when_no_url_was_sent_then_210():
    """The platform sends it at once, so only a server that was down in between comes to this."""
    accepted = ComponentState(0, "mod", item().type, "V1", "V2", "V2", 7, last_code=2, code_at=0.0)
    assert failure_reason(accepted, Versions("V1"), None, 30.0) == 210


def test_error_when_the_url_was_lost_then_210():
    story = Story()
    story.codes(1, 2)
    story.now += 29
    story.codes(12, versions=Versions("V1"))
    assert story.reason == 210


def test_error_right_after_the_url_when_flash_is_too_small_then_202():
    story = Story()
    story.tell(events.SpaceReported(1000))
    story.codes(1, 2, 12, versions=Versions("V1"))
    assert story.reason == 202


@pytest.mark.parametrize("free", [None, 500_000])
def test_error_right_after_the_url_when_flash_suffices_then_231(free):
    story = Story()
    if free:
        story.tell(events.SpaceReported(free))
    story.codes(1, 2, 12, versions=Versions("V1"))
    assert story.reason == 231


def test_download_error_when_while_downloading_then_220_and_tried_again():
    story = Story()
    story.codes(1, 2, 4, 5, 6)
    assert int(story.of().reason) == 220
    assert story.of().status.value == "download-failed"
    assert is_url(story.wait(10))


@pytest.mark.parametrize(("http_status", "is_broken", "reason"), [(403, False, 223), (404, False, 223), (200, True, 221), (206, True, 221), (500, False, 220), (206, False, 220)])  # fmt: skip
def test_download_error_when_our_log_knows_more_then_refined(http_status, is_broken, reason):
    story = Story()
    story.codes(1, 2, 4)
    story.tell(events.FileAsked(7, http_status, is_broken))
    story.codes(5, 6)
    assert int(story.of().reason) == reason


def test_download_error_when_the_log_line_is_of_another_artifact_then_not_refined():
    story = Story()
    story.codes(1, 2, 4)
    story.tell(events.FileAsked(8, 403))
    story.codes(6)
    assert int(story.of().reason) == 220


def test_download_error_when_after_success_then_230_for_a_module_and_220_for_an_mcu():
    story = Story()
    story.codes(1, 2, 4, 5, 8, 6)
    assert int(story.of().reason) == 230
    assert int(mcu(1, 2, 4, 5, 8, 6).of("pump").reason) == 220


def test_download_error_when_told_at_a_restart_then_the_digest_is_not_blamed():
    """The SDK says 6 at boot where it was 8 (trap 8)."""
    story = Story()
    story.codes(1, 2, 4, 5, 8)
    story.reconnect()
    story.versions("V1")
    story.codes(6)
    assert int(story.of().reason) == 220


def downloads(story, count, *codes):
    for _ in range(count):
        story.codes(*codes)
        assert is_url(story.wait(61))


def test_error_when_after_five_wrong_digests_then_230():
    story = Story()
    story.codes(1, 2)
    downloads(story, 5, 4, 5, 8, 6)
    story.codes(4, 5, 8, 12, versions=Versions("V1"))
    assert (story.status, story.reason) == ("FAILED", 230)


def test_error_when_after_five_failed_downloads_then_222():
    story = Story()
    story.codes(1, 2)
    downloads(story, 5, 4, 5, 6)
    story.codes(4, 5, 12, versions=Versions("V1"))
    assert (story.status, story.reason) == ("FAILED", 222)


def test_error_when_one_of_five_was_no_digest_then_222():
    story = Story()
    story.codes(1, 2)
    downloads(story, 1, 4, 5, 6)
    downloads(story, 4, 4, 5, 8, 6)
    story.codes(4, 5, 8, 12, versions=Versions("V1"))
    assert story.reason == 222


def test_error_when_flashing_was_refused_on_the_same_connection_then_240():
    story = Story()
    story.codes(*WRITTEN)
    story.now += 5
    story.codes(12, versions=Versions("V1"))
    assert story.reason == 240


def test_error_when_after_a_reconnect_with_the_old_version_then_252():
    story = Story()
    story.codes(*WRITTEN)
    story.reconnect()
    story.versions("V1")
    story.codes(12, versions=Versions("V1"))
    assert story.reason == 252


def test_error_when_the_reconnect_was_before_the_writing_then_240_and_230():
    """Only a reconnect since the last code 4 or 9 means a restart."""
    story = Story()
    story.codes(1, 2, 4, 5)
    story.reconnect()
    story.versions("V1")
    story.codes(8, 9)
    story.codes(12, versions=Versions("V1"))
    assert story.reason == 240
    story = Story()
    story.codes(1, 2)
    story.reconnect()
    story.versions("V1")
    story.codes(4, 5, 8, 6)
    assert int(story.of().reason) == 230


def test_error_when_with_a_third_version_then_250():
    assert mcu(*WRITTEN, 12, versions=Versions("V1", {"pump": "9.9"})).reason == 250
    story = Story()
    story.codes(*WRITTEN)
    story.reconnect()
    story.codes(12, versions=Versions("V3"))
    assert story.reason == 250


def test_error_when_an_mcu_file_was_not_read_then_240():
    story = mcu(1, 2, 4, 5, 8)
    story.now += 60
    mcu(12, story=story, versions=Versions("V1", {"pump": "1.0"}))
    assert story.reason == 240


@pytest.mark.parametrize(("after", "reason"), [(1200, 260), (30, 240)])
def test_error_when_an_mcu_was_written_too_long_then_260(after, reason):
    story = mcu(*WRITTEN)
    story.now += after
    mcu(12, story=story, versions=Versions("V1", {"pump": "1.0"}))
    assert story.reason == reason


def test_error_when_while_downloading_then_220_and_without_any_sign_then_299():
    story = Story()
    story.codes(1, 2, 4, 5, 12)
    assert story.reason == 220
    story = Story()
    story.codes(12)
    assert story.reason == 299


def test_words_of_the_device_when_told_then_kept_and_never_decide():
    story = Story()
    story.tell(events.StatusReported(1, item().type, "mod", message="UPDATESUCCESS {0} 电量低"))
    assert story.of().status.value == "received"
    assert story.lines[-1].message == "UPDATESUCCESS {0} 电量低"
