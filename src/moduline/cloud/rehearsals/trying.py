"""The task of a rehearsal job: the power goes away everywhere while a patch is applied. Runs in the job's own process.

::

    source  patch-0 (patch-1)  request.json ──▶ proof-0.json page-0.html ...

The model of the module has the flash of the module that the source package is for: its erase unit, and as much spare
flash as it leaves beside the patch. A patch that needs more is refused, as the module would refuse it.

Source: docs/spec/rehearsal-proof.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from moduline.delta import Side, proof, read_side, rehearsal, target_of
from moduline.delta.rehearsal import SEED
from moduline.delta.staged import jobs_of
from moduline.errors import BadFormat, Text
from moduline.formats import patch

SOURCE: Final = "source"
PATCH: Final = "patch-{number}"
PROOF: Final = "proof-{number}.json"
PAGE: Final = "page-{number}.html"
_NO_PATCH: Final = Text("it is no patch of this platform", "不是本平台的差分包")


def work(request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Rehearse every patch of an artifact, in order.

    Args:
        request: of ``service.start``.
        folder: with the source package and the patches.

    Raises:
        BadFormat: a file is no patch, or damaged.
        PatchForeign, PatchMisfit: it does not belong to the source package.
        SpareTooSmall: the module has not the spare flash that it needs.
    """
    source = read_side((folder / SOURCE).read_bytes(), request["source"]["file"])
    files = [(folder / PATCH.format(number=number)).read_bytes() for number in range(len(request["files"]))]
    spare = target_of(source, request["store"]).spare_bytes([len(data) for data in files])
    return {"tried": [_one(request, folder, source, number, data, spare) for number, data in enumerate(files)]}


def _one(
    request: Mapping[str, Any], folder: Path, source: Side, number: int, data: bytes, spare: int | None
) -> dict[str, Any]:
    if not patch.is_patch(data):
        raise BadFormat(format="patch", reason=_NO_PATCH, offset=0)
    found = patch.read(data)
    jobs = jobs_of(source, found, spare)
    unit = next((job.patch.plan.block_bytes for job in jobs if job.patch), target_of(source).block_bytes)
    model = rehearsal.Model(jobs, unit, request["store"], data)
    clean = rehearsal.clean_run(model)
    cuts, pairs = request["cuts"], int(request["pairs"])
    wanted = [
        *rehearsal.single_cuts(clean.total, None if cuts == "all" else int(cuts)),
        *rehearsal.double_cuts(clean.total, pairs, SEED),
    ]
    trials: Sequence[rehearsal.Trial] = list(rehearsal.rehearse(model, clean, wanted))
    shown = proof.proof_of(model, clean, trials, cuts=str(cuts), seed=SEED, patch=data)
    text = json.dumps(shown, indent=1, sort_keys=True) + "\n"
    (folder / PROOF.format(number=number)).write_text(text, encoding="utf-8")
    (folder / PAGE.format(number=number)).write_text(proof.page_of(shown, clean, trials), encoding="utf-8")
    known = {name: shown[name] for name in ("is_good", "cuts", "failed")}
    known |= {"sha256": shown["patch"]["sha256"], "tool": shown["tool"]["version"], "proof_version": shown["version"]}
    return known | {"trials": len(trials), "pairs": pairs, "operations": clean.total}
