"""Routes of rehearsals: ask for one, what was shown, the proofs themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from moduline.cloud.accounts.door import Door, Id, Open, Who, needs
from moduline.cloud.edge import Actor
from moduline.cloud.given import Given
from moduline.cloud.jobs.api import job_json
from moduline.cloud.rehearsals import modules
from moduline.cloud.rehearsals import service as rehearsals
from moduline.cloud.rehearsals.checking import read_proof
from moduline.cloud.rehearsals.service import MOST_PAIRS, Rehearsal
from moduline.errors import BadField, NoSuchObject, Text

router: Final = APIRouter(prefix="/v1/artifacts/{artifact}/rehearsals", tags=["rehearsals"])
KIND: Final = Text("rehearsal", "演练记录")
ALONE: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""What a page may do that was made of files of strangers: nothing but look."""


class NewRehearsal(Given):
    """What is tried, and on what."""

    on: Literal["module", "flash"] = Field(
        "module", description="module: virtual modules boot and update themselves; flash: the patch alone"
    )
    source: int | None = Field(
        None, description="whole artifact of what runs before; none: the newest of that version (module only)"
    )
    cuts: str = Field("", description="module: how many lose their power; flash: all operations, or how many of them")
    seed: int = Field(modules.SEED, description="module: decides at which moments")
    pairs: int = Field(1000, ge=0, le=MOST_PAIRS, description="flash: further cuts while it recovers")
    store: Literal["fp", "fs"] = Field("fp", description="flash: where the patch lies")


def rehearsal_json(one: Rehearsal) -> dict[str, Any]:
    """A rehearsal as JSON; the proofs have routes of their own."""
    known = asdict(one)
    return {name: known[name] for name in known if name not in {"proof_key", "page_key"}} | {
        "counts": one.counts_for(one.sha256)
    }


@router.post("", status_code=202, **needs("rehearsal.start"))
async def start_rehearsal(door: Open, who: Who, artifact: Id, wish: NewRehearsal) -> dict[str, Any]:
    """Have an update applied while the power is cut, on virtual modules or on virtual flash alone; the job."""
    if wish.on == "module":
        cuts = _number(wish.cuts) if wish.cuts else modules.CUTS
        job = await door.act(modules.start, artifact, wish.source, actor=who, cuts=cuts, seed=wish.seed)
        return job_json(job)
    if wish.source is None:
        raise BadField(field="source", reason=Text("is needed on flash", "在闪存上演练时必填"))
    how: dict[str, Any] = {"cuts": wish.cuts or "all", "pairs": wish.pairs, "store": wish.store}
    return job_json(await door.act(rehearsals.start, artifact, wish.source, actor=who, **how))


@router.get("")
async def list_rehearsals(door: Open, who: Who, artifact: Id) -> dict[str, Any]:
    """What was shown of an artifact's files, newest first; `counts`: whether a plan may rely on it."""
    found = await door.see(rehearsals.of_artifact, artifact, actor=who)
    return {"items": [rehearsal_json(one) for one in found], "next_after": None}


@router.get("/{rehearsal}/proof", response_class=Response)
async def show_proof(door: Open, who: Who, artifact: Id, rehearsal: Id) -> Response:
    """The proof as JSON: what was cut where, and what came of it."""
    data = await _kept(door, who, artifact, rehearsal, lambda one: one.proof_key)
    return Response(data, media_type="application/json")


@router.get("/{rehearsal}/page", response_class=Response)
async def show_page(door: Open, who: Who, artifact: Id, rehearsal: Id) -> Response:
    """The proof as a page for people."""
    data = await _kept(door, who, artifact, rehearsal, lambda one: one.page_key)
    headers = {"Content-Security-Policy": ALONE, "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type="text/html; charset=utf-8", headers=headers)


async def _kept(door: Door, who: Actor, artifact: int, number: int, key: Callable[[Rehearsal], str]) -> bytes:
    """A file of a rehearsal.

    Raises:
        NoSuchObject: there is none.
        StorageFailed: it is not as it was; it counts no more.
    """
    found = [one for one in await door.see(rehearsals.of_artifact, artifact, actor=who) if one.id == number]
    if not found:
        raise NoSuchObject(kind=KIND, name=str(number))

    return await read_proof(door.db, door.store, key(found[0]))


def _number(cuts: str) -> int:
    """How many modules lose their power.

    Raises:
        BadField: no number.
    """
    if not (cuts.isascii() and cuts.isdecimal() and len(cuts) < 10):
        raise BadField(field="cuts", reason=Text("a number of modules", "须为模组数量"))
    return int(cuts)
