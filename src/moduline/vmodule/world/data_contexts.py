"""Data calls of one module: profiles, attempts, addresses, what is saved; without time, which ``radio`` brings.

::

    down ──begin──▶ dialling ──accepted──▶ up ──lost──▶ down ─┐
      ▲                └─────refused──▶ down                  │ is_auto: dialled again by ``radio``
      └───────────────────────────────────────────────────────┘

Source: device-api 9.4, 2.2 (step 4); 3GPP TS 27.007 10.1.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Final, Literal

from moduline.vmodule.world.radio_plan import DataPlan

V4, V6, BOTH = 0, 1, 2
MAX_PROFILE: Final = 8
NOWHERE4: Final = "0.0.0.0"  # noqa: S104 - what the module says, bound by nobody
NOWHERE6: Final = "::"
ATTEMPTS: Final = 3

State = Literal["down", "dialling", "up"]


@dataclass(frozen=True, slots=True)
class Access:
    """How a profile logs in.

    Attributes:
        ip_type: 0 IPv4, 1 IPv6, 2 both.
        apn: access point name; empty for the network's.
        user: name.
        password: of that user.
        auth: 0 none, 1 PAP, 2 CHAP.
    """

    ip_type: int = V4
    apn: str = ""
    user: str = ""
    password: str = ""
    auth: int = 0


@dataclass(frozen=True, slots=True)
class Leg:
    """One address family of a call, as ``dataCall.getInfo`` tells it: state 0 or 1, address and two name servers."""

    state: int
    address: str
    dns: tuple[str, str]


@dataclass(slots=True)
class Context:
    """One profile.

    Attributes:
        access: how it logs in; saved.
        is_auto: it is dialled again after it was lost.
        is_wanted: somebody wants it up.
        state: where it is.
        attempts: that failed since somebody wanted it.
        dns: name servers a script has set.
        since_s: when it came up.
    """

    access: Access = field(default_factory=Access)
    is_auto: bool = False
    is_wanted: bool = False
    state: State = "down"
    attempts: int = 0
    dns: tuple[str, str] | None = None
    since_s: float = 0.0


class DataContexts:
    """All profiles of one module.

    Args:
        plan: what the packet network is like.
    """

    def __init__(self, plan: DataPlan) -> None:
        self.plan = plan
        self.saved: dict[int, Access] = {}
        self.activates: dict[int, bool] = {}  # ``dataCall.setAutoActivate``
        self._contexts = {number: Context() for number in range(1, MAX_PROFILE + 1)}
        self._failures_left = plan.fail_first

    def __getitem__(self, profile: int) -> Context:
        """One profile, 1 to 8."""
        return self._contexts[profile]

    @property
    def up(self) -> tuple[int, ...]:
        """Profiles that are connected."""
        return tuple(number for number, context in self._contexts.items() if context.state == "up")

    @property
    def wanted(self) -> tuple[int, ...]:
        """Profiles that somebody wants up and that are down."""
        return tuple(
            number for number, context in self._contexts.items() if context.is_wanted and context.state == "down"
        )

    def accepts(self, access: Access) -> bool:
        """Whether the network lets this one in; uses up one of the failures it was told to have."""
        if self._failures_left:
            self._failures_left -= 1
            return False
        plan = self.plan
        if plan.is_apn_strict and access.apn != plan.apn:
            return False
        return not plan.user or (access.user, access.password) == (plan.user, plan.password)

    def address(self, profile: int) -> str | None:
        """The IPv4 or, where there is none, the IPv6 address of a profile that is up."""
        context = self._contexts.get(profile)
        if context is None or context.state != "up":
            return None
        leg = self.leg(profile, V4 if context.access.ip_type != V6 else V6)
        return leg.address

    def leg(self, profile: int, family: int) -> Leg:
        """One address family of a profile, up or not."""
        context = self._contexts[profile]
        if context.state != "up" or context.access.ip_type not in {family, BOTH}:
            nowhere = NOWHERE4 if family == V4 else NOWHERE6
            return Leg(0, nowhere, (nowhere, nowhere))
        first = self.plan.address if family == V4 else self.plan.address6
        dns = self.plan.dns if family == V4 else self.plan.dns6
        if context.dns is not None and (":" in context.dns[0]) == (family == V6):
            dns = context.dns
        return Leg(1, str(ipaddress.ip_address(first) + profile - 1), dns)

    def apn(self, profile: int) -> str:
        """The access point name in use: the script's, or the network's when it named none."""
        return self._contexts[profile].access.apn or self.plan.apn

    def use_saved(self) -> None:
        """Profiles log in as was saved, from the next call on."""
        for number, access in self.saved.items():
            self._contexts[number].access = access

    def forget_power(self) -> None:
        """What is not saved is gone; the plan's failures count over the module's whole life."""
        for number in self._contexts:
            self._contexts[number] = Context(self.saved.get(number, Access()))
