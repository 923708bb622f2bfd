"""Long work of pages: begun once, run in a thread of its own, and known after a restart.

Verbs: ``Jobs.start``, ``Jobs.view``, ``Jobs.cancel``.
"""

from __future__ import annotations

from moduline.web.work.job import JobState, JobView
from moduline.web.work.runner import Job, JobCancelled, Jobs, Line, Work

__all__ = ["Job", "JobCancelled", "JobState", "JobView", "Jobs", "Line", "Work"]
