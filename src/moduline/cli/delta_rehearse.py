"""``delta rehearse``: an update on a model of the module, the power cut everywhere; proof as JSON and as a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from moduline.cli.disk import read_file, write_file
from moduline.cli.language import say
from moduline.cli.output import JsonFlag, note, print_facts
from moduline.cli.sizes import size_of
from moduline.delta import inplace, proof, read_side, rehearsal, staged
from moduline.delta.pairs import firmware_pairs, must_be_related
from moduline.delta.rehearsal import SEED
from moduline.delta.side import Side
from moduline.errors import BadOption, TestsFailed, Text
from moduline.formats import patch

JSON_NAME: Final = "rehearsal.json"
PAGE_NAME: Final = "rehearsal.html"
DOUBLES_ALL: Final = 1000
TOLD_FROM: Final = 200
"""Trials from which on every tenth part is told."""


def register_rehearse(noun: typer.Typer) -> None:
    """Add ``rehearse`` to ``delta``."""

    @noun.command(
        help=say(
            "Cut the power before and inside every flash operation of an update, on a model of the module. "
            "PATCH is from delta make; a firmware instead is renewed in place. "
            "Example: moduline delta rehearse old.img new.img --cuts 50 --proof proof",
            "在模组模型上演练升级：在每个 Flash 操作之前和之中断电。"
            "PATCH 由 delta make 生成；若给出新固件，则演练原地升级。"
            "示例：moduline delta rehearse old.img new.img --cuts 50 --proof proof",
        )
    )
    def rehearse(
        old: Annotated[Path, typer.Argument(metavar="OLD", help=say("what runs before", "升级前的固件"))],
        file: Annotated[Path, typer.Argument(metavar="PATCH|NEW", help=say("patch or firmware", "差分包或新固件"))],
        cuts: Annotated[
            str, typer.Option("--cuts", metavar="all|N", help=say("operations to cut at", "断电的操作数"))
        ] = "100",
        double: Annotated[
            int, typer.Option("--double", min=-1, help=say("sampled pairs of cuts", "抽样的二次断电数"))
        ] = -1,
        store: Annotated[
            str, typer.Option("--store", metavar="fs|fp", help=say("where the patch lies", "差分包存放位置"))
        ] = "fp",
        block: Annotated[
            str, typer.Option("--block", metavar="BYTES", help=say("erase unit of the flash", "Flash 擦除单位"))
        ] = "4096",
        spare: Annotated[
            str, typer.Option("--spare", metavar="BYTES", help=say("spare flash of the module", "模组的备份区大小"))
        ] = "",
        to: Annotated[
            Path | None, typer.Option("--proof", metavar="DIR", help=say("write JSON and page", "写入 JSON 与网页"))
        ] = None,
        as_json: JsonFlag = False,
    ) -> None:
        if store not in rehearsal.STORES:
            raise _bad("--store", "it is fs or fp", "只能为 fs 或 fp")
        asked = Asked(_count(cuts), double)
        jobs = _jobs(
            read_side(read_file(old), old.name),
            file,
            erase_unit_of(block),
            size_of(spare, "--spare") if spare else None,
        )
        unit = next((job.patch.plan.block_bytes for job in jobs if job.patch), erase_unit_of(block))
        model = rehearsal.Model(jobs, unit, store, b"".join(map(rehearsal.pack, jobs)))
        found, page = _rehearse(model, asked, read_file(file))
        if to is not None:
            write_file(to / JSON_NAME, (json.dumps(found, indent=1, sort_keys=True) + "\n").encode())
            write_file(to / PAGE_NAME, page.encode())
        _tell(found, to, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Asked:
    """How much is to be tried.

    Attributes:
        count: operations to cut at; None: all.
        double: pairs; -1: as fits ``count``.
    """

    count: int | None
    double: int

    @property
    def pairs(self) -> int:
        """Pairs of cuts."""
        return self.double if self.double >= 0 else DOUBLES_ALL if self.count is None else self.count // 2


def _rehearse(model: rehearsal.Model, asked: Asked, file: bytes) -> tuple[dict[str, Any], str]:
    clean = rehearsal.clean_run(model)
    cuts = [
        *rehearsal.single_cuts(clean.total, asked.count),
        *rehearsal.double_cuts(clean.total, asked.pairs, SEED),
    ]
    note(
        "{total} flash operations; {singles} cuts and tears, {doubles} pairs",
        "共 {total} 个 Flash 操作；断电 {singles} 次，二次断电 {doubles} 次",
        total=clean.total,
        singles=len(cuts) - asked.pairs,
        doubles=asked.pairs,
    )
    trials = []
    for trial in rehearsal.rehearse(model, clean, cuts):
        trials.append(trial)
        if len(cuts) >= TOLD_FROM and len(trials) * 10 // len(cuts) > (len(trials) - 1) * 10 // len(cuts):
            _tell_progress(trials, len(cuts))
    shown = "all" if asked.count is None else str(asked.count)
    found = proof.proof_of(model, clean, trials, cuts=shown, seed=SEED, patch=file)
    return found, proof.page_of(found, clean, trials)


def _tell_progress(trials: Sequence[rehearsal.Trial], total: int) -> None:
    note(
        "{done} of {total} trials, {failed} failed",
        "已完成 {done}/{total} 次试验，失败 {failed} 次",
        done=len(trials),
        total=total,
        failed=sum(bool(one.complaint) for one in trials),
    )


def _jobs(old: Side, file: Path, block_bytes: int, spare_bytes: int | None) -> list[rehearsal.Job]:
    """What is to be renewed: the regions of a patch as it says, or those of a firmware in place."""
    data = read_file(file)
    if not patch.is_patch(data):
        new = read_side(data, file.name)
        must_be_related(old, new)
        pairs = [(before, after) for before, after in firmware_pairs(old, new) if before.data != after.data]
        if not pairs:
            raise _bad("OLD NEW", "the firmware of both is the same", "两者固件相同")
        return [
            rehearsal.Job(
                before.role,
                before.data,
                after.data,
                inplace.make(before.data, after.data, block_bytes=block_bytes, spare_bytes=spare_bytes),
            )
            for before, after in pairs
        ]
    return staged.jobs_of(old, patch.read(data), spare_bytes)


def _tell(found: dict[str, Any], to: Path | None, *, as_json: bool) -> None:
    if not found["is_good"]:
        first = found["failures"][0]
        raise TestsFailed(failed=found["failed"], total=sum(found["trials"].values()), first=first["cuts"])
    facts = {name: found[name] for name in ("operations", "block_bytes", "spare_bytes", "store")}
    facts |= {"cuts": found["trials"]["cut"], "tears": found["trials"]["tear"], "pairs": found["trials"]["pair"]}
    facts |= {"failures": 0, "in_place": all(one["in_place"] for one in found["regions"])}
    if to is not None:
        facts["proof"] = str(to)
    print_facts(facts, as_json=as_json)


def _count(cuts: str) -> int | None:
    if cuts == "all":
        return None
    if not cuts.isdecimal() or not int(cuts):
        raise _bad("--cuts", "it is all or a number from 1", "只能为 all 或正整数")
    return int(cuts)


def erase_unit_of(text: str) -> int:
    """An erase unit as typed.

    Raises:
        BadOption: a plan knows no such unit.
    """
    size = size_of(text, "--block")
    if size & (size - 1) or not 4096 <= size <= 1 << 20:
        raise _bad("--block", "a power of two from 4096 to 1 MiB", "须为 4096 到 1 MiB 之间的 2 的幂")
    return size


def _bad(name: str, en: str, zh: str) -> BadOption:
    return BadOption(name=name, reason=Text(en, zh))
