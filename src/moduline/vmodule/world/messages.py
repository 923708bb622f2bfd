"""Short messages of one module: what it sent, what came, and where it is kept.

::

    sendTextMsg ──registered?──▶ sent (kept for the owner) ──to its own number?──┐
    radio.messages.receive(number, text) ────────────────────────────────────────┴▶ storage ──▶ callback, getMsgNums ...

Modelled: single messages in the GSM alphabet and UCS2, the stores of card and module, the centre's address.
Not modelled: messages in several parts, status reports, flash messages.

Source: DOC23 and WIKI ``sms``; 3GPP TS 23.040.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Protocol

from moduline.vmodule.world import sms_pdu
from moduline.vmodule.world.radio_plan import CellPlan, RadioPlan
from moduline.vmodule.world.sim import SimCard
from moduline.vmodule.world.sms_pdu import GSM, UCS2, Delivered

SIZES: Final = {"SM": 50, "ME": 180, "MT": 50}
MAX_SENT: Final = 1000
MAX_NUMBER: Final = 20
QUARTER_S: Final = 900


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message the module sent.

    Attributes:
        at_s: module seconds since the world began.
        number: to whom.
        text: what it says.
        coding: ``GSM`` or ``UCS2``.
    """

    at_s: float
    number: str
    text: str
    coding: str


class Place(Protocol):
    """The part of the radio that messages need."""

    plan: RadioPlan
    sim: SimCard

    @property
    def is_registered(self) -> bool:
        """Whether the network serves this module."""

    def tell(self, kind: str, *values: int | str) -> None:
        """Let everybody hear of a change."""

    def moments(self) -> tuple[float, float]:
        """Module seconds since the world began, and the network's Unix time."""


class Messages:
    """The stores of one module; they outlive its power.

    Args:
        place: the radio they come through.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.sent: list[SentMessage] = []
        self.stores: dict[str, dict[int, Delivered]] = {"SM": {}, "ME": {}}
        self.stores["MT"] = self.stores["SM"]  # modules take the name and show the card's
        self.locations = ["SM", "SM", "SM"]  # read and delete, write and send, receive

    def send(self, number: str, text: str, coding: str) -> bool:
        """Send one message; False when the network does not take it."""
        if not self._place.is_registered or not _fits(text, coding) or not _is_number(number):
            return False
        at_s, _ = self._place.moments()
        if len(self.sent) < MAX_SENT:
            self.sent.append(SentMessage(at_s, number, text, coding))
        own = self._place.sim.number
        if own and number.lstrip("+")[-11:] == own.lstrip("+")[-11:]:
            self.receive(number, text, coding)
        return True

    def receive(self, number: str, text: str, coding: str = "") -> int | None:
        """A message comes in; gives its index, None when there is no room, no network, or it is longer than one.

        Args:
            number: who sends it.
            text: what it says.
            coding: ``GSM`` or ``UCS2``; empty for the smaller one that fits.
        """
        coding = coding or (GSM if sms_pdu.septets_of(text) is not None else UCS2)
        where = self.locations[2]
        store = self.stores[where]
        index = next((index for index in range(SIZES[where]) if index not in store), None)
        if index is None or not self._place.is_registered or not _fits(text, coding) or not _is_number(number):
            return None
        _, network_s = self._place.moments()
        cell: CellPlan = self._place.plan.cell
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(network_s + cell.zone_quarters * QUARTER_S))
        store[index] = Delivered(number, text, moment, cell.zone_quarters, self._place.sim.centre, coding)
        self._place.tell("message", index, where)
        return index

    def read(self, index: int) -> Delivered | None:
        """One message of the store that is read."""
        return self.stores[self.locations[0]].get(index)

    def delete(self, index: int, *, is_all: bool) -> bool:
        """Delete one or all of them."""
        store = self.stores[self.locations[0]]
        if is_all:
            store.clear()
            return True
        return store.pop(index, None) is not None

    def set_locations(self, *names: str) -> bool:
        """Where messages are read, written and received."""
        if len(names) != len(self.locations) or not all(name in SIZES for name in names):
            return False
        self.locations = list(names)
        return True

    @property
    def usage(self) -> list[list[str | int]]:
        """[store, messages in it, room for how many] of the three locations."""
        return [[name, len(self.stores[name]), SIZES[name]] for name in self.locations]


def _fits(text: str, coding: str) -> bool:
    """Whether it is one message, and none that is empty."""
    if coding == GSM:
        septets = sms_pdu.septets_of(text)
        return septets is not None and 0 < len(septets) <= sms_pdu.MAX_SEPTETS
    return coding == UCS2 and 0 < len(text.encode("utf-16-be", "surrogatepass")) <= sms_pdu.MAX_UCS2_BYTES


def _is_number(number: str) -> bool:
    digits = number.removeprefix("+")
    return digits.isascii() and digits.isdigit() and len(number) <= MAX_NUMBER
