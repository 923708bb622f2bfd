"""What the platform does by the clock: grid, timers, dispatch by rate, course of plans, collector.

::

    turn ── lease ── plans: begin, open groups, stop, end
              ├───── grid of each zone whose mark has passed: block by block, what is said goes out between blocks
              ├───── rate: plans that held devices for the sake of their rate go on
              ├───── timers: upgrades whose deadline has passed, in batches
              ├───── nodes that died: their devices are offline
              └───── collector, beside the turns: what need not be kept any longer (``retention``), proofs that were
                          damaged, files that nothing uses

One node at a time does this: the one that holds the lease, a row with owner and end. A node that comes back after a
crash under its own name takes it up at once. When a grid ran is kept, so a mark that was missed is run once. Nothing
here waits for a moment: ``turn`` does all that is due *now* by the clock it was given, and may be called at any time.
Only the collector is begun by a turn and not waited for, one at a time: its store may be far away, and hang.

Source: ota-semantics 6 (scheduler), 7.4, 2 (collector).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, exists, func, insert, select, update

from moduline.clock import Clock
from moduline.cloud import nodes, tables
from moduline.cloud.artifacts.collecting import collect_files
from moduline.cloud.blob import BlobStore
from moduline.cloud.db import Database
from moduline.cloud.leases import RENEWALS, give_back, take
from moduline.cloud.plans import course, zone
from moduline.cloud.plans.states import PlanState
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.reasons import Reason
from moduline.cloud.rehearsals.checking import check_proofs
from moduline.cloud.retention import Forgotten, forget
from moduline.cloud.settings import Settings
from moduline.cloud.upgrades import service as upgrades
from moduline.cloud.upgrades.rows import Downlink
from moduline.events import Notice, Reporter, silent

Deliver = Callable[[Sequence[Downlink]], Awaitable[None]]
POLL_S: Final = 0.2
"""How often the clock is looked at."""
LEASE: Final = "schedule"
COURSE_S: Final = 5.0
"""How often groups and thresholds of running plans are looked at."""
COLLECT_S: Final = 3600.0
BATCHES: Final = 50
"""Batches of timers in one turn; more go on in the next."""
_MINUTE_S: Final = 60.0
_LAST: Final = "schedule.last"
_COLLECTED: Final = "collector.last"
_GROUPED: Final = 500
_U: Final = tables.upgrades.c


class Schedule:
    """The clock's work of one node.

    Args:
        db: of the platform.
        store: of the files.
        settings: node, grace times.
        clock: wall clock of the rules.
        deliver: says what the rules want said, after the transaction.
        report: hears of failures: ``schedule.failed``.
    """

    def __init__(
        self,
        db: Database,
        store: BlobStore,
        settings: Settings,
        clock: Clock,
        deliver: Deliver,
        report: Reporter = silent,
    ) -> None:
        self._db = db
        self._store = store
        self._settings = settings
        self._clock = clock
        self._deliver = deliver
        self._report = report
        self._renewed_at: float | None = None
        self._is_mine = False
        self._bury_at = 0.0
        self._course_at = 0.0
        self._rate_at: dict[int, float] = {}
        self._turning = asyncio.Lock()
        self._woken = asyncio.Event()
        self._collector: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Look at the clock now: somebody changed a plan, or a test its clock."""
        self._woken.set()

    async def run(self) -> None:
        """Turn until cancelled; a turn that fails is told and the next one tries again. The collector ends with it."""
        try:
            while True:
                await self._try_turn()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL_S)
                self._woken.clear()
        finally:
            if self._collector is not None:
                self._collector.cancel()
                await self.collected()

    async def collected(self) -> None:
        """Waits until the collector that a turn began, if one did, has ended."""
        if self._collector is not None and not self._collector.done():
            await asyncio.wait([self._collector])

    async def turn(self) -> bool:
        """Do all that is due now, and begin to collect where that is; False: another node does."""
        async with self._turning:
            now = self._clock.now_s()
            if not await self._has_lease(now):
                return False
            plans = await self._db.read_soon(course.live)
            await self._settle(plans, now)
            await self._grids(plans, now)
            await self._rates(now)
            await self._timers(now)
            await self._bury(now)
            await self._begin_to_collect(now)
            return True

    async def release(self) -> None:
        """Let another node have the lease."""
        if self._is_mine:
            self._is_mine = False
            await self._db.write_soon(give_back, LEASE, self._settings.node)

    async def _has_lease(self, now: float) -> bool:
        tick, lease_s = self._clock.tick_s(), self._settings.lease_s
        renewed_at = self._renewed_at
        if self._is_mine and renewed_at is not None and tick < renewed_at + lease_s / RENEWALS:
            return True
        had_it = self._is_mine and renewed_at is not None and tick < renewed_at + lease_s
        self._is_mine = await self._db.write_soon(take, LEASE, self._settings.node, lease_s, now=now)
        self._renewed_at = tick
        if not had_it:  # who was away himself, as when the database was, does not say of others that they are
            self._bury_at = tick + lease_s
        return self._is_mine

    async def _bury(self, now: float) -> None:
        """Devices of nodes that died without a word are offline."""
        if not self._settings.nats or self._clock.tick_s() < self._bury_at:
            return
        self._bury_at = self._clock.tick_s() + self._settings.lease_s / RENEWALS
        for name in await self._db.read_soon(nodes.lost, now=now):
            self._report(Notice("node.lost", name))
            is_more = True
            while is_more:
                said, is_more = await self._db.write_soon(nodes.bury, name, now=now)
                await self._deliver(said)

    async def _settle(self, plans: Sequence[StoredPlan], now: float) -> None:
        """Begin and end plans on time; look at groups and thresholds now and then."""
        tick = self._clock.tick_s()
        is_time = tick >= self._course_at
        if is_time:
            self._course_at = tick + COURSE_S
        for plan in plans:
            begins = plan.state is PlanState.SCHEDULED and plan.plan.start_at <= now
            if begins or plan.plan.end_at <= now or (is_time and plan.state is PlanState.RUNNING):
                await self._db.write_soon(course.settle, plan.id, now=now)

    async def _grids(self, plans: Sequence[StoredPlan], now: float) -> None:
        """Run the grid of every plan whose mark has passed."""
        marks = [(one.id, one.plan.zone, one.activated_at) for one in plans]
        due = await self._db.read_soon(due_plans, marks, now)
        by_id = {one.id: one for one in plans}
        for plan_id in due.plans:
            await self._dispatch(plan_id, now)
            strategy = by_id[plan_id].plan.strategy
            if strategy.rate_per_min or strategy.cell_most:
                self._rate_at[plan_id] = now + _MINUTE_S / max(strategy.rate_per_min, 1)
        if due.plans:  # after it is done: a node that dies in the middle does it again, and nobody is offered twice
            await self._db.write_soon(_keep, _LAST, due.ran)

    async def _rates(self, now: float) -> None:
        """Go on with plans that held devices for the sake of their rate, until nobody is held."""
        for plan_id, at in list(self._rate_at.items()):
            if at > now:
                continue
            rate = await self._db.read_soon(_held, plan_id)
            if rate is None:
                del self._rate_at[plan_id]
                continue
            await self._dispatch(plan_id, now, is_held_only=True)
            self._rate_at[plan_id] = now + max(1.0, _MINUTE_S / max(rate, 1))

    async def _dispatch(self, plan_id: int, now: float, *, is_held_only: bool = False) -> None:
        """Block after block; what one of them says goes out while the next one is written."""
        said: Sequence[Downlink] = ()
        after: int | None = 0
        while after is not None:
            block = self._db.write_soon(upgrades.grid, plan_id, now=now, after=after, is_held_only=is_held_only)
            coming = asyncio.ensure_future(block)
            try:
                await self._deliver(said)
            finally:
                said, after = await coming
        await self._deliver(said)

    async def _timers(self, now: float) -> None:
        for _ in range(BATCHES):
            first = await self._db.read_soon(_first_deadline)
            if first is None or first > now:
                return
            await self._deliver(await self._db.write_soon(upgrades.due, now=now))

    async def _try_turn(self) -> None:
        try:
            await self.turn()
        except Exception as failure:  # noqa: BLE001 - the loop must survive; recorded
            self._tell_failure("", failure)
            await asyncio.sleep(1.0)

    async def _begin_to_collect(self, now: float) -> None:
        if self._collector is not None and not self._collector.done():
            return
        last = await self._db.read_soon(_kept, _COLLECTED)
        if not last.get("at", 0.0) <= now < last.get("at", 0.0) + COLLECT_S:
            await self._db.write_soon(_keep, _COLLECTED, {"at": now})
            self._collector = asyncio.create_task(self._try_to_collect(now))

    async def _try_to_collect(self, now: float) -> None:
        try:
            await self._collect(now)
        except Exception as failure:  # noqa: BLE001 - grid and timers go on; recorded, and tried again in an hour
            self._tell_failure("collector", failure)

    async def _collect(self, now: float) -> None:
        forgotten = Forgotten()
        while (some := await self._db.write_soon(forget, self._settings, now=now)).total:
            forgotten += some
        if forgotten.total:
            self._report(Notice("ota.forgotten", "", asdict(forgotten)))
        await check_proofs(self._db, self._store)
        gone = await collect_files(self._db, self._store, now=now, grace_s=self._settings.grace_s)
        if gone:
            self._report(Notice("ota.files-collected", "", {"count": len(gone)}))

    def _tell_failure(self, what: str, failure: Exception) -> None:
        self._report(Notice("schedule.failed", what, {"error": f"{type(failure).__name__}: {failure}"}))


@dataclass(frozen=True, slots=True)
class Due:
    """Which grids are to be run.

    Args:
        plans: numbers.
        ran: when the grid of each zone and step ran last, once that is done.
    """

    plans: tuple[int, ...] = ()
    ran: Mapping[str, float] = field(default_factory=dict)


def due_plans(conn: Connection, plans: Sequence[tuple[int, str, float | None]], now: float) -> Due:
    """Plans whose mark has passed since their grid ran, or since they were activated.

    Args:
        plans: number, zone, and when it was activated, of every live plan.
        now: UTC seconds.
    """
    if not plans:
        return Due()
    ran: dict[str, float] = _kept(conn, _LAST)
    last = dict(ran)
    plan, product = tables.plans.c, tables.products.c
    wanted = [number for number, _, _ in plans]
    steps: dict[int, int] = {}
    for begin in range(0, len(wanted), _GROUPED):
        query = select(plan.id, product.grid_s).join_from(tables.plans, tables.products)
        steps |= {row[0]: row[1] for row in conn.execute(query.where(plan.id.in_(wanted[begin : begin + _GROUPED])))}
    due = []
    for number, name, activated_at in plans:
        key = f"{name}/{steps[number]}"
        before = max(last.get(key, 0.0), activated_at or 0.0)
        if zone.is_due(before, now, name, steps[number]):
            due.append(number)
            ran[key] = now
    return Due(tuple(due), ran)


def _first_deadline(conn: Connection) -> float | None:
    found: float | None = conn.execute(select(func.min(_U.deadline)).where(_U.deadline.is_not(None))).scalar_one()
    return found


def _held(conn: Connection, plan_id: int) -> int | None:
    """Rate of a running plan that holds devices for its sake, per minute; None: it holds none."""
    plan = tables.plans.c
    row = conn.execute(
        select(plan.strategy, plan.open_group).where(plan.id == plan_id, plan.state == "running")
    ).first()
    if row is None:
        return None
    mine = (_U.plan_id == plan_id) & (_U.phase == "waiting") & (_U.group_number <= row.open_group)
    is_held = conn.execute(select(exists().where(mine, _U.reason == int(Reason.RATE_LIMITED)))).scalar_one()
    return int(row.strategy.get("rate_per_min", 0)) if is_held else None


def _kept(conn: Connection, name: str) -> dict[str, Any]:
    one = tables.settings.c
    return dict(conn.execute(select(one.value).where(one.name == name)).scalar() or {})


def _keep(conn: Connection, name: str, value: Mapping[str, Any]) -> None:
    one = tables.settings.c
    if not conn.execute(update(tables.settings).where(one.name == name).values(value=dict(value))).rowcount:
        conn.execute(insert(tables.settings), {"name": name, "value": dict(value)})
