"""What a burn will do, as a value, before anything is done.

``--dry-run`` prints exactly this; the session executes this and nothing else. How a plan is made is the driver's.
"""

from __future__ import annotations

from collections.abc import Sequence

from moduline.burn.action import (
    AREA_ROLES,
    DEFAULT_PACKET_BYTES,
    ONLIES,
    VERIFIES,
    Action,
    BurnPlan,
    Only,
    PlanOptions,
    Verb,
    Verify,
)
from moduline.burn.drivers import driver_for
from moduline.errors import BadOption, Text
from moduline.package import FirmwarePackage

__all__ = [
    "AREA_ROLES",
    "DEFAULT_PACKET_BYTES",
    "VERIFIES",
    "Action",
    "BurnPlan",
    "Only",
    "PlanOptions",
    "Verb",
    "Verify",
    "make_plan",
    "plan_for",
]


def plan_for(package: FirmwarePackage, options: PlanOptions) -> BurnPlan:
    """What burning ``package`` will do; the driver is that of the package's chip.

    Raises:
        Unsupported: a chip without a driver.
        BadFormat: the package has no loaders, or a content larger than its place.
        BadOption: something that this chip cannot do, an unknown choice, or a part that is not there.
    """
    driver = driver_for(package.chip)
    if options.verify not in VERIFIES:
        reason = Text("'{given}' is not device, areas or all", "“{given}” 不是 device、areas 或 all")
        raise BadOption(name="verify", reason=reason, given=options.verify)
    if options.only not in ONLIES:
        raise BadOption(
            name="only", reason=Text("'{given}' is not scripts", "“{given}” 不是 scripts"), given=options.only
        )
    for name in options.extra:
        if package.part(name) is None:
            raise BadOption(name="with", reason=Text("no part '{part}'", "没有“{part}”"), part=name)
    if options.baud and not driver.has_rate:
        reason = Text("the loaders of {chip} are not told a rate", "{chip} 的引导程序不支持设置波特率")
        raise BadOption(name="baud", reason=reason, chip=package.chip)
    return driver.plan(package, options)


def make_plan(
    package: FirmwarePackage,
    verify: Verify = "areas",
    packet_bytes: int = DEFAULT_PACKET_BYTES,
    extra: Sequence[str] = (),
    only: Only = "",
    baud: int = 0,
) -> BurnPlan:
    """``plan_for`` with the choices one by one; see :class:`PlanOptions`.

    Raises:
        Unsupported, BadFormat, BadOption: as ``plan_for``.
    """
    return plan_for(package, PlanOptions(verify, packet_bytes, tuple(extra), only, baud))
