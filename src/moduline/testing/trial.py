"""A project run once on a virtual module of its own: what main.py prints, until it ends or nobody wants more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from moduline.errors import ScriptRaised
from moduline.remote.console import Console
from moduline.remote.main_output import MainOutput
from moduline.testing.private_module import private_module
from moduline.testing.project import LoadedProject

SETTLE_S: Final = 0.3
"""So long the prompt must be the last thing printed before main.py counts as over."""


async def try_project(loaded: LoadedProject, on_line: Callable[[str], None]) -> None:
    """Put a project into a new virtual module, power it on, and listen until main.py is over; cancel it to end sooner.

    Args:
        loaded: the project.
        on_line: gets every line that the module prints.

    Raises:
        TooBig: the files do not fit.
        InterpreterMissing: no interpreter can run here.
        ScriptRaised: main.py ended with a traceback.
    """
    output, news = MainOutput(), asyncio.Event()

    def hear(data: bytes) -> None:
        for line in output.feed(data):
            on_line(line.text)
        news.set()

    async with private_module(loaded) as (module, open_repl):
        await module.power_on()
        async with Console(open_repl, hear):
            while True:
                await news.wait()
                news.clear()
                if not output.has_ended:
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SETTLE_S):
                        await news.wait()
                if output.has_ended:
                    break
    for line in output.rest():
        on_line(line.text)
    if output.traceback:
        raise ScriptRaised(last_line=output.traceback.rsplit("\n", 1)[-1], traceback=output.traceback)
