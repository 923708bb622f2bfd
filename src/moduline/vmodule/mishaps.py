"""What happens to a module by the words of faults: now, after a time, or when a limit is reached.

Switches go to ``faults.Faults``, where sessions look; this file carries out what is an act: pulling the cable, cutting
the power, stopping the interpreter, changing the surroundings. Times run on the module's own clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Protocol, assert_never

from moduline.errors import BadOption, Text
from moduline.profiles.module import ModuleProfile
from moduline.vmodule.faults.line import Line
from moduline.vmodule.faults.switches import Faults, add_fault, clear, forget_word, remove_fault
from moduline.vmodule.faults.words import (
    Fault,
    FlashFault,
    Happening,
    LineFault,
    Moment,
    SlowFault,
    Surrounding,
    Switch,
    TimedFault,
    TrafficFault,
    parse_faults,
)
from moduline.vmodule.world.world import World


class Victim(Protocol):
    """The module, as far as mishaps reach."""

    @property
    def content_bytes(self) -> int:
        """Content of the last package that was in it whole."""

    def arm_cuts(self) -> None:
        """Hand pending cuts to the flash."""

    def disarm_cuts(self) -> None:
        """Take back cuts that were handed to the flash."""

    async def cut_power(self) -> None:
        """The supply breaks off."""

    async def power_on(self) -> None:
        """The supply comes back."""

    async def pull_cable(self) -> None:
        """The cable goes out."""

    async def put_in_cable(self) -> None:
        """The cable is put in."""

    def bite(self) -> None:
        """The watchdog restarts it."""

    def hang(self) -> None:
        """Stop the interpreter, if it runs."""

    def unhang(self) -> None:
        """Let it go on."""


class Mishaps:
    """Carries out faults on one module.

    Args:
        victim: the module.
        profile: of the module.
        faults: its switches.
        lines: of its ports, by role.
        world: its surroundings; its clock times what is timed.
        seed: decides which bytes are lost where a word names no seed.
    """

    def __init__(
        self,
        victim: Victim,
        profile: ModuleProfile,
        faults: Faults,
        lines: Mapping[str, Line],
        world: World,
        seed: int,
    ) -> None:
        self._victim = victim
        self._profile = profile
        self._faults = faults
        self._lines = lines
        self._world = world
        self._seed = seed
        self._is_world_changed = False
        self._timers: set[asyncio.TimerHandle] = set()
        self._timed: dict[str, list[asyncio.TimerHandle]] = {}
        self._counted: dict[str, list[Callable[[], None]]] = {}
        self._acts: set[asyncio.Task[None]] = set()

    def add(self, spec: str) -> None:
        """Carry out what ``spec`` says.

        Raises:
            BadOption: a word is none of the forms, or cannot be meant here; then nothing of it was done.
        """
        parsed = parse_faults(spec)
        for fault in parsed:
            self._check(fault)
        for fault in parsed:
            add_fault(self._faults, fault, self._profile, self._victim.content_bytes)
            self._do(fault)

    def remove(self, spec: str) -> None:
        """End what the words of ``spec`` switched on; what has happened is not undone.

        Raises:
            BadOption: a word is not switched on; then nothing of it was done.
        """
        parsed = parse_faults(spec)
        for fault in parsed:
            if fault.word not in self._faults.words:
                known = ", ".join(self._faults.words) or "-"
                why = Text("'{word}' is not on; on now: {known}", "“{word}”未生效；当前生效：{known}")
                raise BadOption(name="SPEC", reason=why, word=fault.word, known=known)
        for fault in parsed:
            remove_fault(self._faults, fault, self._profile)
            self._undo(fault)

    def after(self, seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        """Call ``act`` when so many seconds of the module's clock have passed, unless the module is closed before."""
        handle: asyncio.TimerHandle

        def due() -> None:
            self._timers.discard(handle)
            act()

        handle = self._world.clock.call_later(seconds, due)
        self._timers.add(handle)
        return handle

    async def acted(self) -> None:
        """Return when what has begun to happen has happened."""
        await asyncio.gather(*self._acts, return_exceptions=True)

    async def close(self) -> None:
        """Nothing more happens."""
        self._forget_timers()
        for act in tuple(self._acts):
            act.cancel()
        await asyncio.gather(*self._acts, return_exceptions=True)

    def _check(self, fault: Fault) -> None:
        """See that ``add_fault`` will not refuse it."""
        trial = Faults()
        add_fault(trial, fault, self._profile, self._victim.content_bytes)
        if isinstance(fault, LineFault | SlowFault | TrafficFault) and fault.role not in {"", *self._lines}:
            known = ", ".join(self._lines)
            why = Text("no port '{role}'; known: {known}", "没有端口“{role}”；已知：{known}")
            raise BadOption(name="SPEC", reason=why, role=fault.role, known=known)

    def _do(self, fault: Fault) -> None:
        if isinstance(fault, LineFault | SlowFault):
            self._spoil(fault)
        elif isinstance(fault, TimedFault):
            handle = self.after(fault.seconds, partial(self._happens, fault.happening, fault.word))
            self._timed.setdefault(fault.word, []).append(handle)
        elif isinstance(fault, TrafficFault):
            then = partial(self._happens, fault.happening, fault.word)
            self._counted.setdefault(fault.word, []).append(then)
            self._lines[fault.role].after(fault.count, then)
        elif isinstance(fault, Surrounding):
            self._is_world_changed = True
            self._world.radio.set_fault(fault.word)
        elif isinstance(fault, Moment):
            self._now(fault.word)
        elif isinstance(fault, Switch):
            if fault.word == "repl-silent":
                self._lines["repl"].is_mute = True
            elif fault.word == "hang":
                self._victim.hang()
        self._victim.arm_cuts()

    def _spoil(self, fault: LineFault | SlowFault) -> None:
        if isinstance(fault, SlowFault):
            self._lines[fault.role].bytes_per_s = fault.bytes_per_s
            return
        seed = self._seed if fault.seed is None else fault.seed
        for role in [fault.role] if fault.role else self._lines:
            self._lines[role].spoil(fault.kind, fault.one_in, seed)

    def _undo(self, fault: Fault) -> None:
        if isinstance(fault, FlashFault):
            self._victim.disarm_cuts()
        elif isinstance(fault, LineFault):
            seed = self._seed if fault.seed is None else fault.seed
            for role in [fault.role] if fault.role else self._lines:
                self._lines[role].unspoil(fault.kind, fault.one_in, seed)
        elif isinstance(fault, SlowFault):
            left = [one for word in self._faults.words for one in parse_faults(word) if isinstance(one, SlowFault)]
            rates = [one.bytes_per_s for one in left if one.role == fault.role]
            self._lines[fault.role].bytes_per_s = rates[-1] if rates else 0
        elif isinstance(fault, TimedFault):
            handle = self._timed[fault.word].pop()
            handle.cancel()
            self._timers.discard(handle)
        elif isinstance(fault, TrafficFault):
            self._lines[fault.role].forget(self._counted[fault.word].pop())
        elif isinstance(fault, Surrounding):
            self._world.radio.undo_fault(fault.word)
        elif fault.word == "repl-silent":
            self._lines["repl"].is_mute = False
        elif fault.word == "hang":
            self._victim.unhang()

    def _now(self, word: str) -> None:
        if word == "clear":
            self._forget_timers()
            self._victim.disarm_cuts()
            self._victim.unhang()
            if self._is_world_changed:
                self._world.radio.set_fault(word)
            self._is_world_changed = False
            clear(self._faults)
            for line in self._lines.values():
                line.clear()
            self._act(self._victim.put_in_cable())
        elif word == "watchdog":
            self._victim.bite()
        elif word == "unplug":
            self._happens("unplug", word)
        else:
            self._happens("replug", word)

    def _happens(self, what: Happening, word: str) -> None:
        forget_word(self._faults, word)
        for waiting in (self._timed.get(word), self._counted.get(word)):
            if waiting:
                del waiting[0]
        if what == "cut":
            self._act(self._victim.cut_power())
        elif what == "unplug":
            self._act(self._victim.pull_cable())
        elif what == "replug":
            self._act(self._victim.put_in_cable())
        elif what == "power":
            self._act(self._victim.power_on())
        else:
            assert_never(what)

    def _act(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)

    def _forget_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._timed.clear()
        self._counted.clear()
