"""What the platform concludes: from versions, success; from the order of codes, why it failed.

Success is the reported version and nothing else. Codes 6 and 12 carry no reason; it follows from what went before.

Source: ota-semantics 7.3 and the patterns of section 8 (recorded from the vendor's client).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.rules import Versions
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades.states import Code, ComponentStatus
from moduline.cloud.upgrades.timers import MOST_DOWNLOADS
from moduline.cloud.upgrades.upgrade import ComponentState

REJECTED_WITHIN_S: Final = 2.0
"""A device that rejects the file information says so at once."""
MCU_GIVES_UP_S: Final = 1200.0
"""A device waits so long for the new version of an MCU; less some seconds for the way of the message."""
_SLACK_S: Final = 30.0


class Agreement(StrEnum):
    """How a reported version stands to a component."""

    TARGET = "target"
    SOURCE = "source"
    OTHER = "other"
    UNKNOWN = "unknown"


def agreement(one: ComponentState, versions: Versions | None) -> Agreement:
    """What reported versions say of a component."""
    found = versions.of(one.type, one.component) if versions else None
    if found is None:
        return Agreement.UNKNOWN
    if found == one.target:
        return Agreement.TARGET
    return Agreement.SOURCE if found == one.source else Agreement.OTHER


def on_success(one: ComponentState, told: Versions | None, known: Versions) -> ComponentStatus | None:
    """What code 11 makes of a component; None: wait for a version.

    Args:
        one: the component.
        told: versions of the same message.
        known: last reported by any message.
    """
    found = agreement(one, told)
    if found is Agreement.UNKNOWN:
        return ComponentStatus.SUCCEEDED if agreement(one, known) is Agreement.TARGET else None
    return ComponentStatus.SUCCEEDED if found is Agreement.TARGET else ComponentStatus.FAILED


def download_reason(one: ComponentState) -> Reason:
    """Why a download failed (code 6); ``one`` is the component before it."""
    if one.last_code == Code.DOWNLOAD_SUCCESS and one.type is ComponentType.MODULE and not one.has_reconnected:
        return Reason.DIGEST_WRONG  # after a reconnect it is a restart that lost the file
    return one.broken or Reason.DOWNLOAD_FAILED


def failure_reason(one: ComponentState, versions: Versions, free_bytes: int | None, now: float) -> Reason:
    """Why an upgrade failed (code 12).

    Args:
        one: the component before it.
        versions: last reported, this message's among them.
        free_bytes: last reported free flash; None: unknown.
        now: when 12 came.
    """
    found = agreement(one, versions)
    if found is Agreement.OTHER and one.last_code >= Code.DOWNLOAD_SUCCESS:
        return Reason.VERSION_MISMATCH
    if one.tries >= MOST_DOWNLOADS:
        was_digest = one.digest_tries == one.tries and one.last_code in {Code.DOWNLOAD_SUCCESS, Code.DOWNLOAD_ERROR}
        return Reason.DIGEST_WRONG if was_digest else Reason.TOO_MANY_FAILURES
    if one.last_code == Code.UPDATING:
        return _while_writing(one, found, now)
    if one.last_code == Code.DOWNLOAD_SUCCESS:
        return Reason.INSTALL_FAILED
    if one.last_code >= Code.DOWNLOAD_START:
        return one.broken or Reason.DOWNLOAD_FAILED
    if one.last_code == Code.ACCEPTED:
        return _after_acceptance(one, free_bytes, now)
    return Reason.UNKNOWN


def _while_writing(one: ComponentState, found: Agreement, now: float) -> Reason:
    if one.type is ComponentType.MODULE:
        is_same = one.has_reconnected and found is not Agreement.TARGET
        return Reason.VERSION_UNCHANGED if is_same else Reason.INSTALL_FAILED
    took = now - (one.code_at if one.code_at is not None else now)
    return Reason.TIMEOUT if took >= MCU_GIVES_UP_S - _SLACK_S else Reason.INSTALL_FAILED


def _after_acceptance(one: ComponentState, free_bytes: int | None, now: float) -> Reason:
    if one.url_at is None or now - one.url_at > REJECTED_WITHIN_S:
        return Reason.URL_NOT_RECEIVED
    if free_bytes is not None and free_bytes < one.size_bytes:
        return Reason.NO_SPACE
    return Reason.NOT_SUPPORTED


def timeout_reason(one: ComponentState, over: Reason | None) -> Reason:
    """Why a component failed whose limit has passed.

    Args:
        one: the component.
        over: the plan ended or was terminated meanwhile.
    """
    if one.is_claimed:
        return Reason.NOT_CONFIRMED
    if over is not None:
        return over
    if one.status is ComponentStatus.CONFIRMED:
        return Reason.URL_NOT_RECEIVED
    if one.status is ComponentStatus.DOWNLOAD_FAILED:
        return one.reason or Reason.DOWNLOAD_FAILED
    return Reason.TIMEOUT
