"""Starting a job from a page: in the name of whoever looks at it."""

from __future__ import annotations

from moduline.errors import Text
from moduline.web.site import site
from moduline.web.viewer import viewer
from moduline.web.work.runner import Work


def start_job(kind: str, title: Text, work: Work, *, key: str = "", page: str = "", alone: bool = False) -> str:
    """Begin a job in the name of the viewer; its id, for ``job_panel``.

    Args:
        kind: such as ``burn``; ``site().jobs.latest(kind, key)`` finds it after a reload.
        title: what it does.
        work: ``async def work(job) -> facts``; hands ``job.report`` to verbs. It runs in a thread with a loop of its
            own, so blocking calls in it block nothing else; they end by the next report after somebody cancelled.
        key: what it works at, such as the address of a module.
        page: path that shows more of it.
        alone: refused while another of the kind works at the same.

    Raises:
        StateForbids: another one works at it.
        StorageFailed: it cannot be kept.
    """
    return site().jobs.start(kind, title, work, owner=viewer().name, key=key, page=page, alone=alone)
