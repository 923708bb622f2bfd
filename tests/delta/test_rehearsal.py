"""Rehearsals find what is wrong, tell how to replay it, and say the same twice; proof and page."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from delta.inplace_rig import pair, small_patch
from moduline.delta import proof, rehearsal
from moduline.delta.rehearsal import Job, Model, Trial
from moduline.errors import BadFormat, FormatError
from moduline.formats.inplace import WRITE

OLD, NEW = pair(11, 5 * 4096, 2500)


@pytest.fixture(scope="module")
def patch():
    return small_patch(OLD, NEW, every=3)


def model_of(job, store="fp", block=4096):
    return Model([job], block, store, rehearsal.pack(job))


@pytest.mark.parametrize("store", ["fs", "fp"])
def test_rehearsal_when_in_place_then_every_trial_ends_well(patch, store):
    model = model_of(Job("system", OLD, NEW, patch), store)
    steps = rehearsal.clean_run(model)
    assert {step.what for step in steps} == {"journal", "copy", "target", "checkpoint"}
    total = sum(step.count for step in steps)
    trials = [*rehearsal.single_cuts(model, steps, 25), *rehearsal.double_cuts(model, total, 15, 7)]
    assert len(trials) == 2 * 25 + 15
    assert not [one for one in trials if one.complaint]
    assert len({one.cuts for one in trials}) == len(trials)


def test_rehearsal_when_the_content_is_in_the_patch_then_every_cut_ends_well():
    model = model_of(Job("user_fs", OLD, NEW))
    steps = rehearsal.clean_run(model)
    total = sum(step.count for step in steps)
    trials = [*rehearsal.single_cuts(model, steps, None), *rehearsal.double_cuts(model, total, 50, 7)]
    assert len(trials) == 2 * total + 50
    assert not [one for one in trials if one.complaint]
    assert model.spare_bytes == 0


def test_trial_when_replayed_from_the_beginning_then_ends_as_told(patch):
    model = model_of(Job("system", OLD, NEW, patch))
    steps = rehearsal.clean_run(model)
    for trial in rehearsal.single_cuts(model, steps, 12):
        assert rehearsal.try_out(model, trial.cuts, model.before) == trial.complaint


def test_double_cuts_when_sampled_twice_then_are_the_same(patch):
    model = model_of(Job("system", OLD, NEW, patch))
    once, again = (list(rehearsal.double_cuts(model, 300, 5, 3)) for _ in range(2))
    assert once == again
    assert once != list(rehearsal.double_cuts(model, 300, 5, 4))


def test_rehearsal_when_two_regions_share_the_spare_then_both_are_renewed(patch):
    other_old, other_new = pair(12, 4 * 4096, 2500)
    jobs = [Job("system", OLD, NEW, patch), Job("app", other_old, other_new, small_patch(other_old, other_new))]
    model = Model(jobs, 4096, "fp", b"".join(map(rehearsal.pack, jobs)))
    steps = rehearsal.clean_run(model)
    assert not [one for one in rehearsal.single_cuts(model, steps, 15) if one.complaint]


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
    steps = rehearsal.clean_run(model)
    good = [Trial("cut@3", 3, ""), Trial("tear@3:4", 3, "")]
    found = proof.proof_of(model, steps, good, 7)
    assert (found["is_good"], found["trials"], found["failures"]) == (True, {"cut": 1, "tear": 1, "pair": 0}, [])
    assert found["operations"] == sum(found["operations_by_kind"].values()) == sum(step.count for step in steps)
    assert json.loads(json.dumps(found)) == found
    page = proof.page_of(found, steps, good)
    assert page == proof.page_of(found, steps, good)
    assert "every trial ended well" in page
    assert "全部通过" in page
    assert not re.search(r"https?://|<script|<link", page)
    bad = [*good, Trial("tear@5:6,cut@1", 5, "system: not <the> new image")]
    found = proof.proof_of(model, steps, bad, 7)
    page = proof.page_of(found, steps, bad)
    assert not found["is_good"]
    assert "NOT SAFE" in page
    assert "tear@5:6,cut@1: system: not &lt;the&gt; new image" in page
    assert page.count("#d0342c") == 2  # the legend and one bar
