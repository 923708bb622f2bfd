"""Cuts at every flash operation of a block, torn ones, random ones; what they leave is what a module has."""

from __future__ import annotations

import sys

import pytest

from moduline.errors import BadOption, NoAnswer
from moduline.testing.bench import TestBench, Wanted
from moduline.testing.power_cut import PowerCut, _spread

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

REPLACE = (
    "import uos\nf = open('/usr/n.new', 'w'); f.write('new' * 100); f.close(); uos.rename('/usr/n.new', '/usr/n.txt')"
)
OVERWRITE = "f = open('/usr/n.txt', 'w'); f.write('new' * 100); f.close()"
OLD, NEW = b"old" * 100, b"new" * 100


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODULINE_HOME", str(tmp_path_factory.mktemp("bench-home")))
        with TestBench() as made:
            yield made


@pytest.fixture
def fresh(bench):
    module = bench.open(Wanted(module="ec600u"))
    module.start(runs_main=False)
    module.power_off()
    module.files["n.txt"] = OLD
    yield module
    bench.release(module)


@pytest.fixture
def cutter(fresh, bench):
    return PowerCut(fresh, bench.loop)


def test_every_when_a_file_is_replaced_then_old_or_new_and_both_are_seen(fresh, cutter):
    fresh.start(runs_main=False)
    seen = {}
    for cut in cutter.every(lambda: fresh.repl.exec(REPLACE), limit=12):
        assert fresh.state == "running"
        seen[cut.word] = fresh.files["n.txt"]
        assert fresh.repl.eval("open('/usr/n.txt', 'rb').read()") == seen[cut.word]
    assert set(seen.values()) <= {OLD, NEW}
    assert OLD in seen.values()
    assert seen["cut@0"] == OLD
    assert len(seen) == 12


def test_every_when_the_operations_are_counted_then_the_same_each_time(fresh, cutter):
    fresh.start(runs_main=False)
    totals = {cut.operations for cut in cutter.every(lambda: fresh.repl.exec(REPLACE), limit=3)}
    again = {cut.operations for cut in cutter.every(lambda: fresh.repl.exec(REPLACE), limit=2)}
    assert len(totals) == 1
    assert totals.pop() > 3
    assert again.pop() > 3


def test_every_when_torn_then_the_word_replays_it(fresh, cutter):
    fresh.start(runs_main=False)
    cuts = [str(cut) for cut in cutter.every(lambda: fresh.repl.exec(REPLACE), torn=True, limit=5)]
    assert all(word.startswith("tear@") for word in cuts)
    before = fresh.files["n.txt"]
    assert before in {OLD, NEW}
    assert str(cutter.at(cuts[2], lambda: fresh.repl.exec(REPLACE))) == cuts[2]


def test_every_when_the_module_is_off_then_the_block_starts_it_and_boots_are_cut_too(fresh, cutter):
    def block():
        fresh.start(runs_main=False)
        fresh.repl.exec(REPLACE)

    for cut in cutter.every(block, limit=6):
        assert fresh.files["n.txt"] in {OLD, NEW}, cut


def test_at_when_the_block_ends_before_then_said(fresh, cutter, monkeypatch):
    monkeypatch.setattr("moduline.testing.power_cut.WAIT_LIMIT_S", 0.2)
    fresh.start(runs_main=False)
    with pytest.raises(NoAnswer):
        cutter.at(100_000, lambda: fresh.repl.exec(REPLACE))
    fresh.repl.exec(REPLACE)  # nothing is armed any more
    assert fresh.files["n.txt"] == NEW
    with pytest.raises(BadOption):
        cutter.at("explode", lambda: None)


def test_randomly_when_cut_then_boots_and_old_files_are_whole(fresh, cutter):
    fresh.files["other.txt"] = OLD
    fresh.start(runs_main=False)
    code = "while True:\n    f = open('/usr/n.txt', 'w'); f.write('new' * 100); f.close()"
    words = [cut.word for cut in cutter.randomly(lambda: fresh.repl.exec(code), times=4, within=0.1)]
    assert fresh.files["other.txt"] == OLD
    assert len(set(words)) == 4


def test_randomly_when_the_seed_is_the_same_then_the_moments_are(fresh, bench):
    def moments(seed):
        fresh.start(runs_main=False)
        return [
            cut.word
            for cut in PowerCut(fresh, bench.loop, seed).randomly(
                lambda: fresh.repl.exec("while True: pass"), times=2, within=0.05
            )
        ]

    assert moments(5) == moments(5) != moments(6)


@pytest.mark.parametrize(
    ("total", "limit", "numbers"),
    [(3, None, [0, 1, 2]), (10, 3, [0, 4, 9]), (10, 1, [0]), (0, None, []), (2, 9, [0, 1]), (10, 0, [])],
)
def test_spread_when_limited_then_first_and_last_are_in(total, limit, numbers):
    assert _spread(total, limit) == numbers
