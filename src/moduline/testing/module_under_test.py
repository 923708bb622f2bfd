"""What a test holds in its hand: a virtual module with plain, synchronous verbs.

Times are seconds of this computer: how long the test is willing to wait, not the module's own time.
"""

from __future__ import annotations

import re
from typing import Any, Final

from moduline.events import Notice
from moduline.remote.at_session import AtAnswer
from moduline.testing.hosted import HostedModule
from moduline.testing.loop_thread import LoopThread
from moduline.testing.stored_files import StoredFiles
from moduline.vmodule.module import VirtualModule

__tracebackhide__ = True  # a failing test shows its own line, not ours

BOOT_LIMIT_S: Final = 20.0
WAIT_LIMIT_S: Final = 10.0
CODE_LIMIT_S: Final = 30.0


class Repl:
    """The raw prompt of one module; code runs as in a script, what runs already is interrupted first."""

    def __init__(self, hosted: HostedModule, loop: LoopThread) -> None:
        self._hosted = hosted
        self._loop = loop

    def exec(self, code: str, timeout: float = CODE_LIMIT_S) -> str:
        """What the code prints.

        Raises:
            ScriptRaised: it raised; ``facts["traceback"]`` has the module's own words.
            TotalTimeout: it did not end within ``timeout`` seconds and was interrupted.
            PortGone: the power went away meanwhile.
        """
        return self._loop.run(self._hosted.execute(code, timeout))

    def eval(self, expression: str, timeout: float = CODE_LIMIT_S) -> Any:
        """Value of an expression; what has no literal form comes as its repr text.

        Raises:
            ScriptRaised, TotalTimeout, PortGone: as ``exec``.
        """
        return self._loop.run(self._hosted.evaluate(expression, timeout))


class ModuleUnderTest:
    """One virtual module; without power until ``start``.

    World parts appear as attributes: ``module.radio``, ``module.clock``, ``module.bench`` and so on. What is called on
    them runs on the module's event loop.

    Args:
        hosted: the module.
        loop: where it lives.
    """

    def __init__(self, hosted: HostedModule, loop: LoopThread) -> None:
        self._hosted = hosted
        self._loop = loop
        self.name = hosted.virtual.identity.name
        self.files = StoredFiles(hosted.virtual, loop)
        self._repl = Repl(hosted, loop)

    def __repr__(self) -> str:
        return f"<{self.model} {self.name}: {self.state}>"

    # ---- power -----------------------------------------------------------------------------------------------------

    def start(self, timeout: float = BOOT_LIMIT_S, *, runs_main: bool = True) -> ModuleUnderTest:
        """Give it power; returns when it has booted, with main.py running or at the prompt.

        Args:
            timeout: seconds it may take.
            runs_main: False leaves main.py alone this one time.

        Raises:
            NoAnswer: it did not boot; the text says why.
        """
        self._loop.run(self._hosted.start(timeout, runs_main=runs_main))
        return self

    def power_off(self) -> None:
        """Take the power away, whatever it is doing."""
        self._loop.run(self._hosted.power_off())

    def reset(self, timeout: float = BOOT_LIMIT_S) -> None:
        """Pull the RESET pin; returns as ``start`` does."""
        self._loop.run(self._hosted.reset(timeout))

    def restart(self) -> None:
        """Soft reset: what runs is interrupted, main.py starts again."""
        self._loop.run(self._hosted.restart())

    def wait_off(self, timeout: float = WAIT_LIMIT_S) -> None:
        """Wait until it has lost its power, by a fault or by itself.

        Raises:
            NoAnswer: it has not.
        """
        self._loop.run(self._hosted.dark(timeout))

    def fault(self, spec: str) -> None:
        """Switch on a fault, such as ``cut@12``; the words are those of ``moduline virt fault``.

        Raises:
            BadOption: no such fault.
        """
        self._loop.call(self.virtual.fault, spec)

    # ---- what it says ----------------------------------------------------------------------------------------------

    @property
    def output(self) -> str:
        """Everything it has printed on its REPL port so far, with LF at line ends."""
        return self._hosted.text

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the virtual module told about itself, such as ``virt.formatted``."""
        return tuple(self._hosted.notices)

    def wait_for(self, wanted: str | re.Pattern[str], timeout: float = WAIT_LIMIT_S) -> str:
        """Wait until the module prints a text, or something that fits a pattern.

        Every call goes on where the last one ended, so that repeated lines can be waited for one by one.

        Returns:
            What was printed from there to the end of ``wanted``.

        Raises:
            TextNotSeen: it did not within ``timeout`` seconds.
        """
        return self._loop.run(self._hosted.wait_for(wanted, timeout))

    # ---- talking to it ---------------------------------------------------------------------------------------------

    @property
    def repl(self) -> Repl:
        """Its raw prompt."""
        return self._repl

    def at(self, command: str, timeout: float = WAIT_LIMIT_S) -> AtAnswer:
        """Answer of its AT port: ``lines``, ``result``, ``is_ok``.

        Raises:
            NoAnswer: none came.
            PortGone: it is off.
        """
        return self._loop.run(self._hosted.ask_at(command, timeout))

    def send_uart(self, data: bytes | str, number: int = 2) -> None:
        """Send bytes to the script that has UART ``number`` open."""
        self._loop.run(self._hosted.send_uart(number, data.encode() if isinstance(data, str) else data))

    def read_uart(self, size: int = 1, number: int = 2, timeout: float = WAIT_LIMIT_S) -> bytes:
        """At least ``size`` bytes that the script wrote to UART ``number``.

        Raises:
            NoAnswer: it wrote less within ``timeout`` seconds.
        """
        return self._loop.run(self._hosted.read_uart(number, size, timeout))

    # ---- what it is ------------------------------------------------------------------------------------------------

    @property
    def virtual(self) -> VirtualModule:
        """The virtual module itself; it belongs to the event loop's thread."""
        return self._hosted.virtual

    @property
    def model(self) -> str:
        """Such as ``EC600U``."""
        return self.virtual.identity.profile.identity.model

    @property
    def imei(self) -> str:
        """15 digits."""
        return self.virtual.imei

    @property
    def state(self) -> str:
        """``off``, ``booting``, ``running`` or ``download``."""
        return self.virtual.state

    def port(self, role: str = "repl") -> str:
        """Device path of a port, for host programs; empty while there is none."""
        return self.virtual.port_path(role)

    def __getattr__(self, name: str) -> Any:
        world = self.virtual.world if not name.startswith("_") else None
        if world is None or not hasattr(world, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = getattr(world, name)
        return OnLoop(value, self._loop)


class OnLoop:
    """A part of a module's world; reading, setting and calling happen on the module's event loop."""

    def __init__(self, part: Any, loop: LoopThread) -> None:
        object.__setattr__(self, "_part", part)
        object.__setattr__(self, "_loop", loop)

    def __getattr__(self, name: str) -> Any:
        value = self._loop.call(getattr, self._part, name)
        if callable(value):
            return lambda *words, **named: self._loop.call(value, *words, **named)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        self._loop.call(setattr, self._part, name, value)

    def __repr__(self) -> str:
        return repr(self._part)
