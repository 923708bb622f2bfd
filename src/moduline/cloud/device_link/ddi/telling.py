"""What a client says: feedback, answers to a cancel, the user's word, attributes, versions. Verbs in one transaction.

The verdict stays with the rules: feedback is an event of the upgrade, and success is the reported version. Here it is
only decided whether the action still listens.

Source: hawkbit-ddi 3.2, 3.4 to 3.6, 4, 7 (traps 2, 4, 10).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from moduline.cloud import tables
from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.device_link.ddi import actions, polling, terms
from moduline.cloud.device_link.ddi.actions import Held
from moduline.cloud.device_link.ddi.terms import USUAL, ProductTerms
from moduline.cloud.device_link.ddi.words import MOST_ATTRIBUTES, Config, Consent, Feedback
from moduline.cloud.devices import contact
from moduline.cloud.edge import clean_text
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.upgrades import rows, service
from moduline.cloud.upgrades.events import Cancelled, DdiFeedback
from moduline.cloud.upgrades.reading import may_cancel
from moduline.cloud.upgrades.upgrade import LogLine, LogSource, Phase
from moduline.errors import Text

AGAIN_S: Final = 600.0
"""The same last feedback is answered alike for so long: the answer may have been lost."""
MOST_LINES: Final = 200
"""Lines of a client's words that are kept per action; SWUpdate sends its whole log."""
VERSION_PREFIX: Final = "version."
"""Attributes that begin so are versions of other components."""
SKIPPED: Final = "Skipped Update."
_D: Final = tables.devices.c
_FACTS: Final = select(_D.facts).where(_D.id == bindparam("device"))
_TOLD: Final = Text("the device says", "设备消息")
_STOPPED: Final = Text("the device was asked to stop, and said: {said}", "已要求设备停止，设备答复：{said}")


def feedback(conn: Connection, device_id: int, action_id: int, said: Feedback, *, now: float) -> int:
    """Let the upgrade hear feedback on an action; the status of the answer: 200, 404 or 410."""
    held = polling.taken_up(conn, device_id, action_id, now=now)
    if held is None:
        return 404
    if held.action.closed_at is not None:
        return _again(held, said, now)
    if not held.is_current:
        waits = held.row.state.phase is Phase.WAITING and held.action.retrieved_at is None
        return 404 if waits else _too_late(conn, held, said, now)
    if held.is_cancelling and not (said.execution == "closed" and said.finished == "failure"):
        _stopped(conn, held, said, now)  # closed with success now means nothing was installed
        return 200
    before = held.row.state
    event = DdiFeedback(said.execution, said.finished, said.details)
    service.hear(conn, device_id, event, now=now)
    if said.is_final and not _is_skip(said):
        is_success = said.execution == "closed" and said.finished != "failure"
        actions.change(conn, action_id, closed_at=now, closing=said.digest, is_success=is_success)
        if is_success:
            _trust(conn, device_id, held.row.id, now=now)
    after = rows.row_of(rows.BY_ID.first(conn, {"upgrade": held.row.id})).state
    has_moved = [one.status for one in before.components] != [one.status for one in after.components]
    if said.details and not has_moved:  # else the line of the move has its words
        _note(conn, held, LogLine(now, LogSource.DEVICE, _TOLD, message="; ".join(said.details)))
    return 200


def _trust(conn: Connection, device_id: int, upgrade_id: int, *, now: float) -> None:
    """Where the word of a client counts alone, it counts as a report of the versions that it was to have."""
    state = rows.row_of(rows.BY_ID.first(conn, {"upgrade": upgrade_id})).state
    claimed = [one for one in state.components if state.is_open and one.is_claimed and not one.status.is_final]
    ways = terms.of_device(conn, device_id)
    facts = conn.execute(_FACTS, {"device": device_id}).scalar() or {}
    module, others = None, {}
    for one in claimed:
        if one.type is ComponentType.MODULE and ways.trusts(facts):
            module = one.target
        elif one.type is not ComponentType.MODULE and _trusts_part(ways, facts, one.component):
            others[one.component] = one.target
    if module or others:
        polling.put_about(conn, device_id, config_at=None)
        service.told_versions(conn, device_id, module, others, now=now)


def _trusts_part(ways: ProductTerms, facts: Mapping[str, Any], component: str) -> bool:
    return ways.trust == "always" or (ways.trust == "auto" and not facts.get(VERSION_PREFIX + component))


def _is_skip(said: Feedback) -> bool:
    return SKIPPED in said.details


def _again(held: Held, said: Feedback, now: float) -> int:
    is_same = said.digest == held.action.closing and now - (held.action.closed_at or 0.0) <= AGAIN_S
    return 200 if is_same else 410


def _too_late(conn: Connection, held: Held, said: Feedback, now: float) -> int:
    """The upgrade is over already: a version was reported before the last word came, or time was up."""
    if held.row.state.status is DeviceStatus.UPGRADED and held.action.part == actions.part_of(held.row.state):
        if said.is_final:
            is_success = said.execution == "closed" and said.finished != "failure"
            actions.change(conn, held.action.id, closed_at=now, closing=said.digest, is_success=is_success)
        return 200
    return 410


def _note(conn: Connection, held: Held, line: LogLine) -> None:
    if held.action.lines < MOST_LINES:
        actions.change(conn, held.action.id, lines=held.action.lines + 1)
        rows.log(conn, held.row.id, (line,))


def _stopped(conn: Connection, held: Held, said: Feedback, now: float) -> None:
    facts = {"said": f"{said.execution}/{said.finished}"}
    _note(conn, held, LogLine(now, LogSource.DEVICE, _STOPPED, facts=facts, message="; ".join(said.details)))


def cancel_feedback(conn: Connection, device_id: int, action_id: int, said: Feedback, *, now: float) -> int:
    """A client answers a cancel; the status of the answer: 200, 404, 405 or 410."""
    held = actions.by_id(conn, device_id, action_id)
    if held is None:
        return 404
    if held.action.closed_at is not None:
        return _again(held, said, now)
    if not held.is_cancelling:
        return 405
    if said.execution == "rejected":
        _stopped(conn, held, said, now)
        actions.change(conn, action_id, cancel="refused")
    elif said.execution == "closed":
        state = held.row.state
        if said.finished == "failure":
            event: Any = DdiFeedback("closed", "failure", said.details)
        elif may_cancel(state):
            event = Cancelled()
        else:
            event = DdiFeedback("canceled", "none", said.details)
        service.hear(conn, device_id, event, now=now)
        actions.change(conn, action_id, closed_at=now, closing=said.digest, cancel="done")
    else:
        _stopped(conn, held, said, now)
    return 200


def consent(conn: Connection, device_id: int, action_id: int, said: Consent, *, now: float) -> int:
    """The user's word on the device; the status of the answer: 200, 404 or 410."""
    found = polling.asked(conn, device_id)
    if found is None or found[0].id != action_id:
        held = actions.by_id(conn, device_id, action_id)
        return 404 if held is None or held.row.state.is_open else 410
    if not said.is_given:
        actions.change(conn, action_id, denied_at=now)
        line = LogLine(now, LogSource.USER, Text("the user said no", "用户拒绝"), message="; ".join(said.details))
        rows.log(conn, found[1].id, (line,))
        return 200
    return 200 if polling.confirm(conn, device_id, found[1].id, found[2], now=now) else 410


def config(conn: Connection, device_id: int, said: Config, *, now: float) -> bool:
    """Keep what a client says of itself, and let its upgrades hear of versions; False: too many attributes."""
    row = conn.execute(_FACTS, {"device": device_id}).first()
    known: dict[str, Any] = {} if row is None else dict(row.facts)
    if said.mode == "replace":
        known = {}
    if said.mode == "remove":
        gone = {clean_text(name, 64) for name in said.data}  # names are kept so far
        known = {name: value for name, value in known.items() if name not in gone}
    elif len(set(known) | set(said.data)) > MOST_ATTRIBUTES:
        return False
    if said.mode != "merge":
        conn.execute(update(tables.devices).where(_D.id == device_id).values(facts=known))
    polling.put_about(conn, device_id, config_at=now)
    if said.mode == "remove":
        return True
    contact.report_facts(conn, device_id, said.data, now=now)
    module, controllers = versions_of(said.data, terms.of_device(conn, device_id))
    if module or controllers:
        service.told_versions(conn, device_id, module, controllers, now=now)
    return True


def versions_of(data: Mapping[str, str], ways: ProductTerms = USUAL) -> tuple[str | None, dict[str, str]]:
    """Versions among attributes: of the module, and of other components."""
    module = ways.version_in(data)
    others = {
        name.removeprefix(VERSION_PREFIX): value
        for name, value in data.items()
        if name.startswith(VERSION_PREFIX) and name not in {VERSION_PREFIX, ways.version_attribute} and value
    }
    return module, others


def has_installed(conn: Connection, device_id: int, name: str, version: str, *, now: float) -> bool:
    """A client tells what it runs without an action; whether that was news."""
    module, controllers = (version, {}) if name == actions.MODULE_PART else (None, {name: version})
    is_news = bool(contact.report_versions(conn, device_id, module, controllers, now=now))
    service.told_versions(conn, device_id, module, controllers, now=now)
    return is_news
