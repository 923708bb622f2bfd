"""Records as files to take away: made by a job, kept for a day, fetched by whoever may look at the line."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final

from fastapi import Response
from fastapi.responses import FileResponse, PlainTextResponse
from nicegui import app
from starlette.requests import Request

from moduline.burn.books import open_store
from moduline.errors import NoSuchObject, StorageFailed, Text
from moduline.events import Step
from moduline.line.records.export import as_csv, as_xlsx
from moduline.web import sessions
from moduline.web.jobs import Job, JobState, start_job
from moduline.web.site import site
from moduline.web.station.records_asked import Asked

KEPT_S: Final = 86400.0
TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
TITLE: Final = Text("Export line records", "导出产线记录")


def export(words: Asked, kind: str) -> str:
    """Begin to write the records that are asked for; the id of the job.

    Args:
        words: which.
        kind: ``csv`` or ``xlsx``.

    Raises:
        StorageFailed: the job cannot be kept.
    """
    assert kind in TYPES

    async def work(job: Job) -> dict[str, Any]:
        job.report(Step("export.read", "begin"))
        wanted = words.filter(site().clock.now_s(), 0)
        kept = await asyncio.to_thread(open_store().select, wanted)
        job.report(Step("export.write", "begin"))
        records = [one.record for one in reversed(kept)]
        made = as_csv(records, None).encode("utf-8-sig") if kind == "csv" else as_xlsx(records, None)
        job.report(Step("export.write", "done", facts={"records": len(records), "bytes": len(made)}))
        _keep(f"{job.id}.{kind}", made)
        return {"kind": kind, "records": len(records)}

    return start_job("export", TITLE, work, page="/line/units")


@app.get("/line/exports/{job}", include_in_schema=False)
async def fetch(request: Request, job: str) -> Response:
    """The file that a job made."""
    seen = await sessions.viewer_of(request)
    if not seen.name or not seen.may("operator"):
        return PlainTextResponse("", 403 if seen.name else 401)
    try:
        view = site().jobs.view(job)
    except NoSuchObject as failure:
        return PlainTextResponse(failure.message(), 404)
    kind = str(view.result.get("kind", ""))
    path = _folder() / f"{view.id}.{kind}"
    if view.kind != "export" or view.state is not JobState.DONE or kind not in TYPES or not path.is_file():
        return PlainTextResponse("", 404)
    stamp = time.strftime("%Y%m%d-%H%M", time.localtime(view.started_at))
    return FileResponse(path, media_type=TYPES[kind], filename=f"records-{stamp}.{kind}")


def _keep(name: str, data: bytes) -> None:
    """Write a file; those of yesterday go."""
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if time.time() - old.stat().st_mtime > KEPT_S:
                old.unlink(missing_ok=True)
        (folder / name).write_bytes(data)
    except OSError as cause:
        raise StorageFailed(path=str(folder / name), reason=cause.strerror or str(cause)) from cause


def _folder() -> Path:
    return site().data / "line" / "exports"
