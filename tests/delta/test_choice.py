"""Which codec is taken: the smallest that has the spare flash; what does not fit is told with its numbers."""

from __future__ import annotations

import lzma
import random

import pytest

from moduline.delta import Target, choice, codecs, window
from moduline.delta.choice import Coded, Content, choose
from moduline.delta.target import container_bytes
from moduline.errors import BadOption, SpareTooSmall, StoredPacked
from moduline.events import Step, silent

OLD = random.Random(1).randbytes(60000)
NEW = OLD[:20000] + random.Random(2).randbytes(1500) + OLD[20000:]
SYSTEM = Content("system", OLD, NEW)
EASY = Target(spare_given=1 << 20)


def chosen(*contents, codec="auto", target=EASY):
    found, warnings = choose([list(contents)], codec, target, silent)
    return found[0], warnings


def test_codec_when_little_changes_then_the_difference_and_exact_spare():
    (one,), warnings = chosen(SYSTEM)
    assert not codecs.codec_of(one.codec).is_whole
    assert len(one.block) < 2500
    assert one.spare_bytes > 0
    assert warnings == []


def test_codec_when_everything_changes_then_whole():
    (one,), warnings = chosen(Content("system", OLD, random.Random(3).randbytes(50000)))
    assert (codecs.codec_of(one.codec).name, one.spare_bytes, warnings) == ("raw", 0, [])


def test_codec_when_nothing_is_known_of_the_old_then_whole_whatever_is_asked_for():
    (one,), _ = chosen(Content("user_fs", None, bytes(50000)), codec="mapped")
    assert codecs.codec_of(one.codec).name == "deflate"


@pytest.mark.parametrize("codec", [one.name for one in codecs.reading()])
def test_spare_when_exactly_enough_then_taken_and_one_byte_less_refused_with_the_need(codec):
    with pytest.raises(SpareTooSmall) as caught:
        chosen(SYSTEM, codec=codec, target=Target(spare_given=1))
    need = caught.value.facts["need"]
    assert caught.value.facts["have"] == 1
    (one,), _ = chosen(SYSTEM, codec=codec, target=Target(spare_given=need))
    assert (codecs.codec_of(one.codec).name, one.spare_bytes) == (codec, need)
    with pytest.raises(SpareTooSmall):
        chosen(SYSTEM, codec=codec, target=Target(spare_given=need - 1))


def test_spare_when_too_small_for_any_difference_then_whole_and_told_why():
    (one,), warnings = chosen(SYSTEM, target=Target(spare_given=8191))
    assert codecs.codec_of(one.codec).is_whole
    assert len(warnings) == len(codecs.reading())
    assert all("8191 are available" in warning.en and "8191 字节" in warning.zh for warning in warnings)


def test_spare_when_the_patch_lies_in_the_same_partition_then_its_own_blocks_do_not_count():
    (free,), _ = chosen(SYSTEM)
    blocks = -(-container_bytes([len(free.block)]) // 4096) * 4096
    least = least_need()
    enough = Target("fp", 4096, None, 2 * 4096 + blocks + least)
    (one,), warnings = chosen(SYSTEM, target=enough)
    assert (one.codec, one.spare_bytes, warnings) == (free.codec, least, [])
    (one,), warnings = chosen(SYSTEM, target=Target("fp", 4096, None, 2 * 4096 + blocks + least - 1))
    assert one.codec != free.codec
    assert f"needs {least} bytes" in warnings[0].en


def least_need():
    """The least spare flash with which the smallest codec works."""
    (free,), _ = chosen(SYSTEM)
    with pytest.raises(SpareTooSmall) as caught:
        chosen(SYSTEM, codec=codecs.codec_of(free.codec).name, target=Target(spare_given=0))
    return caught.value.facts["need"]


def test_spare_when_two_parts_then_each_may_use_all_of_it_and_one_may_fall_back_alone():
    hard = Content("app", OLD, OLD[30000:] + OLD[:30000])  # halves swapped: much is needed later
    least = least_need()
    (first, second), warnings = chosen(SYSTEM, hard, target=Target(spare_given=least))
    assert not codecs.codec_of(first.codec).is_whole
    assert first.spare_bytes <= least
    assert second.spare_bytes <= least
    assert all("'app'" in warning.en for warning in warnings)


def test_codec_when_unknown_then_refused_with_the_names():
    with pytest.raises(BadOption) as caught:
        chosen(SYSTEM, codec="best")
    assert caught.value.facts["names"] == ", ".join(choice.names())
    assert choice.names()[:3] == ("auto", "whole", "mapped")


def test_part_when_it_lies_compressed_then_whole_and_said_or_refused():
    packed = Content("modem", lzma.compress(OLD, lzma.FORMAT_ALONE), lzma.compress(NEW, lzma.FORMAT_ALONE))
    (one,), warnings = chosen(packed)
    assert codecs.codec_of(one.codec).is_whole
    assert "LZMA-compressed" in warnings[0].en
    assert chosen(packed, codec="whole")[1] == []
    with pytest.raises(StoredPacked) as caught:
        chosen(packed, codec="mapped")
    assert caught.value.facts == {"role": "modem", "packing": "LZMA"}


def test_report_when_it_takes_time_then_every_codec_begins_and_ends():
    events = []
    choose([[SYSTEM]], "auto", EASY, events.append)
    names = [one.name for one in codecs.reading()]
    assert [(one.facts["codec"], one.state) for one in events] == [
        (name, state) for name in names for state in ("begin", "done")
    ]
    assert {type(one) for one in events} == {Step}


def test_coded_when_whole_then_needs_no_spare():
    assert Coded(codecs.RAW, b"x").spare_bytes == 0


def test_window_when_another_coder_is_far_ahead_on_a_large_image_then_it_is_not_even_tried():
    old = random.Random(3).randbytes((1 << 20) + 5000)
    new = b"head" * 50 + old[:700_000] + random.Random(4).randbytes(3000) + old[700_000:]
    assert not window.may_beat(old, new, 300)  # a plain coder needs more than 3000
    assert window.may_beat(old, new, 2000)
    assert window.may_beat(old[:60000], new[:60000], 1)  # small: tried in any case
    events = []
    choose([[Content("system", old, new)]], "window", EASY, events.append)  # asked for by name: no question
    assert [one.facts["codec"] for one in events] == ["window", "window"]
