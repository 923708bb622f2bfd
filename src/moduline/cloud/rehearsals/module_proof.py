"""What a rehearsal on virtual modules showed, as a JSON object without a clock.

Source: docs/spec/rehearsal-proof.md (kind ``module``); issue 6.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from moduline import __version__
from moduline.cloud.rehearsals.delivery import Delivery
from moduline.cloud.rehearsals.moments import PHASES
from moduline.cloud.rehearsals.trials import Course, Trial
from moduline.delta import proof

KIND: Final = "module"
MOST_FAILURES: Final = 100
"""Failures that are told in words; all are counted and marked."""


def proof_of(
    request: Mapping[str, Any],
    delivery: Delivery,
    source: bytes,
    module: Mapping[str, str],
    course: Course,
    trials: Sequence[Trial],
) -> dict[str, Any]:
    """All facts of a rehearsal on virtual modules.

    Args:
        request: of ``service.start_modules``.
        delivery: the update.
        source: the whole package of the version before.
        module: ``slug`` and ``model`` of the virtual modules.
        course: the undisturbed update.
        trials: all that were made.
    """
    failed = [one for one in trials if one.complaint is not None]
    names = [one["name"] for one in request["files"]]
    return {
        "format": proof.FORMAT,
        "version": proof.VERSION,
        "kind": KIND,
        "tool": {"name": "moduline", "version": __version__},
        "is_good": course.complaint is None and not failed,
        "update": {
            "kind": delivery.kind,
            "source": request["versions"]["source"],
            "target": request["versions"]["target"],
            "files": [
                {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                for name, data in zip(names, delivery.files.values(), strict=True)
            ],
        },
        "source": {
            "file": request["source"]["file"],
            "bytes": len(source),
            "sha256": hashlib.sha256(source).hexdigest(),
        },
        "module": dict(module),
        "reported": {"before": course.before, "after": course.after},
        "undisturbed": {
            "is_good": course.complaint is None,
            "stopped_in": course.stopped_in,
            "complaint": dict(course.complaint) if course.complaint else None,
        },
        "operations": {name: course.operations.get(name, 0) for name in PHASES},
        "cuts": request["cuts"],
        "seed": request["seed"],
        "power_cuts": sum(one.cuts for one in trials),
        "missed": sum(not one.cuts for one in trials),
        "trials": {
            "cut": sum(not one.moment.is_torn for one in trials),
            "tear": sum(one.moment.is_torn for one in trials),
            "again": sum(one.cuts > 1 for one in trials),
        },
        "trials_by_phase": _counts(one.moment.phase for one in trials),
        "found": {name: sum(one.found == name for one in trials) for name in ("old", "new")},
        "moments": [[str(one.moment), one.cuts, one.found, one.complaint is None] for one in trials],
        "failed": len(failed) + (course.complaint is not None),
        "failures": [
            {"moment": str(one.moment), "complaint": dict(one.complaint or {})} for one in failed[:MOST_FAILURES]
        ],
    }


def _counts(names: Any) -> dict[str, int]:
    found = Counter(names)
    return {name: found[name] for name in PHASES}
