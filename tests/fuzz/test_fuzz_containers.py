"""Damaged containers of every codec, all their checks made right again, before a module: refused, nothing was erased."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from fuzz.mutations import mutations
from fuzz.test_fuzz_patch import resealed
from moduline.delta import codecs, make, read_side
from moduline.delta.journal import Region
from moduline.errors import ModulineError
from moduline.formats import patch
from moduline.vmodule.update.acceptance import Acceptance, abilities_of
from update_rig import IDENTITY, NEW, OLD, PROFILE, Rig, firmware, old_chip

BEFORE = random.Random(1).randbytes(9000) + bytes(3000)
AFTER = BEFORE[:3000] + random.Random(2).randbytes(700) + BEFORE[3000:]
OLD_SIDE, NEW_SIDE = read_side(firmware(OLD, BEFORE)), read_side(firmware(NEW, AFTER))
SYSTEM = NEW_SIDE.part("system").data
COUNT = 2000 // len(codecs.CODECS)


@pytest.fixture(scope="module")
def rig():
    return Rig(old_chip(BEFORE)[0])


def container(name):
    """A patch whose data are in a certain codec."""
    if name in {one.name for one in codecs.reading()}:
        return make(OLD_SIDE, NEW_SIDE, codec=name).files[0]
    found = make(OLD_SIDE, NEW_SIDE, codec="whole").patches[0]
    if name == "raw":
        found = replace(found, regions=(replace(found.regions[0], codec=codecs.RAW, data=SYSTEM),))
    return patch.write(found)


def check(rig, data):
    """What a module does before it accepts a package; the content that it would write, or None."""
    store = PROFILE.partition("update_store")
    spare = Region(rig.flash, IDENTITY.offset_of(store) + 0x40000, 0x80000)
    acceptance = Acceptance(IDENTITY, rig.flash, abilities_of(IDENTITY, None))
    try:
        (found,) = acceptance.check([data], OLD, spare)
    except ModulineError as caught:
        failure = caught
    else:
        return codecs.decode(found.regions[0], OLD_SIDE.part("system").data)
    assert all([failure.code, failure.message("en"), failure.message("zh")])
    return None


def survive(rig, name, count, seed):
    good = container(name)
    before = rig.flash.operation
    assert check(rig, good) == SYSTEM
    given = [check(rig, resealed(data)) for data in mutations(good, count, seed)]
    assert rig.flash.operation == before, "a flash operation before it was accepted"
    assert {one for one in given if one is not None} <= {SYSTEM}, "another content was accepted"
    refused = given.count(None)
    assert refused > 0.7 * count


@pytest.mark.parametrize("name", [one.name for one in codecs.CODECS.values()])
def test_fuzz_when_containers_of_a_codec_are_damaged_then_refused_before_the_first_erase(rig, name):
    survive(rig, name, COUNT, seed=41)


@pytest.mark.sweep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", [one.name for one in codecs.CODECS.values()])
def test_fuzz_when_very_many_containers_are_damaged_then_refused(rig, name):
    survive(rig, name, 25_000, seed=42)
