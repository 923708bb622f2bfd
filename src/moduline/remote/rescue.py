"""Frees a module whose main.py loops for ever: a ladder, shown as a plan before the first rung is taken.

::

    interrupt   Ctrl-C, again and again for longer than the deaf first second of a script
    reset       AT+CFUN=1,1 (or the user re-powers), then Ctrl-C through the whole boot
    reburn      a rack, with the power off: the script area is read, main.py renamed in it, the area written back
    burn        a burner, in download mode: the script areas are written anew from a package; what was in them is lost
    soft-reset  from the raw prompt, which does not run main.py: leftover threads end
    disable     /usr/main.py becomes /usr/main.py.off, and no backup brings it back

The first three stop at the one that works, and each loses nothing but what the script had in memory. Firmware of 2020
(EC600S, EC100Y) looks at its input only when it comes to a prompt: bytes sent while main.py runs, in its first second
or before it, wait for a prompt that never comes. So there, writing the script area (``Ways.reburn``) is the only way.
How that is done is the caller's affair; who names no way is told which there are.

Source: device-api 2.4 (Ctrl-C, 1000 ms), 3.4 (raw mode does not run main.py), 6.3 (backups), 2.3 (S0), T03; the public
firmware source in its older state (its main task and its console reader).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from moduline.errors import (
    ModulineError,
    NoAnswer,
    NoModule,
    PeerError,
    PortBusy,
    PortGone,
    ReplBusy,
    RescueFailed,
    Text,
)
from moduline.events import Notice, Reporter, Step, silent
from moduline.port.stream import ByteStream
from moduline.remote.at_session import AtSession
from moduline.remote.files import ModuleFiles
from moduline.remote.raw_session import Limits
from moduline.remote.repl_session import ReplSession

MAIN: Final = "/usr/main.py"
RESET_COMMAND: Final = "AT+CFUN=1,1"
INTERRUPT_ATTEMPTS: Final = 3
INTERRUPT_ATTEMPTS_OF_MANY: Final = 2  # where a surer way is at hand: still three times the deaf first second
FLOOD_LIMITS: Final = Limits(entering_s=0.25)
FLOOD_ATTEMPTS: Final = 20  # per opened port; then the port is opened afresh
REOPEN_PAUSE_S: Final = 0.25
PATIENCE_S: Final = 2.5  # with a prompt still to come from ``reburn``: how long a restarted module is flooded
WAIT_S: Final = 60.0

Opener = Callable[[], Awaitable[ByteStream]]

STEPS: Final = {
    "interrupt": Text("Ctrl-C, for longer than a second", "发送 Ctrl-C，持续一秒以上"),
    "reset": Text(
        "restart the module by AT+CFUN=1,1 and send Ctrl-C while it boots",
        "用 AT+CFUN=1,1 重启模组，并在启动过程中持续发送 Ctrl-C",
    ),
    "repower": Text(
        "you re-power the module; Ctrl-C is sent while it boots", "请给模组重新上电；启动过程中会持续发送 Ctrl-C"
    ),
    "reburn": Text(
        "with its power off, read the script area, rename main.py in it, and write it back; no file is lost",
        "断电后读出脚本区，将其中的 main.py 改名后写回；不丢失任何文件",
    ),
    "burn": Text(
        "burn the script areas anew in download mode; the files in /usr and /bak are lost",
        "进入下载模式并重新烧录脚本区；/usr 与 /bak 中的文件将丢失",
    ),
    "soft-reset": Text(
        "restart the interpreter without main.py, which ends its threads", "不运行 main.py 重启解释器，结束残留线程"
    ),
    "disable": Text(
        "rename /usr/main.py to /usr/main.py.off, so that it does not start again",
        "将 /usr/main.py 改名为 /usr/main.py.off，避免再次启动",
    ),
}

SURER: Final = frozenset({"reburn", "burn"})
"""Steps that need nothing of the module's own firmware to work."""


@dataclass(frozen=True, slots=True)
class RescuePlan:
    """What will be tried, in order; up to ``reburn`` or ``burn``, the first that works is the last that is tried."""

    steps: tuple[str, ...]  # keys of STEPS
    wait_s: float  # how long a restart may take

    @property
    def has_surer(self) -> bool:
        """Whether the script area can be written when nothing else helps."""
        return not SURER.isdisjoint(self.steps)


@dataclass(frozen=True, slots=True)
class Rescued:
    """How a module was freed, and what that cost."""

    freed_by: str  # "interrupt", "reset", "repower", "reburn" or "burn"
    renamed_to: str  # absolute path; empty when there was no main.py or it was left alone
    was_protected: bool  # main.py was on the list of files that a backup restores
    lost_files: tuple[str, ...] = ()  # a burnt script area loses what was in it; the other ways lose nothing


@dataclass(frozen=True, slots=True)
class Reburnt:
    """What writing the script area back did."""

    renamed_to: str  # absolute path; empty when there was no main.py in it
    was_protected: bool
    lost_files: tuple[str, ...] = ()  # folders whose content is gone


@dataclass(frozen=True, slots=True)
class Ways:
    """How to reach the module; the openers find its ports anew at each call.

    ``reburn`` writes the script area; ``reburn_step`` says which of ``STEPS`` that is.
    """

    address: str
    open_repl: Opener
    open_at: Opener | None = None
    reburn: Callable[[], Awaitable[Reburnt]] | None = None
    reburn_step: str = "reburn"


def plan_rescue(ways: Ways, *, renames: bool = True, wait_s: float = WAIT_S) -> RescuePlan:
    """The ladder for a module with these ports."""
    restart = "reset" if ways.open_at is not None else "repower"
    reburn = (ways.reburn_step,) if ways.reburn is not None and renames else ()
    return RescuePlan(("interrupt", restart, *reburn, "soft-reset", *(("disable",) if renames else ())), wait_s)


async def rescue(ways: Ways, plan: RescuePlan, report: Reporter = silent) -> Rescued:
    """Carry out the plan.

    Raises:
        RescueFailed: Ctrl-C is not honoured; only burning helps.
        NoModule: the REPL port never showed up.
        ReplProtected: the REPL is locked.
        RemoteFileFailed: main.py could not be renamed.
    """
    tried: list[str] = []
    opened: list[ByteStream] = []
    ways = _counting(ways, opened)
    for name in plan.steps:
        if name in {"soft-reset", "disable"}:
            continue
        tried.append(name)
        report(Step(f"rescue.{name}", "begin", ways.address))
        reburnt: Reburnt | None = None
        if name == "interrupt":
            repl = await _interrupt(ways, INTERRUPT_ATTEMPTS_OF_MANY if plan.has_surer else INTERRUPT_ATTEMPTS)
        elif name in SURER:
            repl, reburnt = await _reburn(ways, plan.wait_s)
        else:
            repl = await _restart(ways, name, plan, report)
        report(Step(f"rescue.{name}", "done" if repl else "failed", ways.address))
        if repl is not None:
            try:
                return await _finish(repl, ways, plan, name, report, reburnt)
            finally:
                await repl.close()
    if not opened:
        raise NoModule(address=ways.address)
    raise RescueFailed(port=ways.address, tried=", ".join(tried), address=ways.address)


async def stop(stream: ByteStream) -> bool:
    """Interrupt what runs and leave the friendly prompt; True when that ended a main.py.

    Raises:
        ReplBusy, NoAnswer: it does not stop.
        ReplProtected: the REPL is locked.
    """
    async with ReplSession(stream) as repl:
        return repl.has_interrupted_boot


def _counting(ways: Ways, opened: list[ByteStream]) -> Ways:
    """The same ways; ``opened`` grows with each REPL port that could be opened."""

    async def open_repl() -> ByteStream:
        stream = await ways.open_repl()
        opened.append(stream)
        return stream

    return replace(ways, open_repl=open_repl)


async def _interrupt(ways: Ways, attempts: int) -> ReplSession | None:
    try:
        repl = ReplSession(await ways.open_repl())
    except (NoModule, PortBusy, PortGone):  # a main.py that restarts the module takes the port along
        return None
    return repl if await _has_opened(repl, attempts) else None


async def _restart(ways: Ways, name: str, plan: RescuePlan, report: Reporter) -> ReplSession | None:
    if name == "repower":
        report(Notice("remote.repower-now", ways.address))
    elif not await _has_reset(ways, report):
        return None
    return await _flood(ways, plan.wait_s, PATIENCE_S if plan.has_surer else plan.wait_s)


async def _reburn(ways: Ways, wait_s: float) -> tuple[ReplSession | None, Reburnt | None]:
    assert ways.reburn is not None, "the plan writes the area only where there is a way"
    reburnt = await ways.reburn()
    return await _flood(ways, wait_s, wait_s), reburnt


async def _flood(ways: Ways, wait_s: float, patience_s: float) -> ReplSession | None:
    """Open the REPL as soon as it shows up and send Ctrl-C until the prompt comes.

    Args:
        ways: to the module.
        wait_s: for all of it.
        patience_s: for the prompt, from the port's first showing up on.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    is_there = False
    while loop.time() < deadline:
        try:
            repl = ReplSession(await ways.open_repl(), limits=FLOOD_LIMITS)
        except (NoModule, PortBusy, PortGone):
            await asyncio.sleep(REOPEN_PAUSE_S)
            continue
        if not is_there:
            is_there, deadline = True, min(deadline, loop.time() + patience_s)
        attempts = max(1, min(FLOOD_ATTEMPTS, round((deadline - loop.time()) / FLOOD_LIMITS.entering_s)))
        if await _has_opened(repl, attempts):
            return repl
    return None


async def _has_reset(ways: Ways, report: Reporter) -> bool:
    assert ways.open_at is not None, "the plan says reset only where there is an AT port"
    try:
        async with AtSession(await ways.open_at()) as at:
            with contextlib.suppress(NoAnswer, PortGone):  # a module may restart before it says OK
                await at.tell(RESET_COMMAND)
    except ModulineError as failure:
        report(Notice("remote.no-at-reset", ways.address, {"code": failure.code, "reason": failure.message()}))
        return False
    return True


async def _has_opened(repl: ReplSession, attempts: int) -> bool:
    """True with the session open; False with it closed."""
    try:
        await repl.open(attempts)
    except (ReplBusy, NoAnswer, PortGone):
        await repl.close()
        return False
    except BaseException:
        await repl.close()
        raise
    return True


async def _finish(
    repl: ReplSession, ways: Ways, plan: RescuePlan, freed_by: str, report: Reporter, reburnt: Reburnt | None
) -> Rescued:
    if "soft-reset" in plan.steps:
        try:
            await repl.soft_reset()
        except PeerError as failure:
            raise RescueFailed(port=ways.address, tried=f"{freed_by}, soft-reset", address=ways.address) from failure
        report(Step("rescue.soft-reset", "done", ways.address))
    renamed_to = reburnt.renamed_to if reburnt is not None else ""
    was_protected = reburnt is not None and reburnt.was_protected
    files = ModuleFiles(repl)
    if "disable" in plan.steps and await files.find(MAIN) is not None:
        was_protected = await files.unlist(MAIN)
        renamed_to = await _free_name(files)
        await files.rename(MAIN, renamed_to)
        report(Step("rescue.disable", "done", ways.address, {"path": renamed_to}))
    return Rescued(freed_by, renamed_to, was_protected, reburnt.lost_files if reburnt is not None else ())


async def _free_name(files: ModuleFiles) -> str:
    number = 1
    while await files.find(name := f"{MAIN}.off{number if number > 1 else ''}") is not None:
        number += 1
    return name
