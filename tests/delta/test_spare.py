"""The spare flash that is asked for is the spare flash that is taken: never a block more, never a block less."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from delta.inplace_rig import Rig, small_patch
from moduline.delta import inplace
from moduline.delta.inplace import InPlacePatch
from moduline.errors import FormatError, SpareTooSmall
from moduline.formats.inplace import BANKS

BLOCK = 4096


def random_pair(seed):
    """Pieces of an image moved, left out, doubled and changed."""
    rng = random.Random(seed)
    old = rng.randbytes(rng.randrange(1, 9) * BLOCK - rng.randrange(600))
    new = bytearray()
    while len(new) < len(old) // 2 or rng.random() < 0.7:
        at = rng.randrange(len(old))
        new += old[at : at + rng.randrange(200, 9000)] if rng.random() < 0.7 else rng.randbytes(rng.randrange(1, 1500))
        if len(new) > 10 * BLOCK:
            break
    if rng.random() < 0.5:
        new[: 2 * BLOCK] = old[: 2 * BLOCK]  # blocks that stay
    for _ in range(rng.randrange(20)):
        new[rng.randrange(len(new))] ^= 1
    return old, bytes(new)


def planned(patch, old, spare_bytes):
    plan = patch.plan
    again = inplace.plan_for(old, patch.stream, plan.new_bytes, BLOCK, plan.is_descending, spare_bytes)
    return replace(patch, plan=again)


@pytest.mark.parametrize("seed", range(12))
def test_spare_when_as_much_as_is_asked_for_then_works_and_with_a_block_less_is_refused(seed):
    old, new = random_pair(seed)
    first = small_patch(old, new, down=seed % 2 == 1)
    with pytest.raises(SpareTooSmall) as caught:
        planned(first, old, 0)
    need = caught.value.facts["need"]
    with pytest.raises(SpareTooSmall) as caught:
        planned(first, old, need - 1)
    assert (caught.value.facts["need"], caught.value.facts["have"]) == (need, need - 1)
    patch = planned(first, old, need)
    assert patch.plan.spare_bytes == need
    with pytest.raises(SpareTooSmall):
        Rig(patch, old, new, spare=need - BLOCK).update()
    rig = Rig(patch, old, new, spare=need)
    assert rig.survives("")
    rng = random.Random(seed)
    for _ in range(4):
        assert rig.survives(f"tear@{rng.randrange(200)}:{seed},tear@{rng.randrange(40)}:5")


@pytest.mark.parametrize("seed", range(6))
def test_spare_when_the_update_is_done_then_every_block_of_it_was_used(seed):
    old, new = random_pair(100 + seed)
    patch = small_patch(old, new, down=seed % 2 == 1, every=2)
    rig = Rig(patch, old, new)
    first = rig.target_bytes // BLOCK
    rig.run()
    used = [wear > 0 for wear in rig.chip.wear[first:]]
    banks = BANKS * patch.plan.bank_blocks
    assert used[banks:] == [True] * patch.plan.slot_count
    assert any(used[: banks // 2])
    assert any(used[banks // 2 : banks]) or not patch.plan.checkpoints


@pytest.mark.parametrize("seed", range(6))
def test_spare_when_more_is_there_then_fewer_checkpoints_are_made(seed):
    old, new = random_pair(200 + seed)
    first = small_patch(old, new)
    with pytest.raises(SpareTooSmall) as caught:
        planned(first, old, 0)
    least = planned(first, old, caught.value.facts["need"]).plan
    most = planned(first, old, 1 << 24).plan
    assert most.checkpoints <= least.checkpoints
    assert most.checkpoints == 0


def test_block_when_mutated_two_thousand_times_then_a_patch_or_a_coded_error():
    """The data block as a module gets it: plan packed, then the stream. What can be read may still be refused."""
    old, new = random_pair(7)
    patch = small_patch(old, new, every=1)
    block, rng = patch.block, random.Random(51)
    assert InPlacePatch.of(block, patch.old_sha256, patch.new_sha256) == patch
    refused = changed = 0
    rig = Rig(patch, old, new, spare=patch.plan.spare_bytes + 64 * BLOCK)
    for number in range(2000):
        broken = bytearray(block)
        for _ in range(rng.randrange(1, 4)):
            broken[rng.randrange(len(broken) if number % 4 else 8 + len(block) - len(patch.stream))] = rng.randrange(
                256
            )
        if number % 9 == 0:
            del broken[rng.randrange(len(broken)) :]
        try:
            other = InPlacePatch.of(bytes(broken), patch.old_sha256, patch.new_sha256)
            if number % 8 == 0:
                rig.patch = other
                rig.run()
                changed += 1
                rig.reset()
        except (FormatError, SpareTooSmall):
            refused += 1
            assert bytes(rig.chip.cells) == rig.before
    assert refused > 500
    assert changed < 50


def test_block_when_its_plan_is_hostile_and_its_checks_right_then_a_coded_error_and_nothing_changed():
    """Plans that read well, but not for this stream: refused before the first erase, or as good."""
    old, new = random_pair(8)
    patch = small_patch(old, new, every=2)
    rig, rng = Rig(patch, old, new, spare=patch.plan.spare_bytes + 64 * BLOCK), random.Random(52)
    good = bad = 0
    for _ in range(120):
        moves = list(patch.plan.moves)
        other = moves[rng.randrange(len(moves))]
        moves[rng.randrange(len(moves))] = replace(other, saved=other.saved[rng.randrange(len(other.saved) + 1) :])
        facts = {"every": max(1, patch.plan.every + rng.randrange(-1, 2)), "log_long": rng.randrange(3)}
        facts["saved_bytes"] = max(0, patch.plan.saved_bytes + rng.choice([0, 0, 0, -1, 1, -patch.plan.saved_bytes]))
        try:
            other = replace(patch, plan=replace(patch.plan, moves=tuple(moves), **facts))
            rig.patch = InPlacePatch.of(other.block, patch.old_sha256, patch.new_sha256)
            rig.run()
        except FormatError:
            bad += 1
            assert bytes(rig.chip.cells) == rig.before
            continue
        good += 1
        assert rig.is_new()
        rig.reset()
    assert bad > 40
    assert good
