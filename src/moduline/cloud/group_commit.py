"""One writer that commits for many.

::

    submit(verb) ──▶ queue ──▶ writer thread: BEGIN
                                 SAVEPOINT, verb 1, RELEASE
                                 SAVEPOINT, verb 2, ROLLBACK TO      (it raised: its own failure only)
                                 ...  at most BATCH verbs
                               COMMIT ──▶ all answers at once

Calls of one verb that follow each other are run as one where the verb has a form for many (``together``): with
the same results and rows. If that raises, it is rolled back and each half is tried, so that a call that fails fails
alone and is found after a few tries.

A batch that fails as a whole - disk full, a connection lost before the commit - is rolled back and its verbs are run
one by one, each with a transaction of its own; where a change of another node crossed it (a deadlock, a row that both
made) its halves are, and their halves. So a verb may be run more than once, but is kept at most once. Only a connection
that breaks *during* a commit leaves it open whether the batch was kept: its askers are told so and nothing is repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, exc

from moduline.cloud.db_reasons import has_crossed, in_our_words, is_lost
from moduline.errors import DatabaseBusy, DatabaseUnreachable, Text

BATCH: Final = 256
"""How many verbs one commit takes at most; fewer while commits take longer than `LONG_S`."""
LONG_S: Final = 0.3
"""A batch that takes longer than this is too large: other nodes wait for its rows, and its own askers for all of it."""
SMALLEST: Final = 4
"""However long they take, so many verbs go into one commit."""
WAITING_LIMIT: Final = 50_000
"""How many verbs may wait; one more is refused."""
TRIES: Final = 3
"""How often a verb is run when connections break or changes cross."""
RECONNECT_AFTER_S: Final = (0.0, 0.5, 2.0)
"""Pauses before each attempt to reach a server again."""

_CLOSING: Final = Text("the platform is being shut down", "平台正在关闭")
_TOO_MANY: Final = Text("too many changes wait", "等待写入的更改过多")
_UNKNOWN: Final = Text(
    "the connection broke while a change was being kept; look whether it is there",
    "提交更改时连接中断，请确认更改是否已生效",
)


Calls = Sequence[tuple[tuple[Any, ...], dict[str, Any]]]
"""Arguments of several calls of one verb, by place and by name."""
_MANY: Final[dict[Callable[..., Any], Callable[[Connection, Calls], Sequence[Any]]]] = {}


def together(verb: Callable[..., Any], many: Callable[[Connection, Calls], Sequence[Any]]) -> None:
    """Say how several calls of a verb are run at once.

    Args:
        verb: as it is submitted.
        many: ``many(conn, calls) -> answers``: rows and answers are those of the calls one by one, in their order; it
            raises when one of them would.
    """
    _MANY[verb] = many


@dataclass(slots=True)
class _Asked:
    """A verb that waits, with what it takes and where its answer goes: to a thread, or to an event loop."""

    verb: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    answer: Future[Any] | asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop | None = None
    value: Any = None
    failure: Exception | None = None

    def is_wanted(self) -> bool:
        """Whether somebody still waits for it; from now on it cannot be called off."""
        answer = self.answer
        return not answer.cancelled() if isinstance(answer, asyncio.Future) else answer.set_running_or_notify_cancel()

    def run(self, connection: Connection) -> None:
        """Run the verb and keep what it gives."""
        self.failure = None
        self.value = self.verb(connection, *self.args, **self.kwargs)

    def tell(self) -> None:
        """Hand the answer over; in the thread of its loop, if it has one."""
        if self.answer.cancelled():
            return
        if self.failure is None:
            self.answer.set_result(self.value)
        else:
            self.answer.set_exception(self.failure)


class GroupCommit:
    """The writer thread and the queue in front of it.

    Args:
        connect: opens a connection for writing; its errors are those of SQLAlchemy.
        database: its name in errors.
    """

    def __init__(self, connect: Callable[[], Connection], database: str) -> None:
        self._connect = connect
        self._database = database
        self._has_work = threading.Condition()
        self._waiting: deque[_Asked] = deque()
        self._is_closing = threading.Event()
        self._line: Connection | None = None
        self._most = BATCH
        self._thread = threading.Thread(target=self._serve, name="database-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def submit(self, verb: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future[Any]:
        """The answer of ``verb``, once it is kept.

        Raises:
            DatabaseBusy: too many wait, or the writer is being closed.
        """
        answer: Future[Any] = Future()
        self._put(_Asked(verb, args, kwargs, answer))
        return answer

    async def submit_soon(self, verb: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same for an event loop, which is woken once for all answers of a commit.

        Raises:
            DatabaseBusy: too many wait, or the writer is being closed; and what the verb raises.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._put(_Asked(verb, args, kwargs, answer, loop))
        return await answer

    def _put(self, asked: _Asked) -> None:
        with self._has_work:
            if self._is_closing.is_set():
                raise DatabaseBusy(database=self._database, reason=_CLOSING)
            if len(self._waiting) >= WAITING_LIMIT:
                raise DatabaseBusy(database=self._database, reason=_TOO_MANY)
            self._waiting.append(asked)
            self._has_work.notify()

    def close(self) -> None:
        """Finish what waits, then end."""
        with self._has_work:
            self._is_closing.set()
            self._has_work.notify()
        self._thread.join()

    def _serve(self) -> None:
        while batch := self._take():
            wanted = [asked for asked in batch if asked.is_wanted()]
            begun = time.monotonic()
            try:
                self._run_together(wanted)
            except Exception as cause:  # noqa: BLE001  the writer outlives every failure; the askers get it
                self._hang_up()
                if has_crossed(cause):
                    self._run_halves(wanted)
                elif not isinstance(cause, _CommitUnknownError):
                    self._run_one_by_one(wanted)
            _tell_all(wanted)
            self._adapt(time.monotonic() - begun)
        self._hang_up()

    def _adapt(self, seconds: float) -> None:
        """Take fewer verbs at a time while batches are long, and more again when they are short."""
        if seconds > LONG_S:
            self._most = max(self._most // 2, SMALLEST)
        elif seconds < LONG_S / 4:
            self._most = min(self._most * 2, BATCH)

    def _take(self) -> Sequence[_Asked]:
        """All that waits, at most BATCH, fewer while batches are long; nothing only when the writer is to end."""
        with self._has_work:
            while not self._waiting and not self._is_closing.is_set():
                self._has_work.wait()
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]

    def _run_together(self, batch: Sequence[_Asked]) -> None:
        """Run each verb in a savepoint of one transaction, and commit."""
        if self._line is None:
            self._line = self._connect()
        line = self._line
        transaction = line.begin()
        cursor = line.connection.cursor()  # savepoints without SQLAlchemy: they are half of the cost of a small verb
        for verb, calls in itertools.groupby(batch, key=lambda asked: asked.verb):
            if verb in _MANY:
                self._run_some(line, cursor, list(calls))
            else:
                for asked in calls:
                    self._run_some(line, cursor, [asked])
        cursor.close()
        self._commit(transaction, batch)

    def _run_some(self, line: Connection, cursor: Any, calls: Sequence[_Asked]) -> None:
        """Run calls of one verb in a savepoint; where they fail, each half."""
        cursor.execute("SAVEPOINT verb")
        try:
            if len(calls) == 1:
                calls[0].run(line)
            else:
                answers = _MANY[calls[0].verb](line, [(asked.args, asked.kwargs) for asked in calls])
                for asked, value in zip(calls, answers, strict=True):
                    asked.value, asked.failure = value, None
        except Exception as cause:
            if is_lost(cause) or has_crossed(cause):
                raise
            cursor.execute("ROLLBACK TO SAVEPOINT verb")
            cursor.execute("RELEASE SAVEPOINT verb")
            if len(calls) == 1:
                calls[0].failure = in_our_words(cause, self._database)
                return
            half = len(calls) // 2
            self._run_some(line, cursor, calls[:half])
            self._run_some(line, cursor, calls[half:])
            return
        cursor.execute("RELEASE SAVEPOINT verb")

    def _commit(self, transaction: Any, batch: Sequence[_Asked]) -> None:
        try:
            transaction.commit()
        except exc.DBAPIError as cause:
            if not is_lost(cause):
                raise
            for asked in batch:
                asked.failure = asked.failure or DatabaseUnreachable(database=self._database, reason=_UNKNOWN)
            raise _CommitUnknownError from cause

    def _run_halves(self, batch: Sequence[_Asked]) -> None:
        """Run each half once more, after a change of another node crossed: that one is through by now.

        One by one would be a commit for each, and everybody else would wait.
        """
        if len(batch) == 1:
            self._run_one_by_one(batch)
            return
        half = len(batch) // 2
        for part in (batch[:half], batch[half:]):
            try:
                self._run_together(part)
            except Exception as cause:  # noqa: BLE001  the writer outlives every failure; the askers get it
                self._hang_up()
                if has_crossed(cause):
                    self._run_halves(part)
                elif not isinstance(cause, _CommitUnknownError):
                    self._run_one_by_one(part)

    def _run_one_by_one(self, batch: Sequence[_Asked]) -> None:
        """Run each verb with a transaction of its own; where no connection can be had, none is run any more."""
        for number, asked in enumerate(batch):
            for left in reversed(range(TRIES)):
                try:
                    line = self._reached()
                except Exception as cause:  # noqa: BLE001  goes to all askers
                    for rest in batch[number:]:
                        rest.failure = in_our_words(cause, self._database)
                    return
                if not (self._run_alone(asked, line) and left):
                    break

    def _run_alone(self, asked: _Asked, line: Connection) -> bool:
        """Run a verb and commit; whether it is worth another try."""
        try:
            transaction = line.begin()
            asked.run(line)
            self._commit(transaction, [asked])
        except _CommitUnknownError:
            self._hang_up()
        except Exception as cause:  # noqa: BLE001  a verb's failure is its asker's
            self._hang_up()
            asked.failure = in_our_words(cause, self._database)
            return is_lost(cause) or has_crossed(cause)
        return False

    def _reached(self) -> Connection:
        """The connection, made anew where it is gone; a server that restarts is given some seconds."""
        for pause_s in RECONNECT_AFTER_S:
            if self._line is None:
                self._is_closing.wait(pause_s)
                with contextlib.suppress(exc.OperationalError):
                    self._line = self._connect()
        if self._line is None:
            self._line = self._connect()
        return self._line

    def _hang_up(self) -> None:
        """Drop the connection and all that was not committed; the next transaction makes another one."""
        line, self._line = self._line, None
        if line is not None:
            line.invalidate()
            line.close()


def _tell_all(answered: Sequence[_Asked]) -> None:
    """Hand all answers over, with one call into each event loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Asked]] = {}
    for asked in answered:
        if asked.loop is None:
            asked.tell()
        else:
            loops.setdefault(asked.loop, []).append(asked)
    for loop, mine in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_tell_here, mine)


def _tell_here(answered: Sequence[_Asked]) -> None:
    for asked in answered:
        asked.tell()


class _CommitUnknownError(Exception):
    """The connection broke during a commit."""
