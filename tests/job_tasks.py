"""Tasks of jobs for tests, and a worker that can be killed: ``python job_tasks.py DATABASE FOLDER``."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path


def double(request, folder):
    return {"number": 2 * request["number"]}


def tell(request, folder):
    """Says how far it is, or something else that stands in the request."""
    from moduline.cloud.jobs.child import PROGRESS, tell_progress

    tell_progress(folder, 3, 5)
    if "says" in request:
        (folder / PROGRESS).write_text(request["says"])
    return {}


def fall_over(request, folder):
    return {"number": 1 // 0}


def eat(request, folder):
    return {"bytes": len(bytearray(4 << 30))}


def die(request, folder):
    os.abort()


def spin(request, folder):
    while True:
        continue


def wait(request, folder):
    """Says who it is, then waits to be ended."""
    _say(request)
    time.sleep(600)
    return {}


def once(request, folder):
    """Waits to be ended the first time, and is done the second."""
    if Path(request["mark"]).exists():
        return {"finished": True}
    return wait(request, folder)


def _say(request):
    mark = Path(request["mark"])
    started = mark.with_suffix(".new")
    started.write_text(str(os.getpid()))
    started.replace(mark)


def main(database, folder):
    from moduline.cloud.blob import FolderStore
    from moduline.cloud.db import Database
    from moduline.cloud.jobs.worker import Trade, Worker

    class Now:
        def now_s(self):
            return 1_800_000_000.0

        tick_s = now_s

    trade = Trade("once", "job_tasks:once", lambda _: {}, lambda *_: {}, lambda *_: {})
    work = Path(folder)
    worker = Worker(Database(database), FolderStore(work / "files"), Now(), [trade], work / "scratch")
    asyncio.run(worker.run())


if __name__ == "__main__":
    main(*sys.argv[1:])
