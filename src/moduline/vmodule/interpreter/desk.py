"""Desks: who answers which questions of the shims. Each part of a module's surroundings brings one.

::

    shim ── Life.calls.ask("sim_status") ──▶ call channel ──▶ Services ──▶ the desk that knows "sim_status"
         ◀──────────── report(key, value) ── event channel ◀── the same desk, whenever it has news

A desk lives as long as one interpreter child: made at its birth, closed at its end. What must outlive a soft reset
belongs to the part of the world that made the desk.

A question is answered at once, or, for the few that need another task (opening a connection), by a coroutine; the child
asks one question at a time, so such an answer must come within a tenth of a second. Whatever takes longer is answered
at once and reported later.

Source: micropython-runtime 3, 6.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.module_facts import ModuleFacts, Quirks

Answer = tuple[object, bytes] | None
"""A JSON value and bytes beside it; None: no answer, the asker waits for its end."""

Question = Callable[[framing.Call], Answer | Awaitable[Answer]]
Wanted = TypeVar("Wanted")


class Desk(Protocol):
    """Answers some questions of one child."""

    @property
    def questions(self) -> Mapping[str, Question]:
        """What answers each question, by the name under ``op``."""

    async def close(self) -> None:
        """The child has ended: let go of everything that was opened for it."""


async def nobody_to_lend_to(end: socket.socket) -> int:
    """What lends where there is no interpreter.

    Raises:
        OSError: always.
    """
    end.close()
    raise OSError(errno.EPIPE, "there is no interpreter")


@runtime_checkable
class InformingDesk(Protocol):
    """A desk that has something to tell the child before it is asked."""

    @property
    def facts(self) -> Mapping[str, object]:
        """What ``Life.facts`` in the child gets besides the module's own facts: plain values, read at its birth."""


def nobody_to_switch(how: str) -> None:
    """What switches the power where there is none."""
    del how


def all_taken() -> tuple[int, int]:
    """How many reports were sent and taken where there is no script."""
    return 0, 0


@dataclass(frozen=True, slots=True)
class DeskContext:
    """What a desk may use.

    Attributes:
        name: of the virtual module.
        facts: what it says about itself.
        quirks: its profile's switches.
        report: ``report(key, value)`` calls what the script has listening to ``key`` with ``value`` (JSON).
        notice: ``notice(slug, **facts)`` tells the owner of the virtual module; slugs begin with ``virt.``.
        spawn: runs a coroutine on the event loop until it ends or the child does.
        lend: ``await lend(end)`` passes one end of a socket pair to the child and gives its descriptor there; the other
            end stays with the caller. Raises OSError when it cannot. ``end`` is closed here in any case.
        power: ``power(how)`` ends this power-on: ``down``, ``restart`` or ``watchdog``.
        progress: how many reports were sent to the script, and how many of them it has taken.
    """

    name: str
    facts: ModuleFacts
    quirks: Quirks
    report: Callable[[str, object], None]
    notice: Callable[..., None]
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    lend: Callable[[socket.socket], Awaitable[int]] = nobody_to_lend_to
    power: Callable[[str], None] = nobody_to_switch
    progress: Callable[[], tuple[int, int]] = all_taken


MakeDesk = Callable[[DeskContext], Desk]


def fact(call: framing.Call, name: str, kind: type[Wanted]) -> Wanted:
    """One fact of a question.

    Raises:
        framing.BadFrameError: it is missing or of another type; the child is not to be trusted.
    """
    value: Any = call.facts.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise framing.BadFrameError(f"{call.facts['op']}: {name} is {type(value).__name__}")
    return value
