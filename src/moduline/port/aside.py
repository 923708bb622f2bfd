"""Ports that this program holds only to look at: their holder steps aside when another part of it wants one.

::

    terminal ── hold(path) ──▶ {path: step_aside}
    burn job ── open_port ──▶ make_way(path) ──▶ step_aside() in the terminal's own loop ──▶ the port is free

A holder takes the port again when the other has let go; until then its own opening ends with PortBusy.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

StepAside = Callable[[], Coroutine[Any, Any, None]]

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

    def withdraw() -> None:
        with _lock:
            if _holders.get(key) is held:
                del _holders[key]

    return withdraw


def is_held(path: str) -> bool:
    """Whether somebody holds the port who would step aside."""
    with _lock:
        return _key(path) in _holders


async def make_way(path: str) -> None:
    """Have the holder of a port step aside, if there is one; returns when the port is closed."""
    with _lock:
        held = _holders.pop(_key(path), None)
    if held is None:
        return
    loop, step_aside = held
    if loop is asyncio.get_running_loop():
        await step_aside()
    elif not loop.is_closed():
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(step_aside(), loop))


def _key(path: str) -> str:
    """The same for every name of a port: links of virtual modules and of ``/dev/serial`` lead to one device."""
    return os.path.realpath(path) if path.startswith("/") else path
