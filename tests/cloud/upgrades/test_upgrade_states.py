"""Tables of component and device.  Source: ota-semantics 7.1, 7.2 (typed from there)."""

from __future__ import annotations

import re

import pytest

from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.upgrades.states import (
    DEVICE_TEXTS,
    TEXTS,
    TRANSITIONS,
    Code,
    ComponentStatus,
    after,
    device_status,
)
from upgrade_story import Story

S = ComponentStatus

REFERENCE = """
not-received    1 received   2 confirmed 3 not-received 4 ready 5 downloading 6 download-failed 8 downloaded 9 upgrading 11 upgrading 12 failed
received        2 confirmed  3 not-received 4 ready 5 downloading 6 download-failed 8 downloaded 9 upgrading 11 upgrading 12 failed
confirmed       3 not-received 4 ready 5 downloading 6 download-failed 8 downloaded 9 upgrading 11 upgrading 12 failed
ready           5 downloading 6 download-failed 8 downloaded 9 upgrading 11 upgrading 12 failed
downloading     6 download-failed 8 downloaded 9 upgrading 11 upgrading 12 failed
download-failed 4 ready 5 downloading 8 downloaded 9 upgrading 11 upgrading 12 failed
downloaded      6 download-failed 9 upgrading 11 upgrading 12 failed
upgrading       11 upgrading 12 failed
"""


def listed():
    found = {}
    for line in REFERENCE.strip().splitlines():
        status, *pairs = line.split()
        for code, target in zip(pairs[::2], pairs[1::2], strict=True):
            found[S(status), Code(int(code))] = S(target)
    return found


def test_table_when_compared_with_the_reference_then_exactly_its_rows():
    assert dict(TRANSITIONS) == listed()


@pytest.mark.parametrize("status", S)
def test_pair_when_not_listed_then_changes_nothing(status):
    for code in Code:
        assert after(status, code) == listed().get((status, code)), code
        assert not (status.is_final and after(status, code)), code


def test_table_when_walked_then_every_state_that_a_code_can_reach_is_reached_and_can_end():
    reached, border = {S.NOT_RECEIVED}, [S.NOT_RECEIVED]
    while border:
        status = border.pop()
        new = {target for (source, _), target in TRANSITIONS.items() if source is status} - reached
        reached |= new
        border += new
    assert reached == set(S) - {S.SUCCEEDED, S.NO_UPDATE}  # these two are verdicts on versions
    for status in reached - {S.FAILED}:
        assert after(status, Code.ERROR) is S.FAILED
        assert after(status, Code.SUCCESS) is S.UPGRADING


def test_codes_when_of_the_wire_then_as_the_reference_numbers_them():
    assert [int(code) for code in Code] == [1, 2, 3, 4, 5, 6, 8, 9, 11, 12]


@pytest.mark.parametrize(
    ("components", "is_open", "status"),
    [
        ([], False, 0),
        (["not-received"], True, 0),
        (["received", "received"], True, 0),
        (["confirmed"], True, 1),
        (["downloading", "confirmed"], True, 1),
        (["download-failed"], True, 1),
        (["succeeded", "confirmed"], True, 1),
        (["succeeded", "not-received"], True, 1),
        (["succeeded", "not-received"], False, 0),
        (["succeeded"], False, 2),
        (["succeeded", "no-update"], False, 2),
        (["failed"], False, 3),
        (["succeeded", "failed"], False, 3),
        (["failed", "not-received"], False, 3),
        (["no-update", "no-update"], False, 4),
        (["no-update", "downloading"], True, 1),
    ],
)
def test_device_when_its_components_stand_so_then_has_the_number_of_the_application_interface(
    components, is_open, status
):
    assert device_status([S(one) for one in components], is_open=is_open) == status


def test_states_when_shown_then_in_both_languages():
    assert set(TEXTS) == set(S)
    assert set(DEVICE_TEXTS) == set(DeviceStatus)
    for text in (*TEXTS.values(), *DEVICE_TEXTS.values()):
        assert text.en
        assert re.search(r"[\u4e00-\u9fff]", text.zh)


PATHS = {
    S.NOT_RECEIVED: (),
    S.RECEIVED: (1,),
    S.CONFIRMED: (1, 2),
    S.READY: (1, 2, 4),
    S.DOWNLOADING: (1, 2, 4, 5),
    S.DOWNLOAD_FAILED: (1, 2, 4, 5, 6),
    S.DOWNLOADED: (1, 2, 4, 5, 8),
    S.UPGRADING: (1, 2, 4, 5, 8, 9),
    S.FAILED: (1, 2, 12),
}


@pytest.mark.parametrize("status", PATHS)
def test_code_when_told_in_any_state_then_the_upgrade_follows_the_table(status):
    for code in (*range(-1, 16), 255, 10**9):
        story = Story()
        story.codes(*PATHS[status])
        assert story.of().status is status
        story.codes(code)
        expected = listed().get((status, code), status) if code in set(Code) else status
        assert story.of().status is expected, code
