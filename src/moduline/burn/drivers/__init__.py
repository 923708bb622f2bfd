"""Host side of each download protocol: sans-I/O sessions, each a table of states and cues.

A driver is a planner and a session; a new one is its files here and a row in ``DRIVERS`` for each chip it burns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from moduline.burn.action import BurnPlan, PlanOptions
from moduline.burn.drivers import asr, asr_plan, eigen, eigen_plan, unisoc, unisoc8850, unisoc8850_plan, unisoc_plan
from moduline.burn.session import Session
from moduline.errors import Text, Unsupported
from moduline.package import FirmwarePackage


class Plans(Protocol):
    """Gives what burning a package will do."""

    def __call__(self, package: FirmwarePackage, options: PlanOptions) -> BurnPlan:
        """The plan."""


class Opens(Protocol):
    """Gives a session that executes a plan."""

    def __call__(self, plan: BurnPlan) -> Session:
        """The session, not started."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver: its planner and its session.

    Args:
        plan: gives what burning a package will do.
        session: gives what executes it.
        has_rate: whether its loaders can be told a line rate of the user's choice.
    """

    plan: Plans
    session: Opens
    has_rate: bool = False


DRIVERS: Final[Mapping[str, Driver]] = {
    "unisoc8910": Driver(unisoc_plan.plan_8910, unisoc.Session),
    unisoc8850_plan.CHIP: Driver(unisoc8850_plan.plan_8850, unisoc8850.Session, has_rate=True),
    **dict.fromkeys(asr_plan.CHIPS, Driver(asr_plan.plan_asr, asr.Session)),
    **dict.fromkeys(eigen_plan.CHIPS, Driver(eigen_plan.plan_eigen, eigen.Session)),
}
"""By the chip of the package, as in ``profiles/chips``."""


def driver_for(chip: str) -> Driver:
    """The driver of a chip.

    Raises:
        Unsupported: there is none.
    """
    driver = DRIVERS.get(chip)
    if driver is None:
        reason = Text("no burn driver for chip {chip}", "没有适用于平台 {chip} 的烧录驱动")
        remedy = Text("use the vendor's tool for this chip", "该平台请使用厂商工具")
        raise Unsupported(format="package", reason=reason, remedy=remedy, chip=chip or "?")
    return driver


def session_for(plan: BurnPlan) -> Session:
    """A session that executes ``plan``, not started.

    Raises:
        Unsupported: no driver for the plan's chip.
    """
    return driver_for(plan.chip).session(plan)
