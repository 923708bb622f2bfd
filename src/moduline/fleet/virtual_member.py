"""One full virtual module of a fleet: it lives by itself; its console is read, and what its boot code does is noted.

::

    script ──prints──▶ console ──lines──▶ plans, refusals, results ┐
    boot code ──notices──▶ accepted, refused, done ────────────────┴▶ outcome

A result counts when the platform has it: the SDK calls ``fotaResult`` once the platform has acknowledged the report. A
script that prints no results is believed by its boot code instead, `GRACE_S` after the module has booted again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from moduline.events import Event, Notice, Reporter, silent
from moduline.fleet.exchange import Outcome
from moduline.fleet.virtual_script import ONLINE, PLAN, REFUSED, RESULT
from moduline.port.pty import open_pty
from moduline.port.stream import ByteStream
from moduline.remote.console import Console
from moduline.vmodule.facts import ModuleIdentity
from moduline.vmodule.module import VirtualModule
from moduline.vmodule.module_options import MakeRuntime, ModuleOptions

GRACE_S: Final = 15.0
KEPT_CHARS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class VirtualDevice:
    """How one full virtual module stands.

    Attributes:
        dk: its device key, which is its IMEI.
        model: such as ``EC600N``.
        state: ``off``, ``booting``, ``running`` or ``download``.
        version_before: of the firmware it first ran in this run.
        version: of the firmware it runs, or ran last.
        boots: how many times it has come up.
        plans: offers its script has told.
        outcome: of its last upgrade; "none" without one.
        reason: why it failed or was refused; else empty.
    """

    dk: str
    model: str
    state: str
    version_before: str
    version: str
    boots: int
    plans: int
    outcome: str
    reason: str


class VirtualMember:
    """A module with power over its own life; made, opened and closed on one event loop.

    Args:
        identity: who it is.
        folder: with its flash file.
        make_runtime: makes what runs its scripts.
        options: how it is set up; what it reports is listened to.
        report: hears of ends of upgrades.
    """

    def __init__(
        self,
        identity: ModuleIdentity,
        folder: Path,
        make_runtime: MakeRuntime,
        options: ModuleOptions,
        report: Reporter = silent,
    ) -> None:
        self.text = ""  # what it has printed lately, LF at line ends
        self.notices: list[Notice] = []
        self.is_online_seen = False
        self._report = report
        self._part = ""  # of a line
        self._before = self._version = ""
        self._boots = self._plans = 0
        self._outcome: Outcome | None = None
        self._reason = ""
        self._believed: asyncio.TimerHandle | None = None  # the boot code has ended an update; nobody has confirmed it
        self._was_running = False
        self._printed = asyncio.Event()
        mine = replace(options, report=self._note, on_change=lambda _: self._look())
        self.module = VirtualModule(identity, folder, make_runtime, mine)
        self._console = Console(self._port, self._hear)
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Give it power; returns at once."""
        self._listening = asyncio.create_task(self._console.open())
        await self.module.power_on()

    async def close(self) -> None:
        """Take its power and let go of everything."""
        self._forget_timer()
        await self.module.power_off()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self._console.close()
        await self.module.close()

    async def type(self, line: str) -> None:
        """Type a line at its prompt, as somebody at its REPL port does.

        Raises:
            PortGone: it is not up.
        """
        await self._console.write(line.encode() + b"\r\n")

    async def wait_for(self, is_so: Callable[[VirtualMember], bool]) -> None:
        """Return when it is so; looked at whenever it prints or changes. The caller sets the time limit."""
        while not is_so(self):
            self._printed.clear()
            await self._printed.wait()

    @property
    def device(self) -> VirtualDevice:
        """How it stands."""
        return VirtualDevice(
            dk=self.module.imei,
            model=self.module.identity.profile.identity.model,
            state=self.module.state,
            version_before=self._before,
            version=self._version,
            boots=self._boots,
            plans=self._plans,
            outcome="none" if self._outcome is None else self._outcome.value,
            reason=self._reason,
        )

    @property
    def is_done(self) -> bool:
        """Whether it has come to the end of an upgrade."""
        return self._outcome is not None

    # -- what it says

    async def _port(self) -> ByteStream:
        await self.module.wait_until(lambda: bool(self.module.port_path("repl")))
        return open_pty(self.module.port_path("repl"))

    def _hear(self, data: bytes) -> None:
        said = data.decode("utf-8", "replace").replace("\r", "")
        self.text = (self.text + said)[-KEPT_CHARS:]
        *lines, self._part = (self._part + said).split("\n")
        for line in lines:
            self._read(line.removeprefix(">>> "))
        self._part = self._part[-KEPT_CHARS:]
        self._printed.set()

    def _read(self, line: str) -> None:
        """A line of the script."""
        if line.startswith(PLAN):
            self._plans += 1
            self.is_online_seen = True
        elif line == ONLINE:
            self.is_online_seen = True
        elif line == REFUSED:
            self._end(Outcome.REFUSED, "user")
        elif line.startswith(RESULT):
            is_good = line.endswith(" True")
            self._end(Outcome.UPGRADED if is_good else Outcome.FAILED, "" if is_good else self._reason or "result")

    def _note(self, event: Event) -> None:
        """What boot code and update service say."""
        if not isinstance(event, Notice):
            return
        self.notices.append(event)
        if event.slug == "virt.update-accepted":
            self._outcome, self._reason = None, ""
            self._forget_timer()
        elif event.slug == "virt.update-refused":
            self._reason = "update-refused"
            self._believe_later()
        elif event.slug == "virt.update-done":
            self._reason = str(event.facts.get("reason", ""))
            self._believe_later()
        self._printed.set()

    def _look(self) -> None:
        """Its state or its ports have changed."""
        is_running = self.module.state == "running"
        self._boots += is_running and not self._was_running
        self._was_running = is_running
        if self.module.firmware_version:
            self._version = self.module.firmware_version
            self._before = self._before or self._version
        self._printed.set()

    def _believe_later(self) -> None:
        """What the boot code says counts after a while, unless the script says how it ended."""
        self._forget_timer()
        self._believed = asyncio.get_running_loop().call_later(GRACE_S, self._believe)

    def _believe(self) -> None:
        self._end(Outcome.FAILED if self._reason else Outcome.UPGRADED)

    def _forget_timer(self) -> None:
        if self._believed is not None:
            self._believed.cancel()
            self._believed = None

    def _end(self, outcome: Outcome, reason: str = "") -> None:
        self._forget_timer()
        self._outcome, self._reason = outcome, reason or self._reason
        facts = {"outcome": outcome.value, "reason": self._reason, "component": "", "target": self._version}
        self._report(Notice("fleet.ended", where=self.module.imei, facts={**facts, "is_virtual": True}))
