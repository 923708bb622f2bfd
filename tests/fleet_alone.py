"""One simulated device without sockets: a clock that jumps, a platform of a few lines, downloads that end at once."""

from __future__ import annotations

import heapq
from itertools import count
from math import inf

from fleet_rig import CRC, FILE, MD5, firmware, offer
from moduline.fleet.behaviour import Behaviour
from moduline.fleet.device import Device
from moduline.fleet.dice import Dice
from moduline.fleet.exchange import (
    Begun,
    Dial,
    Due,
    Ended,
    Fetch,
    Fetched,
    FetchEnd,
    HangUp,
    Online,
    Say,
    Told,
)
from moduline.fleet.stored import Stored
from moduline.wire.quecthing import ota_messages as ota

DS = "00112233445566778899aabbccddeeff"
COMPLETE = Fetched(FetchEnd.COMPLETE, len(FILE), MD5, "", int(CRC, 16))


class CutDice(Dice):
    """The power fails before one message, whatever the behaviour says."""

    def __init__(self, seed, cut_before):
        super().__init__(seed, 0)
        self.cut_before = cut_before

    def happens(self, chance, what, nth=0):
        if self.cut_before and what == "power":
            return nth == self.cut_before
        return super().happens(chance, what, nth)


class Story:
    """A device and all that it did.

    Args:
        behaviour: of the device.
        offered: what the platform offers to a device that asks.
        located: firmware information that follows 2 and 6; None: never sent.
        fetched: how downloads end.
        cut_before: number of the message before which the power fails, counted from 1; 0: never.
    """

    def __init__(self, behaviour=None, *, offered=None, located="file", fetched=COMPLETE, cut_before=0, seed=1):
        self.behaviour = behaviour or Behaviour()
        self.device = Device("860000000000001", self.behaviour, CutDice(seed, cut_before), self._flash(), 0.0)
        self.offered = offered or offer()
        self.located = firmware("http://h/f") if located == "file" else located
        self.fetched = fetched
        self.now = 0.0
        self.actions = []
        self.times = []  # of the actions
        self.phases = set()
        self._coming = []
        self._order = count()

    def _flash(self):
        return Stored(None, self.behaviour.module_version, dict(self.behaviour.mcus))

    @property
    def said(self):
        return [action.message for action in self.actions if isinstance(action, Say)]

    @property
    def codes(self):
        return [message.code for message in self.said if isinstance(message, ota.Report)]

    @property
    def endings(self):
        return [(one.outcome.value, one.reason) for one in self.actions if isinstance(one, Ended)]

    def of(self, kind):
        return [action for action in self.actions if isinstance(action, kind)]

    def tell(self, event, after=0.0):
        heapq.heappush(self._coming, (self.now + after, next(self._order), event))

    def step(self):
        """The next thing that happens; False if nothing will."""
        coming = self._coming[0][0] if self._coming else inf
        due = self.device.due
        if min(coming, due) == inf:
            return False
        if coming <= due:
            self.now, _, event = heapq.heappop(self._coming)
        else:
            self.now, event = max(self.now, due), Due()
        for action in self.device.hear(event, self.now):
            self._answer(action)
        self.phases.add(self.device.upgrade.phase)
        return True

    def run(self, until_s=4 * 3600.0):
        """Until nothing will happen, or the device has ended its upgrade, or the time is over; gives itself."""
        while self.now < until_s and not (self.device.is_done and not self._coming):
            if not self.step():
                break
        return self

    def _answer(self, action):
        self.actions.append(action)
        self.times.append(self.now)
        match action:
            case HangUp():
                self._coming = []
            case Dial(ds):
                self.tell(Online(DS if ds is None else None), 0.1)
            case Fetch():
                self.tell(Begun(), 0.05)
                self.tell(self.fetched, 0.1)
            case Say(ota.Request(module_version=version)) if version != self.offered.components[0].target:
                self.tell(Told(1, self.offered), 0.5)
            case Say(ota.Report(code=2 | 6)) if self.located is not None:
                self.tell(Told(2, self.located), 0.3)
