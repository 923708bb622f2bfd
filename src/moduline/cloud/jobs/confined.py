"""A task in a process of its own, with limits of memory, processor time and time; it can be ended at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moduline.cloud.jobs.child import ANSWER, PROGRESS, REQUEST, reason_of
from moduline.errors import JobBroken, Text

LOOK_EVERY_S: Final = 1.0
"""How often is asked whether the work is still wanted."""
_MOST_SAID: Final = 1000
_TOO_LONG: Final = Text("it takes longer than {most} s", "耗时超过 {most} 秒")
_KILLED: Final = Text("its process ended by itself ({status})", "其进程意外结束（{status}）")


Progress = Mapping[str, int]
"""``done`` of ``total`` pieces of work."""
IsWanted = Callable[[Progress | None], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one piece of work may use.

    Args:
        memory_bytes: address space.
        seconds: processor time, and half of the time by the clock.
    """

    memory_bytes: int = 2 << 30
    seconds: int = 1800


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task gave.

    Args:
        facts: what it says; None: it failed.
        failure: code and words; None: it did not.
    """

    facts: Mapping[str, Any] | None = None
    failure: Mapping[str, Any] | None = None


async def run(
    task: str, folder: Path, request: Mapping[str, Any], limits: Limits, is_wanted: IsWanted
) -> Answer | None:
    """Run a task to its end; None: nobody wants it any more, and it was ended.

    Args:
        task: ``module:function``; it gets the request and the folder.
        folder: its inputs lie there, its outputs come to lie there.
        request: JSON.
        limits: what it may use.
        is_wanted: asked every second, and told how far the task is; None: it has not said.

    Raises:
        OSError: the process cannot be started, or the disk is full.
    """
    (folder / REQUEST).write_text(json.dumps(dict(request)), encoding="utf-8")
    numbers = (str(limits.memory_bytes), str(limits.seconds))
    command = (sys.executable, "-m", "moduline.cloud.jobs.child", task, str(folder), *numbers)
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=nothing, stderr=nothing
    )
    try:
        return await _watch(process, folder, limits, is_wanted)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _watch(
    process: asyncio.subprocess.Process, folder: Path, limits: Limits, is_wanted: IsWanted
) -> Answer | None:
    loop = asyncio.get_running_loop()
    end = loop.time() + 2.0 * limits.seconds
    while process.returncode is None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), LOOK_EVERY_S)
            break
        if not await is_wanted(progress_of(folder)):
            return None
        if loop.time() > end:
            return Answer(failure=reason_of(JobBroken(reason=_TOO_LONG, most=2 * limits.seconds)))
    said = progress_of(folder)
    if said is not None and not await is_wanted(said):
        return None
    try:
        told = json.loads((folder / ANSWER).read_bytes())
    except FileNotFoundError:
        return Answer(failure=reason_of(JobBroken(reason=_KILLED, status=process.returncode)))
    return Answer(told.get("facts"), told.get("failure"))


def progress_of(folder: Path) -> Progress | None:
    """What a task has said last; nothing that it says can do harm."""
    try:
        said = json.loads((folder / PROGRESS).read_bytes()[:_MOST_SAID])
        done, total = int(said["done"]), int(said["total"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return {"done": min(done, total), "total": total} if done >= 0 and 0 < total < 1 << 31 else None
