"""Carrying out a recipe on one module: every check in its order, each with its verdict, value, limits and seconds.

::

    pass   good                     warn   an optional check that is not good
    fail   not good, fails the unit skip   not tried, the detail says why

Nothing that a module does ends the run: an error of the tree becomes the verdict of its check, ``detail`` beginning
with the code. A port that does not come back is *lost*, and what needs it is skipped; the unit has failed by then.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Literal

from moduline.burn.record import CheckResult
from moduline.errors import ModulineError, ScriptRaised, TotalTimeout
from moduline.events import Reporter, Step, silent
from moduline.line.checks.recipe import Check, Recipe
from moduline.line.checks.under_test import UnderTest
from moduline.line.checks.wanted import Measured, shown

HARMLESS = (ScriptRaised,)
"""Errors after which the conversation goes on as before."""
GRACE_S = 5.0
"""A conversation ends itself when its time is up; so much later it is ended from outside."""


@dataclass(slots=True)
class _Run:
    recipe: Recipe
    unit: UnderTest
    report: Reporter
    results: dict[str, CheckResult] = field(default_factory=dict)
    broken_by: str = ""
    is_late: bool = False

    async def go(self) -> tuple[CheckResult, ...]:
        loop = asyncio.get_running_loop()
        limit = loop.time() + self.recipe.limit_s
        for check in self.recipe.checks:
            why = self._reason_to_skip(check)
            if why:
                self.results[check.name] = CheckResult(check.name, "skip", detail=why)
                continue
            self.report(Step(f"check.{check.name}", "begin"))
            began = time.monotonic()
            result = await self._check(check, limit - loop.time())
            result = replace(result, seconds=round(time.monotonic() - began, 3))
            self.results[check.name] = result
            state = "done" if result.verdict == "pass" else "failed"
            facts = {"verdict": result.verdict, "value": result.value, "limits": result.limits}
            self.report(Step(f"check.{check.name}", state, facts=facts))
        return tuple(self.results.values())

    @property
    def _has_failed(self) -> bool:
        return any(one.verdict == "fail" for one in self.results.values())

    def _reason_to_skip(self, check: Check) -> str:
        if self.is_late:
            return f"the time for the recipe, {self.recipe.limit_s:g} s, is over"
        if self.recipe.is_stopped_at_first and self._has_failed:
            return "an earlier check failed"
        unmet = [name for name in check.needs if self.results[name].verdict != "pass"]
        if unmet:
            return f"it needs {', '.join(unmet)}"
        code = self.unit.lost.get(check.settings.role)
        if code and self._has_failed:
            return f"the {check.settings.role} port is lost since '{self.broken_by}' ({code})"
        return ""

    async def _check(self, check: Check, left_s: float) -> CheckResult:
        """Its result, without the seconds."""
        alarm = asyncio.timeout(max(left_s, 0.0))
        try:
            async with alarm:
                return self._judged(check, await self._attempts(check))
        except TimeoutError:
            if not alarm.expired():
                raise
            self.is_late = True
            failure: ModulineError = TotalTimeout(seconds=self.recipe.limit_s)
        except ModulineError as wrong:
            failure = wrong
        if self._is_lost_again(check):
            why = f"the {check.settings.role} port is lost since '{self.broken_by}' ({failure.code})"
            return CheckResult(check.name, "skip", detail=why)
        if not isinstance(failure, HARMLESS):
            self.broken_by = self.broken_by or check.name
            await self.unit.drop(check.settings.role)
        return CheckResult(check.name, _bad(check), detail=f"{failure.code} {shown(failure.message('en'))}")

    def _is_lost_again(self, check: Check) -> bool:
        """Whether the port did not come back after an earlier check that has failed the unit."""
        return bool(self.broken_by) and check.settings.role in self.unit.lost and self._has_failed

    def _judged(self, check: Check, measured: Measured) -> CheckResult:
        return CheckResult(
            check.name,
            "pass" if measured.is_good else _bad(check),
            measured.value,
            measured.limits,
            detail=shown(measured.detail),
        )

    async def _attempts(self, check: Check) -> Measured:
        """The last measurement: a bad one, when the retries are used up, or the last of ``repeat`` good ones."""
        retries = check.retries
        while True:
            try:
                measured = await self._row(check)
            except ModulineError as wrong:
                if not retries or check.settings.role in self.unit.lost:
                    raise
                if not isinstance(wrong, HARMLESS):
                    await self.unit.drop(check.settings.role)
                measured = None
            if measured is not None and (measured.is_good or not retries):
                return measured
            retries -= 1
            await asyncio.sleep(check.retry_s)

    async def _row(self, check: Check) -> Measured:
        """The first bad measurement of ``repeat`` in a row, or the last one."""
        number, measured = 1, await self._measure(check)
        while measured.is_good and number < check.repeat:
            number, measured = number + 1, await self._measure(check)
        if check.repeat > 1 and not measured.is_good:
            detail = f"{number} of {check.repeat}" + (f": {measured.detail}" if measured.detail else "")
            return Measured(measured.value, measured.limits, is_good=False, detail=detail)
        return measured

    async def _measure(self, check: Check) -> Measured:
        """One measurement.

        Raises:
            TotalTimeout: it took too long.
            ModulineError: what keeps it from being measured.
        """
        await self.unit.open(check.settings.role)
        limit_s = check.limit_s + check.settings.settle_s
        alarm = asyncio.timeout(limit_s + GRACE_S)
        try:
            async with alarm:
                return await check.settings.measure(self.unit, check.limit_s)
        except TimeoutError:
            if not alarm.expired():
                raise
            raise TotalTimeout(seconds=limit_s) from None


async def run_recipe(recipe: Recipe, unit: UnderTest, report: Reporter = silent) -> tuple[CheckResult, ...]:
    """Carry out a recipe on one module and let go of its ports.

    Args:
        recipe: from ``read_recipe``.
        unit: the module, running.
        report: gets a Step ``check.NAME`` at the begin and end of each check.

    Returns:
        A result for each check, in the order of the recipe.
    """
    try:
        return await _Run(recipe, unit, report).go()
    finally:
        await unit.close()


def _bad(check: Check) -> Literal["warn", "fail"]:
    return "warn" if check.is_optional else "fail"
