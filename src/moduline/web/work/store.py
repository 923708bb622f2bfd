"""Jobs on disk: one small file that is replaced whole, and one line per event that is only ever added to.

::

    JOBS/20261122-101500-3f2a.json    the job as it is
    JOBS/20261122-101500-3f2a.jsonl   its events, oldest first

What was running when the process ended is found again as interrupted.
"""

from __future__ import annotations

import json
import os
from collections import deque
from pathlib import Path
from typing import Any, Final

from moduline.errors import StorageFailed
from moduline.web.work.job import JobState, JobView

KEPT: Final = 300
"""So many jobs are remembered."""
LINE_BYTES: Final = 1 << 22
"""Events of one job on disk; what comes behind is only shown."""


class JobStore:
    """Keeps jobs in a folder.

    Args:
        folder: made when absent.

    Raises:
        StorageFailed: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as cause:
            raise StorageFailed(path=str(folder), reason=cause.strerror or str(cause)) from cause

    def found(self, now: float) -> list[JobView]:
        """All jobs, oldest first; what ran is interrupted now. Files that are no jobs stay as they are, unread."""
        known: list[JobView] = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                job = JobView.of_json(json.loads(path.read_bytes()))
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if job.state is JobState.RUNNING:
                job = job.ended(JobState.INTERRUPTED, now)
                self.keep(job)
            known.append(job)
        return known

    def keep(self, job: JobView) -> None:
        """Write a job as it is now.

        Raises:
            StorageFailed: it cannot be written.
        """
        path = self.folder / f"{job.id}.json"
        part = path.with_suffix(".part")
        try:
            part.write_bytes(json.dumps(job.to_json(), ensure_ascii=False, default=str).encode())
            part.replace(path)
        except OSError as cause:
            raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause

    def add_lines(self, job_id: str, lines: list[dict[str, Any]]) -> None:
        """Add events to a job.

        Raises:
            StorageFailed: they cannot be written.
        """
        path = self._lines_path(job_id)
        data = b"".join(json.dumps(line, ensure_ascii=False, default=str).encode() + b"\n" for line in lines)
        try:
            with path.open("ab") as opened:
                if opened.tell() + len(data) <= LINE_BYTES:
                    opened.write(data)
        except OSError as cause:
            raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause

    def lines(self, job_id: str, most: int = 2000) -> list[dict[str, Any]]:
        """The last events of a job, oldest first; a torn last line is left out."""
        path = self._lines_path(job_id)
        try:
            with path.open("rb") as opened:
                last = deque(opened, maxlen=most)
        except OSError:
            return []
        made: list[dict[str, Any]] = []
        for line in last:
            try:
                made.append(json.loads(line))
            except ValueError:
                continue
        return made

    def forget(self, job_id: str) -> None:
        """Remove a job."""
        for path in (self.folder / f"{job_id}.json", self._lines_path(job_id)):
            path.unlink(missing_ok=True)

    def log_path(self, job_id: str) -> Path:
        """File with the events of a job, one JSON object a line."""
        return self._lines_path(job_id)

    def _lines_path(self, job_id: str) -> Path:
        return self.folder / f"{os.path.basename(job_id)}.jsonl"  # noqa: PTH119  an id, not a path
