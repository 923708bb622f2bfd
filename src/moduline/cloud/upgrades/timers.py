"""When the platform looks again: a deadline for every state that is not final, as a value.

::

    not-received   60 s    no answer to the plan: back to waiting, the next grid offers it again
    received       10 min  the application has not decided: likewise
    both           30 min  whatever is repeated meanwhile
    confirmed      10 s, then 60 s at most three times: the URL again
    ready, downloading   5 min of silence: the URL again if online, else patience
    download-failed      10 s x tries: the URL again, at most five tries
    downloaded, upgrading   nothing but the limit of the component, at least 25 min from the first write

Source: ota-semantics 7.4 (derived from the times the device itself waits).
"""

from __future__ import annotations

from typing import Final

from moduline.cloud.upgrades.states import ComponentStatus
from moduline.cloud.upgrades.upgrade import ComponentState, Wake, WakeKind

PLAN_ANSWER_S: Final = 60.0
DECISION_S: Final = 600.0
URL_AGAIN_S: Final = 10.0
URL_ANSWER_S: Final = 60.0
URL_ANSWERS: Final = 3
SILENCE_S: Final = 300.0
DOWNLOAD_AGAIN_S: Final = 10.0
MOST_DOWNLOADS: Final = 5
"""Failed downloads after which the device gives up at the next one, and the platform sends no URL any more."""
GREETING_S: Final = 5.0
"""After a connect the device tells its versions; nothing is said again before that. So late it is asked for them."""
GREETING_AGAIN_S: Final = 30.0
"""Between two such questions; the limits of offer and component end them."""
UNCHANGED_S: Final = 60.0
OFFER_S: Final = 1800.0
"""Longest time an offer stands that is not taken up; a device that connects or asks all the time cannot prolong it."""
WRITING_S: Final = 1500.0
"""Least time for writing, from status 9."""


def wake_for(one: ComponentState, now: float) -> Wake | None:
    """The timer of a component whose turn it is; None: its limit alone counts.

    Args:
        one: the component after what has just happened.
        now: UTC seconds.
    """
    status, sent = one.status, one.urls_sent
    if status is ComponentStatus.NOT_RECEIVED:
        return Wake(WakeKind.PLAN_ANSWER, now + PLAN_ANSWER_S)
    if status is ComponentStatus.RECEIVED:
        return Wake(WakeKind.DECISION, now + DECISION_S)
    if status is ComponentStatus.CONFIRMED:
        if sent <= 1:
            return Wake(WakeKind.URL_AGAIN, now + URL_AGAIN_S)
        return Wake(WakeKind.URL_ANSWER, now + URL_ANSWER_S) if sent <= 1 + URL_ANSWERS else None
    if status in {ComponentStatus.READY, ComponentStatus.DOWNLOADING}:
        return Wake(WakeKind.SILENCE, now + SILENCE_S)
    if status is ComponentStatus.DOWNLOAD_FAILED and one.tries <= MOST_DOWNLOADS:
        if sent == 0:
            return Wake(WakeKind.DOWNLOAD_AGAIN, now + DOWNLOAD_AGAIN_S * one.tries)
        return Wake(WakeKind.URL_ANSWER, now + URL_ANSWER_S) if sent <= URL_ANSWERS else None
    return None


def limit_for(one: ComponentState, timeout_s: float, now: float, limit_at: float | None) -> float | None:
    """When the component has failed by time.

    Args:
        one: the component after what has just happened.
        timeout_s: of the strategy.
        now: UTC seconds.
        limit_at: the limit so far; None: it had not begun.
    """
    if not one.status.is_started:
        return limit_at
    limit = now + timeout_s if limit_at is None else limit_at
    if one.status is ComponentStatus.UPGRADING:
        return max(limit, (one.code_at or now) + WRITING_S)
    return limit
