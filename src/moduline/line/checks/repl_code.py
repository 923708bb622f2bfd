"""Code of a check on the module: limited in time and in what it may print.

A script that never ends is interrupted; one that prints without end is, too. Either way the session is given up
afterwards, and the next check begins with a fresh one.
"""

from __future__ import annotations

import ast
import asyncio
from typing import Any, Final

from moduline.errors import BadAnswer, Text
from moduline.remote.repl_session import ReplSession

OUTPUT_LIMIT_BYTES: Final = 64 << 10
"""What one check may print; a verdict needs a line."""


async def run_code(repl: ReplSession, source: str | bytes, limit_s: float) -> bytes:
    """What the code printed.

    Args:
        repl: an open session.
        source: what is run.
        limit_s: seconds it may take.

    Raises:
        ScriptRaised: it raised.
        TotalTimeout: it did not end in time and was interrupted.
        BadAnswer: it printed more than 64 KiB and was interrupted.
        NoAnswer, PortGone: the conversation failed.
    """
    printed_bytes = 0

    def count(data: bytes) -> None:
        nonlocal printed_bytes
        if printed_bytes <= OUTPUT_LIMIT_BYTES < printed_bytes + len(data):
            task.cancel()  # which makes the session interrupt the code
        printed_bytes += len(data)

    task = asyncio.create_task(repl.exec(source, count, timeout_s=limit_s))
    try:
        return await task
    except asyncio.CancelledError:
        asking = asyncio.current_task()
        if printed_bytes <= OUTPUT_LIMIT_BYTES or (asking is not None and asking.cancelling()):
            raise
    what, most = Text("the code", "代码"), OUTPUT_LIMIT_BYTES
    raise BadAnswer(what=what, answer=f"more than {most} bytes")


async def value_of(repl: ReplSession, expression: str, limit_s: float, setup: str = "") -> Any:
    """Value of an expression on the module; what has no literal form comes as its text.

    Args:
        repl: an open session.
        expression: MicroPython.
        limit_s: seconds it may take.
        setup: statements that are run before.

    Raises:
        ScriptRaised, TotalTimeout, BadAnswer, NoAnswer, PortGone: as ``run_code``.
    """
    before = setup + "\n" if setup else ""
    printed = await run_code(repl, f"{before}print(repr({expression}))", limit_s)
    text = printed.decode(errors="replace").strip()
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
