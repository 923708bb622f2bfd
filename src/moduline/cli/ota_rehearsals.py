"""What a rehearsal that is over says on the command line: its complaint in words, and an exit code for scripts."""

from __future__ import annotations

from typing import Any

from moduline.cli.language import current
from moduline.errors import TestsFailed


def complaint_of(job: dict[str, Any]) -> dict[str, str]:
    """The first thing that was wrong, as a fact to show; nothing, where nothing was.

    Args:
        job: as the platform gives it.
    """
    said = (job["result"] or {}).get("complaint")
    return {"complaint": str(said[current()])} if isinstance(said, dict) else {}


def must_have_passed(job: dict[str, Any]) -> None:
    """Stop when a rehearsal was done and the update did not survive it; other jobs are of no concern.

    Args:
        job: as the platform gives it.

    Raises:
        TestsFailed: it did not.
    """
    result = job["result"] or {}
    shown = result.get("files") if job["kind"] == "rehearsal" else [result] if "is_good" in result else []
    failed = [one for one in shown or [] if not one["is_good"]]
    if failed:
        total = sum(max(int(one["trials"]), int(one["failed"])) for one in shown or [])
        raise TestsFailed(failed=sum(int(one["failed"]) for one in failed), total=total)
