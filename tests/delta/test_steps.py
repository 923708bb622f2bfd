"""Updates in place: every operation is cut and torn, every life forgets all, hostile patches change nothing."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from delta.inplace_rig import Rig, pair, small_patch
from moduline.errors import FormatError, PatchMisfit, SpareTooSmall, TooBig
from moduline.formats.inplace import KEEP, WRITE, Move

OLD, NEW = pair(5, 7 * 4096, 3500)


@pytest.fixture(scope="module")
def up():
    return small_patch(OLD, NEW, down=False, every=3)


@pytest.fixture(scope="module")
def down():
    return small_patch(OLD, NEW, down=True, every=3)


def cut_everywhere(rig, every=1):
    """Cut and tear every operation of a clean run; a life begins with what the step before left in the flash."""
    rig.reset()
    clean = rig.twin()
    cells, first, tried = rig.before, 0, 0
    for _ in clean.update().steps():
        end = clean.flash.operation
        for number in range(first, end):
            if number % every:
                continue
            for cuts in (f"cut@{number - first}", f"tear@{number - first}:{number + 1}"):
                assert rig.survives(cuts, cells), (number, cuts)
                tried += 1
        cells, first = bytes(clean.chip.cells), end
    assert clean.is_new()
    assert tried == 2 * len(range(0, first, every))
    return first


def cut_twice(rig, count, seed):
    rig.reset()
    rig.run()
    operations, chance = rig.flash.operation, random.Random(seed)
    for _ in range(count):
        first, second = chance.randrange(operations), min(chance.randrange(operations), chance.randrange(operations))
        cuts = f"tear@{first}:{chance.randrange(1 << 16)},{chance.choice(['cut@%d', 'tear@%d:77'])}" % second
        assert rig.survives(cuts), cuts


def test_update_when_nothing_happens_then_the_new_image_is_there(up, down):
    for patch in (up, down):
        assert patch.plan.checkpoints >= 2
        rig = Rig(patch, OLD, NEW)
        rig.run()
        assert rig.is_new()


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.sweep)])
def test_update_upwards_when_power_goes_at_any_operation_then_the_new_image_is_there(up, every):
    assert cut_everywhere(Rig(up, OLD, NEW), every=every) > 300


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.sweep)])
def test_update_downwards_when_power_goes_at_any_operation_then_the_new_image_is_there(down, every):
    assert cut_everywhere(Rig(down, OLD, NEW), every=every) > 250


def test_update_of_large_blocks_when_power_goes_then_the_new_image_is_there():
    old, new = pair(6, 5 * 65536, extra=70000)
    rig = Rig(small_patch(old, new, block=65536, down=True, every=2), old, new)
    assert rig.patch.plan.checkpoints >= 2
    cut_everywhere(rig, every=401)


def test_update_when_recovery_is_cut_again_then_the_new_image_is_there(up, down):
    cut_twice(Rig(up, OLD, NEW), 60, 1)
    cut_twice(Rig(down, OLD, NEW), 60, 2)


def test_step_when_each_is_taken_by_a_new_life_then_the_same_operations_come(up):
    """H11: the next step is known from flash and patch alone."""
    rig = Rig(up, OLD, NEW)
    once = [(step.what, step.done) for step in rig.update().steps()]
    operations = rig.flash.operation
    rig.reset()
    alone = []
    while (step := next(rig.update().steps(), None)) is not None:
        alone.append((step.what, step.done))
    assert alone == once
    assert rig.flash.operation == operations


def test_step_when_taken_then_is_one_erase_or_one_program_and_a_mark(up):
    rig = Rig(up, OLD, NEW)
    before = rig.chip.counts.erases, rig.chip.counts.programmed_bytes
    for _ in rig.update().steps():
        erases, programmed = rig.chip.counts.erases - before[0], rig.chip.counts.programmed_bytes - before[1]
        assert (erases, programmed) in {(1, 0), (1, 8), (0, 32)} or (erases == 0 and 0 < programmed <= 4096 + 8)
        before = rig.chip.counts.erases, rig.chip.counts.programmed_bytes


def test_journal_when_full_then_goes_on_in_the_other_bank_whatever_is_cut(down):
    rig = Rig(down, OLD, NEW)
    for step in rig.update().steps():
        if step.done == step.total // 2:
            break
    journal = rig.journal()
    size = down.plan.bank_blocks * 4096
    start = rig.target_bytes + (journal.generation - 1) % 2 * size
    bank = bytes(rig.chip.cells[start : start + size])
    used, full = len(bank.rstrip(b"\xff")), size - 2 * 8
    rig.chip.program(start + used, random.Random(2).randbytes(full - used))  # as many torn marks would
    cells = bytes(rig.chip.cells)
    for number in range(0, 60, 2):
        for cuts in (f"cut@{number}", f"tear@{number}:{number}", f"tear@{number}:{number},tear@1:5,cut@2"):
            assert rig.survives(cuts, cells), cuts
    assert rig.journal().generation == down.plan.checkpoints + 2


def test_source_when_another_then_refused_and_nothing_changed(up):
    rig = Rig(up, OLD, NEW)
    rig.chip.cells[5000:5001] = b"\0" if OLD[5000] else b"\1"
    before = bytes(rig.chip.cells)
    with pytest.raises(PatchMisfit):
        rig.run()
    assert bytes(rig.chip.cells) == before


def test_target_when_it_holds_the_new_image_then_nothing_is_done(up):
    rig = Rig(up, OLD, NEW)
    rig.chip.cells[: len(NEW)] = NEW
    rig.run()
    assert rig.flash.operation == 0


def test_source_when_burnt_again_behind_a_begun_update_then_it_begins_anew(up):
    rig = Rig(up, OLD, NEW)
    for share in (0.2, 0.5, 0.9, 1):
        steps = list(rig.update().steps()) if share == 1 else None
        if steps is None:
            for step in rig.update().steps():
                if step.done >= share * step.total:
                    break
        rig.chip.cells[: len(OLD)] = OLD
        rig.run()
        assert rig.is_new()
        rig.chip.cells[: len(OLD)] = OLD


def test_source_when_another_is_burnt_over_a_begun_update_then_the_end_tells(up):
    rig = Rig(up, OLD, NEW)
    for step in rig.update().steps():
        if step.done > step.total // 2:
            break
    rig.chip.cells[: len(OLD)] = bytes(len(OLD))
    with pytest.raises(FormatError):
        rig.run()


def test_checkpoint_when_its_bytes_rot_then_an_error_and_no_wrong_image(up):
    rig = Rig(up, OLD, NEW)
    for step in rig.update().steps():
        if step.what == "target" and step.done > step.total // 2:
            break
    bank = (rig.journal().generation - 1) % 2 * up.plan.bank_blocks * 4096
    rig.chip.cells[rig.target_bytes + bank + 40 : rig.target_bytes + bank + 48] = bytes(8)
    with pytest.raises(FormatError):  # the bank before goes on from too early: the end does not match
        rig.run()
    rig.chip.cells[rig.target_bytes : rig.target_bytes + 2 * up.plan.bank_blocks * 4096] = bytes(
        2 * up.plan.bank_blocks * 4096
    )
    with pytest.raises(PatchMisfit):
        rig.run()


def test_flash_when_of_other_blocks_or_too_small_then_refused(up):
    with pytest.raises(SpareTooSmall) as caught:
        Rig(up, OLD, NEW, spare=up.plan.spare_bytes - 4096).update()
    assert caught.value.facts["need"] == up.plan.spare_bytes
    rig = Rig(up, OLD, NEW)
    rig.target_bytes = 7 * 4096
    with pytest.raises(TooBig):
        rig.update()
    large = small_patch(OLD, NEW, block=65536)
    rig = Rig(large, OLD, NEW)
    rig.patch = up
    with pytest.raises(PatchMisfit):
        rig.update()


@pytest.mark.parametrize("program_bytes", [4, 8])
def test_flash_when_programmed_in_larger_units_then_works(up, program_bytes):
    rig = Rig(up, OLD, NEW, program_bytes=program_bytes)
    rig.run()
    assert rig.is_new()


def hostile(patch):
    """Patches that read well and would kill a module."""
    plan = patch.plan
    for step, move in enumerate(plan.moves):
        if not move.saved:
            continue
        fewer = (replace(run, groups=run.groups - 1) for run in move.saved if run.groups)
        others = [WRITE, KEEP, Move(True, move.saved[1:]), *(Move(True, (run,)) for run in fewer)]
        yield from (
            replace(patch, plan=replace(plan, moves=(*plan.moves[:step], other, *plan.moves[step + 1 :])))
            for other in others
        )
    yield replace(patch, plan=replace(plan, every=plan.every + 1))
    yield replace(patch, plan=replace(plan, saved_bytes=plan.saved_bytes - 4))
    yield replace(patch, plan=replace(plan, saved_bytes=plan.saved_bytes + 4))
    yield replace(patch, new_sha256=bytes(32))
    yield replace(patch, stream=patch.stream[: len(patch.stream) // 2])
    chance = random.Random(8)
    for _ in range(60):
        broken = bytearray(patch.stream)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        yield replace(patch, stream=bytes(broken))


def test_patch_when_hostile_then_a_coded_error_and_nothing_changed(up):
    rig = Rig(up, OLD, NEW, spare=up.plan.spare_bytes + 20 * 4096)
    count = 0
    for count, patch in enumerate(hostile(up), 1):  # noqa: B007  counted
        rig.patch = patch
        try:
            rig.run()
        except FormatError:
            assert bytes(rig.chip.cells) == rig.before
            continue
        assert rig.is_new()  # a bit that says nothing, or a group that is as safe longer
        rig.reset()
    assert count > 70
