"""The wheel: items come up when their time has passed, at most one slot late, and only once."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from moduline.cloud.device_link.wheel import Wheel


@dataclass(eq=False)
class Item:
    due: float
    slot: int = 0


@given(st.lists(st.floats(0, 50), max_size=20), st.floats(0.1, 20), st.floats(0, 1000))
def test_items_when_time_passes_then_come_up_once_and_at_most_a_slot_late(delays, step, begin):
    wheel = Wheel(begin)
    items = [Item(begin + delay) for delay in delays]
    for item in items:
        wheel.put(item, item.due)
    now, seen = begin, []
    while now < begin + 80:
        before, now = now, now + step
        came = wheel.turn(now)
        assert all(item.due <= now for item in came)
        assert not any(item.due < before - 1.0 and item not in seen for item in came)
        seen += came
    assert sorted(map(id, seen)) == sorted(map(id, items))


def test_item_when_put_earlier_then_moves_and_when_later_then_stays():
    wheel = Wheel(0.0)
    item = Item(0.0)
    wheel.put(item, 10.0)
    wheel.put(item, 20.0)
    wheel.put(item, 5.0)
    assert wheel.turn(5.5) == []
    assert wheel.turn(6.0) == [item]
    assert wheel.turn(60.0) == []


def test_item_when_removed_then_never_comes():
    wheel = Wheel(0.0)
    item = Item(0.0)
    wheel.put(item, 1.0)
    wheel.remove(item)
    wheel.remove(item)
    assert wheel.turn(100.0) == []


def test_item_when_put_in_the_past_then_comes_next():
    wheel = Wheel(100.0)
    item = Item(0.0)
    wheel.put(item, 3.0)
    assert wheel.turn(101.0) == [item]
