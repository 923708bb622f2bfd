"""The 8850's host side under hostile modules: every burn ends, in order or in an error of the tree, and says no nonsense."""

from __future__ import annotations

import random

import pytest

from burn.fake_unisoc8850 import FakeModule, frame, rom_frame, small_pac
from moduline.burn.drivers.unisoc8850 import Session
from moduline.burn.drivers.unisoc8850_table import State
from moduline.burn.plan import make_plan
from moduline.burn.session import NvRead
from moduline.errors import ModulineError
from moduline.events import Progress
from moduline.formats.container import unisoc
from moduline.package import read_package

PLAN = make_plan(read_package(unisoc.write(small_pac()), "small.pac"), "all")
TURNS = 3000


def hostile_answer(chance, right):
    """The right answer, or something else: damaged, doubled, cut, of the other stage, of a random kind, noise."""
    turn = chance.randrange(40)
    if turn == 0 and right:
        place = chance.randrange(len(right))
        return right[:place] + bytes([chance.randrange(256)]) + right[place + 1 :]
    if turn == 1:
        return right + right
    if turn == 2:
        return right[: chance.randrange(len(right) + 1)]
    make = chance.choice([frame, rom_frame])
    if turn == 3:
        return make(chance.randrange(0x78, 0x100), chance.randbytes(chance.randrange(300)))
    if turn == 4:
        return make(0xFF, chance.randbytes(chance.randrange(60))) + right
    return chance.randbytes(chance.randrange(40)) + right if turn == 5 else right


@pytest.mark.parametrize("seed", range(60))
def test_session_when_the_module_is_hostile_then_it_ends_in_order_or_in_an_error_of_the_tree(seed):
    chance = random.Random(seed)
    session = Session(PLAN)
    module = FakeModule(stage=chance.choice(["rom", "fdl"]), is_greeted=chance.random() < 0.3)
    now, done = 0.0, 0
    try:
        events = session.start(now)
        for _ in range(TURNS):
            queue = list(events)
            while queue:
                event = queue.pop(0)
                if isinstance(event, NvRead):
                    queue += session.stored(now)
                elif isinstance(event, Progress) and event.what == "burn":
                    assert done <= event.done_bytes <= event.total_bytes
                    done = event.done_bytes
            if session.is_over:
                break
            answer = hostile_answer(chance, module.feed(session.bytes_to_send()))
            session.prepare()
            now = now if answer else session.wake_at
            events = session.receive(answer, now) if answer else session.wake(now)
        assert session.state is State.DONE
        assert module.was_reset
        for action in PLAN.actions:
            if action.is_read_back:
                at = action.address & 0xFFFFFF
                assert module.flash[at : at + len(action.data)] == action.data, action.part
    except ModulineError:
        assert session.state is State.FAILED
        assert session.wake_at is None


@pytest.mark.parametrize("seed", range(20))
def test_session_when_it_hears_nothing_but_noise_then_no_byte_is_taken_for_an_answer(seed):
    """Random bytes hold no frame with a right check, so the session stays where it is."""
    chance = random.Random(seed)
    session = Session(PLAN)
    session.start(0.0)
    session.bytes_to_send()
    for _ in range(50):
        assert session.receive(chance.randbytes(chance.randrange(1, 200)), 0.0) == []
    assert session.state is State.SYNC
