"""One virtual module of a rehearsal: power, what it says on its ports, what lies in its flash.

The host never takes the module's word for what is in the flash, nor the flash's for what the module says: the version
is asked for on the AT port (``AT+GMR``, which no script can hold up), the bytes are read from the cells.

Source: device-api 2.2 (what a boot prints), 2.4, 3.4; docs/design/virtual-module.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, Self

from moduline.errors import FormatError, ModulineError, NoAnswer, ReplBusy
from moduline.events import Event, Notice
from moduline.formats.littlefs import read_image
from moduline.port.pty import open_pty
from moduline.profiles.module import USER_FS
from moduline.remote.at_session import AtSession
from moduline.remote.repl_session import ReplSession
from moduline.vmodule.facts import ModuleIdentity
from moduline.vmodule.interpreter.plan import RuntimePlan
from moduline.vmodule.interpreter.runtime import RuntimeState, ScriptRuntime
from moduline.vmodule.interpreter.zygote import Zygote
from moduline.vmodule.module import VirtualModule
from moduline.vmodule.module_options import ModuleOptions, Runtime
from moduline.vmodule.power import Timings
from moduline.vmodule.world.network_plan import NetworkPlan
from moduline.vmodule.world.world import World

QUICK: Final = Timings(boot_s=0.0, enumerate_s=0.0, answer_s=0.02, window_s=3600.0, power_off_s=0.02)
LIFE_LIMIT_S: Final = 120.0
"""Host seconds for one step of a life; far more than it takes on a computer that has other work."""
WATCHED_S: Final = 0.7
"""So long a main.py that does not end is watched before it counts as running; the first time longer."""
FIRST_WATCHED_S: Final = 5.0
MOST_RESTARTS: Final = 3
"""A module that restarts by itself more often than this does not run."""
MOST_TEXT: Final = 64 << 10
POLL_S: Final = 0.005
MOST_OPENINGS: Final = 3
PROMPT: Final = b">>> "
TRACEBACK: Final = b"Traceback (most recent call last):"
FLASH: Final = "flash.bin"
KEPT_NOTICES: Final = 200
Ended = Literal["up", "off", "rom", "stuck"]


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of a firmware after it came up.

    Attributes:
        ended: ``up``: it stays up.
        restarts: how often it restarted by itself meanwhile.
        last_line: of the traceback that main.py ended with; "": it did not.
    """

    ended: Ended
    restarts: int = 0
    last_line: str = ""


class Ward:
    """A module; ``async with`` opens it without power.

    Args:
        identity: who it is.
        folder: its own; ``cells`` are written there.
        zygote: where its interpreters come from.
        network: what it reaches.
        cells: content of its flash; None: as it comes from the factory, erased.
    """

    def __init__(
        self, identity: ModuleIdentity, folder: Path, zygote: Zygote, network: NetworkPlan, cells: bytes | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if cells is not None:
            (folder / FLASH).write_bytes(cells)
        self.notices: list[Notice] = []
        self.on_booting: Callable[[], None] = _nothing
        self.on_notice: Callable[[Notice], None] = lambda _: None
        self.started_at = 0  # flash operations when its last start-up was over
        self._zygote = zygote
        self._skips_main = False
        self._state = "off"
        options = ModuleOptions(
            timings=QUICK,
            uarts=(),
            world=World(network_plan=network),
            report=self._keep,
            on_change=lambda entry: self._became(entry.state),
        )
        self.module = VirtualModule(identity, folder, self._make_runtime, options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.module.close()

    # ---- power -------------------------------------------------------------------------------------------------------

    async def power_on(self, *, runs_main: bool = True) -> Ended:
        """Give it power; how that ends: it is up, dark again, or in its ROM because nothing can boot."""
        self._skips_main = not runs_main
        await self.module.power_on()
        await asyncio.sleep(0)  # its life begins
        return await self.settled(None)

    async def power_off(self) -> None:
        """Take the power away."""
        await self.module.power_off()

    async def settled(self, former: Runtime | None) -> Ended:
        """Wait until it is up in another life than ``former``, dark, or in its ROM."""
        module = self.module

        def is_up() -> bool:
            is_other = module.runtime is not None and module.runtime is not former
            return is_other and module.state == "running" and module.has_ports

        try:
            async with asyncio.timeout(LIFE_LIMIT_S):
                await module.wait_until(lambda: module.state in {"off", "download"} or is_up())
        except TimeoutError:
            return "stuck"
        return "off" if module.state == "off" else "rom" if module.state == "download" else "up"

    async def watch(self, seconds: float = WATCHED_S) -> Watched:
        """See that what came up stays up: to its prompt, or for a while once main.py runs."""
        for restarts in range(MOST_RESTARTS + 1):
            runtime = self.module.runtime
            await self._started(runtime)
            text = await self._heard(seconds)
            if self.module.runtime is runtime and self.module.state == "running":
                return Watched("up", restarts, _last_line(text))
            ended = await self.settled(runtime)
            if ended != "up":
                return Watched(ended, restarts)
        return Watched("stuck", MOST_RESTARTS)

    async def online(self) -> bool:
        """Wait for the data call that the module makes by itself after a boot."""
        radio, arrived = self.module.world.radio, asyncio.Event()
        leave = radio.subscribe(lambda _: arrived.set())
        try:
            async with asyncio.timeout(LIFE_LIMIT_S):
                while not radio.has_data:
                    if self.module.state != "running":
                        return False
                    arrived.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(arrived.wait(), 1.0)
        except TimeoutError:
            return False
        finally:
            leave()
        return True

    # ---- what it says ------------------------------------------------------------------------------------------------

    async def version(self) -> str:
        """What it reports as its firmware version; "": it does not answer."""
        try:
            async with AtSession(open_pty(self.module.port_path("at"))) as at:
                said = await at.ask("AT+GMR", LIFE_LIMIT_S)
        except ModulineError:
            return ""
        return " ".join(said.lines).strip()

    async def run(self, code: str) -> str:
        """Run a script at its prompt; why it did not work, "" also when the module went away meanwhile."""
        said = ""
        for _ in range(MOST_OPENINGS):  # a busy computer may let an answer wait
            if self.module.state != "running":
                return ""
            session: ReplSession | None = None
            try:
                session = ReplSession(open_pty(self.module.port_path("repl")))
                await session.open()
                await session.exec(code, timeout_s=LIFE_LIMIT_S)
            except (NoAnswer, ReplBusy) as silent:
                said = silent.message("en")
                continue
            except ModulineError as wrong:
                is_there = self.module.state == "running"
                return str(wrong.facts.get("last_line", wrong.message("en"))) if is_there else ""
            finally:
                if session is not None:
                    with contextlib.suppress(ModulineError):
                        await session.close()
            return ""
        return said

    # ---- what lies in it ---------------------------------------------------------------------------------------------

    def cells(self) -> bytes:
        """All of its flash."""
        memory = self.module.file.memory
        return bytes(memory.read(0, memory.geometry.capacity_bytes))

    def digest(self, role: str, size: int) -> bytes:
        """SHA-256 of the beginning of a partition; of nothing, where there is no such partition."""
        place = self.module.identity.profile.partition(role)
        if place is None:
            return hashlib.sha256(b"").digest()
        offset = self.module.identity.offset_of(place)
        return hashlib.sha256(self.module.file.memory.read(offset, size)).digest()

    def files(self) -> dict[str, bytes]:
        """Files of ``/usr``, without those that ``app_fota`` has staged."""
        place = self.module.identity.profile.partition(USER_FS)
        if place is None:
            return {}
        offset = self.module.identity.offset_of(place)
        data = bytes(self.module.file.memory.read(offset, place.size_bytes))
        try:
            entries = read_image(data, self.module.identity.profile.fs.kind).entries
        except FormatError:  # erased or torn: the firmware that boots makes a new one
            return {}
        return {name: found for name, found in entries if found is not None and not name.startswith(".updater/")}

    @property
    def operation(self) -> int:
        """Flash operations since the cuts were armed or the power came."""
        return self.module.file.flash.operation

    def slugs(self) -> list[str]:
        """Of what happened inside."""
        return [one.slug for one in self.notices]

    def refusal(self) -> str:
        """Why its update service or boot code refused an update; "": it did not."""
        for one in reversed(self.notices):
            if one.slug in {"virt.update-refused", "virt.update-failed"}:
                return str(one.facts.get("reason", one.slug))[:300]
        return ""

    # ---- inside ------------------------------------------------------------------------------------------------------

    async def _started(self, runtime: Runtime | None) -> None:
        """Wait until its start-up is over, in which staged scripts are copied: main.py runs, or it has gone again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIFE_LIMIT_S):
                while isinstance(runtime, ScriptRuntime) and runtime.state is RuntimeState.BOOTING:
                    if self.module.runtime is not runtime:
                        return
                    await asyncio.sleep(POLL_S)  # the runtime tells nobody

    async def _heard(self, seconds: float) -> bytes:
        """What its console says until the prompt, for a while at most."""
        text = b""
        with contextlib.suppress(TimeoutError, ModulineError):
            stream = open_pty(self.module.port_path("repl"))
            try:
                async with asyncio.timeout(seconds):
                    while not text.endswith(PROMPT):
                        text = (text + await stream.read_some())[-MOST_TEXT:]
            finally:
                await stream.close()
        return text

    async def _make_runtime(self, plan: RuntimePlan) -> Runtime:
        plan = replace(plan, skips_main=self._skips_main)
        self._skips_main = False
        runtime = ScriptRuntime(plan, self._zygote)
        runtime.on_booted = lambda: self._booted(runtime)
        return runtime

    def _booted(self, runtime: ScriptRuntime) -> None:
        if runtime.boots == 1:  # a soft reset is main.py's own doing
            self.started_at = self.operation

    def _became(self, state: str) -> None:
        is_new, self._state = state != self._state, state
        if is_new and state == "booting":
            self.on_booting()

    def _keep(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.notices = [*self.notices[-KEPT_NOTICES:], event]
            self.on_notice(event)


def _nothing() -> None:
    return None


def _last_line(text: bytes) -> str:
    if TRACEBACK not in text:
        return ""
    lines = text.rpartition(TRACEBACK)[2].decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    return next((one.strip()[:200] for one in lines if one and not one.startswith((" ", ">>>"))), "?")
