"""The planner: small examples worked out by hand, and every plan against a simulation that knows nothing of it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from moduline.delta import inplace, mapped
from moduline.delta.inplace import Watched
from moduline.errors import BadChecksum, BadFormat, SpareTooSmall, TooBig
from moduline.formats import inplace as inplace_plans
from moduline.formats.inplace import KEEP, PAGE_BYTES, WRITE, Move, Run

BLOCK = 4096
PAGES = BLOCK // PAGE_BYTES


def plan_of(reads, changed, old_pages, *, down, every):
    seen = Watched(tuple(map(frozenset, reads)), tuple(changed), (100,) * len(reads), b"")
    plan = inplace.plan_of(seen, old_pages * PAGE_BYTES, len(reads) * BLOCK, BLOCK, down, every)
    return plan, seen


def pages(*blocks):
    return {page for block in blocks for page in range(block * PAGES, (block + 1) * PAGES)}


def survives(plan, reads, changed):
    """Play the update with symbols: at every moment each read of the group in hand must find its page somewhere.

    The decoder may be restarted at any moment and then reads all of its group again, so nothing that any step of the
    group reads may be missing while the group lasts.
    """
    target = set(range(-(-plan.old_bytes // PAGE_BYTES)))
    slots = {}
    begun = -1
    for step, (move, group) in enumerate(zip(plan.moves, plan.groups, strict=True)):
        wanted = set().union(*(reads[other] for other, number in enumerate(plan.groups) if number == group))
        if group > begun:
            begun = group
            for fill in plan.fills:
                if fill.group == group:
                    slots.pop(fill.slot, None)
                    if not wanted <= target.union(*slots.values()) or not set(fill.pages) <= target:
                        return False
                    assert len(fill.pages) <= PAGES
                    slots[fill.slot] = set(fill.pages)
        if not move.is_written and changed[step]:
            return False
        if move.is_written:
            target -= pages(plan.place(step))
        if not wanted <= target.union(*slots.values()):
            return False
    return True


ALL = Run(0, PAGES, 0)


def test_plan_when_blocks_read_only_themselves_then_copies_live_for_one_group():
    plan, _ = plan_of([pages(0), pages(1), pages(2), pages(3)], [True] * 4, 4 * PAGES, down=False, every=2)
    assert plan.moves == (Move(True, (ALL,)),) * 4
    assert [(one.group, one.slot, one.until) for one in plan.fills] == [(0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1)]
    assert plan.slot_count == 2


def test_plan_when_all_moves_up_then_last_first_needs_fewer_copies():
    """Each block comes from the one below: upwards every block must be kept for the next one, downwards none."""
    up, _ = plan_of([set(), pages(0), pages(1), pages(2)], [True] * 4, 4 * PAGES, down=False, every=1)
    assert up.moves == (Move(True, (Run(0, PAGES, 1),)),) * 3 + (WRITE,)
    assert up.slot_count == 2
    down, _ = plan_of([pages(2), pages(1), pages(0), set()], [True] * 4, 4 * PAGES, down=True, every=1)
    assert down.moves == (WRITE, WRITE, WRITE, WRITE)
    assert (down.slot_count, down.spare_bytes) == (0, 2 * BLOCK)


def test_plan_when_a_few_pages_of_each_block_are_read_later_then_they_share_a_slot():
    """The last page of each block is read by the next one: four pages, one slot; blocks read themselves, another."""
    reads = [pages(0), pages(1) | {15}, pages(2) | {31}, pages(3) | {47}]
    plan, _ = plan_of(reads, [True] * 4, 4 * PAGES, down=False, every=1)
    assert plan.moves == (Move(True, (Run(0, PAGES - 1, 0), Run(PAGES - 1, 1, 1))),) * 3 + (Move(True, (ALL,)),)
    assert [(one.group, one.slot, len(one.pages)) for one in plan.fills] == [
        (0, 0, 3), (0, 1, 15), (1, 1, 15), (2, 1, 15), (3, 1, 16),
    ]  # fmt: skip
    assert plan.fills[0].pages == (15, 31, 47)
    assert plan.slot_count == 2


def test_plan_when_nobody_reads_or_nothing_changes_then_no_copies():
    plan, _ = plan_of([set(), pages(1), set()], [True, False, True], 2 * PAGES, down=False, every=4)
    assert plan.moves == (WRITE, KEEP, WRITE)


def random_case(rng):
    count, old_pages = rng.randrange(1, 9), rng.randrange(9 * PAGES)
    down = rng.random() < 0.5
    reads = []
    for _ in range(count):
        starts = [rng.randrange(old_pages) for _ in range(rng.randrange(4))] if old_pages else []
        reads.append({page for at in starts for page in range(at, min(at + rng.randrange(1, 20), old_pages))})
    places = range(count - 1, -1, -1) if down else range(count)
    changed = [(place + 1) * PAGES > old_pages or rng.random() < 0.8 for place in places]
    return reads, changed, old_pages, {"down": down, "every": rng.randrange(1, 5)}


def test_plan_when_random_then_survives_and_every_copy_is_needed_as_long_as_it_is_kept():
    rng = random.Random(41)
    copies = apart = 0
    for _ in range(600):
        reads, changed, old_pages, how = random_case(rng)
        plan, seen = plan_of(reads, changed, old_pages, **how)
        apart += plan.log_long > 0
        assert survives(plan, reads, changed)
        inplace.check(plan, seen)
        last = {page: plan.groups[step] for step, some in enumerate(reads) for page in some}
        for step, move in enumerate(plan.moves):
            for number, run in enumerate(move.saved):
                copies += 1
                other = Move(True, (*move.saved[:number], *move.saved[number + 1 :]))
                less = replace(plan, moves=(*plan.moves[:step], other, *plan.moves[step + 1 :]))
                assert not survives(less, reads, changed)
                first = plan.place(step) * PAGES + run.first
                needed = {last[page] for page in range(first, first + run.count)}
                assert needed == {plan.groups[step] + run.groups}
        assert {one.slot for one in plan.fills} == set(range(plan.slot_count))
        assert inplace_plans.read(inplace_plans.write(plan)) == plan
    assert copies > 1000
    assert apart


def test_check_when_a_plan_is_changed_at_random_then_refuses_what_the_simulation_refuses():
    rng = random.Random(43)
    good = bad = 0
    for _ in range(1200):
        reads, changed, old_pages, how = random_case(rng)
        plan, seen = plan_of(reads, changed, old_pages, **how)
        moves = list(plan.moves)
        step = rng.randrange(len(moves))
        have = plan.old_pages(plan.place(step))
        some = [WRITE, *([Move(True, (Run(0, rng.randrange(1, have + 1), 0),)), KEEP] if have else [])]
        moves[step] = rng.choice(some)
        other = replace(plan, moves=tuple(moves), every=max(1, plan.every + rng.randrange(-1, 2)))
        other = replace(other, saved_bytes=100 if other.checkpoints else 0)
        if survives(other, reads, changed):
            inplace.check(other, seen)
            good += 1
        else:
            bad += 1
            with pytest.raises(BadFormat):
                inplace.check(other, seen)
    assert min(good, bad) > 100


def test_check_when_a_checkpoint_has_another_length_then_refused():
    plan, seen = plan_of([set(), set()], [True] * 2, 2, down=False, every=1)
    assert plan.saved_bytes == 100
    for wrong in (99, 101):
        with pytest.raises(BadFormat):
            inplace.check(replace(plan, saved_bytes=wrong), seen)


def pair(seed, blocks, extra):
    rng = random.Random(seed)
    old = rng.randbytes(blocks * BLOCK)
    return old, old[:3000] + rng.randbytes(extra) + old[3000:-700]


def test_make_when_content_moves_far_up_then_goes_last_first_and_tells_the_need():
    old, new = pair(1, 9, 6 * BLOCK)
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


def test_make_when_content_moves_down_or_a_little_up_then_goes_first_to_last():
    """The other order is longer by what covers that end with their blocks cost."""
    new, old = pair(2, 12, 5000)
    assert not inplace.make(old, new, block_bytes=BLOCK).plan.is_descending
    old, new = pair(2, 12, 700)
    assert not inplace.make(old, new, block_bytes=BLOCK).plan.is_descending


def test_make_when_the_spare_is_short_then_other_order_and_less_ram_are_tried():
    """The need that is told is the least one of all ways, and with that much it works."""
    old, new = pair(5, 6, 5000)
    with pytest.raises(SpareTooSmall) as caught:
        inplace.make(old, new, block_bytes=BLOCK, spare_bytes=0)
    need = caught.value.facts["need"]
    needs = []
    for down in (False, True):
        for ram_bytes in inplace.RAM_BYTES:
            coded = mapped.make(old, new, descending_block=BLOCK if down else 0, ram_bytes=ram_bytes)
            assert coded.ram_bytes <= ram_bytes - mapped.STACK_BYTES
            some = inplace.plans_for(old, coded.stream, len(new), BLOCK, down)
            needs.append(min(one.spare_bytes for one in some))
    assert need == min(needs)
    assert inplace.make(old, new, block_bytes=BLOCK, spare_bytes=need).plan.spare_bytes == need


def test_patch_when_planned_again_for_less_spare_then_fits_and_makes_the_same_image():
    old, new = pair(6, 8, 1500)
    patch = inplace.make(old, new, block_bytes=BLOCK)
    some = inplace.plans_for(old, patch.stream, len(new), BLOCK, patch.plan.is_descending)
    least = min(one.spare_bytes for one in some)
    again = inplace.plan_again(old, patch, least)
    assert (again.stream, again.plan.spare_bytes) == (patch.stream, least)
    with pytest.raises(SpareTooSmall) as caught:
        inplace.plan_again(old, patch, 2 * BLOCK)
    need = caught.value.facts["need"]
    with pytest.raises(SpareTooSmall):
        inplace.plan_again(old, patch, need - 1)
    again = inplace.plan_again(old, patch, need)
    assert again.plan.spare_bytes <= need <= least
    assert again.new_sha256 == patch.new_sha256
    assert mapped.apply(old, again.stream, len(new), BLOCK if again.plan.is_descending else 0) == new


def test_coder_when_there_is_no_ram_for_any_stream_then_refused():
    old, new = pair(5, 2, 100)
    with pytest.raises(TooBig):
        mapped.make(old, new, ram_bytes=20 << 10)


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
        inplace.must_give(Watched((), (), (), bytes(32)), bytes([1]) * 32)
