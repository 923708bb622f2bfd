"""What is said before a patch is made: parts, about how large, and which module takes which kind."""

from __future__ import annotations

import dataclasses
import hashlib
import random

import pytest

from moduline.delta import make, read_side
from moduline.delta.abilities import abilities_of, not_taken
from moduline.delta.forecast import forecast
from moduline.delta.staged import jobs_of
from moduline.errors import PatchForeign, PatchMisfit, SpareTooSmall
from moduline.profiles import catalog

RNG = random.Random(7)
OLD = RNG.randbytes(200_000)
NEW = OLD[:50_000] + RNG.randbytes(3000) + OLD[50_000:]


def test_forecast_when_something_is_put_in_then_about_as_much_and_never_less_than_the_patch():
    old, new = read_side(OLD, "old.img"), read_side(NEW, "new.img")
    found = forecast(old, new)
    assert [(one.role, one.old_bytes, one.new_bytes) for one in found.parts] == [("image", 200_000, 203_000)]
    assert found.about_bytes >= len(make(old, new).files[0])
    assert found.parts[0].changed_bytes > 100_000  # all behind it lies elsewhere


def test_forecast_when_nothing_differs_then_nothing_to_make():
    found = forecast(read_side(OLD, "a"), read_side(OLD, "b"))
    assert (found.about_bytes, found.parts[0].changed_bytes, found.direction) == (0, 0, "unknown")


def test_forecast_when_the_scripts_are_renewed_then_they_travel_whole():
    side = read_side(OLD, "old.img")
    found = forecast(side, side, "full", user_image=b"\xff" * 4096)
    assert [(one.role, one.is_whole, one.new_bytes) for one in found.parts] == [("user_fs", True, 4096)]


def test_forecast_when_models_differ_then_refused():
    old, new = (dataclasses.replace(read_side(OLD, "x"), models=(name,)) for name in ("EC600U", "EC600N"))
    with pytest.raises(PatchForeign):
        forecast(old, new)


@pytest.mark.parametrize(("module", "kind", "is_taken"), [
    ("ec600n", "full", True), ("ec600n", "mini", True), ("ec600u", "diff", True), ("ec600u", "full", False),
    ("ec600u", "mini", False),
])  # fmt: skip
def test_abilities_when_asked_then_as_the_seed_says(module, kind, is_taken):
    """Seed "OTA upgrade, firmware": full and mini-system are for ASR modules with 16 MB flash."""
    assert (not_taken(catalog.module(module), kind) is None) is is_taken
    assert getattr(abilities_of(catalog.module(module)), kind) is is_taken


def test_abilities_when_nobody_knows_the_module_then_nothing_is_refused():
    assert not_taken(None, "mini") is None


def test_jobs_when_the_old_firmware_is_another_then_refused():
    made = make(read_side(OLD, "old.img"), read_side(NEW, "new.img"))
    jobs = jobs_of(read_side(OLD, "again.img"), made.patches[0])
    assert [hashlib.sha256(one.new).hexdigest() for one in jobs] == [hashlib.sha256(NEW).hexdigest()]
    with pytest.raises(PatchMisfit):
        jobs_of(read_side(OLD[:-1], "other.img"), made.patches[0])
    with pytest.raises(SpareTooSmall):
        jobs_of(read_side(OLD, "old.img"), made.patches[0], 0)
