"""A decoder that remembers gives what the real one gives, whatever old bytes it is shown."""

from __future__ import annotations

import random

from delta.inplace_rig import pair, small_patch
from moduline.delta import native
from moduline.delta.recall import Memory

OLD, NEW = pair(61, 5 * 4096, 2500)
PATCH = small_patch(OLD, NEW)
SIZES = [4096] * (len(NEW) // 4096) + [len(NEW) % 4096]


class Store:
    """Old bytes that can be changed, and how many were asked for."""

    def __init__(self, data=OLD):
        self.data, self.asked = data, 0

    def read(self, at, count):
        self.asked += count
        return self.data[at : at + count]


def facts(store):
    return store.read, len(OLD), PATCH.stream, len(NEW)


def run(decoder, at=0):
    """What it gives from a step on, and its state behind each."""
    given = []
    for size in SIZES[at:]:
        given.append((decoder.read(size), decoder.state()))
    return given


def test_decoder_when_asked_again_then_gives_the_same_and_reads_old_bytes_again():
    memory, store = Memory(), Store()
    real = run(native.Decoder(*facts(store)))
    first, again = run(memory.decoder(*facts(store))), Store()
    second = run(memory.decoder(*facts(again)))
    assert real == first == second
    assert b"".join(content for content, _ in real) == NEW
    assert again.asked > len(OLD) // 2


def test_decoder_when_it_goes_on_from_a_state_then_gives_what_the_real_one_gives():
    memory, store = Memory(), Store()
    real = run(native.Decoder(*facts(store)))
    for _ in range(2):
        for step in range(1, len(SIZES)):
            decoder = memory.decoder(*facts(store))
            decoder.restore(real[step - 1][1])
            assert run(decoder, step) == real[step:]


def test_decoder_when_old_bytes_are_others_then_gives_what_the_real_one_gives_of_them():
    memory, rng = Memory(), random.Random(62)
    run(memory.decoder(*facts(Store())))
    for _ in range(20):
        changed = bytearray(OLD)
        changed[rng.randrange(len(OLD))] ^= 1 << rng.randrange(8)
        assert run(memory.decoder(*facts(Store(bytes(changed))))) == run(native.Decoder(*facts(Store(bytes(changed)))))
    assert run(memory.decoder(*facts(Store()))) == run(native.Decoder(*facts(Store())))


def test_memory_when_many_blocks_were_given_then_forgets_and_goes_on():
    memory = Memory()
    for _ in range(30):
        decoder = memory.decoder(*facts(Store()))
        given = b"".join(decoder.read(size) for size in [511] * 30)
        assert given == NEW[: 511 * 30]
    assert len(memory.given) < 200
