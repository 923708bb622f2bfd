"""Both ends of a burn in memory, and what can go wrong at one step of it: real driver, real virtual loaders, one clock.

A *step* is a turn of the host: what its session sends, or that it waits, labelled by the state of its table and the
part it is about. ``Bench.steps`` lists the steps of an undisturbed burn; ``Bench.burn(fault)`` is one try in which
something happens at one of them; ``Bench.power`` is somebody who re-powers the module in download mode.

Before the first try every byte of the flash outside factory data is 0, so that what a burn must not touch, and what it
forgot to write, shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache

from moduline import burn
from moduline.burn.drivers import asr_table, eigen_table, session_for, unisoc8850_table, unisoc_table
from moduline.burn.session import NvRead
from moduline.errors import FlashCut, PortGone
from moduline.events import Step as StepEvent
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.package import read_package
from moduline.release.firmware import stock_package
from moduline.vmodule import download_sessions
from moduline.vmodule.download.events import DownloadFaults, PowerOffWanted, ResetWanted
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block


@dataclass(frozen=True)
class Chip:
    """What the sweep needs to know of one platform; a row for a new one.

    Args:
        module: whose stock package is burnt.
        table: the driver's table of states.
        unpassed: states that a clean burn of that package does not pass, besides IDLE, CHOOSE, DONE and FAILED.
        ending: states in which everything is written and the port may vanish.
        plan: options of the plan.
    """

    module: str
    table: object
    unpassed: frozenset[str]
    ending: frozenset[str] = frozenset({"RESET"})
    plan: tuple[tuple[str, object], ...] = ()


_ASR_UNPASSED = frozenset(
    # REOPEN: loaders that greet anew. NOP: one old ROM. KEEP_*: partitions of its own, which no flasher that is known
    # gives out.
    ["REOPEN", "NOP", "KEEP_SELECT", "KEEP_STAGE", "KEEP_UPLOAD", "KEEP_CONTENT", "KEEP_END", "KEEP_HOLD"]
)
# BAUD*: over a UART only. *_QUIET: answers to what was said twice, or a loader of a try before.
_8850_UNPASSED = frozenset({"BAUD", "BAUD_SETTLE", "FDL_QUIET", "NV_HOLD", "ROM_QUIET"})
_ASR_ENDING = frozenset({"REBOOT", "COMPLETE", "PAUSE", "DISCONNECT"})
_READ_ALL = (("verify", "all"),)
CHIPS = {
    # PDL_QUIET: answers to a CONNECT that was said twice. NV_HOLD: passed between two turns.
    "unisoc8910": Chip("ec600u", unisoc_table, frozenset({"PDL_QUIET", "NV_HOLD"}), plan=_READ_ALL),
    "unisoc8850": Chip("ec600g", unisoc8850_table, _8850_UNPASSED, plan=_READ_ALL),
    "asr1603": Chip("ec600n", asr_table, _ASR_UNPASSED, _ASR_ENDING),
    "asr1606": Chip("ec600k", asr_table, _ASR_UNPASSED, _ASR_ENDING),
    "asr1601": Chip("ec600s-cnlb", asr_table, _ASR_UNPASSED, _ASR_ENDING),
    # KEEP: areas that a package replaces and that are only the module's; the stock package has none.
    "eigen618": Chip("ec600e", eigen_table, frozenset({"KEEP", "KEEP_HOLD"}), plan=_READ_ALL),
}


class What(Enum):
    """What happens at a step."""

    CUT_BEFORE = "power cut before the module hears it"
    CUT_INSIDE = "power cut in the middle of its flash operations"
    CUT_AFTER = "power cut before its answer"
    UNPLUG = "cable out"
    HOST_LOST = "a byte of the host lost"
    HOST_SPOILT = "a byte of the host garbled"
    MODULE_LOST = "a byte of the answer lost"
    MODULE_SPOILT = "a byte of the answer garbled"


WIRE_FAULTS = (What.HOST_LOST, What.HOST_SPOILT, What.MODULE_LOST, What.MODULE_SPOILT)


@dataclass(frozen=True)
class Turn:
    """One step.

    Args:
        number: of the turn, from 0.
        state: of the driver's table.
        part: what it is about.
        sent: bytes the host said.
        heard: bytes it got back.
        operations: flash operations of the module meanwhile.
    """

    number: int
    state: str
    part: str
    sent: int
    heard: int
    operations: int


@dataclass(frozen=True)
class Fault:
    """What happens in which turn; ``share`` of its bytes or flash operations are over by then."""

    what: What
    turn: int
    share: float = 0.5


@cache
def plan_of(chip):
    row = CHIPS[chip]
    package = read_package(stock_package(row.module))
    return burn.make_plan(package, **dict(row.plan))


@cache
def images_of(chip):
    """(offset in the flash, content) of everything in the package that has a place there."""
    row = CHIPS[chip]
    identity, capacity = identity_of(row.module, "m1"), identity_of(row.module, "m1").geometry.capacity_bytes
    found = []
    for part in read_package(stock_package(row.module)).parts:
        at = identity.offset_of_address(part.address)
        if part.kind == "code" and part.data and 0 <= at < capacity:
            found.append((at, part.data))
    assert len(found) >= 3
    return found


class Bench:
    """One module and its clock; every ``burn`` is a try with a fresh session on the host's side."""

    def __init__(self, chip):
        self.chip = chip
        self.identity = identity_of(CHIPS[chip].module, "m1")
        self.memory = MemoryFlash(self.identity.geometry)
        self.flash = FaultyFlash(self.memory)
        self.storage.nv.write_block(factory_block(self.identity.factory_imei, "m1"))
        factory = self.identity.profile.partition("factory")
        files = self.identity.profile.partition("system_fs")
        self.own = [
            (self.identity.offset_of(one), self.identity.offset_of(one) + one.size_bytes)
            for one in (factory, files)
            if one
        ] or [(self.identity.geometry.capacity_bytes - 0x20000, self.identity.geometry.capacity_bytes)]
        for at, end in self._elsewhere():
            self.memory.cells[at:end] = bytes(end - at)
        self.blank = bytes(self.memory.cells)
        self.saved_nv = None
        self.power()

    @property
    def storage(self):
        return self.identity.storage(self.flash)

    def _elsewhere(self):
        """Ranges of the flash that are not the module's own."""
        at, ranges = 0, []
        for start, end in sorted(self.own):
            ranges.append((at, start))
            at = end
        return [*ranges, (at, self.identity.geometry.capacity_bytes)]

    def renew(self):
        """The module as it was before the first try."""
        self.memory.cells[:] = self.blank
        self.saved_nv = None
        self.power()

    def power(self):
        """Somebody re-powers it in download mode."""
        self.now = 0.0
        self.flash.arm("")
        self.flash.power_on()
        self.module = download_sessions.session_for(self.identity, self.storage, DownloadFaults())
        self.module.advance(self.now)
        self.has_port = True

    # ---- one try -----------------------------------------------------------------------------------------------------

    def burn(self, fault=None):
        """The turns of one try.

        Raises:
            ModulineError: as the driver or the loop raises it.
        """
        self.session = session_for(plan_of(self.chip))
        self.turns, self._spoil, self._fault, self._nv_state = [], None, fault, ""
        self.has_port = True
        self._part = ""
        self._told(self.session.start(self.now))
        while not self.session.is_over:
            self._turn()
            assert len(self.turns) < 20_000, "the burn does not end"
        return self.turns

    def _turn(self):
        session = self.session
        number, state, part = len(self.turns), session.state.name, self._part
        data = session.bytes_to_send()
        if not data and getattr(session, "is_streaming", False):
            data, events = session.more_to_send(self.now)
            self._told(events)
        session.prepare()
        fault = self._fault if self._fault is not None and self._fault.turn == number else None
        before = self.flash.operation
        heard = self._heard(data, fault)
        self.turns.append(Turn(number, state, part, len(data), len(heard), self.flash.operation - before))
        if not self.has_port:
            self._gone()
        elif heard:
            self._told(session.receive(heard, self.now))
        elif not data and not getattr(session, "is_streaming", False):
            self._wait()

    def _heard(self, data, fault):
        """What comes back for ``data``, whatever is to happen now having happened."""
        what = fault.what if fault else None
        if what in {What.CUT_BEFORE, What.UNPLUG}:
            if what is What.UNPLUG and data:
                self._tell_module(data[: int(len(data) * fault.share)])
            self.has_port = False
            return b""
        if what is What.CUT_INSIDE:
            operations = self.operations_at(fault.turn)
            self.flash.arm(f"tear@{int(operations * fault.share)}:{fault.turn}" if operations else "")
        if what in {What.HOST_LOST, What.HOST_SPOILT}:
            data = _hurt(data, fault)
        self._tell_module(data)
        said = self.module.bytes_to_send() if self.has_port else b""
        if what in {What.CUT_AFTER, What.CUT_INSIDE}:
            self.has_port = False
            return b""
        return _hurt(said, fault) if what in {What.MODULE_LOST, What.MODULE_SPOILT} else said

    def operations_at(self, number):
        """Flash operations of that turn in an undisturbed burn."""
        return clean_turns(self.chip)[number].operations

    def _tell_module(self, data):
        try:
            events = self.module.advance(self.now)
            if data:
                events = [*events, *self.module.receive(data)]
        except FlashCut:
            self.has_port = False
            return
        self._ended(events)

    def _ended(self, events):
        self._has_reset = any(isinstance(event, ResetWanted | PowerOffWanted) for event in events)

    def _wait(self):
        """Time goes on until the module speaks by itself, resets or the host wakes up."""
        session = self.session
        while session.wake_at is not None and self.now < session.wake_at:
            due = self.module.wake_at_s
            if due is None or due >= session.wake_at:
                break
            self.now = max(self.now, due)
            self._ended(self.module.advance(self.now))
            if said := self.module.bytes_to_send():
                self._told(session.receive(said, self.now))
                return
            if self._has_reset:
                self.has_port = False
                self._gone()
                return
        self.now = max(self.now, session.wake_at)
        self._told(session.wake(self.now))

    def _gone(self):
        """The loop's rule: a port may vanish where the session says so; nobody brings it back here."""
        if not self.session.may_lose_port:
            raise PortGone(port="bench")
        self._told(self.session.gone(self.now))
        if not self.session.is_over:
            raise PortGone(port="bench")

    def _told(self, events):
        for event in events:
            if isinstance(event, NvRead):
                if event.is_valid:
                    self.saved_nv = event.block
                own_nv = None if event.is_valid or event.part else self.saved_nv
                self._told(self.session.stored(self.now, own_nv))
            elif isinstance(event, StepEvent) and event.state == "begin":
                self._part = event.name

    # ---- what must be true afterwards --------------------------------------------------------------------------------

    def assert_burnt(self, hint=""):
        """Every byte of the package where it belongs, every other one as an undisturbed burn leaves it, NV kept."""
        for at, data in images_of(self.chip):
            assert self.memory.cells[at : at + len(data)] == data, (hint, f"0x{at:x}")
        expected = clean_cells(self.chip)
        for at, end in self._elsewhere():
            assert self.memory.cells[at:end] == expected[at:end], (hint, f"0x{at:x}..0x{end:x}")
        self.assert_itself(hint)

    def is_burnt(self):
        """Whether ``assert_burnt`` would pass."""
        expected = clean_cells(self.chip)
        return all(self.memory.cells[at:end] == expected[at:end] for at, end in self._elsewhere())

    def assert_itself(self, hint=""):
        """IMEI and calibration are the module's own."""
        assert self.storage.nv.imei == self.identity.factory_imei, hint


def _hurt(data, fault):
    at = min(int(len(data) * fault.share), len(data) - 1)
    if at < 0:
        return data
    if fault.what in {What.HOST_LOST, What.MODULE_LOST}:
        return data[:at] + data[at + 1 :]
    return data[:at] + bytes((data[at] ^ 0x10,)) + data[at + 1 :]


@cache
def _clean(chip):
    bench = Bench(chip)
    return tuple(bench.burn()), bytes(bench.memory.cells)


def clean_turns(chip):
    """The turns of an undisturbed burn."""
    return _clean(chip)[0]


def clean_cells(chip):
    """The flash after an undisturbed burn; ``test_burn_steps`` compares it with the package."""
    return _clean(chip)[1]
