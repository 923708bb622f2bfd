"""Whole modules upgraded from v1 to v2 and back over HTTP by each of the three kinds, the power pulled at random on the way.

The pulls come by the clock, at flash operations and inside them, while the module downloads, while its boot code applies,
and while it recovers from the pull before. What must hold after each is in ``transcripts.upgrades``; the seed replays it.

Source: issue 5 (must show); device-api 7.5, 14.5 (T54); style H32.
"""

import sys

import pytest

from samples import corpus
from transcripts.board import run
from transcripts.upgrades import Pair, made_blobs, travel

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

KINDS = ("diff", "full", "mini")
MODULES = ("ec600u", "ec600g", "ec600s", "ec600e")  # each kind of container, flash layout and system header
SMALL_MODULES = ("ec600s-cnlb", "eg915u", "ec800e")


def pulled(pair, kind, folder, pulls, seed):
    """A journey with so many pulls; gives it."""
    journeys = []

    async def story():
        journeys.append(await travel(pair, kind, folder, pulls, seed))

    run(story, 3000)
    return journeys[0]


@pytest.mark.parametrize(("kind", "pulls"), [("diff", 8), ("full", 6), ("mini", 6)])
def test_power_when_pulled_a_few_times_on_the_way_then_always_one_firmware_whole(kind, pulls, tmp_path):
    pair = Pair("ec600n", made_blobs())
    assert kind == "full" or pair.reads_old(kind, 1)
    assert pulled(pair, kind, tmp_path, pulls, 1).pulls >= pulls


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_power_when_pulled_a_hundred_times_on_the_way_then_always_one_firmware_whole(kind, tmp_path):
    journey = pulled(Pair("ec600n", made_blobs()), kind, tmp_path, 100, 2)
    assert journey.pulls >= 100
    assert min(journey.pulled_in.count(state) for state in ("running", "booting")) >= 5
    assert journey.done >= 10


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("module", "name", "pulls"),
    [("ec600n", "zstack-cc2652r", 100), ("ec600n", "microbit2-m4", 100), ("ec600u", "rda8910-ap", 20)],
)
def test_power_when_pulled_while_real_code_is_renewed_then_always_one_firmware_whole(module, name, pulls, tmp_path):
    pair = Pair(module, corpus(name))
    assert pair.reads_old("diff", 1)
    assert pair.reads_old("diff", 0)
    assert pulled(pair, "diff", tmp_path, pulls, 3).pulls >= pulls


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("module", MODULES + SMALL_MODULES)
def test_power_when_pulled_on_every_platform_then_always_one_firmware_whole(module, tmp_path):
    assert pulled(Pair(module, made_blobs()), "diff", tmp_path, 40, 4).pulls >= 40


@pytest.mark.parametrize("module", MODULES)
def test_module_when_upgraded_there_and_back_then_every_platform_does_it(module, tmp_path):
    pair = Pair(module, made_blobs())
    assert pair.reads_old("diff", 1)
    assert pair.reads_old("diff", 0)
    journey = pulled(pair, "diff", tmp_path, 0, 1)
    assert (journey.at, journey.done) == (0, 2)
