"""Answers ``atcmd`` of one interpreter child: the same commands as on the AT port, through a port of its own.

That port begins with plain ``ERROR`` results, as the firmware's sample of a wrong form shows.

Source: WIKI ``atcmd`` (results and sample answers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from moduline.vmodule.at_port import carry_out
from moduline.vmodule.at_state import AtAction, AtFacts, AtReply, AtState
from moduline.vmodule.interpreter.desk import Answer, DeskContext, MakeDesk, Question
from moduline.vmodule.interpreter.framing import BadFrameError, Call
from moduline.wire.at import MAX_LINE_BYTES

OK, ERROR, CME_ERROR = 0, 1, 2
MAX_ANSWER: Final = 12 * 1024


class AtDesk:
    """AT commands of scripts.

    Args:
        facts: what the module says.
        act: does what a command does to the power.
    """

    def __init__(self, facts: AtFacts, act: Callable[[AtAction], None]) -> None:
        self._state = AtState(facts, error_style=0)
        self._act = act

    @property
    def questions(self) -> Mapping[str, Question]:
        """What the ``atcmd`` shim asks."""
        return {"at_command": self._command}

    async def close(self) -> None:
        """The child has ended; nothing is held for it."""

    def _command(self, call: Call) -> Answer:
        """[result, lines]; result 0 OK, 1 ERROR, 2 +CME ERROR."""
        if len(call.data) > MAX_LINE_BYTES:
            raise BadFrameError(f"an AT line of {len(call.data)} bytes")
        reply = carry_out(self._state, call.data.decode("utf-8", "replace").strip("\r\n\0 "))
        if reply.action is not None:
            self._act(reply.action)
        lines = list(reply.lines) if reply.is_good else [*reply.lines, reply.result]
        while sum(map(len, lines)) > MAX_ANSWER:
            lines.pop()
        return [_number(reply), lines], b""


def at_desk(facts: AtFacts, act: Callable[[AtAction], None]) -> MakeDesk:
    """Makes the desk of each child."""

    def make(context: DeskContext) -> AtDesk:
        del context
        return AtDesk(facts, act)

    return make


def _number(reply: AtReply) -> int:
    if reply.is_good:
        return OK
    return CME_ERROR if reply.result.startswith("+CME") else ERROR
