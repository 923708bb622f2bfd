"""The two jobs of the page: a patch is made, and it is rehearsed. Files are written below the root.

::

    make       old new ─▶ patches/X.bin (and X_2.bin for mini)
    rehearse   old patches/X.bin ─▶ patches/X.rehearsal.json X.rehearsal.html; the marks of the picture: data folder
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from moduline.delta import Made, Side, codecs, make, proof, rehearsal, target_of
from moduline.delta.outcomes import Outcome, marks_of, outcome_of, stretches, target_span, wear_of
from moduline.delta.staged import jobs_of
from moduline.digest import sha256_hex
from moduline.errors import BadOption, Text
from moduline.events import Event, Progress, Step
from moduline.formats import patch
from moduline.release import output, signing
from moduline.web import host_files
from moduline.web.jobs import Job
from moduline.web.studio.fota_sides import side_of
from moduline.web.studio.fota_wish import Wish

MAKE: Final = "fota.make"
REHEARSE: Final = "fota.rehearse"
MARKS: Final = 400
"""Marks of each kind in the picture; more trials go together."""
COLUMNS: Final = 240
SHOWN_FAILURES: Final = 20
_TOLD_EVERY_S: Final = 0.1


async def make_patch(wish: Wish, job: Job) -> dict[str, Any]:
    """Make what is wished and write it; facts for the page.

    Raises:
        BadOption: the patch would replace one of its own sources, or the key cannot sign.
        FormatError: a file is damaged.
        Refusal: no such patch can be made.
    """
    old, new = side_of(wish.old), side_of(wish.new)
    key = _key(wish.key) if wish.key else None
    image = host_files.read(wish.user_fs) if wish.user_fs and wish.kind != "diff" else None
    report = _Coding(job, sum(len(one.data) for one in new.parts) * len(codecs.reading()))
    target = target_of(old, wish.store, 0, wish.spare_bytes)
    made = make(old, new, wish.kind, target=target, user_image=image, report=report)
    files = [signing.sign_patch(data, key) if key is not None else data for data in made.files]
    paths = _paths(wish, len(files))
    for path, data in zip(paths, files, strict=True):
        output.write_whole(host_files.resolve(path), data)
    full = host_files.resolve(wish.new).stat().st_size
    facts = _facts(made, new, report.tried)
    written = [
        {"path": path, "bytes": len(data), "sha256": sha256_hex(data)} for path, data in zip(paths, files, strict=True)
    ]
    return facts | {
        "wish": asdict(wish),
        "files": written,
        "patch_bytes": sum(map(len, files)),
        "full_bytes": full,
        "block_bytes": target.block_bytes,
        "signed_by": key.id if key is not None else "",
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """A rehearsal.

    Args:
        old: path of what runs before.
        patches: paths, in the order in which they are applied.
        store: ``fs`` or ``fp``.
        spare_bytes: spare flash; None: as the module has it.
        cuts: operations to cut at; None: all.
        pairs: pairs of cuts.
    """

    old: str
    patches: tuple[str, ...]
    store: str
    spare_bytes: int | None
    cuts: int | None
    pairs: int


async def rehearse_patch(asked: Asked, folder: Path, job: Job) -> dict[str, Any]:
    """Cut the power everywhere; facts for the page. The marks of each picture go to a file in ``folder``.

    Raises:
        FormatError: a file is damaged.
        PatchMisfit, PatchForeign: a patch is for another firmware.
        SpareTooSmall: it needs more spare flash than the module has.
    """
    old = side_of(asked.old)
    files = [host_files.read(path) for path in asked.patches]
    spare = target_of(old, asked.store, 0, asked.spare_bytes).spare_bytes([len(data) for data in files])
    tried = [
        _rehearsed(asked, old, path, data, spare, folder / f"{job.id}-{number}.json", job)
        for number, (path, data) in enumerate(zip(asked.patches, files, strict=True))
    ]
    return {"files": tried, "is_good": all(one["is_good"] for one in tried)}


def _rehearsed(
    asked: Asked, old: Side, path: str, data: bytes, spare: int | None, picture: Path, job: Job
) -> dict[str, Any]:
    where = PurePosixPath(path).name
    job.report(Step("fota.clean", "begin", where))
    jobs = jobs_of(old, patch.read(data), spare)
    unit = next((one.patch.plan.block_bytes for one in jobs if one.patch), target_of(old).block_bytes)
    model = rehearsal.Model(jobs, unit, asked.store, data)
    clean = rehearsal.clean_run(model)
    cuts = [
        *rehearsal.single_cuts(clean.total, asked.cuts),
        *rehearsal.double_cuts(clean.total, asked.pairs, rehearsal.SEED),
    ]
    job.report(Step(REHEARSE, "begin", where, {"operations": clean.total, "trials": len(cuts)}))
    trials = []
    told_at = 0.0
    for trial in rehearsal.rehearse(model, clean, cuts):
        trials.append(trial)
        if time.monotonic() - told_at > _TOLD_EVERY_S or len(trials) == len(cuts):
            told_at = time.monotonic()
            job.report(Progress(REHEARSE, len(trials), len(cuts), where))
    shown = "all" if asked.cuts is None else str(asked.cuts)
    found = proof.proof_of(model, clean, trials, cuts=shown, seed=rehearsal.SEED, patch=data)
    stem = path.removesuffix(".bin")
    proofs = {"proof": f"{stem}.rehearsal.json", "page": f"{stem}.rehearsal.html"}
    text = json.dumps(found, indent=1, sort_keys=True) + "\n"
    output.write_whole(host_files.resolve(proofs["proof"]), text.encode())
    output.write_whole(host_files.resolve(proofs["page"]), proof.page_of(found, clean, trials).encode())
    span = target_span(model, clean)
    outcomes = [outcome_of(one, span) for one in trials]
    _keep_picture(picture, clean, trials, marks_of(clean, trials, span, MARKS))
    facts = {name: found[name] for name in ("operations", "operations_by_kind", "trials", "failed", "is_good")}
    facts |= {name: found[name] for name in ("store", "block_bytes", "spare_bytes")}
    facts |= {"path": path, "picture": picture.name, **proofs, "wear": asdict(wear_of(model, clean))}
    facts["failures"] = found["failures"][:SHOWN_FAILURES]
    return facts | {"outcomes": {str(one): outcomes.count(one) for one in Outcome}}


def _keep_picture(path: Path, clean: rehearsal.CleanRun, trials: list[rehearsal.Trial], marks: list[Any]) -> None:
    kept = {
        "operations": clean.total,
        "trials": len(trials),
        "uses": use_columns(clean, COLUMNS),
        "marks": [[*asdict(one).values()] for one in marks],
    }
    output.write_whole(path, json.dumps(kept).encode())


def use_columns(clean: rehearsal.CleanRun, columns: int) -> list[list[Any]]:
    """What operations are for, along the whole run, as ``[purpose, columns]``: in each column the most frequent."""
    total = clean.total
    columns = min(columns, total)
    counts: list[dict[str, int]] = [{} for _ in range(columns)]
    for what, first, count in stretches(clean):
        last = first + count - 1
        for column in range(first * columns // total, last * columns // total + 1):
            begin, end = -(-column * total // columns), -(-(column + 1) * total // columns)
            inside = min(last + 1, end) - max(first, begin)
            counts[column][what] = counts[column].get(what, 0) + inside
    found: list[list[Any]] = []
    for known in counts:
        what = max(known, key=lambda name: known[name]) if known else ""
        if found and found[-1][0] == what:
            found[-1][1] += 1
        else:
            found.append([what, 1])
    return found


class _Coding:
    """Steps of the coder as progress: bytes that went through a coder, of all that could."""

    def __init__(self, job: Job, total: int) -> None:
        self._job = job
        self._total = max(1, total)
        self._done = 0
        self._begun: dict[tuple[str, str], int] = {}
        self.tried: dict[str, dict[str, int]] = {}

    def __call__(self, event: Event) -> None:
        self._job.report(event)
        if not isinstance(event, Step):
            return
        if event.name == "delta.code":
            role, codec, count = (event.facts[name] for name in ("role", "codec", "bytes"))
            if event.state == "begin":
                self._begun[role, codec] = count
            else:
                self._done += self._begun.pop((role, codec), 0)
                self.tried.setdefault(role, {})[codec] = count
        elif event.name == "delta.compare":
            self._done = self._total
        self._job.report(Progress(event.name, min(self._done, self._total), self._total))


def _facts(made: Made, new: Side, tried: dict[str, dict[str, int]]) -> dict[str, Any]:
    first = made.patches[0]
    regions = []
    for one in made.patches:
        for region in one.regions:
            codec = codecs.codec_of(region.codec)
            sizes = dict(tried.get(region.role, {}))
            part = new.part(region.role)
            if codec.is_whole:
                sizes["whole"] = len(region.data)
            elif part is not None:
                sizes["whole"] = len(codecs.encode(part.data)[1])
            regions.append(
                {
                    "role": region.role,
                    "codec": "whole" if codec.is_whole else codec.name,
                    "tried": sizes,
                    "old_bytes": region.old_bytes,
                    "new_bytes": region.new_bytes,
                    "patch_bytes": len(region.data),
                    "spare_bytes": codecs.spare_bytes(region),
                }
            )
    return {
        "kind": first.kind,
        "direction": made.direction,
        "source": first.source_version,
        "target": first.target_version,
        "models": list(first.models),
        "regions": regions,
        "spare_bytes": max(one.spare_bytes for one in made.patches),
        "spare_have": made.spare_have,
        "warnings": [{"en": one.say("en"), "zh": one.say("zh")} for one in made.warnings],
    }


def _paths(wish: Wish, count: int) -> list[str]:
    """One file, or numbered ones for a set.

    Raises:
        BadOption: one of them is a source.
    """
    stem, dot, ending = wish.output.rpartition(".")
    stem, ending = (stem, dot + ending) if dot else (wish.output, "")
    paths = [wish.output] if count == 1 else [f"{stem}_{number}{ending}" for number in range(1, count + 1)]
    sources = {host_files.resolve(one) for one in (wish.old, wish.new, wish.user_fs, wish.key) if one}
    for path in paths:
        if host_files.resolve(path) in sources:
            why = Text("the patch would replace '{file}'", "差分包会覆盖“{file}”")
            raise BadOption(name="out", reason=why, file=path)
    return paths


def _key(path: str) -> signing.Key:
    key = signing.read_key(host_files.read(path), PurePosixPath(path).name)
    if key.private is None:
        why = Text("it is the public half, which cannot sign", "该文件是公钥，无法签名")
        raise BadOption(name=PurePosixPath(path).name, reason=why)
    return key
