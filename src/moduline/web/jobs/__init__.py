"""Jobs on pages: started in the name of whoever looks, watched from any page, cancelled, found again after a reload.

Verbs: ``start_job``, ``job_panel``.
"""

from __future__ import annotations

from moduline.web.jobs.panel import job_panel
from moduline.web.jobs.starting import start_job
from moduline.web.work import Job, JobState, JobView

__all__ = ["Job", "JobState", "JobView", "job_panel", "start_job"]
