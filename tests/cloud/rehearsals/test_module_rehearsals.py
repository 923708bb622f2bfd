"""Rehearsals on virtual modules: real ones boot the source version, lose their power, and must end at the new one."""

from __future__ import annotations

import json
import sys

import pytest

from cloud_job_rig import Shop
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.rehearsals import modules
from moduline.cloud.rehearsals import service as rehearsals
from transcripts.updating import diff, firmware, version_of

MODULE = "ec600n"
V1, V2 = version_of(MODULE), version_of(MODULE, "2")
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
