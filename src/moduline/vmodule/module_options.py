"""What a virtual module needs from outside: the ends of its ports, what runs scripts, delays, a clock, listeners."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from moduline.events import Reporter, silent
from moduline.port.registry import ModuleEntry
from moduline.port.stream import ByteStream
from moduline.vmodule.interpreter.plan import RuntimePlan
from moduline.vmodule.power import LoopClock, Timings, WaitingClock
from moduline.vmodule.world.world import World


class ModuleEnd(ByteStream, Protocol):
    """The module's end of one port."""

    @property
    def path(self) -> str:
        """What a host opens."""

    def write_if_room(self, data: bytes) -> int:
        """Hand over what fits without waiting."""


class Runtime(Protocol):
    """What runs scripts: ``interpreter.ScriptRuntime``."""

    async def start(self) -> None:
        """Power has come."""

    async def stop(self) -> None:
        """Power has gone."""

    async def wait_prompt(self) -> None:
        """Return when the REPL shows a prompt."""

    def stand_still(self) -> None:
        """Run no further instruction until ``go_on`` or ``stop``."""

    def go_on(self) -> None:
        """Run again."""


MakeRuntime = Callable[[RuntimePlan], Awaitable[Runtime]]


@dataclass(frozen=True, slots=True)
class ModuleOptions:
    """How a virtual module is set up.

    Attributes:
        timings: delays.
        clock: what the delays are waited on.
        port_kind: ``pty``, or ``tcp`` where there are no pseudo-terminals.
        uarts: numbers of the UARTs that lead to ports.
        world: what surrounds it.
        seed: decides what is left to chance, such as which bytes a bad line loses.
        is_language_strict: scripts with syntax newer than the module's are refused, as on the module.
        template: an erased flash file to copy from; see ``FlashFile``.
        on_change: told after every change of state, ports or IMEI.
        report: gets notices about what happens inside.
    """

    timings: Timings = field(default_factory=Timings)
    clock: WaitingClock = field(default_factory=LoopClock)
    port_kind: Literal["pty", "tcp"] = "pty"
    uarts: tuple[int, ...] = (2,)
    world: World = field(default_factory=World)
    seed: int = 0
    is_language_strict: bool = False
    template: Path | None = None
    on_change: Callable[[ModuleEntry], None] | None = None
    report: Reporter = silent
