"""Ports that are held only to look at: their holder steps aside when something else of Moduline wants one.

::

    terminal ── hold(path) ──▶ {path: step_aside}, and <home>/held/MARK.json for other processes
    burn job ── open_port ──▶ make_way(path) ──▶ step_aside() in the terminal's own loop ──▶ the port is free
    moduline exec ── open_port ──▶ make_way(path) ──▶ <home>/held/MARK.ask ──▶ the same, in the other process

A holder takes the port again when the other has let go; until then its own opening ends with PortBusy. Programs that
are none of ours find the port busy, as with any terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from moduline.port import registry

StepAside = Callable[[], Coroutine[Any, Any, None]]

ASK_EVERY_S: Final = 0.2
WAIT_EVERY_S: Final = 0.05
WAIT_S: Final = 5.0
"""So long another process may take to step aside; then the port is found busy, which says who has it."""

_lock = threading.Lock()
_holders: dict[str, tuple[asyncio.AbstractEventLoop, StepAside]] = {}


def hold(path: str, step_aside: StepAside) -> Callable[[], None]:
    """Say that a port is held by somebody who steps aside; gives what takes this back.

    Args:
        path: of the port, as in ``PortInfo.path``.
        step_aside: closes the port; run in the event loop of this call.
    """
    key = _key(path)
    held = (asyncio.get_running_loop(), step_aside)
    with _lock:
        _holders[key] = held
    _publish(key)
    listening = asyncio.create_task(_listen(key, held))

    def withdraw() -> None:
        with _lock:
            is_mine = _holders.get(key) is held
            if is_mine:
                del _holders[key]
        if is_mine:
            _unpublish(key)
        if listening is not asyncio.current_task():
            listening.cancel()

    return withdraw


def is_held(path: str) -> bool:
    """Whether somebody in this process holds the port who would step aside."""
    with _lock:
        return _key(path) in _holders


async def make_way(path: str) -> None:
    """Have the holder of a port step aside, if there is one; returns when the port is closed."""
    key = _key(path)
    with _lock:
        held = _holders.pop(key, None)
    if held is None:
        await _ask_elsewhere(key)
        return
    _unpublish(key)
    loop, step_aside = held
    if loop is asyncio.get_running_loop():
        await step_aside()
    elif not loop.is_closed():
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(step_aside(), loop))


async def _listen(key: str, held: tuple[asyncio.AbstractEventLoop, StepAside]) -> None:
    """Wait for another process to ask."""
    asked = _file(key, "ask")
    while not asked.exists():  # noqa: ASYNC110  another process tells by a file
        await asyncio.sleep(ASK_EVERY_S)
    with _lock:
        is_mine = _holders.get(key) is held
        if is_mine:
            del _holders[key]
    if is_mine:
        await held[1]()
        _unpublish(key)


async def _ask_elsewhere(key: str) -> None:
    """Ask the process that holds it, where one says that it does."""
    holder = _file(key, "json")
    if not await asyncio.to_thread(_is_held_elsewhere, holder):
        return
    with contextlib.suppress(OSError):  # TimeoutError among them: the port is found busy, which says who has it
        _file(key, "ask").touch()
        async with asyncio.timeout(WAIT_S):
            while holder.exists():  # noqa: ASYNC110  another process tells by a file
                await asyncio.sleep(WAIT_EVERY_S)


def _is_held_elsewhere(holder: Path) -> bool:
    try:
        facts = json.loads(holder.read_text("utf-8"))
        process, mark = int(facts["process"]), str(facts["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if process == os.getpid():
        return False
    return registry.is_running(process) and registry.process_mark(process) == mark


def _publish(key: str) -> None:
    """Tell other processes; where that cannot be written they find the port busy, as ever."""
    process = os.getpid()
    facts = {"port": key, "process": process, "started": registry.process_mark(process)}
    with contextlib.suppress(OSError):
        holder = _file(key, "json")
        holder.parent.mkdir(parents=True, exist_ok=True)
        _file(key, "ask").unlink(missing_ok=True)
        holder.write_text(json.dumps(facts), "utf-8")


def _unpublish(key: str) -> None:
    with contextlib.suppress(OSError):
        _file(key, "ask").unlink(missing_ok=True)
        _file(key, "json").unlink(missing_ok=True)


def _file(key: str, kind: str) -> Path:
    return registry.home() / "held" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.{kind}"


def _key(path: str) -> str:
    """The same for every name of a port: links of virtual modules and of ``/dev/serial`` lead to one device."""
    return os.path.realpath(path) if path.startswith("/") else path
