"""The REPL of a module for pages and jobs: one session after another, each in a thread that may wait for its port."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from moduline.errors import PortBusy, Text
from moduline.remote import reach
from moduline.remote.files import ModuleFiles
from moduline.remote.repl_session import ReplSession

T = TypeVar("T")

WAIT_S: Final = 5.0
"""So long a page waits for another one that has the module."""
LOOK_S: Final = 0.05
_BUSY: Final = Text("another page or job has it", "正被其他页面或任务占用")
_locks: dict[str, threading.Lock] = {}
_guard: Final = threading.Lock()


@asynccontextmanager
async def session(port: str, wait_s: float = WAIT_S) -> AsyncIterator[ReplSession]:
    """The REPL of a module while nobody else of this server has it; in a thread with a loop of its own.

    Args:
        port: address of the module.
        wait_s: how long to wait for its turn.

    Raises:
        PortBusy: somebody else has it.
        ModulineError: as ``reach.open_repl`` and ``ReplSession.open``.
    """
    with _guard:
        lock = _locks.setdefault(port, threading.Lock())
    until = time.monotonic() + wait_s
    while not lock.acquire(blocking=False):
        if time.monotonic() >= until:
            raise PortBusy(port=port, reason=_BUSY)
        await asyncio.sleep(LOOK_S)
    try:
        async with await reach.open_repl(port) as repl:
            yield repl
    finally:
        lock.release()


async def asked(port: str, work: Callable[[ReplSession], Awaitable[T]]) -> T:
    """Result of ``work`` on the REPL of a module, for a page: nothing of the page's loop waits.

    Raises:
        ModulineError: as ``session``, and what ``work`` raises.
    """

    async def done() -> T:
        async with session(port) as repl:
            return await work(repl)

    return await asyncio.to_thread(asyncio.run, done())


async def with_files(port: str, work: Callable[[ModuleFiles], Awaitable[T]]) -> T:
    """Result of ``work`` on the files of a module, as ``asked``."""
    return await asked(port, lambda repl: work(ModuleFiles(repl)))
