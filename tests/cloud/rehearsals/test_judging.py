"""Which proofs count: of both kinds, the newest of each; damaged in the store, deleted with the artifact."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from cloud_job_rig import Shop
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.collecting import collect_files
from moduline.cloud.artifacts.rules import Artifact, ComponentType
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.rehearsals import checking
from moduline.cloud.rehearsals import service as rehearsals
from moduline.cloud.rehearsals.service import FLASH, MODULE
from moduline.errors import BadField, StorageFailed

DAY = 86400.0


@pytest.fixture
def shop(file_rig, tmp_path):
    return Shop(file_rig, tmp_path)


@pytest.fixture
def delta(shop):
    return shop.package("delta", "V2", b"patch", source="V1")


def shown(shop, artifact, kind, **more):
    """Record a rehearsal of each file of an artifact; whether it counts as rehearsed now."""
    keys = {name: shop.store.put([f"{name} {kind} {shop.rig.now}".encode()]) for name in ("proof_key", "page_key")}
    one = {
        "is_good": True, "cuts": "all" if kind == FLASH else "60", "pairs": 0, "trials": 60, "failed": 0,
        "tool": "0.1.0", "proof_version": 3, **keys,
    }  # fmt: skip
    rows = [one | more | {"sha256": file.digests.sha256} for file in artifact.artifact.files]
    return shop.rig.db.write(rehearsals.record, artifact.id, kind, rows, now=shop.rig.now)


def counts(shop, artifact):
    return shop.rig.see(artifacts.by_id, artifact.id).is_rehearsed


@pytest.mark.parametrize("kind", [FLASH, MODULE])
def test_proof_when_it_is_of_either_kind_then_enough(shop, delta, kind):
    assert shown(shop, delta, kind)


def test_proof_when_seen_damaged_then_known_on_either_database(rig, tmp_path):
    shop = Shop(rig, tmp_path)
    delta = shop.package("delta", "V2", b"patch", source="V1")
    assert shown(shop, delta, MODULE)
    (one,) = shop.rig.see(rehearsals.of_artifact, delta.id)
    keys = [one.proof_key, one.page_key]
    assert rig.db.write(rehearsals.judge_anew, keys, [one.page_key]) == 1
    assert shop.rig.see(rehearsals.of_artifact, delta.id)[0].is_damaged
    assert rig.db.write(rehearsals.judge_anew) == 0
    assert rig.db.write(rehearsals.judge_anew, keys) == 1
    assert counts(shop, delta)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (MODULE, {"cuts": "19"}),
        (MODULE, {"proof_version": 2}),
        (MODULE, {"is_good": False, "failed": 1}),
        (FLASH, {"cuts": "99"}),
        (FLASH, {"proof_version": 4}),
        (FLASH, {"tool": "0.0.9"}),
    ],
)
def test_proof_when_too_little_old_or_bad_then_not(shop, delta, kind, more):
    assert not shown(shop, delta, kind, **more)


def test_proof_when_the_other_kind_has_seen_it_fail_later_or_before_then_it_does_not_count(shop, delta):
    assert shown(shop, delta, FLASH)
    assert not shown(shop, delta, MODULE, is_good=False, failed=2)
    assert not shown(shop, delta, FLASH)
    assert shown(shop, delta, MODULE), "the newest of each kind decides"


def test_proof_when_a_file_of_several_has_none_then_not(shop):
    files = tuple(artifacts.receive(shop.store, f"m.mini_{number}", [b"%d" % number]) for number in (1, 2))
    made = Artifact("mini", ComponentType.MODULE, True, "V1", "V2", files)
    mini = shop.rig.act(artifacts.create, made, shop.store)[0]
    assert shown(shop, mini, MODULE)
    shop.rig.db.write(lambda conn: conn.execute(text("DELETE FROM rehearsals WHERE position = 1")))
    assert shop.rig.db.write(rehearsals.judge_anew) == 1
    assert not counts(shop, mini)


@pytest.mark.parametrize("part", ["proof_key", "page_key"])
@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_proof_when_damaged_in_the_store_then_it_counts_no_more_until_it_is_whole_again(shop, delta, part, harm):
    assert shown(shop, delta, MODULE)
    (one,) = shop.rig.see(rehearsals.of_artifact, delta.id)
    path = shop.store.path(getattr(one, part))
    kept = path.read_bytes()
    assert asyncio.run(checking.check_proofs(shop.rig.db, shop.store)) == 0
    if harm == "changed":
        path.write_bytes(kept[:-1] + b"?")
    else:
        path.unlink()
    assert asyncio.run(checking.check_proofs(shop.rig.db, shop.store)) == 1
    assert not counts(shop, delta)
    draft = shop.rig.draft(shop.rig.product(needs_rehearsal=True), delta)
    with pytest.raises(BadField, match="rehearsal"):
        shop.rig.act(plans.activate, draft.id)
    path.write_bytes(kept)
    assert asyncio.run(checking.check_proofs(shop.rig.db, shop.store)) == 1
    assert shop.rig.act(plans.activate, draft.id).state == "running"


def test_proof_when_somebody_asks_for_it_and_it_is_damaged_then_refused_and_not_counted(shop, delta):
    shown(shop, delta, MODULE)
    (one,) = shop.rig.see(rehearsals.of_artifact, delta.id)
    assert asyncio.run(checking.read_proof(shop.rig.db, shop.store, one.page_key)).startswith(b"page_key")
    shop.store.path(one.page_key).write_bytes(b"<html>all is well</html>")
    with pytest.raises(StorageFailed):
        asyncio.run(checking.read_proof(shop.rig.db, shop.store, one.page_key))
    assert not counts(shop, delta)


def test_proof_when_the_artifact_stays_then_kept_for_ever_and_gone_with_it(shop, delta):
    shown(shop, delta, MODULE)
    (one,) = shop.rig.see(rehearsals.of_artifact, delta.id)
    much_later = shop.rig.now + 4000 * DAY
    collect = collect_files(shop.rig.db, shop.store, now=much_later, grace_s=0.0)
    assert asyncio.run(collect) == ()
    shop.rig.act(artifacts.delete, delta.id)
    gone = asyncio.run(collect_files(shop.rig.db, shop.store, now=much_later, grace_s=0.0))
    assert {one.proof_key, one.page_key} <= set(gone)
    assert shop.rig.db.read(lambda conn: conn.execute(text("SELECT count(*) FROM rehearsals")).scalar_one()) == 0


def test_plan_when_it_asks_for_it_by_its_strategy_then_the_mark_decides(shop, delta):
    draft = shop.rig.draft(shop.rig.product(), delta, strategy=Strategy(needs_rehearsal=True))
    with pytest.raises(BadField):
        shop.rig.act(plans.activate, draft.id)
    shown(shop, delta, MODULE)
    assert shop.rig.act(plans.activate, draft.id).state == "running"
