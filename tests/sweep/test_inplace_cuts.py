"""Updates in place on a model of the module: power away before and inside every flash operation, and again while it recovers.

What ends a trial is told in ``moduline.delta.rehearsal``. The quick set takes small pairs of random bytes whose decoder
needs little RAM; the full set takes real firmware, both stores and both sizes of erase units, and in each of these ways
all single cuts, two tears of every operation, and 10,000 pairs of cuts.

Source: style H32; issue 5 (must show).
"""

from __future__ import annotations

import time

import pytest

from delta.inplace_rig import pair, small_patch
from moduline.delta import inplace, rehearsal
from moduline.delta.rehearsal import Job, Model
from moduline.errors import SpareTooSmall
from samples import corpus

SEED = 20265
PAIRS = ("zstack-cc2652r", "microbit2-m4")
WAYS = [(store, block) for store in rehearsal.STORES for block in (4096, 65536)]


def try_all(job, store, block, count, doubles, torn=1):
    """Every trial; the clean run's operations. What a failure prints replays it."""
    begun = time.process_time()
    model = Model([job], block, store, rehearsal.pack(job))
    clean = rehearsal.clean_run(model)
    cuts = [
        *rehearsal.single_cuts(clean.total, count, torn),
        *rehearsal.double_cuts(clean.total, doubles, SEED),
    ]
    trials = list(rehearsal.rehearse(model, clean, cuts))
    assert sorted(one.cuts for one in trials) == sorted(cuts)
    bad = [(one.cuts, one.complaint) for one in trials if one.complaint]
    ended = sum(one.is_to_the_end for one in trials)
    print(
        f"{job.role} {store} {block}: spare {model.spare_bytes}, {clean.total} operations, {len(cuts) - doubles} cuts and "
        f"tears, {doubles} pairs, {ended} to the end, {len(bad)} bad, {time.process_time() - begun:.0f} s"
    )
    assert not bad, bad[:5]
    return clean.total


@pytest.mark.parametrize("store", rehearsal.STORES)
@pytest.mark.parametrize("down", [False, True])
def test_small_pair_when_power_goes_anywhere_then_the_new_image_is_there(store, down):
    old, new = pair(31, 6 * 4096, 3000)
    patch = small_patch(old, new, down=down, every=2)
    assert patch.plan.checkpoints >= 2
    assert try_all(Job("small", old, new, patch), store, 4096, 120, 60) > 200


def test_small_pair_of_large_blocks_when_power_goes_then_the_new_image_is_there():
    old, new = pair(32, 4 * 65536, 70000)
    patch = small_patch(old, new, block=65536, down=True, every=1)
    try_all(Job("small", old, new, patch), "fp", 65536, 60, 30)


@pytest.mark.sweep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("store", "block"), WAYS)
def test_small_pair_when_power_goes_everywhere_then_the_new_image_is_there(store, block):
    old, new = pair(33, 5 * block, block // 2 + 500)
    for down in (False, True):
        patch = small_patch(old, new, block=block, down=down, every=1)
        try_all(Job("small", old, new, patch), store, block, None, 1000, torn=3)


@pytest.mark.sweep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("store", "block"), WAYS)
@pytest.mark.parametrize("name", PAIRS)
def test_real_pair_when_power_goes_everywhere_then_the_new_image_is_there(name, store, block):
    old, new = corpus(name)
    patch = inplace.make(old, new, block_bytes=block)
    assert try_all(Job(name, old, new, patch), store, block, None, 10_000, torn=2) > 1_000


@pytest.mark.sweep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", PAIRS)
def test_real_pair_with_the_least_spare_when_power_goes_then_the_new_image_is_there(name):
    old, new = corpus(name)
    with pytest.raises(SpareTooSmall) as caught:
        inplace.make(old, new, block_bytes=4096, spare_bytes=0)
    patch = inplace.make(old, new, block_bytes=4096, spare_bytes=caught.value.facts["need"])
    assert patch.plan.every <= 2
    try_all(Job(name, old, new, patch), "fp", 4096, 1_000, 500)
