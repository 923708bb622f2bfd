"""The live radio of one module: card, cell, registration, data calls, battery, driven by the module's clock.

::

    power or CFUN=1 ──sim_s──▶ card ready ──▶ searching ──search_s──▶ home | roaming | denied
                                   ▲   no cell: searching on ◀── coverage ends │
    CFUN=0, 4, card out ──▶ idle ──┘                                           └─▶ data calls that are wanted, connect_s

One truth for everybody: the AT port, the scripts' modules and the owner read and change this one object. What a card
and a module save outlives power; registration, data calls and functionality do not.

Source: device-api 2.2 (step 4), 9.2 to 9.4, 10.6; 3GPP TS 27.007 7.2, 8.2.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from moduline.vmodule.world import radio_plan
from moduline.vmodule.world.cell import MODES, Cell
from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.data_contexts import DataContexts
from moduline.vmodule.world.messages import Messages
from moduline.vmodule.world.radio_plan import RadioPlan, value_at
from moduline.vmodule.world.radio_table import read_radio
from moduline.vmodule.world.sim import SimCard
from moduline.vmodule.world.timers import CallingClock, Timers

__all__ = ["News", "Radio", "RadioPlan", "read_radio"]

IDLE, HOME, SEARCHING, DENIED, UNKNOWN, ROAMING = 0, 1, 2, 3, 4, 5
REGISTERED: Final = frozenset({HOME, ROAMING})
FULL, OFF, FLIGHT = 1, 0, 4
FUNCTIONALITIES: Final = (OFF, FULL, FLIGHT)
INSERTED, REMOVED = 1, 2
_RSSI: Final = re.compile(r"rssi=(\d{1,2})")
_REGISTRATION: Final = re.compile(r"registration=(\w{1,10})")
_BATTERY: Final = re.compile(r"battery=(\d{1,5})")


@dataclass(frozen=True, slots=True)
class News:
    """Something changed.

    Attributes:
        kind: ``sim`` (1 inserted, 2 removed), ``sim_status``, ``registration``, ``data`` (profile, 1 up or 0 down),
            ``functionality``, ``message`` (storage, index).
        values: as the kind says.
    """

    kind: str
    values: tuple[int | str, ...]


class SettableClock(Protocol):
    """The RTC."""

    def set_to(self, unix_s: float) -> None:
        """Set the time."""


class RadioClock(CallingClock, Protocol):
    """Time as the radio needs it; ``ModuleClock`` is one."""

    @property
    def rtc(self) -> SettableClock:
        """The RTC."""

    def now_s(self) -> float:
        """Seconds of the Unix epoch as the module believes."""

    def true_s(self) -> float:
        """Seconds of the Unix epoch as the network tells them."""


class Radio:
    """One module's SIM, network, data calls and battery.

    Args:
        plan: what its surroundings are like.
        clock: the module's time.
        seed: of noise.
    """

    def __init__(self, plan: RadioPlan | None = None, clock: RadioClock | None = None, seed: int = 0) -> None:
        self.plan = plan or RadioPlan()
        self.clock: RadioClock = clock or ModuleClock()
        self.sim = SimCard(self.plan.sim)
        self.cell = Cell(self.plan.cell, random.Random(f"radio/{seed}").getrandbits(32))  # noqa: S311 - noise, no secret
        self.data = DataContexts(self.plan.data, self.plan.times, self.clock, self)
        self.messages = Messages(self)
        self.is_on = False
        self.functionality = FULL
        self.registration = IDLE
        self.is_hot_plug_on = False
        self.hot_plug_level = 0
        self._nitz_s: float | None = None
        self._forced_battery: int | None = None
        self._is_begun = False
        self._listeners: list[Callable[[News], None]] = []
        self._timers = Timers(self.clock)
        self._events = Timers(self.clock)  # of the plan; they come with or without power

    # ---- what is so now --------------------------------------------------------------------------------------------

    @property
    def has_data(self) -> bool:
        """Whether any data call is up."""
        return bool(self.data.up)

    @property
    def is_registered(self) -> bool:
        """Whether the network serves this module."""
        return self.registration in REGISTERED

    @property
    def battery_mv(self) -> int:
        """Supply voltage now."""
        if self._forced_battery is not None:
            return self._forced_battery
        return round(value_at(self.plan.battery, self.clock.tick_s()) or 0)

    @property
    def rssi(self) -> int:
        """Signal as ``AT+CSQ`` counts it; 99 without a card, with the radio off, or where nothing is heard."""
        return self.cell.rssi(self.clock.tick_s()) if self.is_listening else radio_plan.NO_SIGNAL

    @property
    def is_listening(self) -> bool:
        """Whether the receiver is on and there is a card to hear for."""
        return self.is_on and self.functionality == FULL and self.sim.is_in

    @property
    def nitz_s(self) -> float | None:
        """Unix time the network told at the last registration of this power-on; None before."""
        return self._nitz_s

    def address(self, profile: int = 1) -> str | None:
        """Address of a data call that is up; None when it is not."""
        return self.data.address(profile)

    # ---- who hears of changes --------------------------------------------------------------------------------------

    def subscribe(self, callback: Callable[[News], None]) -> Callable[[], None]:
        """Call ``callback`` with every ``News``; what is given back ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback) if callback in self._listeners else None

    def tell(self, kind: str, *values: int | str) -> None:
        """Let everybody who listens hear of a change."""
        for listener in tuple(self._listeners):
            listener(News(kind, values))

    def moments(self) -> tuple[float, float]:
        """Module seconds since the world began, and Unix time as the network has it."""
        return self.clock.tick_s(), self.clock.true_s()

    # ---- power and functionality -----------------------------------------------------------------------------------

    def power_on(self) -> None:
        """The module has power; nothing happens when it had before."""
        if self.is_on:
            return
        self.is_on = True
        self.functionality = FULL
        self._begin_plan()
        self._start_sim()

    def power_off(self) -> None:
        """The module loses its power."""
        self.is_on = False
        self._timers.stop_all()
        self.data.forget_power()
        self.sim.stop()
        self.registration = IDLE
        self._nitz_s = None

    def close(self) -> None:
        """The module is put away: nothing happens by itself any more."""
        self.power_off()
        self._events.stop_all()

    def set_functionality(self, level: int) -> bool:
        """``AT+CFUN`` and ``net.setModemFun``: 0 minimum, 1 full, 4 no radio."""
        if level not in FUNCTIONALITIES:
            return False
        if level == self.functionality:
            return True
        before, self.functionality = self.functionality, level
        self.tell("functionality", level)
        if level == OFF:
            self._timers.stop("sim")
            self.sim.stop()
            self.tell("sim_status", self.sim_status)
        elif before == OFF:
            self._start_sim()
        self.refresh()
        if level == OFF:
            self.data.use_saved()
        return True

    @property
    def sim_status(self) -> int:
        """As ``sim.getStatus()`` counts it; with minimum functionality the card has no supply."""
        return radio_plan.ABSENT if self.functionality == OFF else self.sim.status

    def set_mode(self, mode: int, *, is_roaming_wanted: bool | None = None) -> bool:
        """Which access technologies may be used, as ``net.setConfig`` counts them."""
        if not 0 <= mode < len(MODES):
            return False
        self.cell.mode = mode
        if is_roaming_wanted is not None:
            self.cell.is_roaming_wanted = is_roaming_wanted
        self.refresh()
        return True

    # ---- faults ----------------------------------------------------------------------------------------------------

    def remove_sim(self) -> None:
        """The card is taken out."""
        if self.sim.is_in:
            self.sim.is_in = False
            self._timers.stop("sim")
            self.sim.stop()
            self._tell_plugged(REMOVED)
            self.refresh()

    def insert_sim(self) -> None:
        """The card is put in."""
        if not self.sim.is_in:
            self.sim.is_in = True
            self._tell_plugged(INSERTED)
            self._start_sim()

    def lose_network(self) -> None:
        """No cell is heard."""
        self.cell.is_lost = True
        self.refresh()

    def restore_network(self) -> None:
        """Cells are heard again."""
        self.cell.is_lost = False
        self.refresh()

    def set_rssi(self, rssi: int | None) -> None:
        """A fixed signal as ``AT+CSQ`` counts it, 99 for none; None: the plan's again."""
        self.cell.forced_rssi = rssi
        self.refresh()

    def set_registration(self, kind: str) -> None:
        """How the network treats this card from now on, a key of ``radio_plan.REGISTRATIONS``; empty: as planned."""
        if kind == self.cell.forced_registration:
            return
        self.cell.forced_registration = kind
        self._timers.stop("search")
        if self.registration != IDLE:
            self._register(SEARCHING)
        self.refresh()

    def set_battery(self, millivolts: int | None) -> None:
        """A fixed supply voltage; None: the plan's again."""
        self._forced_battery = millivolts

    def drop_data(self) -> None:
        """Every data call breaks off; those that are wanted are dialled again."""
        self.data.drop_all()

    def set_fault(self, word: str) -> bool:
        """Do what the word of a fault says.

        Args:
            word: sim-out, sim-in, no-network, network, data-drop, rssi=N, registration=KIND, battery=MV, clear.

        Returns:
            False when there is no such word.
        """
        act = {
            "sim-out": self.remove_sim,
            "sim-in": self.insert_sim,
            "no-network": self.lose_network,
            "network": self.restore_network,
            "data-drop": self.drop_data,
            "clear": self._clear,
        }.get(word)
        if act is not None:
            act()
        elif (rssi := _RSSI.fullmatch(word)) and (int(rssi[1]) <= radio_plan.MAX_RSSI or rssi[1] == "99"):
            self.set_rssi(int(rssi[1]))
        elif (kind := _REGISTRATION.fullmatch(word)) and kind[1] in radio_plan.REGISTRATIONS:
            self.set_registration(kind[1])
        elif battery := _BATTERY.fullmatch(word):
            self.set_battery(int(battery[1]))
        else:
            return False
        return True

    def undo_fault(self, word: str) -> None:
        """As it was before a lasting fault: sim-out, no-network, rssi=N, registration=KIND, battery=MV."""
        undone: dict[str, Callable[[], None]] = {
            "sim-out": self.insert_sim,
            "no-network": self.restore_network,
            "rssi": partial(self.set_rssi, None),
            "registration": partial(self.set_registration, ""),
            "battery": partial(self.set_battery, None),
        }
        undone[word.partition("=")[0]]()

    def _clear(self) -> None:
        self.set_battery(None)
        self.set_rssi(None)
        self.set_registration("")
        self.restore_network()
        self.insert_sim()

    # ---- card and registration -------------------------------------------------------------------------------------

    def _start_sim(self) -> None:
        if self.is_on and self.functionality != OFF and self.sim.is_in:
            self._timers.after("sim", self.plan.times.sim_s, self._sim_started)

    def _sim_started(self) -> None:
        self.sim.start()
        self.tell("sim_status", self.sim_status)
        self.refresh()

    def _tell_plugged(self, how: int) -> None:
        if self.is_on:
            self.tell("sim_status", self.sim_status)
            if self.is_hot_plug_on:
                self.tell("sim", how)

    def card_changed(self) -> None:
        """A PIN or PUK was given: tell what the card is like now, and go on from there."""
        self.tell("sim_status", self.sim_status)
        self.refresh()

    def set_time(self, unix_s: float) -> None:
        """Set the RTC, as ``AT+CCLK`` does."""
        self.clock.rtc.set_to(unix_s)

    def refresh(self) -> None:
        """Draw the consequences after something changed: search, register, or lose the network."""
        is_able = self.is_on and self.functionality == FULL and self.sim.is_ready
        if not is_able:
            self._timers.stop("search")
            self._register(IDLE)
        elif not self.cell.is_heard(self.clock.tick_s()):
            self._timers.stop("search")
            self._register(SEARCHING)
        elif self.registration in {IDLE, SEARCHING} and "search" not in self._timers:
            self._register(SEARCHING)
            self._timers.after("search", self.plan.times.search_s, self._network_answered)

    def _network_answered(self) -> None:
        self._register(radio_plan.REGISTRATIONS[self.cell.registration])

    def _register(self, state: int) -> None:
        if state == self.registration:
            return
        self.registration = state
        if state in REGISTERED:
            self._nitz_s = self.clock.true_s()
        self.tell("registration", state)
        if state in REGISTERED:
            self.data.network_came()
        else:
            self.data.network_went()

    # ---- the plan's own events -------------------------------------------------------------------------------------

    def _begin_plan(self) -> None:
        """What the plan does by itself happens whether the module has power or not; past events have happened."""
        if self._is_begun:
            return
        self._is_begun = True
        now = self.clock.tick_s()
        for number, event in enumerate(self.plan.sim.events):
            act = self.insert_sim if event.is_in else self.remove_sim
            if event.at_s <= now:
                self.sim.is_in = event.is_in
            else:
                self._events.after(f"sim{number}", event.at_s - now, act)
        for number, at_s in enumerate(self.cell.changes_at):
            if at_s > now:
                self._events.after(f"cell{number}", at_s - now, self.refresh)
