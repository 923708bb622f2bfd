"""Patches of the window coder applied in place: it reads what it has just written, and every operation may be the last."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import pytest

from delta.inplace_rig import Rig
from moduline.delta import codecs, inplace, window_native, window_plan
from moduline.delta.inplace import InPlacePatch
from moduline.delta.window_native import Choice
from moduline.errors import BadFormat, FormatError, SpareTooSmall
from moduline.formats.patch import PatchRegion


def pair(seed, blocks, block=4096):
    """Blocks in another order, some new, and new content that comes twice, the second time far behind the first."""
    rng = random.Random(seed)
    old = b"".join(rng.randbytes(block) for _ in range(blocks))
    pieces = [old[at : at + block] for at in range(0, len(old), block)]
    rng.shuffle(pieces)
    fresh = rng.randbytes(700)
    pieces[1] = fresh + pieces[1][:-700]
    pieces[-1] = pieces[-1][:1000] + fresh + pieces[-1][1700:3000]
    pieces[2] = old[2 * block : 3 * block]
    return old, b"".join(pieces)


def small_patch(old, new, *, block=4096, down=False, every=2):
    """A patch whose decoder takes little RAM, so that checkpoints are short."""
    ordered = window_plan.in_stream_order(new, block, down)
    stream, _ = window_native.encode(
        old, ordered, Choice(True, 1, 12, 100, 300), window_native.suffixes(old + ordered), passes=1
    )
    seen = inplace.watch(lambda at, n: old[at : at + n], len(old), stream, len(new), block, down)
    plan = inplace.plan_of(seen, len(old), len(new), block, down, every)
    return InPlacePatch(plan, stream, hashlib.sha256(old).digest(), hashlib.sha256(new).digest())


OLD, NEW = pair(3, 7)


@pytest.fixture(scope="module", params=["up", "down"])
def patch(request):
    return small_patch(OLD, NEW, down=request.param == "down")


def region_of(patch, old, new, codec=codecs.WINDOW):
    return PatchRegion(
        role="user_fs",
        address=0,
        old_bytes=len(old),
        old_sha256=patch.old_sha256,
        new_bytes=len(new),
        new_sha256=patch.new_sha256,
        codec=codec,
        data=patch.block,
    )


def test_update_when_nothing_happens_then_the_new_image_is_there(patch):
    assert patch.plan.checkpoints >= 2
    rig = Rig(patch, OLD, NEW)
    rig.run()
    assert rig.is_new()


def test_update_when_it_runs_then_reads_back_what_it_wrote(patch):
    """The content that comes twice is in no old block, so the second time it must come from the target."""
    rig = Rig(patch, OLD, NEW)
    assert len(patch.stream) < 1900, "700 new bytes were coded twice"
    assert "checkpoint" in [step.what for step in rig.update().steps()]
    assert rig.is_new()


def test_update_when_power_goes_at_any_operation_then_the_new_image_is_there(patch):
    rig = Rig(patch, OLD, NEW)
    rig.reset()
    rig.run()
    operations = rig.flash.operation
    assert operations > 150
    for number in range(operations):
        assert rig.survives(f"cut@{number}"), number
        assert rig.survives(f"tear@{number}:{number + 1}"), number


def test_update_when_recovery_is_cut_again_then_the_new_image_is_there(patch):
    rig, chance = Rig(patch, OLD, NEW), random.Random(1)
    rig.run()
    operations = rig.flash.operation
    for _ in range(30):
        first, second = chance.randrange(operations), min(chance.randrange(operations), chance.randrange(operations))
        cuts = f"tear@{first}:{chance.randrange(1 << 16)},cut@{second}"
        assert rig.survives(cuts), cuts


def test_update_of_large_blocks_when_power_goes_then_the_new_image_is_there():
    old, new = pair(6, 5, 65536)
    rig = Rig(small_patch(old, new, block=65536, down=True, every=2), old, new)
    rig.run()
    assert rig.is_new()
    for number in range(5, rig.flash.operation, 401):
        assert rig.survives(f"tear@{number}:{number}"), number


def test_models_when_they_learn_from_a_block_that_goes_then_it_is_kept_until_they_are_saved():
    """What is learnt beforehand is read by the first step, again after a cut in the first group."""
    rng = random.Random(2)
    old = rng.randbytes(5 * 4096)
    new = b"".join(old[at : at + 4096] for at in (16384, 0, 4096, 8192, 12288))
    patch = small_patch(old, new, every=2)
    rig = Rig(patch, old, new)
    rig.run()
    for number in range(rig.flash.operation):
        assert rig.survives(f"cut@{number}"), number


@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 20000])
def test_order_of_blocks_when_turned_twice_then_is_as_before(order, size):
    image = random.Random(size).randbytes(size)
    turned = window_plan.in_stream_order(image, 4096, order)
    assert window_plan.in_place_order(turned, 4096, order) == image


def test_codec_when_made_then_decodes_to_the_new_content_from_the_old_alone():
    codec = codecs.codec_of(codecs.WINDOW)
    assert codec.make is not None
    patch = codec.make(OLD, NEW, block_bytes=4096)
    assert codecs.decode(region_of(patch, OLD, NEW), OLD) == NEW
    with pytest.raises(FormatError):
        codecs.decode(region_of(patch, OLD, NEW), OLD[:-1])
    with pytest.raises(FormatError):
        codecs.decode(region_of(patch, OLD, NEW), bytes(len(OLD)))


def test_codec_when_the_order_is_turned_then_decodes_to_the_same():
    patch = small_patch(OLD, NEW, down=True)
    assert codecs.decode(region_of(patch, OLD, NEW), OLD) == NEW


def test_codec_when_the_stream_is_of_the_other_coder_then_refused():
    mapped = inplace.make(OLD, NEW)
    with pytest.raises(BadFormat):
        codecs.decode(region_of(mapped, OLD, NEW), OLD)
    with pytest.raises(BadFormat):
        codecs.decode(region_of(small_patch(OLD, NEW), OLD, NEW, codecs.MAPPED), OLD)


def test_spare_when_too_small_then_refused_with_the_need():
    least = window_plan.make(OLD, NEW).plan.spare_bytes
    with pytest.raises(SpareTooSmall) as refused:
        window_plan.make(OLD, NEW, spare_bytes=8192)
    assert 8192 < refused.value.facts["need"] <= least


def test_image_when_something_is_put_in_at_the_front_then_the_last_block_comes_first():
    rng = random.Random(12)
    old = rng.randbytes(40 * 4096)
    new = rng.randbytes(15 * 4096) + old
    patch = window_plan.make(old, new)
    assert patch.plan.is_descending
    rig = Rig(patch, old, new)
    rig.run()
    assert rig.is_new()


def test_patch_when_hostile_then_refused_before_anything_is_erased(patch):
    rng, refused = random.Random(7), 0
    for _ in range(60):
        broken = bytearray(patch.stream)
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
        hostile = replace(patch, stream=bytes(broken))
        rig = Rig(hostile, OLD, NEW)
        try:
            rig.run()
        except FormatError:
            refused += 1
            assert bytes(rig.chip.cells) == rig.before
        else:
            assert rig.is_new()
    assert refused > 50
