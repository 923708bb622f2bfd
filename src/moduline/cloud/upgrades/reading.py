"""The one entry point of an upgrade: state, event and time give the next state, lines of the log, and what to say.

Rows in, rows out is a thin shell around it.

::

    waiting --Offered--> open --first code .. verdict--> final
       ^                  |  refused, withdrawn, cancelled, stepping stone reached
       +------------------+---- Retried -------------------- final (failed)

Rules that hold whatever the order of events: a final component never changes but by ``Retried``, which adds an
attempt; "succeeded" means that the reported version is the target; an open upgrade has a deadline; nothing is said
to a device before it has told its versions after a connect.

Source: ota-semantics 7, 8, 12, 15.
"""

from __future__ import annotations

from dataclasses import replace

from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import hearing
from moduline.cloud.upgrades.events import (
    Cancelled,
    Connected,
    DdiFeedback,
    Disconnected,
    Event,
    FileAsked,
    Offered,
    PlanOver,
    Retried,
    SpaceReported,
    StatusReported,
    TimePassed,
    VersionsReported,
)
from moduline.cloud.upgrades.offer import AskVersions, LookAgain, Say, SayPlan, say_plan, standing
from moduline.cloud.upgrades.states import TEXTS, ComponentStatus
from moduline.cloud.upgrades.timers import GREETING_AGAIN_S, GREETING_S, OFFER_S
from moduline.cloud.upgrades.upgrade import ComponentState, LogLine, LogSource, Phase, UpgradeState, Wake, WakeKind
from moduline.cloud.upgrades.verdict import timeout_reason
from moduline.cloud.upgrades.work import Work
from moduline.errors import Text

Outcome = tuple[UpgradeState, tuple[LogLine, ...], tuple[Say, ...]]


def read(state: UpgradeState, event: Event, now: float) -> Outcome:
    """What an event makes of an upgrade.

    Args:
        state: as stored.
        event: what happened; twice, late and out of order as it may come.
        now: UTC seconds.

    Returns:
        The next state, new lines of the log, and what to say to the device after the commit, in order.
    """
    work = Work(state, now)
    match event:
        case Offered():
            _offered(work, event)
        case StatusReported():
            hearing.status(work, event)
        case VersionsReported():
            hearing.versions(work, event)
        case SpaceReported():
            work.change(free_bytes=event.free_bytes)
        case Connected():
            _connected(work)
        case Disconnected():
            _disconnected(work)
        case FileAsked():
            _file_asked(work, event)
        case DdiFeedback():
            hearing.feedback(work, event)
        case TimePassed():
            _time_passed(work)
        case PlanOver():
            _plan_over(work, event.reason)
        case Cancelled():
            _cancelled(work)
        case Retried():
            _retried(work, event)
    return work.state, tuple(work.lines), tuple(work.says)


def _offered(work: Work, event: Offered) -> None:
    state = work.state
    if state.phase is not Phase.WAITING or state.over is not None or not (event.items or event.settled):
        return
    kept = {one.component: one for one in state.components if one.status.is_final}
    found = []
    for item in (*event.items, *event.settled):
        fresh = ComponentState(
            item.sort,
            item.component,
            item.type,
            item.source,
            item.release.target,
            item.target,
            item.release.artifact_id,
            item.release.size_bytes,
        )
        if item in event.settled:
            fresh = replace(fresh, status=ComponentStatus.NO_UPDATE, ended_at=work.now)
        found.append(kept.get(item.component, fresh))
    work.change(
        phase=Phase.OPEN,
        components=tuple(sorted(found, key=lambda one: one.sort)),
        terms=event.terms or state.terms,
        is_online=True,
        is_lapsed=False,
        reason=None,
        limit_at=None,
        offer_until=work.now + OFFER_S,
        free_bytes=state.free_bytes if event.free_bytes is None else event.free_bytes,
    )
    work.know(event.versions)
    if work.state.current is None:
        work.settle()
        return
    work.log(LogSource.PLATFORM, Text("plan sent", "已下发升级计划"))
    work.says.append(say_plan(work.state))
    work.rearm()


def _connected(work: Work) -> None:
    work.change(is_online=True)
    current = work.state.current
    if not work.state.is_open or current is None:
        return
    if current.status.is_started:
        work.put(replace(current, has_reconnected=True))
    if standing(work.state) is not None or current.status.is_loading:  # or a timer may say the URL to who has it
        work.change(wake=Wake(WakeKind.GREETING, work.now + GREETING_S))


def _disconnected(work: Work) -> None:
    work.change(is_online=False)
    wake = work.state.wake
    if work.state.is_open and wake is not None and wake.kind is WakeKind.UNCHANGED:
        work.change(wake=None)  # the connection was lost before the restart; the limit goes on


def _file_asked(work: Work, event: FileAsked) -> None:
    current = work.state.current
    if not work.state.is_open or current is None or current.artifact_id != event.artifact_id:
        return
    if event.http_status in {200, 206}:
        broken = Reason.DOWNLOAD_TIMEOUT if event.is_broken else None
        work.put(replace(current, broken=broken))
        if current.status in {ComponentStatus.NOT_RECEIVED, ComponentStatus.RECEIVED}:
            _began_by_itself(work, work.component(current.component))
        elif current.status in {ComponentStatus.READY, ComponentStatus.DOWNLOADING}:
            work.rearm()
    elif current.broken is not Reason.URL_EXPIRED:
        broken = Reason.URL_EXPIRED if event.http_status in {401, 403, 404, 410} else Reason.DOWNLOAD_FAILED
        work.put(replace(current, broken=broken))
        text = Text("download answered with HTTP {status}", "下载请求返回 HTTP {status}")
        work.log(LogSource.PLATFORM, text, work.component(current.component), facts={"status": event.http_status})


def _began_by_itself(work: Work, current: ComponentState) -> None:
    """A client of the DDI loads the file before it says a word: it has taken the offer."""
    moved = replace(current, status=ComponentStatus.READY, started_at=work.now, code_at=work.now)
    work.put(moved)
    work.log(LogSource.PLATFORM, TEXTS[moved.status], moved)
    work.rearm()


def _time_passed(work: Work) -> None:
    state, now = work.state, work.now
    current = state.current
    if not state.is_open or current is None:
        return
    if state.limit_at is not None and now >= state.limit_at:
        work.fail(current, timeout_reason(current, state.over), LogSource.PLATFORM)
        return
    if state.offer_limit is not None and now >= state.offer_limit:
        work.lapse(Text("the plan was not taken up", "设备未执行升级计划"))
        return
    wake = state.wake
    if wake is None or now < wake.at:
        return
    match wake.kind:
        case WakeKind.PLAN_ANSWER:
            work.lapse(Text("no answer to the plan", "设备未应答升级计划"))
        case WakeKind.DECISION:
            work.lapse(Text("the device did not decide", "设备未作出决定"))
        case WakeKind.UNCHANGED:
            is_other = hearing.has_other_version(current, state.versions)
            reason = Reason.VERSION_MISMATCH if is_other else Reason.VERSION_UNCHANGED
            work.fail(current, reason, LogSource.PLATFORM)
        case WakeKind.SILENCE | WakeKind.GREETING if not state.is_online:
            work.rearm()
        case WakeKind.GREETING if isinstance(standing(state), SayPlan):
            work.say_standing()
        case WakeKind.GREETING:  # it may run the target by now: whoever hears a URL when idle writes it again
            work.says.append(AskVersions())
            work.change(wake=Wake(WakeKind.GREETING, now + GREETING_AGAIN_S))
        case _ if not state.is_online:
            work.change(wake=None)  # said again when it connects; the limit goes on
        case _:
            work.send_url(current)


def _plan_over(work: Work, reason: Reason) -> None:
    if work.state.over is not None or work.state.phase is Phase.FINAL:
        return
    work.change(over=reason)
    work.log(LogSource.PLATFORM, reason.text)
    if work.state.phase is Phase.WAITING:
        work.change(phase=Phase.FINAL, reason=reason, wake=None, limit_at=None)


def may_cancel(state: UpgradeState) -> bool:
    """Whether the offer can still be taken back: until the first download begins."""
    early = {ComponentStatus.NOT_RECEIVED, ComponentStatus.RECEIVED, ComponentStatus.CONFIRMED}
    return state.is_open and all(
        one.status in early or one.status is ComponentStatus.NO_UPDATE for one in state.components
    )


def _cancelled(work: Work) -> None:
    if may_cancel(work.state):
        work.withdraw(Reason.CANCELLED, is_lapsed=False)
        work.log(LogSource.USER, Reason.CANCELLED.text)


def may_retry(state: UpgradeState) -> bool:
    """Whether a failed upgrade can be tried again: the device reports what it did before, and the plan goes on."""
    if state.phase is not Phase.FINAL or state.over is not None:
        return False
    failed = [one for one in state.components if one.status is ComponentStatus.FAILED]
    return bool(failed) and all(state.versions.of(one.type, one.component) in {None, one.source} for one in failed)


def _retried(work: Work, event: Retried) -> None:
    if not may_retry(work.state):
        return
    state = work.state
    reset = tuple(one if _stays(one) else _anew(one) for one in state.components)
    work.change(phase=Phase.WAITING, components=reset, attempt=state.attempt + 1, reason=None, wake=None, limit_at=None)
    source = LogSource.USER if event.by_user else LogSource.PLATFORM
    work.log(source, Text("attempt {number}", "第 {number} 次尝试"), facts={"number": state.attempt + 1})
    work.says.append(LookAgain(state.plan_id))


def _stays(one: ComponentState) -> bool:
    return one.status in {ComponentStatus.SUCCEEDED, ComponentStatus.NO_UPDATE}


def _anew(one: ComponentState) -> ComponentState:
    return ComponentState(
        one.sort, one.component, one.type, one.source, one.target, one.final_target, one.artifact_id, one.size_bytes
    )
