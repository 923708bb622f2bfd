"""The planner: small examples worked out by hand, and every plan against a simulation that knows nothing of it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from moduline.delta import inplace, mapped
from moduline.delta.inplace import Watched
from moduline.errors import BadChecksum, BadFormat, SpareTooSmall
from moduline.formats.inplace import KEEP, SAVE, WRITE, Plan

BLOCK = 4096


def plan_of(reads, changed, old_blocks, *, down, every):
    seen = Watched(tuple(map(frozenset, reads)), tuple(changed), 100, b"")
    moves = inplace.lay(seen, old_blocks * BLOCK, BLOCK, down, every)
    return Plan(old_blocks * BLOCK, len(moves) * BLOCK, BLOCK, down, every, 100, moves), seen


def survives(plan, reads, changed):
    """Play the update with symbols: at every moment each read of the group in hand must find its block somewhere.

    The decoder may be restarted at any moment and then reads all of its group again, so nothing that any step of the
    group reads may be missing while the group lasts.
    """
    target = {place: place for place in range(plan.old_blocks)}
    slots = {}
    for step, (move, group, slot) in enumerate(zip(plan.moves, plan.groups, plan.slots, strict=True)):
        together = [other for other, number in enumerate(plan.groups) if number == group]
        wanted = set().union(*(reads[other] for other in together))
        if move == KEEP and changed[step]:
            return False
        if slot is not None:
            slots[slot] = None
            if not wanted <= {block for place, block in target.items() if place == block} | set(slots.values()):
                return False
            slots[slot] = plan.place(step)
        if move != KEEP:
            target[plan.place(step)] = None
        if not wanted <= set(target.values()) | set(slots.values()):
            return False
    return True


def test_plan_when_blocks_read_only_themselves_then_copies_live_for_one_group():
    plan, _ = plan_of([{0}, {1}, {2}, {3}], [True] * 4, 4, down=False, every=2)
    assert plan.moves == (SAVE, SAVE, SAVE, SAVE)
    assert plan.slot_count == 2


def test_plan_when_all_moves_up_then_last_first_needs_fewer_copies():
    """Each block comes from the one below: upwards every block must be kept for the next one, downwards none."""
    up, _ = plan_of([set(), {0}, {1}, {2}], [True] * 4, 4, down=False, every=1)
    assert up.moves == (SAVE + 1, SAVE + 1, SAVE + 1, WRITE)
    assert up.slot_count == 2
    down, _ = plan_of([{2}, {1}, {0}, set()], [True] * 4, 4, down=True, every=1)
    assert down.moves == (WRITE, WRITE, WRITE, WRITE)
    assert (down.slot_count, down.spare_bytes) == (0, (2 + 2) * BLOCK)


def test_plan_when_nobody_reads_or_nothing_changes_then_no_copies():
    plan, _ = plan_of([set(), {1}, set()], [True, False, True], 2, down=False, every=4)
    assert plan.moves == (WRITE, KEEP, WRITE)


def random_case(rng):
    count, old_blocks = rng.randrange(1, 9), rng.randrange(9)
    down = rng.random() < 0.5
    reads = [
        {rng.randrange(old_blocks) for _ in range(rng.randrange(4))} if old_blocks else set() for _ in range(count)
    ]
    places = range(count - 1, -1, -1) if down else range(count)
    changed = [place >= old_blocks or rng.random() < 0.8 for place in places]
    return reads, changed, old_blocks, {"down": down, "every": rng.randrange(1, 5)}


def test_plan_when_random_then_survives_and_every_copy_is_needed_as_long_as_it_is_kept():
    rng = random.Random(41)
    copies = 0
    for _ in range(2000):
        reads, changed, old_blocks, how = random_case(rng)
        plan, seen = plan_of(reads, changed, old_blocks, **how)
        assert survives(plan, reads, changed)
        inplace.check(plan, seen)
        groups = plan.groups
        last = {block: step for step, blocks in enumerate(reads) for block in blocks}
        for step, move in enumerate(plan.moves):
            if move < SAVE:
                continue
            copies += 1
            less = replace(plan, moves=(*plan.moves[:step], WRITE, *plan.moves[step + 1 :]))
            assert not survives(less, reads, changed)
            assert groups[step] + move - SAVE == groups[last[plan.place(step)]]
        live = [
            sum(g <= at <= g + m - SAVE for g, m in zip(groups, plan.moves, strict=True) if m >= SAVE) for at in groups
        ]
        assert plan.slot_count == max(live)
    assert copies > 1000


def test_check_when_a_plan_is_changed_at_random_then_refuses_what_the_simulation_refuses():
    rng = random.Random(43)
    good = bad = 0
    for _ in range(3000):
        reads, changed, old_blocks, how = random_case(rng)
        plan, seen = plan_of(reads, changed, old_blocks, **how)
        moves = list(plan.moves)
        step = rng.randrange(len(moves))
        moves[step] = rng.choice([KEEP, WRITE, SAVE, SAVE + 1] if plan.place(step) < old_blocks else [WRITE])
        other = replace(plan, moves=tuple(moves), every=max(1, plan.every + rng.randrange(-1, 2)))
        if survives(other, reads, changed):
            inplace.check(other, seen)
            good += 1
        else:
            bad += 1
            with pytest.raises(BadFormat):
                inplace.check(other, seen)
    assert min(good, bad) > 200


def test_check_when_the_state_has_another_length_then_refused():
    plan, seen = plan_of([set(), set()], [True] * 2, 2, down=False, every=1)
    with pytest.raises(BadFormat):
        inplace.check(replace(plan, state_bytes=99), seen)


def pair(seed, blocks, extra):
    rng = random.Random(seed)
    old = rng.randbytes(blocks * BLOCK)
    return old, old[:3000] + rng.randbytes(extra) + old[3000:-700]


def test_make_when_content_moves_up_then_goes_last_first_and_tells_the_need():
    old, new = pair(1, 12, 5000)
    patch = inplace.make(old, new, block_bytes=BLOCK)
    assert patch.plan.is_descending
    need = patch.plan.spare_bytes
    assert inplace.make(old, new, block_bytes=BLOCK, spare_bytes=need).plan.spare_bytes <= need
    with pytest.raises(SpareTooSmall) as caught:
        inplace.make(old, new, block_bytes=BLOCK, spare_bytes=BLOCK)
    least = caught.value.facts["need"]
    assert least <= need
    assert inplace.make(old, new, block_bytes=BLOCK, spare_bytes=least).plan.spare_bytes == least
    with pytest.raises(SpareTooSmall):
        inplace.make(old, new, block_bytes=BLOCK, spare_bytes=least - 1)


def test_make_when_content_moves_down_then_goes_first_to_last():
    new, old = pair(2, 12, 5000)
    assert not inplace.make(old, new, block_bytes=BLOCK).plan.is_descending


@pytest.mark.parametrize("down", [False, True])
def test_reads_when_watched_then_are_among_those_the_covers_tell(down):
    old, new = pair(3, 12, 4567)
    choice = mapped.Choice(is_thumb=False)
    rows = mapped.find_covers(old, new, choice).rows()
    coded = mapped.make(old, new, descending_block=BLOCK if down else 0)
    seen = inplace.watch(lambda at, n: old[at : at + n], len(old), coded.stream, len(new), BLOCK, down)
    told = inplace.reads_by_covers(rows, len(old), len(new), BLOCK, down)
    assert all(real <= likely for real, likely in zip(seen.reads, told, strict=True))
    assert any(seen.reads)


def test_result_when_it_is_another_image_then_refused():
    with pytest.raises(BadChecksum):
        inplace.must_give(Watched((), (), 0, bytes(32)), bytes([1]) * 32)
