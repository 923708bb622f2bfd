"""A plan as a value: what is rolled out, to whom, when and under which conditions; and what its fields must be.

Stepping stones: a component may have several releases. Each says from which versions it may be installed; the last one
leads to the version the plan is for. A device is offered the first release on the shortest way from the version it
reports, and the next one after it has reported that.

::

    releases   R1 whole -> v2     R2 delta v2 -> v3     R3 delta v1.9 -> v3
    device v1:   R1, then R2          device v1.9:  R3        device v2:  R2

Source: ota-semantics 4, 5; seed 003 step 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from moduline.cloud.artifacts.rules import ComponentType, name_problem
from moduline.cloud.plans.filters import Filter
from moduline.cloud.plans.zone import Window, check_local, check_windows, check_zone, to_utc
from moduline.cloud.problem import Problem
from moduline.errors import Text

MOST_COMPONENTS: Final = 20
"""Devices take no more in one offer (ota-semantics 11.5, id 28)."""
MOST_RELEASES: Final = 20
MOST_IDENTIFIER_BYTES: Final = 32
MOST_TEXT: Final = 2000
NEEDED_LANGUAGES: Final = ("zh", "en")
RETRIES: Final = (0, 1, 2, 5)
RETRY_INTERVALS_MIN: Final = (0, 10, 30, 60, 1440)
MOST_TIMEOUT_MIN: Final = 1440
MOST_STAGES: Final = 100
MOST_NUMBER: Final = 2**31 - 1
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Release:
    """One artifact as a plan uses it.

    Args:
        artifact_id: row of the artifact.
        target: version after it.
        size_bytes: sum of its files; what the device is told it needs unless the strategy says otherwise.
        source: delta: the only version it starts from; whole: "".
        needs: whole: versions it may be installed over; empty: any.
        name: of the artifact, for people.
    """

    artifact_id: int
    target: str
    size_bytes: int = 0
    source: str = ""
    needs: frozenset[str] = frozenset()
    name: str = ""

    def fits(self, version: str) -> bool:
        """Whether a device that reports ``version`` may be offered it."""
        if version == self.target:
            return False
        return version == self.source if self.source else not self.needs or version in self.needs


@dataclass(frozen=True, slots=True)
class PlanComponent:
    """One upgradable piece in a plan.

    Args:
        component: identifier, unique in the plan.
        type: module or MCU.
        releases: stepping stones and at last what the plan is for; one in the ordinary case.
    """

    component: str
    type: ComponentType
    releases: tuple[Release, ...]

    @property
    def target(self) -> str:
        """The version the plan is for."""
        return self.releases[-1].target

    def next_release(self, version: str) -> Release | None:
        """The next release on the way to the target; None if it is reached or no way leads there.

        The way with the fewest releases is taken, of these the one with the fewest bytes, then the order of the list.
        """
        if version == self.target:
            return None
        best: dict[str, tuple[int, int, tuple[int, ...]]] = {version: (0, 0, ())}
        border = [version]
        while border:
            reached = []
            for at in border:
                hops, size, way = best[at]
                for number, release in enumerate(self.releases):
                    if release.fits(at):
                        cost = (hops + 1, size + release.size_bytes, (*way, number))
                        if release.target not in best or cost < best[release.target]:
                            best[release.target] = cost
                            reached.append(release.target)
            border = reached
        return self.releases[best[self.target][2][0]] if self.target in best else None


@dataclass(frozen=True, slots=True)
class Stage:
    """A group of devices that is served after the one before has proved itself.

    Args:
        percent: of all devices of the plan, up to and with this group; the last one is 100.
        success_percent: of the group, upgraded, before the next group opens.
        failure_percent: of the group's finished devices, failed, at which the plan stops; 0: the plan's own limit only.
        failure_least: finished devices before the share counts.
    """

    percent: float
    success_percent: float = 100.0
    failure_percent: float = 0.0
    failure_least: int = 1


@dataclass(frozen=True, slots=True)
class Strategy:
    """Under which conditions and how fast; all of it optional.

    Args:
        min_battery: percent the device needs, 0: none. The device checks it.
        min_signal_dbm: signal the device needs, negative; 0: none. The device checks it.
        disk_bytes: space the device needs; None: the sum of the files.
        negotiation_delay_s: the device may be asked to come back after so long; 0: not said.
        retries: how often a failed device is tried again, of ``RETRIES``.
        retry_interval_min: pause before that, of ``RETRY_INTERVALS_MIN``.
        timeout_min: longest upgrade of one component, 1 to 1440.
        rate_per_min: devices begun per minute; 0: unlimited.
        rate_growth_percent: the rate grows by so much ...
        rate_growth_every: ... with every so many upgraded devices; 0: it does not grow.
        rate_most_per_min: what it grows to at most; 0: unlimited.
        cell_most: devices of one radio cell in progress at once; 0: unlimited.
        failure_percent: of finished devices, failed, at which the plan is suspended; 0: never.
        failure_least: finished devices before the share counts.
        stages: groups; empty: one group.
        holds_on_status: whether an offer waits while fresh status values miss the conditions above.
        approvals: persons beside the author who must agree before activation.
        needs_verification: whether every release must have passed a verification on a device.
        needs_rehearsal: whether every release must have passed a rehearsal on virtual modules.
    """

    min_battery: int = 0
    min_signal_dbm: int = 0
    disk_bytes: int | None = None
    negotiation_delay_s: int = 0
    retries: int = 0
    retry_interval_min: int = 10
    timeout_min: int = 60
    rate_per_min: int = 0
    rate_growth_percent: float = 0.0
    rate_growth_every: int = 0
    rate_most_per_min: int = 0
    cell_most: int = 0
    failure_percent: float = 0.0
    failure_least: int = 10
    stages: tuple[Stage, ...] = ()
    holds_on_status: bool = False
    approvals: int = 0
    needs_verification: bool = False
    needs_rehearsal: bool = False

    def disk_for(self, size_bytes: int) -> int:
        """Space a device is told it needs for files of that size."""
        return size_bytes if self.disk_bytes is None else self.disk_bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """All an operator writes down.

    Args:
        name: unique per main account.
        product_id: row of the product.
        zone: IANA name; every time of the plan is wall-clock time of it.
        start_local: ``YYYY-MM-DDTHH:MM``.
        end_local: likewise; reached, the plan stops by itself.
        components: in the order they are upgraded; the module comes last whatever stands here.
        white: device keys; empty with ``has_white_list`` False: all devices of the product.
        black: device keys; black wins.
        has_white_list: whether only devices of ``white`` are upgraded, be there any or none.
        filter: over attributes and tags; None: no filter.
        windows: hours in which the platform pushes by itself; empty: always.
        is_windows_strict: whether a device's own request is held to the windows too.
        is_silent: no user is asked.
        texts: what the user reads, by language; zh and en are needed unless silent.
        strategy: conditions and speed.
    """

    name: str
    product_id: int
    zone: str
    start_local: str
    end_local: str
    components: tuple[PlanComponent, ...]
    white: frozenset[str] = frozenset()
    black: frozenset[str] = frozenset()
    has_white_list: bool = False
    filter: Filter | None = None
    windows: tuple[Window, ...] = ()
    is_windows_strict: bool = False
    is_silent: bool = True
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    strategy: Strategy = field(default_factory=Strategy)

    @property
    def start_at(self) -> float:
        """Planned start, UTC seconds."""
        return to_utc(self.start_local, self.zone)

    @property
    def end_at(self) -> float:
        """Planned end, UTC seconds."""
        return to_utc(self.end_local, self.zone)

    @property
    def ordered(self) -> tuple[PlanComponent, ...]:
        """Components in the order they are upgraded: the module last, for it restarts the device."""
        return tuple(sorted(self.components, key=lambda one: one.type is ComponentType.MODULE))

    def text_for(self, language: str) -> str:
        """What the user reads: the language asked for, else en, else zh, else ""."""
        for one in (language, language.partition("-")[0], "en", "zh"):
            if one in self.texts:
                return self.texts[one]
        return ""


def check_plan(plan: Plan) -> tuple[Problem, ...]:
    """All that speaks against a plan, field by field; empty when there is nothing.

    What depends on other rows (unique name, artifacts that exist, lists of known devices) is not seen here.
    """
    found: list[Problem] = []
    if (problem := name_problem("name", plan.name)) is not None:
        found.append(problem)
    times = (
        *check_zone(plan.zone),
        *check_local("start", plan.start_local),
        *check_local("end", plan.end_local),
    )
    found += times
    if not times and plan.end_at <= plan.start_at:
        found.append(Problem("end", Text("must come after the start", "结束时间必须晚于开始时间")))
    found += check_windows(plan.windows)
    if plan.white and not plan.has_white_list:
        found.append(Problem("white", Text("given, but there is no white list", "未启用白名单却给出了设备")))
    found += _check_components(plan)
    found += _check_texts(plan)
    found += check_strategy(plan.strategy)
    return tuple(found)


def _check_components(plan: Plan) -> list[Problem]:
    found = []
    if not 1 <= len(plan.components) <= MOST_COMPONENTS:
        text = Text("1 to {most} components", "须为 1 至 {most} 个组件")
        found.append(Problem("components", text, {"most": MOST_COMPONENTS}))
    seen: set[str] = set()
    modules = 0
    for at, one in enumerate(plan.components):
        place = f"components[{at}]"
        size = len(one.component.encode("utf-8", "replace"))
        if not 1 <= size <= MOST_IDENTIFIER_BYTES or not _is_identifier(one.component):
            text = Text(
                "1 to {most} bytes of printable text without ';' or ':'",
                "须为 1 至 {most} 字节的可见字符，不含“;”和“:”",
            )
            found.append(Problem(f"{place}.component", text, {"most": MOST_IDENTIFIER_BYTES}))
        if one.component in seen:
            text = Text("'{name}' is in the plan already", "组件标识“{name}”重复")
            found.append(Problem(f"{place}.component", text, {"name": one.component}))
        seen.add(one.component)
        modules += one.type is ComponentType.MODULE
        if modules > 1 and one.type is ComponentType.MODULE:
            found.append(Problem(f"{place}.type", Text("a device has one module", "一台设备只有一个模组组件")))
        found += _check_releases(place, one)
    return found


def _is_identifier(text: str) -> bool:
    return text.isprintable() and text == text.strip() and not set(text) & {";", ":"}


def _check_releases(place: str, one: PlanComponent) -> list[Problem]:
    if not 1 <= len(one.releases) <= MOST_RELEASES:
        text = Text("1 to {most} artifacts", "须为 1 至 {most} 个版本包")
        return [Problem(f"{place}.releases", text, {"most": MOST_RELEASES})]
    found = []
    for at, release in enumerate(one.releases):
        if release.source and release.needs:
            text = Text("a delta artifact has its one source version", "差分包只有一个源版本")
            found.append(Problem(f"{place}.releases[{at}].needs", text))
        if release.target != one.target and one.next_release(release.target) is None:
            text = Text("no way leads from {version} to {target}", "无法从 {version} 升级到 {target}")
            facts = {"version": release.target, "target": one.target}
            found.append(Problem(f"{place}.releases[{at}]", text, facts))
    return found


def _check_texts(plan: Plan) -> list[Problem]:
    if plan.is_silent:
        return [Problem("texts", Text("a silent plan has none", "静默升级无需文案"))] if plan.texts else []
    found = []
    for language in NEEDED_LANGUAGES:
        if not plan.texts.get(language, "").strip():
            text = Text("the user must be able to read it", "用户确认升级必须提供中文和英文文案")
            found.append(Problem(f"texts.{language}", text))
    for language, words in plan.texts.items():
        if not _LANGUAGE.fullmatch(language):
            text = Text("no language such as zh, en or pt-BR", "不是语言代码，例如 zh、en 或 pt-BR")
            found.append(Problem(f"texts.{language[:16]}", text))
        elif len(words) > MOST_TEXT:
            text = Text("at most {most} characters", "最长 {most} 个字符")
            found.append(Problem(f"texts.{language}", text, {"most": MOST_TEXT}))
    return found


_LIMITS: Final[tuple[tuple[str, float, float], ...]] = (
    ("min_battery", 0, 100),
    ("min_signal_dbm", -200, 0),
    ("negotiation_delay_s", 0, 86400),
    ("timeout_min", 1, MOST_TIMEOUT_MIN),
    ("rate_per_min", 0, MOST_NUMBER),
    ("rate_growth_percent", 0, 1000),
    ("rate_growth_every", 0, MOST_NUMBER),
    ("rate_most_per_min", 0, MOST_NUMBER),
    ("cell_most", 0, MOST_NUMBER),
    ("failure_percent", 0, 100),
    ("failure_least", 1, MOST_NUMBER),
    ("approvals", 0, 10),
)
_FRACTIONS: Final = frozenset({"rate_growth_percent", "failure_percent"})


def check_strategy(strategy: Strategy) -> tuple[Problem, ...]:
    """What is wrong with a strategy; empty if nothing."""
    found = []
    for name, least, most in _LIMITS:
        value = getattr(strategy, name)
        if not _is_number(value, has_fraction=name in _FRACTIONS) or not least <= value <= most:
            text = Text("{least} to {most}", "须为 {least} 至 {most}")
            found.append(Problem(f"strategy.{name}", text, {"least": least, "most": most}))
    for name, choices in (("retries", RETRIES), ("retry_interval_min", RETRY_INTERVALS_MIN)):
        if type(getattr(strategy, name)) is not int or getattr(strategy, name) not in choices:
            text = Text("one of {known}", "只能是 {known}")
            found.append(Problem(f"strategy.{name}", text, {"known": ", ".join(map(str, choices))}))
    disk = strategy.disk_bytes
    if disk is not None and (not _is_number(disk) or not 0 <= disk < 2**40):
        found.append(Problem("strategy.disk_bytes", Text("a number of bytes", "须为字节数")))
    grows = bool(strategy.rate_growth_percent), bool(strategy.rate_growth_every)
    if not found and (grows[0] != grows[1] or (grows[0] and not strategy.rate_per_min)):
        text = Text(
            "growth needs a rate, a percentage and a number of devices", "速率增长需同时给出起始速率、百分比和设备数"
        )
        found.append(Problem("strategy.rate_growth_percent", text))
    return (*found, *_check_stages(strategy.stages))


def _check_stages(stages: tuple[Stage, ...]) -> list[Problem]:
    if not stages:
        return []
    found = []
    if len(stages) > MOST_STAGES:
        text = Text("at most {most} groups", "最多 {most} 个批次")
        found.append(Problem("strategy.stages", text, {"most": MOST_STAGES}))
    before = 0.0
    for at, stage in enumerate(stages):
        place = f"strategy.stages[{at}]"
        for name in ("percent", "success_percent", "failure_percent"):
            value = getattr(stage, name)
            if not _is_number(value, has_fraction=True) or not 0 <= value <= 100:
                found.append(Problem(f"{place}.{name}", Text("0 to 100", "须为 0 至 100 (percent)")))
        if type(stage.failure_least) is not int or stage.failure_least < 1:
            found.append(Problem(f"{place}.failure_least", Text("at least 1", "至少为 1")))
        if not found and stage.percent <= before:
            text = Text("more than {before}, the group before", "须大于前一批次的 {before}")
            found.append(Problem(f"{place}.percent", text, {"before": before}))
        before = stage.percent
    if not found and stages[-1].percent != 100:
        found.append(Problem("strategy.stages", Text("the last group ends at 100", "最后一个批次须为 100")))
    return found


def _is_number(value: object, *, has_fraction: bool = False) -> bool:
    return type(value) is int or (has_fraction and type(value) is float and value == value)  # noqa: PLR0124 - not a number
