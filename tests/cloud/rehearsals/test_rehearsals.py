"""Rehearsals on the platform: proofs, the mark that plans ask for, and what takes it away."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import text

from cloud_job_rig import Shop
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.collecting import collect_files
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.rehearsals import service as rehearsals
from moduline.delta import make, read_side
from moduline.errors import BadField, PatchMisfit
from update_rig import NEW, OLD, firmware


@pytest.fixture
def shop(file_rig, tmp_path):
    return Shop(file_rig, tmp_path, [rehearsals.trade()])


@pytest.fixture
def whole(shop):
    return shop.package("v1", OLD, firmware(OLD))


@pytest.fixture
def delta(shop):
    (data,) = make(*(read_side(firmware(version)) for version in (OLD, NEW))).files
    return shop.package("delta", NEW, data, source=OLD)


def rehearsed(shop, delta, whole, **more):
    return shop.done(shop.rig.act(rehearsals.start, delta.id, whole.id, **({"pairs": 3} | more)))


def test_rehearsal_when_all_passes_then_proofs_are_kept_and_a_plan_that_asks_for_it_is_activated(shop, delta, whole):
    product = shop.rig.product()
    draft = shop.rig.draft(product, delta, strategy=Strategy(needs_rehearsal=True))
    with pytest.raises(BadField, match="rehearsal"):
        shop.rig.act(plans.activate, draft.id)
    job = rehearsed(shop, delta, whole)
    assert (job.state, job.reason, job.result["is_rehearsed"]) == ("done", None, True)
    (one,) = shop.rig.see(rehearsals.of_artifact, delta.id)
    with shop.store.open(one.proof_key) as file:
        proof = json.load(file)
    assert (proof["cuts"], proof["failed"], proof["is_good"]) == ("all", 0, True)
    assert proof["patch"]["sha256"] == delta.artifact.files[0].digests.sha256
    assert sum(proof["trials"].values()) == one.trials == 2 * proof["operations"] + 3
    with shop.store.open(one.page_key) as file:
        assert b"<svg" in file.read()
    gone = asyncio.run(collect_files(shop.rig.db, shop.store, now=4e9, grace_s=0.0))
    assert gone == ()
    assert shop.rig.act(plans.activate, draft.id).state == "running"


def test_rehearsal_when_too_little_was_tried_then_kept_but_does_not_count(shop, delta, whole):
    job = rehearsed(shop, delta, whole, cuts="5", pairs=0)
    assert (job.state, job.result["is_rehearsed"]) == ("done", False)
    assert not shop.rig.see(artifacts.by_id, delta.id).is_rehearsed


@pytest.mark.parametrize(
    "change",
    ["tool = '0.0.9'", "proof_version = 1", "is_good = 0", "sha256 = 'another'", "is_damaged = 1"],
)
def test_mark_when_the_proof_does_not_count_any_more_then_taken_away(file_rig, change):
    artifact = file_rig.artifact("delta", source="V1")
    row = {
        "artifact": artifact.id, "sha": artifact.artifact.files[0].digests.sha256, "tool": "0.1.0", "version": 2,
    }  # fmt: skip
    put = (
        "INSERT INTO rehearsals (artifact_id, position, sha256, is_good, cuts, pairs, trials, failed, tool,"
        " proof_version, proof_key, page_key, rehearsed_at, kind, is_damaged)"
        " VALUES (:artifact, 0, :sha, 1, 'all', 0, 9, 0, :tool, :version, 'a', 'b', 1.0, 'flash', 0)"
    )
    file_rig.db.write(lambda conn: conn.execute(text(put), row))
    assert file_rig.db.write(rehearsals.judge_anew) == 1
    assert file_rig.see(artifacts.by_id, artifact.id).is_rehearsed
    assert file_rig.db.write(rehearsals.judge_anew) == 0
    file_rig.db.write(lambda conn: conn.execute(text(f"UPDATE rehearsals SET {change}")))
    assert file_rig.db.write(rehearsals.judge_anew) == 1
    assert not file_rig.see(artifacts.by_id, artifact.id).is_rehearsed


def test_rehearsal_when_the_source_is_another_or_the_patch_is_none_then_failed_with_a_code(shop, delta, whole):
    other = shop.package("other", "V0", firmware(NEW))
    assert rehearsed(shop, delta, other).reason["code"] == PatchMisfit.code
    junk = shop.package("junk", NEW, b"\xff" * 900, source=OLD)
    assert rehearsed(shop, junk, whole).reason["code"].startswith("ML-E08")
    assert shop.notices == []


def test_rehearsal_when_the_request_cannot_be_then_refused_at_once(shop, delta, whole):
    for pair in ((whole, whole), (delta, delta)):
        with pytest.raises(BadField):
            shop.rig.act(rehearsals.start, pair[0].id, pair[1].id)
    for more in ({"cuts": "some"}, {"cuts": "0"}, {"cuts": "9" * 5000}, {"pairs": -1}, {"store": "moon"}):
        with pytest.raises(BadField):
            shop.rig.act(rehearsals.start, delta.id, whole.id, **more)
