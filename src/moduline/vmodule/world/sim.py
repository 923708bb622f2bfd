"""The card of one module: PIN and PUK, identity, phonebook; what a card remembers outlives the module's power.

::

    absent ──insert──▶ initialising ──▶ ready
                            ├── PIN wanted ──▶ pin ──3 wrong──▶ puk ──10 wrong──▶ blocked
                            └── broken ──────▶ invalid         └──right, new PIN──▶ ready

Source: device-api 9.2; 3GPP TS 27.007 8.3 (PIN and PUK tries: 3GPP TS 31.101).
"""

from __future__ import annotations

from typing import Final

from moduline.vmodule.world import radio_plan
from moduline.vmodule.world.radio_plan import Contact, SimPlan

PIN_TRIES: Final = 3
PUK_TRIES: Final = 10
PIN_DIGITS: Final = range(4, 9)
PUK_DIGITS: Final = 8
MAX_CONTACTS: Final = 500
OWN_NUMBERS: Final = 7  # storage "ON"
CARD_STORAGE: Final = 9  # storage "SM"
STORAGES: Final = range(16)


class SimCard:
    """One card.

    Args:
        plan: what it is like at first.
    """

    def __init__(self, plan: SimPlan) -> None:
        self.plan = plan
        self.is_in = plan.state != "absent"
        self.is_pin_wanted = plan.state in {"pin", "puk", "blocked"}
        self.pin = plan.pin
        self.pin_tries = 0 if plan.state in {"puk", "blocked"} else PIN_TRIES
        self.puk_tries = 0 if plan.state == "blocked" else PUK_TRIES
        self.centre = plan.centre
        self._is_verified = False
        self._has_started = False
        self._contacts: dict[int, dict[int, Contact]] = {
            CARD_STORAGE: {contact.index: contact for contact in plan.phonebook}
        }
        if plan.number:
            self._contacts[OWN_NUMBERS] = {1: Contact(1, "", plan.number)}

    @property
    def status(self) -> int:
        """As ``sim.getStatus()`` counts it."""
        if not self.is_in:
            return radio_plan.ABSENT
        if not self._has_started:
            return radio_plan.INITIALISING
        if self.plan.state == "invalid":
            return radio_plan.INVALID
        if not self.puk_tries:
            return radio_plan.BLOCKED
        if not self.pin_tries:
            return radio_plan.PUK_NEEDED
        if self.is_pin_wanted and not self._is_verified:
            return radio_plan.PIN_NEEDED
        return radio_plan.READY

    @property
    def is_ready(self) -> bool:
        """Whether it can be read."""
        return self.status == radio_plan.READY

    @property
    def number(self) -> str:
        """The card's own number; empty when nobody has written it."""
        own = self._contacts.get(OWN_NUMBERS, {}).get(1)
        return own.number if own is not None else ""

    # ---- power -----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """It loses its supply; PIN and identity must be given again."""
        self._has_started = self._is_verified = False

    def start(self) -> None:
        """It has initialised itself."""
        self._has_started = self.is_in

    # ---- PIN -------------------------------------------------------------------------------------------------------

    def verify(self, pin: str) -> bool:
        """The PIN is given; only while it is wanted."""
        if self.status != radio_plan.PIN_NEEDED or not self._is_pin(pin):
            return False
        self._is_verified = True
        return True

    def want_pin(self, pin: str, *, is_wanted: bool) -> bool:
        """Switch the question for the PIN on or off; an asked card must have been answered before."""
        if not self.is_ready or not self._is_pin(pin):
            return False
        self.is_pin_wanted = is_wanted
        self._is_verified = True
        return True

    def change(self, old: str, new: str) -> bool:
        """Another PIN; only while it is asked for at power-on, and was given."""
        if not self.is_ready or not self.is_pin_wanted or not _is_number(new, PIN_DIGITS) or not self._is_pin(old):
            return False
        self.pin = new
        return True

    def unblock(self, puk: str, new: str) -> bool:
        """The PUK and a new PIN; ten wrong ones end the card."""
        if self.status != radio_plan.PUK_NEEDED or not _is_number(new, PIN_DIGITS):
            return False
        if puk != self.plan.puk:
            self.puk_tries -= 1
            return False
        self.pin, self.pin_tries, self.puk_tries = new, PIN_TRIES, PUK_TRIES
        self._is_verified = True
        return True

    def _is_pin(self, pin: str) -> bool:
        """Compare, and count what is wrong."""
        if pin == self.pin:
            self.pin_tries = PIN_TRIES
            return True
        if _is_number(pin, PIN_DIGITS):
            self.pin_tries -= 1
        if not self.pin_tries:
            self.is_pin_wanted = True
            self._is_verified = False
        return False

    # ---- phonebook -------------------------------------------------------------------------------------------------

    def contacts(self, storage: int, start: int, end: int, name: str) -> list[Contact] | None:
        """Entries ``start`` to ``end`` of a storage, or with ``start`` 0 those whose name begins so; None: no card."""
        if not self.is_ready:
            return None
        entries = self._contacts.get(storage, {})
        if start == 0:
            return [entry for _, entry in sorted(entries.items()) if entry.name.startswith(name)]
        return [entries[index] for index in sorted(entries) if start <= index <= end]

    def write_contact(self, storage: int, index: int, name: str, number: str) -> bool:
        """Write one entry; one without name and number is erased."""
        if not self.is_ready or storage not in STORAGES or not 1 <= index <= MAX_CONTACTS:
            return False
        entries = self._contacts.setdefault(storage, {})
        if name or number:
            entries[index] = Contact(index, name, number)
        else:
            entries.pop(index, None)
        return True


def _is_number(text: str, lengths: range) -> bool:
    return text.isascii() and text.isdigit() and len(text) in lengths
