"""Routes of jobs: patches and rehearsals that wait, are being made, or are over."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from moduline.cloud.accounts.door import After, Id, Limit, Open, Who, needs, shown
from moduline.cloud.jobs import queue
from moduline.cloud.jobs.queue import Job

router: Final = APIRouter(prefix="/v1/jobs", tags=["jobs"])


def job_json(job: Job) -> dict[str, Any]:
    """A job as JSON."""
    return asdict(job) | {"author": job.author.name}


@router.get("")
async def list_jobs(
    door: Open,
    who: Who,
    kind: Annotated[str | None, Query(description="patch, rehearsal")] = None,
    state: Annotated[str | None, Query(description="queued, running, done, failed, cancelled")] = None,
    after: After = 0,
    limit: Limit = None,
) -> dict[str, Any]:
    """Jobs, oldest first; those that are over are kept for a month."""
    return shown(await door.see(queue.page, actor=who, kind=kind, state=state, after=after, limit=limit), job_json)


@router.get("/{job}")
async def show_job(door: Open, who: Who, job: Id) -> dict[str, Any]:
    """One job: its result when it is done, the reason when it failed."""
    return job_json(await door.see(queue.by_id, job, actor=who))


@router.post("/{job}/cancel", **needs("job.cancel"))
async def cancel_job(door: Open, who: Who, job: Id) -> dict[str, Any]:
    """Do not do it; one that is being done ends within a moment."""
    return job_json(await door.act(queue.cancel, job, actor=who))
