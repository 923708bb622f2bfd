"""Telling webhooks: at least once, in order for each, however long it takes up to a limit.

::

    turn: order ──▶ each webhook that is due and not told by another node, all at once
                      event, event, event ...      one after the other; what was taken is kept before the next is sent
                      no  ──▶ pause 1, 2, 4 ... 600 s; those behind it wait
                      no for three days, or 410  ──▶ dead, with what the peer said; ``webhook.dead`` is an event

A node that dies leaves its webhooks to the others after ``CLAIM_S``; a node that comes back under its own name takes
them up at once. A receiver must expect the same event twice: an answer can be lost, and so can the node.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, or_, select, update

from moduline.clock import Clock
from moduline.cloud import leases, tables
from moduline.cloud.db import Database
from moduline.cloud.outbox import events
from moduline.cloud.outbox.events import Event
from moduline.cloud.outbox.posting import ANSWER_LIMIT_S, GONE, Told, post
from moduline.cloud.outbox.reach import Reach
from moduline.cloud.outbox.service import Webhook, of_row
from moduline.cloud.outbox.stream import Feed
from moduline.events import Notice, Reporter, silent

POLL_S: Final = 0.5
CLAIM_S: Final = 60.0
"""So long a webhook stays with a node that has died."""
DEAD_AFTER_S: Final = 3 * 24 * 3600.0
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 600.0
MOST_AT_ONCE: Final = 50
"""Webhooks that are told at the same time, and events each gets in one turn."""
_W: Final = tables.webhooks.c


@dataclass(frozen=True, slots=True)
class Claimed:
    """A webhook that this node tells now.

    Args:
        hook: as it stands.
        secret: key of its signatures.
    """

    hook: Webhook
    secret: str


class Teller:
    """Tells webhooks, beside a server.

    Args:
        db: of the platform.
        clock: for times of rows and pauses.
        node: name of this process; unique among those that run.
        reach: addresses that are allowed.
        feed: streams to wake when events have got their places.
        report: hears of failures of our own.
        dead_after_s: how long a peer may fail.
        limit_s: how long one attempt may take.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        node: str = "one",
        reach: Reach | None = None,
        feed: Feed | None = None,
        report: Reporter = silent,
        dead_after_s: float = DEAD_AFTER_S,
        limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        self._db = db
        self._clock = clock
        self._node = node
        self._reach = reach or Reach()
        self._feed = feed
        self._report = report
        self._dead_after_s = dead_after_s
        self._limit_s = limit_s
        self._telling: dict[int, asyncio.Task[int]] = {}

    async def run(self) -> None:
        """Turn until cancelled; a turn that fails is told and the next one tries again."""
        try:
            while True:
                try:
                    await self.begin()
                except Exception as failure:  # noqa: BLE001 - the loop must survive; recorded
                    self._report(Notice("outbox.failed", "", {"error": f"{type(failure).__name__}: {failure}"}))
                await asyncio.sleep(POLL_S)
        finally:
            await self.close()

    async def close(self) -> None:
        """Break off what is being told; it is told again by whoever comes next."""
        tasks = list(self._telling.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def turn(self) -> int:
        """Put events in order and tell all that is due now; how many were taken."""
        await self.begin()
        tasks = list(self._telling.values())
        return sum(await asyncio.gather(*tasks))

    async def begin(self) -> None:
        """Put events in order and begin to tell every webhook that is due; a slow one holds up no other."""
        while await self._db.read_soon(events.has_new):
            await self._db.write_soon(events.order)
            if self._feed is not None:
                self._feed.wake()
        most = MOST_AT_ONCE - len(self._telling)
        busy = list(self._telling)
        if most <= 0 or not await self._db.read_soon(_is_due, self._clock.now_s(), busy, self._node):
            return
        for one in await self._db.write_soon(claim, self._node, busy, now=self._clock.now_s(), limit=most):
            task = asyncio.create_task(self._tell(one))
            self._telling[one.hook.id] = task
            task.add_done_callback(lambda _, number=one.hook.id: self._telling.pop(number, None))  # type: ignore[misc]

    async def _tell(self, one: Claimed) -> int:
        """Tell one webhook what it has not had; how many it took."""
        hook, taken = one.hook, 0
        try:
            for _ in range(MOST_AT_ONCE):
                event, last = await self._db.read_soon(_next, hook)
                if event is None:
                    await self._db.write_soon(skip, self._node, hook, last)
                    break
                told = await post(
                    hook.url, one.secret, event, self._reach, now=self._clock.now_s(), limit_s=self._limit_s
                )
                again = await self._db.write_soon(
                    settle, self._node, hook, event, told, now=self._clock.now_s(), dead_after_s=self._dead_after_s
                )
                taken += told.is_taken
                if again is None or not told.is_taken:
                    break
                hook = again
        except Exception as failure:  # noqa: BLE001 - one webhook's trouble is not the others'; recorded
            self._report(Notice("outbox.failed", hook.name, {"error": f"{type(failure).__name__}: {failure}"}))
        finally:
            with contextlib.suppress(Exception):  # a database that is away: the claim ends by itself
                await self._db.write_soon(let_go, self._node, hook.id)
        return taken


def wait_s(attempts: int) -> float:
    """How long after so many failed attempts the next one follows; seconds."""
    return min(FIRST_WAIT_S * 2.0 ** min(max(attempts - 1, 0), 30), LONGEST_WAIT_S)


def claim(conn: Connection, node: str, busy: list[int], *, now: float, limit: int = MOST_AT_ONCE) -> list[Claimed]:
    """Webhooks that are due and for which there is something to tell; they are this node's for ``CLAIM_S``.

    Args:
        node: that will tell them.
        busy: those that it is telling already.
        now: UTC seconds; claims of others are measured by the clock of a database server.
        limit: how many at most.
    """
    at = leases.clock(conn, now)
    query = select(_W.id).where(_due(now, at, busy, node)).order_by(_W.due, _W.id).limit(limit)
    numbers = list(conn.execute(query.with_for_update(skip_locked=True)).scalars())
    mine = _W.id.in_(numbers)
    conn.execute(update(tables.webhooks).where(mine).values(owner=node, owned_until=at + CLAIM_S))
    return [Claimed(of_row(row), row.secret) for row in conn.execute(select(tables.webhooks).where(mine))]


def settle(
    conn: Connection, node: str, hook: Webhook, event: Event, told: Told, *, now: float, dead_after_s: float
) -> Webhook | None:
    """Keep how an attempt went; the webhook as it stands then, None: it is no longer ours to tell."""
    mine = (_W.id == hook.id) & (_W.owner == node) & (_W.url == hook.url) & _W.is_enabled & _W.dead_at.is_(None)
    values: dict[str, Any]
    if told.is_taken:
        values = {"last_seq": event.seq, "attempts": 0, "due": now, "failing_since": None, "said": ""}
        values["owned_until"] = leases.clock(conn, now) + CLAIM_S
    else:
        since = now if hook.failing_since is None else hook.failing_since
        values = {"attempts": hook.attempts + 1, "due": now + wait_s(hook.attempts + 1), "failing_since": since}
        values["said"] = told.said
        if told.status == GONE or now - since >= dead_after_s:
            values["dead_at"] = now
    if not conn.execute(update(tables.webhooks).where(mine).values(**values)).rowcount:
        return None
    if "dead_at" in values:
        said = {"webhook_id": hook.id, "name": hook.name, "said": told.said, "failing_since": values["failing_since"]}
        events.note(conn, hook.account_id, "webhook.dead", said, now=now)
    return of_row(conn.execute(select(tables.webhooks).where(_W.id == hook.id)).one())


def skip(conn: Connection, node: str, hook: Webhook, last: int) -> None:
    """Pass over events that a webhook does not want, up to a place."""
    mine = (_W.id == hook.id) & (_W.owner == node) & (_W.last_seq == hook.last_seq)
    conn.execute(update(tables.webhooks).where(mine).values(last_seq=max(last, hook.last_seq)))


def let_go(conn: Connection, node: str, webhook_id: int) -> None:
    """End this node's claim."""
    mine = (_W.id == webhook_id) & (_W.owner == node)
    conn.execute(update(tables.webhooks).where(mine).values(owner=None, owned_until=None))


def _next(conn: Connection, hook: Webhook) -> tuple[Event | None, int]:
    """The next event that a webhook wants, and the last place there is."""
    found = events.page(conn, hook.account_id, after=hook.last_seq, kinds=hook.kinds, limit=1)
    return (found[0] if found else None), events.last_place(conn)


def _is_due(conn: Connection, now: float, busy: list[int], node: str) -> bool:
    at = leases.clock(conn, now)
    return conn.execute(select(_W.id).where(_due(now, at, busy, node)).limit(1)).first() is not None


def _due(now: float, at: float, busy: list[int], node: str) -> Any:
    """Webhooks that are on, whose pause is over, that have something to hear and that nobody else tells."""
    event = tables.outbox.c
    has_news = select(event.id).where(event.main_id == _W.account_id, event.seq > _W.last_seq).exists()
    is_free = or_(_W.owner.is_(None), _W.owned_until <= at, _W.owner == node)
    return _W.is_enabled & _W.dead_at.is_(None) & (_W.due <= now) & _W.id.not_in(busy) & has_news & is_free
