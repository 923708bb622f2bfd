"""Rehearsals find what is wrong, tell how to replay it, and say the same twice; proof and page."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from delta.inplace_rig import pair, small_patch
from moduline.delta import proof, rehearsal
from moduline.delta.rehearsal import CleanRun, CleanStep, Job, Model, Trial
from moduline.errors import BadFormat, FormatError
from moduline.formats.inplace import WRITE

OLD, NEW = pair(11, 5 * 4096, 2500)
SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec" / "rehearsal-proof.md"


@pytest.fixture(scope="module")
def patch():
    return small_patch(OLD, NEW, every=3)


def model_of(job, store="fp", block=4096):
    return Model([job], block, store, rehearsal.pack(job))


def tried(model, clean, count, doubles):
    cuts = [*rehearsal.single_cuts(clean.total, count), *rehearsal.double_cuts(clean.total, doubles, 7)]
    trials = list(rehearsal.rehearse(model, clean, cuts))
    assert sorted(one.cuts for one in trials) == sorted(cuts)
    return trials


@pytest.mark.parametrize("store", ["fs", "fp"])
def test_rehearsal_when_in_place_then_every_trial_ends_well(patch, store):
    model = model_of(Job("system", OLD, NEW, patch), store)
    clean = rehearsal.clean_run(model)
    assert {step.what for step in clean.steps} == {"journal", "copy", "target", "checkpoint"}
    trials = tried(model, clean, 25, 15)
    assert len(trials) == 2 * 25 + 15
    assert not [one for one in trials if one.complaint]
    assert len({one.cuts for one in trials}) == len(trials)


def test_rehearsal_when_the_content_is_in_the_patch_then_every_cut_ends_well():
    model = model_of(Job("user_fs", OLD, NEW))
    clean = rehearsal.clean_run(model)
    trials = tried(model, clean, None, 50)
    assert len(trials) == 2 * clean.total + 50
    assert not [one for one in trials if one.complaint]
    assert model.spare_bytes == 0


def test_trial_when_replayed_from_the_beginning_then_ends_as_told(patch):
    model = model_of(Job("system", OLD, NEW, patch))
    for trial in tried(model, rehearsal.clean_run(model), 12, 12):
        assert rehearsal.try_out(model, trial.cuts, model.before) == trial.complaint


def test_double_cuts_when_sampled_twice_then_are_the_same():
    once, again = (list(rehearsal.double_cuts(300, 50, 3)) for _ in range(2))
    assert once == again
    assert once != list(rehearsal.double_cuts(300, 50, 4))
    assert len(set(once)) == 50


def test_trial_when_it_stands_where_the_undisturbed_run_stands_then_is_over(patch):
    """What is left out is known: most end early, some go on, and both say the same."""
    model = model_of(Job("system", OLD, NEW, patch))
    clean = rehearsal.clean_run(model)
    trials = tried(model, clean, None, 0)
    early = [one for one in trials if not one.is_to_the_end]
    assert len(early) > len(trials) * 0.8
    assert len(trials) - len(early) >= len(trials) // rehearsal.TO_THE_END


def test_rehearsal_when_two_regions_share_the_spare_then_both_are_renewed(patch):
    other_old, other_new = pair(12, 4 * 4096, 2500)
    jobs = [Job("system", OLD, NEW, patch), Job("app", other_old, other_new, small_patch(other_old, other_new))]
    model = Model(jobs, 4096, "fp", b"".join(map(rehearsal.pack, jobs)))
    trials = tried(model, rehearsal.clean_run(model), 40, 20)
    assert not [one for one in trials if one.complaint]
    assert not all(one.is_to_the_end for one in trials)


def test_rehearsal_when_the_patch_makes_another_image_then_stops_at_the_clean_run(patch):
    with pytest.raises(BadFormat):
        rehearsal.clean_run(model_of(Job("system", OLD, NEW[:-1] + b"x", patch)))
    moves = (WRITE,) * len(patch.plan.moves)
    hostile = model_of(Job("system", OLD, NEW, replace(patch, plan=replace(patch.plan, moves=moves))))
    with pytest.raises(FormatError):
        rehearsal.clean_run(hostile)


def test_trial_when_the_module_cannot_recover_then_tells(patch):
    model = model_of(Job("system", OLD, NEW, patch))
    rehearsal.clean_run(model)
    model.reset(model.before)
    for number, _ in enumerate(model.life()):
        if number == 30:
            break
    half = bytearray(model.cells)
    half[: len(OLD)] = bytes(len(OLD))  # somebody burnt something else meanwhile
    assert rehearsal.try_out(model, "", bytes(half)).endswith("cannot go on")
    store = bytearray(model.before)
    store[-1:] = b"\0"  # behind the patch: nobody reads it, and nobody may write it
    assert rehearsal.try_out(model, "", bytes(store)) == "store: changed"
    store[store.index(patch.block) + 50] ^= 1
    assert rehearsal.try_out(model, "", bytes(store)).endswith("cannot go on")


def test_proof_when_made_then_counts_and_page_shows_failures(patch):
    model = model_of(Job("system", OLD, NEW, patch))
    clean = rehearsal.clean_run(model)
    how = {"cuts": "all", "seed": 7, "patch": b"patch"}
    good = [Trial("cut@3", 3, ""), Trial("tear@3:4", 3, "", is_to_the_end=False)]
    found = proof.proof_of(model, clean, good, **how)
    assert (found["is_good"], found["trials"], found["failures"]) == (True, {"cut": 1, "tear": 1, "pair": 0}, [])
    assert (found["failed"], found["trials_to_the_end"]) == (0, 1)
    assert found["operations"] == sum(found["operations_by_kind"].values()) == clean.total
    assert found["patch"] == {"bytes": 5, "sha256": hashlib.sha256(b"patch").hexdigest()}
    assert (found["erases"], found["programmed_bytes"]) == (
        model.flash.flash.counts.erases,
        model.flash.flash.counts.programmed_bytes,
    )
    assert json.loads(json.dumps(found)) == found
    page = proof.page_of(found, clean, good)
    assert page == proof.page_of(found, clean, good)
    assert "Every trial ended well" in page
    assert "全部通过" in page
    assert not re.search(r"https?://|<script|<link", page)
    bad = [*good, *(Trial(f"tear@5:{seed},cut@1", 5, "system: not <the> new image") for seed in range(120))]
    found = proof.proof_of(model, clean, bad, **how)
    assert (found["is_good"], found["failed"], len(found["failures"])) == (False, 120, proof.MOST_FAILURES)
    page = proof.page_of(found, clean, bad)
    assert "NOT SAFE" in page
    assert "tear@5:6,cut@1: system: not &lt;the&gt; new image" in page
    assert page.count("<rect") > 4
    assert len(re.findall(r"<rect[^>]*var\(--bad\)", page)) == 1


def test_proof_when_written_then_has_every_field_of_the_specification(patch):
    model = model_of(Job("system", OLD, NEW, patch))
    clean = rehearsal.clean_run(model)
    found = proof.proof_of(model, clean, [Trial("cut@3", 3, "lost")], cuts="5", seed=7, patch=b"")
    told = set(re.findall(r"^\| `([a-z_.\[\]0-9]+)` ", SPEC.read_text("utf-8"), re.MULTILINE))
    names = set(found)
    for name, value in found.items():
        inner = value[0] if isinstance(value, list) else value
        if isinstance(inner, dict) and name != "operations_by_kind":
            names |= {f"{name}[].{field}" if isinstance(value, list) else f"{name}.{field}" for field in inner}
    assert told == names


def test_page_when_there_are_many_operations_then_stays_small():
    steps = tuple(CleanStep("target" if number % 3 else "copy", number * 10, 10) for number in range(2000))
    clean = CleanRun(steps, ())
    trials = [Trial(f"cut@{at}", at, "lost" if at == 12345 else "") for at in range(20_000)]
    facts = dict.fromkeys(("cuts", "seed", "store"), "x") | dict.fromkeys(("block_bytes", "spare_bytes"), 4096)
    facts |= {
        "operations": 20_000,
        "is_good": False,
        "failed": 1,
        "regions": [],
        "operations_by_kind": {},
        "failures": [],
    }
    facts |= {"trials": {"cut": 20_000, "tear": 0, "pair": 0}, "patch": {"bytes": 1, "sha256": "0"}}
    page = proof.page_of(facts | {"tool": {"name": "x", "version": "1"}}, clean, trials)
    assert len(page) < 200_000
    assert len(re.findall(r"<rect[^>]*var\(--bad\)", page)) == 1
