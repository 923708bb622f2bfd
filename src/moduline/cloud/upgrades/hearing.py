"""What a device says, and what that makes of an upgrade: status codes, versions, feedback of the DDI.

Codes 1, 2 and 3 are meant for the whole offer: the vendor's client keeps the state of one component and names only the
last one of several. Every other code is for the component it names.

Source: ota-semantics 7, 8, 12 (5, 6, 8); hawkbit-ddi 3.4.
"""

from __future__ import annotations

from typing import Any, Final

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.rules import Versions
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades.events import DdiFeedback, StatusReported, VersionsReported
from moduline.cloud.upgrades.offer import AskVersions, standing
from moduline.cloud.upgrades.states import TEXTS, Code, ComponentStatus, after
from moduline.cloud.upgrades.timers import DECISION_S, GREETING_S, OFFER_S, PLAN_ANSWER_S, UNCHANGED_S, wake_for
from moduline.cloud.upgrades.upgrade import ComponentState, LogSource, Phase, Wake, WakeKind, changed
from moduline.cloud.upgrades.verdict import Agreement, agreement, download_reason, failure_reason, on_success
from moduline.cloud.upgrades.work import Work
from moduline.errors import Text

_UNKNOWN_BIT: Final = 0
_CODES: Final = {int(code): code for code in Code}
_WHOLE_OFFER: Final = frozenset({Code.RECEIVED, Code.ACCEPTED, Code.REFUSED})
_SKIPPED: Final = "Skipped Update."
"""What SWUpdate closes an action with that it was told to skip: nothing was installed."""
_OF_A_TRY: Final = frozenset({Code.DOWNLOAD_START, Code.DOWNLOADING, Code.DOWNLOAD_SUCCESS})


def status(work: Work, event: StatusReported) -> None:
    """A status code (0x0114)."""
    one = _named(work, event)
    work.know(event.versions)
    if one is None:
        return
    told: dict[str, Any] = {"code": event.code, "message": event.message, "device_at": event.device_at}
    code = _CODES.get(event.code)
    if not _is_listening(work, one, event, code):
        _note_late(work, one, event, told)
        return
    if code is None:
        _note_late(work, one, event, told)
    elif code is Code.REFUSED:
        _refused(work, one, told)
    elif code in _WHOLE_OFFER:
        _whole_offer(work, one, code, told)
    else:
        _step(work, one, code, event, told)
    _read_versions(work, event.versions, told)


def _named(work: Work, event: StatusReported) -> ComponentState | None:
    for one in work.state.components:
        if one.type is event.type and one.component == event.component:
            return one
    if event.type is ComponentType.MODULE:  # a device has one module, whatever it calls it
        return next((one for one in work.state.components if one.type is ComponentType.MODULE), None)
    return None


def _is_listening(work: Work, one: ComponentState, event: StatusReported, code: Code | None) -> bool:
    """Whether codes count; a withdrawn offer is taken up again by a late answer."""
    state = work.state
    if state.is_open:
        return True
    if not (state.phase is Phase.WAITING and state.is_lapsed and event.is_free):
        return False
    if code is None or after(one.status, code) is None:
        return False
    work.change(phase=Phase.OPEN, is_lapsed=False, is_online=True, offer_until=work.now + OFFER_S)
    work.rearm()
    return True


def _note_late(work: Work, one: ComponentState, event: StatusReported, told: dict[str, Any]) -> None:
    """One line for a code that changes nothing, be it unknown or late."""
    bit = 1 << (event.code if 0 < event.code <= Code.ERROR else _UNKNOWN_BIT)
    if not one.seen & bit:
        work.put(changed(one, seen=one.seen | bit))
        text = Text("code {code} changes nothing", "状态码 {code} 不影响当前状态")
        work.log(LogSource.DEVICE, text, work.component(one.component), facts={"code": event.code}, **told)


def _refused(work: Work, one: ComponentState, told: dict[str, Any]) -> None:
    current = work.state.current
    if current is None or after(current.status, Code.REFUSED) is None:
        return
    work.withdraw(Reason.REFUSED, is_lapsed=False, refused_at=work.now)
    work.log(LogSource.DEVICE, Reason.REFUSED.text, work.component(one.component), **told)


def _whole_offer(work: Work, named: ComponentState, code: Code, told: dict[str, Any]) -> None:
    moved = False
    for one in work.state.components:
        target = after(one.status, code)
        if target is not None:
            begun = work.now if target.is_started else one.started_at
            moved = True
            work.put(
                changed(
                    one, status=target, last_code=code, code_at=work.now, seen=one.seen | 1 << code, started_at=begun
                )
            )
    if not moved:
        return
    here = work.component(named.component)
    work.log(LogSource.DEVICE, TEXTS[here.status], here, **told)
    work.rearm()
    current = work.state.current
    if code is Code.ACCEPTED and current is not None and current.status is ComponentStatus.CONFIRMED:
        work.send_url(current)


def _step(work: Work, one: ComponentState, code: Code, event: StatusReported, told: dict[str, Any]) -> None:
    if one.status.is_final:
        _note_late(work, one, event, told)
        return
    target = after(one.status, code)
    if target is None:
        if one.status is ComponentStatus.DOWNLOADED and code in _OF_A_TRY:
            work.put(changed(one, last_code=code, code_at=work.now))  # the next piece of an MCU's file
        if one.status is ComponentStatus.DOWNLOADING and code is Code.DOWNLOADING:
            _progress(work, one)
        return
    if code is Code.ERROR and agreement(one, event.versions) is Agreement.TARGET:
        work.succeed(one, LogSource.DEVICE, **told)  # what it reports counts, not what it thinks of it
    elif code is Code.ERROR:
        reason = failure_reason(one, work.state.versions, work.state.free_bytes, work.now)
        work.fail(one, reason, LogSource.DEVICE, **told)
    elif code is Code.SUCCESS:
        _success(work, one, event, told)
    else:
        _advance(work, one, code, target, told)


def _advance(work: Work, one: ComponentState, code: Code, target: ComponentStatus, told: dict[str, Any]) -> None:
    begun = one.started_at if one.started_at is not None else work.now
    moved = changed(one, status=target, last_code=code, code_at=work.now, started_at=begun)
    if code in {Code.DOWNLOAD_START, Code.UPDATING}:
        moved = changed(moved, has_reconnected=False)
    if code is Code.DOWNLOAD_ERROR:
        reason = download_reason(one)
        was_digest = reason is Reason.DIGEST_WRONG
        moved = changed(
            moved, tries=one.tries + 1, digest_tries=one.digest_tries + was_digest, urls_sent=0, reason=reason, seen=0
        )
    is_new = not moved.seen & 1 << code
    moved = changed(moved, seen=moved.seen | 1 << code)
    work.put(moved)
    if is_new and code is Code.DOWNLOAD_ERROR:
        text = Text("download failed: {reason}", "下载失败：{reason}")
        work.log(LogSource.DEVICE, text, moved, facts={"reason": (moved.reason or Reason.UNKNOWN).text}, **told)
    elif is_new:
        work.log(LogSource.DEVICE, TEXTS[target], moved, **told)
    _rearm(work, code)


def _progress(work: Work, one: ComponentState) -> None:
    """Most of what devices say: still downloading. One pass, for there are thousands of them a second."""
    moved = changed(one, code_at=work.now)
    wake = work.state.wake
    is_turn = one is work.state.current and (wake is None or wake.kind is not WakeKind.DOWNLOAD_AGAIN)
    if is_turn:
        work.put(moved, wake=wake_for(moved, work.now))
    else:
        work.put(moved)


def _rearm(work: Work, code: Code) -> None:
    wake = work.state.wake
    if code in _OF_A_TRY and wake is not None and wake.kind is WakeKind.DOWNLOAD_AGAIN:
        return  # perhaps a repetition from the try that failed: the URL that is due is sent all the same
    work.rearm()


def _success(work: Work, one: ComponentState, event: StatusReported, told: dict[str, Any]) -> None:
    concluded = on_success(one, event.versions, work.state.versions)
    if concluded is ComponentStatus.SUCCEEDED:
        work.succeed(one, LogSource.DEVICE, **told)
    elif concluded is ComponentStatus.FAILED:
        work.fail(one, Reason.VERSION_MISMATCH, LogSource.DEVICE, **told)
    elif not one.is_claimed:
        _claim(work, one, Code.SUCCESS, told)


def _claim(work: Work, one: ComponentState, code: Code, told: dict[str, Any]) -> None:
    """The device says success and no version: ask for it, and wait until the limit."""
    begun = one.started_at if one.started_at is not None else work.now
    moved = changed(
        one,
        status=ComponentStatus.UPGRADING,
        last_code=code,
        code_at=work.now,
        is_claimed=True,
        seen=one.seen | 1 << code,
        started_at=begun,
    )
    work.put(moved)
    work.log(LogSource.DEVICE, Text("success told, version not yet", "设备报告成功，等待版本确认"), moved, **told)
    work.rearm()
    if AskVersions() not in work.says:
        work.says.append(AskVersions())


# ---- versions -------------------------------------------------------------------------------------------------------


def versions(work: Work, event: VersionsReported) -> None:
    """Versions, by whatever message."""
    work.know(event.versions)
    if work.state.phase is Phase.FINAL:
        return
    _read_versions(work, event.versions, {})
    state = work.state
    is_greeting = state.wake is not None and state.wake.kind is WakeKind.GREETING
    is_asked = event.is_request and standing(state) is not None and not _was_just_told(work)
    if state.is_open and (is_greeting or is_asked):
        work.say_standing()


def _was_just_told(work: Work) -> bool:
    """Whether the device heard the same a moment ago: after a connect it reports and asks in one breath."""
    wake, current = work.state.wake, work.state.current
    since = work.now - GREETING_S
    if wake is not None and wake.kind is WakeKind.PLAN_ANSWER:
        return wake.at - PLAN_ANSWER_S > since
    if wake is not None and wake.kind is WakeKind.DECISION:
        return wake.at - DECISION_S > since
    return current is not None and current.url_at is not None and current.url_at > since


def _read_versions(work: Work, told_versions: Versions | None, told: dict[str, Any]) -> None:
    """Apply reported versions to everything that is not final."""
    if told_versions is None:
        return
    for name in [one.component for one in work.state.components]:
        one = work.component(name)
        if one.status.is_final or work.state.phase is Phase.FINAL:
            continue
        if told_versions.of(one.type, one.component) == one.final_target != one.target:
            one = changed(one, target=one.final_target)  # it came there without the stepping stone
        found = agreement(one, told_versions)
        if found is Agreement.TARGET:
            _at_target(work, one, told)
        elif work.state.is_open and one.status is ComponentStatus.UPGRADING and found is not Agreement.UNKNOWN:
            _still_old(work, one)


def _at_target(work: Work, one: ComponentState, told: dict[str, Any]) -> None:
    if work.state.is_open and one.status is not ComponentStatus.NOT_RECEIVED:
        work.succeed(one, LogSource.DEVICE, **told)
    elif not one.is_stepping_stone:
        done = changed(one, status=ComponentStatus.NO_UPDATE, ended_at=work.now)
        work.put(done)
        work.log(LogSource.DEVICE, TEXTS[done.status], done, **told)
        if work.state.is_open or work.state.current is None:
            work.settle()
    elif work.state.is_open:
        work.succeed(one, LogSource.DEVICE, **told)


def _still_old(work: Work, one: ComponentState) -> None:
    """A module that was to be written is back with another version than the target: it has a minute to say why."""
    wake = work.state.wake
    if one.is_claimed and has_other_version(one, work.state.versions):
        work.fail(one, Reason.VERSION_MISMATCH, LogSource.DEVICE)
    elif (
        one.type is ComponentType.MODULE
        and one.has_reconnected
        and (wake is None or wake.kind is not WakeKind.UNCHANGED)
    ):
        work.change(wake=Wake(WakeKind.UNCHANGED, work.now + UNCHANGED_S))


def has_other_version(one: ComponentState, known: Versions) -> bool:
    """Whether a component reports neither source nor target."""
    return agreement(one, known) is Agreement.OTHER


# ---- DDI ------------------------------------------------------------------------------------------------------------


def feedback(work: Work, event: DdiFeedback) -> None:
    """Feedback of a DDI client: of every component at once, and success only by version."""
    state = work.state
    current = state.current
    if not state.is_open or current is None:
        return
    told: dict[str, Any] = {"message": "; ".join(event.details)}
    match event.execution, event.finished:
        case "closed", "failure":
            work.fail(current, Reason.INSTALL_FAILED, LogSource.DEVICE, **told)
        case "closed", _ if _SKIPPED in event.details:
            work.log(LogSource.DEVICE, Text("the device skipped the update", "设备跳过了本次升级"), **told)
            work.withdraw(None, is_lapsed=False)
        case "closed", _:
            _closed(work, told)
        case "canceled", _:
            work.fail(current, Reason.CANCELLED, LogSource.DEVICE, **told)
        case "rejected", _:
            work.withdraw(Reason.REFUSED, is_lapsed=False, refused_at=work.now)
            work.log(LogSource.DEVICE, Reason.REFUSED.text, **told)
        case "downloaded", _:
            _ddi_step(work, current, Code.DOWNLOAD_SUCCESS, told)
        case _:
            _ddi_step(work, current, Code.DOWNLOADING, told)


def _ddi_step(work: Work, one: ComponentState, code: Code, told: dict[str, Any]) -> None:
    """A step of a client that was given everything at once; never backwards."""
    target = after(one.status, code)
    if target is None:
        work.rearm()
    else:
        _advance(work, one, code, target, told)


def _closed(work: Work, told: dict[str, Any]) -> None:
    for name in [one.component for one in work.state.components]:
        one = work.component(name)
        if not work.state.is_open or one.status.is_final or one.is_claimed:
            continue
        if agreement(one, work.state.versions) is Agreement.TARGET:
            work.put(changed(one, started_at=one.started_at or work.now))
            work.succeed(work.component(name), LogSource.DEVICE, **told)
        else:
            _claim(work, one, Code.SUCCESS, told)
