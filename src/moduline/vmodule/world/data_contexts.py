"""Data calls of one module: profiles, attempts, addresses, what is saved, and how all that goes on in time.

::

    down ──begin──▶ dialling ──accepted──▶ up ──lost──▶ down ─┐
      ▲                └─────refused──▶ down                  │ is_auto: dialled again
      └──────────────── again after redial_s ─────────────────┘

Source: device-api 9.4, 2.2 (step 4); 3GPP TS 27.007 10.1.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from moduline.vmodule.world.radio_plan import DataPlan, RadioTimes
from moduline.vmodule.world.timers import CallingClock, Timers

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
    """

    access: Access = field(default_factory=Access)
    is_auto: bool = False
    is_wanted: bool = False
    state: State = "down"
    attempts: int = 0
    dns: tuple[str, str] | None = None


class Place(Protocol):
    """The part of the radio that data calls need."""

    @property
    def is_registered(self) -> bool:
        """Whether the network serves this module."""

    def tell(self, kind: str, *values: int | str) -> None:
        """Let everybody hear of a change."""


class DataContexts:
    """All profiles of one module.

    Args:
        plan: what the packet network is like.
        times: how long things take.
        clock: the module's time.
        place: the radio they go through.
    """

    def __init__(self, plan: DataPlan, times: RadioTimes, clock: CallingClock, place: Place) -> None:
        self.plan = plan
        self._times = times
        self._timers = Timers(clock)
        self._place = place
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

    # ---- what is saved ---------------------------------------------------------------------------------------------

    def save_access(self, profile: int, access: Access) -> None:
        """Keep how a profile logs in, over power-off too."""
        self.saved[profile] = access
        if self._contexts[profile].state == "down":
            self._contexts[profile].access = access

    def use_saved(self) -> None:
        """Profiles log in as was saved, from the next call on."""
        for number, access in self.saved.items():
            self._contexts[number].access = access

    def forget_power(self) -> None:
        """What is not saved is gone; the plan's failures count over the module's whole life."""
        self._timers.stop_all()
        for number in self._contexts:
            self._contexts[number] = Context(self.saved.get(number, Access()))

    # ---- calls -----------------------------------------------------------------------------------------------------

    def dial(self, profile: int, access: Access, *, is_patient: bool) -> bool:
        """Begin a data call; the profile's ``state`` says how it went once it is no longer ``dialling``.

        Args:
            profile: 1 to 8.
            access: how it logs in.
            is_patient: wait for the network, and try three times; otherwise one attempt, now.

        Returns:
            False when it cannot even be attempted.
        """
        context = self._contexts[profile]
        if context.state == "up":
            return True
        if not self._place.is_registered and not is_patient:
            return False
        self._timers.stop(f"dial{profile}")
        context.access, context.is_wanted, context.state = access, True, "down"
        context.attempts = 0 if is_patient else ATTEMPTS - 1
        if self._place.is_registered:
            self._begin(profile)
        return True

    def dial_at_boot(self, profile: int, access: Access | None) -> None:
        """The data call of power-on: waits for the network, and comes back after it was lost.

        Args:
            profile: 1 to 8.
            access: the user's; None for what is saved, or the network's own.
        """
        if not self.up:
            context = self._contexts[profile]
            context.is_auto = True
            self.dial(profile, access or context.access, is_patient=True)

    def hang_up(self, profile: int) -> None:
        """End a data call; it stays ended."""
        self._contexts[profile].is_wanted = False
        self._lose(profile)

    def drop_all(self) -> None:
        """Every call breaks off; those that are wanted are dialled again."""
        for profile in self.up:
            self._dropped(profile)

    def network_came(self) -> None:
        """The module is registered: dial what is wanted."""
        for profile, context in self._contexts.items():
            if context.is_wanted and context.state == "down":
                context.attempts = 0
                self._begin(profile)

    def network_went(self) -> None:
        """The module is no longer registered."""
        for profile in self._contexts:
            self._lose(profile)

    def _begin(self, profile: int) -> None:
        self._contexts[profile].state = "dialling"
        self._timers.after(f"dial{profile}", self._times.connect_s, lambda: self._answered(profile))

    def _answered(self, profile: int) -> None:
        context = self._contexts[profile]
        if self._lets_in(context.access):
            context.state, context.attempts = "up", 0
            self._place.tell("data", profile, 1)
            if self.plan.drop_after_s is not None:
                self._timers.after(f"drop{profile}", self.plan.drop_after_s, lambda: self._dropped(profile))
            return
        context.state = "down"
        context.attempts += 1
        if context.attempts < ATTEMPTS:
            self._redial(profile)
        elif not context.is_auto:
            context.is_wanted = False

    def _lets_in(self, access: Access) -> bool:
        """Whether the network lets this one in; uses up one of the failures it was told to have."""
        if self._failures_left:
            self._failures_left -= 1
            return False
        plan = self.plan
        if plan.is_apn_strict and access.apn != plan.apn:
            return False
        return not plan.user or (access.user, access.password) == (plan.user, plan.password)

    def _redial(self, profile: int) -> None:
        """Try again a little later, if somebody wants it."""

        def again() -> None:
            if context.is_wanted and context.state == "down" and self._place.is_registered:
                self._begin(profile)

        context = self._contexts[profile]
        if context.is_wanted:
            self._timers.after(f"dial{profile}", self._times.redial_s, again)

    def _dropped(self, profile: int) -> None:
        self._lose(profile)
        self._redial(profile)

    def _lose(self, profile: int) -> None:
        """A call ends; one that is not to be dialled again is no longer wanted."""
        context = self._contexts[profile]
        self._timers.stop(f"dial{profile}")
        self._timers.stop(f"drop{profile}")
        was_up = context.state == "up"
        context.state = "down"
        if was_up:
            context.is_wanted = context.is_wanted and context.is_auto
            self._place.tell("data", profile, 0)
