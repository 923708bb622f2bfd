"""The bench on which one event is worked on: the state so far, lines and words to come. Lives for one ``read``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from moduline.cloud.plans.rules import Versions
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades.offer import LookAgain, Say, SayPlan, say_url, standing
from moduline.cloud.upgrades.states import TEXTS, ComponentStatus
from moduline.cloud.upgrades.timers import limit_for, wake_for
from moduline.cloud.upgrades.upgrade import ComponentState, LogLine, LogSource, Phase, UpgradeState, changed
from moduline.errors import Text


@dataclass(slots=True)
class Work:
    """One event at work.

    Args:
        state: replaced step by step.
        now: UTC seconds.
    """

    state: UpgradeState
    now: float
    lines: list[LogLine] = field(default_factory=list)
    says: list[Say] = field(default_factory=list)

    def change(self, **fields: Any) -> None:
        """Replace fields of the upgrade."""
        self.state = changed(self.state, **fields)

    def know(self, told: Versions | None) -> None:
        """Keep reported versions, of the module and of MCU components of this upgrade only."""
        if told is not None:
            known = self.state.versions.merged(told)
            mine = {one.component for one in self.state.components}
            mcu = {name: version for name, version in known.mcu.items() if name in mine}
            self.change(versions=Versions(known.module, MappingProxyType(mcu)))

    def component(self, name: str) -> ComponentState:
        """The component of that identifier, which is there."""
        return next(one for one in self.state.components if one.component == name)

    def put(self, one: ComponentState, **fields: Any) -> None:
        """Replace a component, and fields of the upgrade with it."""
        components = tuple([one if one.sort == old.sort else old for old in self.state.components])
        self.state = changed(self.state, components=components, **fields)

    def log(
        self,
        source: LogSource,
        text: Text,
        one: ComponentState | None = None,
        *,
        facts: Mapping[str, Any] | None = None,
        code: int | None = None,
        message: str = "",
        device_at: float | None = None,
    ) -> None:
        """Add a line about a component, or about the upgrade."""
        name, status = (one.component, one.status) if one else ("", None)
        self.lines.append(LogLine(self.now, source, text, name, status, facts or {}, code, message, device_at))

    def rearm(self) -> None:
        """Set timer and limit after the present component has moved."""
        current = self.state.current
        if self.state.is_open and current is not None:
            limit = limit_for(current, self.state.terms.timeout_s, self.now, self.state.limit_at)
            self.change(wake=wake_for(current, self.now), limit_at=limit)

    def send_url(self, one: ComponentState) -> None:
        """Say where the files are, and wait for an answer."""
        self.says.append(say_url(self.state, one))
        if one.url_at is None:
            self.log(LogSource.PLATFORM, Text("URL sent", "已下发下载地址"), one)
        self.put(changed(one, urls_sent=one.urls_sent + 1, url_at=self.now, broken=None))
        self.rearm()

    def say_standing(self) -> None:
        """Say what a device that asks must hear, or wait on as the state demands."""
        said = standing(self.state)
        current = self.state.current
        if isinstance(said, SayPlan):
            self.says.append(said)
            self.rearm()
        elif said is not None and current is not None:
            self.send_url(current)
        else:
            self.rearm()

    def succeed(self, one: ComponentState, source: LogSource, **told: Any) -> None:
        """A component reports its target: final, or a stepping stone."""
        if one.is_stepping_stone:
            text = Text("stepping stone {version} reached", "已到达中间版本 {version}")
            self.log(source, text, one, facts={"version": one.target}, **told)
            self.withdraw(None, is_lapsed=False)
            self.says.append(LookAgain(self.state.plan_id))
            return
        done = changed(one, status=ComponentStatus.SUCCEEDED, reason=None, ended_at=self.now)
        self.put(done)
        self.log(source, TEXTS[done.status], done, **told)
        self.settle()

    def fail(self, one: ComponentState, reason: Reason, source: LogSource, **told: Any) -> None:
        """A component has failed for good, and with it the upgrade; the others are not begun."""
        done = changed(one, status=ComponentStatus.FAILED, reason=reason, ended_at=self.now)
        self.put(done)
        self.log(
            source, Text("upgrade failed: {reason}", "升级失败：{reason}"), done, facts={"reason": reason.text}, **told
        )
        self.settle()

    def settle(self) -> None:
        """End the upgrade if it is over, else go on with the next component."""
        failed = next((one for one in self.state.components if one.status is ComponentStatus.FAILED), None)
        current = self.state.current
        if failed is not None:
            self._end(failed.reason, failed_at=self.now)
        elif current is None:
            self._end(None)
        elif current.status is ComponentStatus.CONFIRMED and current.urls_sent == 0:
            self.change(limit_at=self.now + self.state.terms.timeout_s)
            self.send_url(current)
        else:
            self.rearm()

    def _end(self, reason: Reason | None, **fields: Any) -> None:
        self.change(
            phase=Phase.FINAL, reason=reason, wake=None, limit_at=None, offer_until=None, is_lapsed=False, **fields
        )

    def lapse(self, text: Text) -> None:
        """Nothing came: take the offer back; a late answer takes it up again."""
        self.log(LogSource.PLATFORM, text)
        self.withdraw(None, is_lapsed=True)

    def withdraw(self, reason: Reason | None, *, is_lapsed: bool, **fields: Any) -> None:
        """Put what is not final back to "not received" and wait, or end if the plan is over."""
        back = tuple(
            one
            if one.status.is_final
            else changed(
                one,
                status=ComponentStatus.NOT_RECEIVED,
                last_code=0,
                code_at=None,
                tries=0,
                digest_tries=0,
                urls_sent=0,
                url_at=None,
                broken=None,
                is_claimed=False,
                has_reconnected=False,
                reason=None,
                seen=0,
                started_at=None,
            )
            for one in self.state.components
        )
        over = self.state.over
        self.change(
            phase=Phase.WAITING if over is None else Phase.FINAL,
            components=back,
            reason=over or reason,
            wake=None,
            limit_at=None,
            offer_until=None,
            is_lapsed=is_lapsed and over is None,
            **fields,
        )
