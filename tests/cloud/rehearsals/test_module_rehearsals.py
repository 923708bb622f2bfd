"""Rehearsals on virtual modules: real ones boot the source version, lose their power, and must end at the new one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from cloud_job_rig import Shop
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.edge import Actor
from moduline.cloud.jobs import queue
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.products import service as products
from moduline.cloud.rehearsals import modules
from moduline.cloud.rehearsals import service as rehearsals
from moduline.errors import BadField, NoSuchObject, NotRehearsable, RoleTooLow
from rehearsal_rig import MODULE, V1, V2
from transcripts.updating import diff, firmware

LIMIT_S = 180
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")


@pytest.fixture
def shop(file_rig, tmp_path):
    return Shop(file_rig, tmp_path, [modules.trade()])


@pytest.fixture
def whole(shop):
    return shop.package("v1", V1, firmware(MODULE))


def proof_of(shop, artifact):
    """The newest proof of an artifact, as JSON and as a page."""
    one = shop.rig.see(rehearsals.of_artifact, artifact.id)[0]
    with shop.store.open(one.proof_key) as file, shop.store.open(one.page_key) as page:
        return json.load(file), page.read().decode()


def rehearsed(shop, artifact, source=None, **more):
    return shop.done(shop.rig.act(modules.start, artifact.id, source and source.id, **({"cuts": 24} | more)))


def test_update_when_every_module_survives_then_proved_and_a_plan_that_asks_for_it_is_activated(shop, whole):
    delta = shop.package("delta", V2, diff(MODULE), source=V1)
    job = rehearsed(shop, delta)
    assert (job.state, job.reason) == ("done", None)
    assert job.result["is_rehearsed"], job.result
    assert job.progress == {"done": 24, "total": 24}
    proof, page = proof_of(shop, delta)
    assert (proof["kind"], proof["version"], proof["is_good"], proof["failed"]) == ("module", 3, True, 0)
    assert proof["reported"] == {"before": V1, "after": V2}
    assert sum(proof["trials_by_phase"].values()) == len(proof["moments"]) == 24
    assert proof["power_cuts"] + proof["missed"] >= 24
    assert min(proof["operations"].values()) > 0
    assert proof["found"]["old"] + proof["found"]["new"] == 24
    assert proof["update"]["files"][0]["sha256"] == delta.artifact.files[0].digests.sha256
    assert "Safe to roll out" in page
    assert "可以发布" in page
    assert page.count("<title>") == 1 + 24 + proof["trials"]["again"]
    product = shop.rig.product()
    draft = shop.rig.draft(product, delta, strategy=Strategy(needs_rehearsal=True))
    assert shop.rig.act(plans.activate, draft.id).state == "running"


def test_update_when_made_from_another_version_then_failed_with_a_page_that_shows_where(shop):
    other = shop.package("v2", V2, firmware(MODULE, "2", build_date="2026-01-02", qpy_version="V0009"))
    delta = shop.package("delta", V2 + "x", diff(MODULE), source=V1)
    job = rehearsed(shop, delta, other)
    assert (job.state, job.result["is_rehearsed"]) == ("done", False)
    proof, page = proof_of(shop, delta)
    assert (proof["is_good"], proof["undisturbed"]["stopped_in"]) == (False, "source")
    assert V1 in proof["undisturbed"]["complaint"]["en"]
    assert "NOT SAFE" in page
    assert not shop.rig.see(artifacts.by_id, delta.id).is_rehearsed


def test_job_when_cancelled_while_modules_run_then_no_process_of_it_is_left(shop, whole):
    delta = shop.package("delta", V2, diff(MODULE), source=V1)
    job = shop.rig.act(modules.start, delta.id, cuts=2000)
    others = set(children_of(os.getpid()))  # such as a database server of other tests

    async def scene():
        turn = asyncio.ensure_future(shop.worker.turn())
        while not (shop.job(job.id).progress or {}).get("done"):
            assert not turn.done(), shop.job(job.id)
            await asyncio.sleep(0.1)
        mine = set(children_of(os.getpid())) - others
        assert len(mine) >= 2, "the job's process and its zygote; interpreters come and go"
        await asyncio.to_thread(shop.rig.act, queue.cancel, job.id)
        assert await turn
        return mine

    mine = asyncio.run(asyncio.wait_for(scene(), LIMIT_S))
    assert shop.job(job.id).state == "cancelled"
    assert not shop.rig.see(artifacts.by_id, delta.id).is_rehearsed
    end = time.monotonic() + LIMIT_S
    while [pid for pid in mine if is_alive(pid)] and time.monotonic() < end:
        time.sleep(0.05)
    assert [pid for pid in mine if is_alive(pid)] == []
    assert not list((shop.folder / "scratch").iterdir())


def children_of(pid):
    """Numbers of all processes that a process has begun, and theirs."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [one for one, parent in parents.items() if parent == pid]
    return found + [inner for one in found for inner in children_of(one)]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_request_when_it_cannot_be_then_refused_at_once(shop, whole):
    delta = shop.package("delta", V2, b"patch", source=V1)
    for more in ({"cuts": 0}, {"cuts": -5}, {"cuts": 2001}, {"cuts": 10**30}, {"seed": -1}, {"seed": 1 << 31}):
        with pytest.raises(BadField):
            shop.rig.act(modules.start, delta.id, whole.id, **more)
    with pytest.raises(BadField):
        shop.rig.act(modules.start, delta.id, delta.id)
    with pytest.raises(BadField):
        shop.rig.act(modules.start, whole.id, whole.id)
    with pytest.raises(BadField, match="source"):
        shop.rig.act(modules.start, whole.id)
    with pytest.raises(NoSuchObject):
        shop.rig.act(modules.start, delta.id, 999)
    lonely = shop.package("lonely", "V9", b"patch", source="V8")
    with pytest.raises(NotRehearsable, match="V8"):
        shop.rig.act(modules.start, lonely.id)
    mcu = shop.rig.artifact("mcu", kind=ComponentType.MCU, source="1", target="2")
    with pytest.raises(NotRehearsable, match="MCU"):
        shop.rig.act(modules.start, mcu.id, whole.id)
    viewer = replace(shop.rig.owner, role="viewer")
    with pytest.raises(RoleTooLow):
        shop.rig.act(modules.start, delta.id, whole.id, actor=viewer)
    stranger = Actor(99, 99, "stranger", "admin")
    with pytest.raises(NoSuchObject):
        shop.rig.act(modules.start, delta.id, whole.id, actor=stranger)
    assert not shop.turn()


def test_job_when_the_artifact_is_deleted_meanwhile_then_failed_with_that_code_and_no_proof_is_kept(shop):
    whole = shop.package("v1", V1, b"no package at all")
    delta = shop.package("delta", V2, b"patch", source=V1)
    job = shop.rig.act(modules.start, delta.id)
    assert shop.rig.act(modules.start, delta.id, whole.id).id == job.id, "the same request is the same job"
    shop.rig.act(artifacts.delete, delta.id)
    job = shop.done(job)
    assert (job.state, job.reason["code"]) == ("failed", NotRehearsable.code), job.reason
    assert shop.notices == []


# ---- by itself -------------------------------------------------------------------------------------------------------


def waiting(shop):
    """Artifacts whose rehearsal waits, by name."""
    shop.rig.db.write(modules.begin_wanted, now=shop.rig.now)
    jobs = shop.rig.see(queue.page, kind=modules.KIND).items
    return [shop.rig.see(artifacts.by_id, one.request["artifact_id"]).artifact.name for one in jobs]


def test_upload_when_no_product_says_so_then_nothing_is_begun_nor_later(shop):
    shop.package("v1", V1, b"whole")
    shop.package("delta", V2, b"patch", source=V1)
    assert shop.rig.db.read(modules.has_arrived)
    assert waiting(shop) == []
    assert not shop.rig.db.read(modules.has_arrived)
    shop.rig.product(rehearses_uploads=True)
    assert waiting(shop) == [], "what is there already is rehearsed when somebody asks for it"


def test_upload_when_a_product_says_so_then_a_patch_is_begun_once_its_source_is_there(rig, tmp_path):
    shop = Shop(rig, tmp_path, [modules.trade()])
    shop.rig.product(rehearses_uploads=True)
    shop.package("early", V2, b"patch", source=V1)
    assert waiting(shop) == []
    shop.package("v1", V1, b"whole")
    assert waiting(shop) == ["early"]
    shop.package("late", "V3", b"another patch", source=V1)
    shop.package("other", "V3", b"a third patch", source="V0")
    assert waiting(shop) == ["early", "late"]
    assert waiting(shop) == ["early", "late"]


def test_upload_when_another_account_says_so_then_not_mine(shop):
    put = "INSERT INTO accounts (name, role, is_enabled, created_at) VALUES ('other', 'admin', 1, 1.0) RETURNING id"
    number = shop.rig.db.write(lambda conn: conn.execute(text(put)).scalar_one())
    settings = products.ProductSettings(rehearses_uploads=True)
    shop.rig.act(products.create, "theirs", settings, actor=Actor(number, number, "other", "admin"))
    shop.package("v1", V1, b"whole")
    shop.package("delta", V2, b"patch", source=V1)
    assert waiting(shop) == []


def test_worker_when_an_artifact_arrives_then_begins_it_by_itself(shop):
    shop.rig.product(rehearses_uploads=True)
    shop.package("v1", V1, b"whole")
    delta = shop.package("delta", V2, b"patch", source=V1)
    assert shop.turn()
    (job,) = shop.rig.see(queue.page, kind=modules.KIND).items
    assert (job.state, job.request["artifact_id"], job.author.name) == ("failed", delta.id, "owner")
    assert job.reason["code"] == NotRehearsable.code
