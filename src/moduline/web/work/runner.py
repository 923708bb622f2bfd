"""Jobs that run: each in a thread with an event loop of its own, so that no page waits for any.

::

    page ── start ──▶ Jobs ── thread, asyncio.run(work(job)) ──▶ verbs of the rooms below
    page ◀─ view ─── Jobs ◀── job.report(event) ─────────────────── their events
    page ── cancel ─▶ Jobs ── task.cancel(), and the next report raises

Everything here may be called from any thread. Events come as fast as verbs report them; pages look a few times a
second, and the disk gets them in heaps.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from moduline.clock import Clock, SystemClock
from moduline.errors import ModulineError, NoSuchObject, StateForbids, Text
from moduline.events import Event, Progress, Step, to_json
from moduline.web.work.job import JobState, JobView, told
from moduline.web.work.store import KEPT, JobStore

LINES: Final = 2000
FLUSH_S: Final = 0.5
END_S: Final = 10.0
JOB: Final = Text("job", "任务")
_LOG: Final = logging.getLogger("moduline.web")


class JobCancelled(Exception):  # noqa: N818  no error: somebody wanted it
    """Raised in the thread of a job by its next report after somebody cancelled it."""


Work = Callable[["Job"], Awaitable[dict[str, Any] | None]]
"""What a job does: gets the job, gives facts for the people who look at it."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event of a job: ``number`` counts from 1, ``at`` is UTC seconds."""

    number: int
    at: float
    event: dict[str, Any]


class Job:
    """A job while it runs; what the work gets.

    Args:
        view: as it begins.
        store: where it is kept.
        clock: wall clock.
    """

    def __init__(self, view: JobView, store: JobStore, clock: Clock) -> None:
        self._view = view
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._lines: deque[Line] = deque(maxlen=LINES)
        self._unkept: list[dict[str, Any]] = []
        self._count = 0
        self._kept_at = 0.0
        self._is_cancelled = threading.Event()
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    @property
    def id(self) -> str:
        """Its id."""
        return self._view.id

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wants it to end."""
        return self._is_cancelled.is_set()

    def view(self) -> JobView:
        """The job as it is now."""
        with self._lock:
            return self._view

    def lines(self, since: int = 0) -> list[Line]:
        """Events behind a number that are still known."""
        with self._lock:
            return [line for line in self._lines if line.number > since]

    def report(self, event: Event) -> None:
        """Take an event of a verb.

        Raises:
            JobCancelled: somebody cancelled the job.
        """
        if self.is_cancelled:
            raise JobCancelled
        self.tell(event)

    def tell(self, event: Event) -> None:
        """Take an event, cancelled or not."""
        at = self._clock.now_s()
        with self._lock:
            if isinstance(event, Progress):
                self._view = replace(self._view, done_bytes=event.done_bytes, total_bytes=event.total_bytes)
                if self._lines and _is_same_progress(self._lines[-1].event, event):
                    self._lines.pop()
                    if self._unkept:
                        self._unkept.pop()
            elif isinstance(event, Step) and event.state == "begin":
                self._view = replace(self._view, step=event.name, done_bytes=0, total_bytes=0)
            self._count += 1
            line = Line(self._count, at, to_json(event))
            self._lines.append(line)
            self._unkept.append({"at": at, "number": line.number, **line.event})
            is_due = time.monotonic() - self._kept_at > FLUSH_S
        if is_due:
            self._keep_lines()

    def cancel(self) -> None:
        """Want it to end."""
        self._is_cancelled.set()
        with self._lock:
            loop, task = self._loop, self._task
        if loop is not None and task is not None:
            loop.call_soon_threadsafe(task.cancel)

    def wait(self, limit_s: float) -> bool:
        """Wait for the end; whether it came."""
        return self._ended.wait(limit_s)

    def run(self, work: Work) -> None:
        """Do the work to its end, whatever that is; in the thread of the job."""
        try:
            state, more = asyncio.run(self._lived(work))
        finally:
            self._keep_lines()
        with self._lock:
            self._view = self._view.ended(state, self._clock.now_s(), **more)
            view = self._view
        try:
            self._store.keep(view)
        except ModulineError as failure:
            _LOG.warning("%s", failure)
        self._ended.set()

    async def _lived(self, work: Work) -> tuple[JobState, dict[str, Any]]:
        with self._lock:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            if self.is_cancelled:
                raise JobCancelled
            result = await work(self)
        except (JobCancelled, asyncio.CancelledError):
            return JobState.CANCELLED, {}
        except ModulineError as failure:
            return JobState.FAILED, {"error": told(failure)}
        except Exception as bug:  # noqa: BLE001  one job must never take the server with it
            _LOG.exception("job %s", self.id)
            return JobState.FAILED, {"error": told(ModulineError(found=repr(bug)))}
        else:
            return JobState.DONE, {"result": result or {}}
        finally:
            with self._lock:
                self._task = None

    def _keep_lines(self) -> None:
        with self._lock:
            waiting, self._unkept = self._unkept, []
            self._kept_at = time.monotonic()
        if not waiting:
            return
        try:
            self._store.add_lines(self.id, waiting)
        except ModulineError as failure:
            _LOG.warning("%s", failure)


class Jobs:
    """All jobs of a server.

    Args:
        folder: where they are kept.
        clock: wall clock.

    Raises:
        StorageFailed: the folder cannot be made, or a job in it not be written.
    """

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._store = JobStore(folder)
        self._lock = threading.Lock()
        self._running: dict[str, Job] = {}
        now = self._clock.now_s()
        found = self._store.found(now)
        self._over: dict[str, JobView] = {job.id: job for job in found}
        self.interrupted = tuple(job for job in found if job.state is JobState.INTERRUPTED and job.ended_at == now)
        """Those that the end of the last process interrupted."""

    def start(
        self, kind: str, title: Text, work: Work, *, owner: str = "", key: str = "", page: str = "", alone: bool = False
    ) -> str:
        """Begin a job; its id.

        Args:
            kind: such as ``burn``.
            title: what it does.
            work: run in a thread with a loop of its own.
            owner: name of an account.
            key: what it works at.
            page: path that shows more of it.
            alone: refused while another of the same kind works at the same.

        Raises:
            StateForbids: another one works at it.
            StorageFailed: it cannot be kept.
        """
        now = self._clock.now_s()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        view = JobView(f"{stamp}-{secrets.token_hex(3)}", kind, title, owner, key, page, now)
        job = Job(view, self._store, self._clock)
        with self._lock:
            if alone and any(one.view().kind == kind and one.view().key == key for one in self._running.values()):
                raise StateForbids(kind=JOB, name=key or kind, reason=Text("one is running already", "已有任务在运行"))
            self._running[job.id] = job
        try:
            self._store.keep(view)
        except ModulineError:
            self._running.pop(job.id)
            raise
        threading.Thread(target=self._live, args=(job, work), name=f"job {job.id}", daemon=True).start()
        return job.id

    def view(self, job_id: str) -> JobView:
        """A job as it is now.

        Raises:
            NoSuchObject: there is none.
        """
        with self._lock:
            job, over = self._running.get(job_id), self._over.get(job_id)
        if job is not None:
            return job.view()
        if over is None:
            raise NoSuchObject(kind=JOB, name=job_id)
        return over

    def views(self, kind: str = "", key: str = "") -> list[JobView]:
        """Jobs, newest first.

        Args:
            kind: only these; "": all.
            key: only what works at this; "": all.
        """
        with self._lock:
            found = [job.view() for job in self._running.values()] + list(self._over.values())
        wanted = [job for job in found if kind in {"", job.kind} and key in {"", job.key}]
        return sorted(wanted, key=lambda job: job.id, reverse=True)

    def latest(self, kind: str, key: str = "") -> JobView | None:
        """The newest of a kind: what a page shows again after a reload."""
        return next(iter(self.views(kind, key)), None)

    def running(self) -> int:
        """How many run."""
        return len(self._running)

    def lines(self, job_id: str, since: int = 0) -> list[Line]:
        """Events of a job behind a number, oldest first."""
        with self._lock:
            job = self._running.get(job_id)
        if job is not None:
            return job.lines(since)
        kept = self._store.lines(job_id)
        numbered = [(int(line.get("number", place)), line) for place, line in enumerate(kept, 1)]
        return [Line(number, line.get("at", 0.0), line) for number, line in numbered if number > since]

    def log_path(self, job_id: str) -> Path:
        """File with all events of a job."""
        return self._store.log_path(self.view(job_id).id)

    def cancel(self, job_id: str) -> None:
        """Want a job to end; nothing when it has.

        Raises:
            NoSuchObject: there is none.
        """
        with self._lock:
            job = self._running.get(job_id)
        if job is not None:
            job.cancel()
        else:
            self.view(job_id)

    def wait(self, job_id: str, limit_s: float) -> JobView:
        """Wait for the end of a job, at most so long; as it is then."""
        with self._lock:
            job = self._running.get(job_id)
        if job is not None:
            job.wait(limit_s)
        return self.view(job_id)

    def stop(self) -> None:
        """Cancel everything and wait for it a little."""
        with self._lock:
            running = list(self._running.values())
        for job in running:
            job.cancel()
        limit = time.monotonic() + END_S
        for job in running:
            job.wait(max(0.0, limit - time.monotonic()))

    def _live(self, job: Job, work: Work) -> None:
        job.run(work)
        view = job.view()
        with self._lock:
            self._over[view.id] = view
            self._running.pop(view.id, None)
            old = sorted(self._over)[:-KEPT]
            for one in old:
                del self._over[one]
        for one in old:
            self._store.forget(one)


def _is_same_progress(last: dict[str, Any], event: Progress) -> bool:
    """Whether the last line is progress of the same, which this one replaces."""
    return bool(last["event"] == "progress" and last["what"] == event.what and last["where"] == event.where)
