"""Doing what is queued, one job at a time: inputs out of the store, a process of its own, outputs into the store.

::

    claim ─▶ scratch/job-N: inputs, checked ─▶ child process ─▶ outputs into the store ─▶ one transaction: result, job

Whatever goes wrong with a job ends that job with a code and both languages; the worker goes on. A worker that is killed
leaves its claim, and its child ends with it; who takes the job up begins it anew, ``MOST_TRIES`` times at most, so that
a job that kills its worker does not go round for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from moduline.clock import Clock
from moduline.cloud.blob import PIECE, BlobStore
from moduline.cloud.db import Database
from moduline.cloud.db_reasons import in_our_words
from moduline.cloud.jobs import queue
from moduline.cloud.jobs.child import reason_of
from moduline.cloud.jobs.confined import Answer, Limits, Progress, run
from moduline.cloud.jobs.queue import Job
from moduline.errors import JobBroken, ModulineError, StorageFailed, Text
from moduline.events import Notice, Reporter, silent

POLL_S: Final = 1.0
MOST_TRIES: Final = 3
_DIED: Final = Text("its worker ended {times} times while at it", "执行进程在处理时异常结束 {times} 次")
_FAULT: Final = Text("an internal fault, {kind}: {said}", "内部故障 {kind}：{said}")
_DAMAGED: Final = Text("a stored file is not what it was", "存储的文件已损坏")


@dataclass(frozen=True, slots=True)
class Trade:
    """How jobs of one kind are done.

    Args:
        kind: of the jobs.
        task: ``module:function`` of the child process.
        inputs: name in the folder -> key in the store, from the request.
        keep: puts the outputs into the store; what it gives goes to ``settle``. Runs in a thread.
        settle: writes the result, in one transaction with the job's end; gives what is kept with the job.
        limits: what the child may use.
        look: whether there is something that jobs should be made of by themselves; only reads.
        begin: makes them; how many.
    """

    kind: str
    task: str
    inputs: Callable[[Mapping[str, Any]], Mapping[str, str]]
    keep: Callable[[BlobStore, Job, Mapping[str, Any], Path], Any]
    settle: Callable[[Connection, BlobStore, Job, Any, float], Mapping[str, Any]]
    limits: Limits = field(default_factory=Limits)
    look: Callable[[Connection], bool] | None = None
    begin: Callable[..., int] | None = None


class Worker:
    """Does jobs, beside a server.

    Args:
        db: of the platform.
        store: of the files.
        clock: for the times of rows.
        trades: the kinds it can do.
        scratch: folder for what is being worked at; made when absent, its own.
        node: name of this process; unique among those that run.
        report: hears of faults of our own.
    """

    def __init__(
        self,
        db: Database,
        store: BlobStore,
        clock: Clock,
        trades: Sequence[Trade],
        scratch: Path,
        *,
        node: str = "one",
        report: Reporter = silent,
    ) -> None:
        self._db = db
        self._store = store
        self._clock = clock
        self._trades = {one.kind: one for one in trades}
        self._scratch = scratch
        self._node = node
        self._report = report

    async def run(self) -> None:
        """Do jobs until cancelled; the one at work is put back then."""
        while True:
            is_done = False
            try:
                is_done = await self.turn()
            except Exception as failure:  # noqa: BLE001 - the loop must survive; recorded
                self._tell(failure)
            if not is_done:
                await asyncio.sleep(POLL_S)

    async def turn(self) -> bool:
        """Do one job, if there is one; whether there was."""
        now = self._clock.now_s()
        await self._begin_by_itself(now)
        if not await self._db.read_soon(queue.is_waiting, self._node, now=now):
            return False
        job = await self._db.write_soon(queue.claim, self._node, now=now)
        if job is None:
            return False
        folder = self._scratch / f"job-{job.id}"
        try:
            await self._do(job, folder)
        except asyncio.CancelledError:
            with contextlib.suppress(ModulineError):  # a database that is away: the claim ends by itself
                await asyncio.shield(self._db.write_soon(queue.give_back, self._node, job.id))
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return True

    async def _begin_by_itself(self, now: float) -> None:
        for trade in self._trades.values():
            if trade.look is not None and trade.begin is not None and await self._db.read_soon(trade.look):
                await self._db.write_soon(trade.begin, now=now)

    async def _do(self, job: Job, folder: Path) -> None:
        try:
            if job.tries > MOST_TRIES:
                raise JobBroken(reason=_DIED, times=job.tries - 1)
            trade = self._trades[job.kind]
            answer = None if job.is_unwanted else await self._work(trade, job, folder)
            if answer is None:
                await self._end(job, "cancelled")
                return
            if answer.facts is None:
                await self._end(job, "failed", answer.failure)
                return
            kept = await asyncio.to_thread(trade.keep, self._store, job, answer.facts, folder)
            await self._db.write_soon(_settle, self._node, trade, self._store, job, kept, now=self._clock.now_s())
        except Exception as failure:  # noqa: BLE001 - a job ends with a reason, the worker goes on
            known = in_our_words(failure, str(self._scratch)) if isinstance(failure, OSError) else failure
            if not isinstance(known, ModulineError):
                self._tell(failure)
                known = JobBroken(reason=_FAULT, kind=type(failure).__name__, said=str(failure)[:200])
            await self._end(job, "failed", reason_of(known))

    async def _work(self, trade: Trade, job: Job, folder: Path) -> Answer | None:
        """What the child says; None: nobody wants it any more."""
        await asyncio.to_thread(self._lay_out, trade.inputs(job.request), folder)
        return await run(trade.task, folder, job.request, trade.limits, lambda progress: self._is_wanted(job, progress))

    def _lay_out(self, inputs: Mapping[str, str], folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, key in inputs.items():
            digest = hashlib.sha256()
            with self._store.open(key) as source, (folder / name).open("wb") as copy:
                while piece := source.read(PIECE):
                    digest.update(piece)
                    copy.write(piece)
            if digest.hexdigest() != key:
                raise StorageFailed(path=key, reason=_DAMAGED)

    async def _is_wanted(self, job: Job, progress: Progress | None) -> bool:
        now = self._clock.now_s()
        return await self._db.write_soon(queue.keep_claim, self._node, job.id, now=now, progress=progress)

    async def _end(self, job: Job, state: str, reason: Mapping[str, Any] | None = None) -> None:
        await self._db.write_soon(_end, self._node, job, state, reason, now=self._clock.now_s())

    def _tell(self, failure: Exception) -> None:
        self._report(Notice("jobs.failed", "", {"error": f"{type(failure).__name__}: {failure}"}))


def _settle(conn: Connection, node: str, trade: Trade, store: BlobStore, job: Job, kept: Any, *, now: float) -> None:
    if queue.is_mine(conn, node, job.id):
        queue.end(conn, job, "done", now=now, result=trade.settle(conn, store, job, kept, now))


def _end(conn: Connection, node: str, job: Job, state: str, reason: Mapping[str, Any] | None, *, now: float) -> None:
    if queue.is_mine(conn, node, job.id):
        queue.end(conn, job, state, now=now, reason=reason)
