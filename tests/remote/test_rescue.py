"""The ladder: which rung frees which module, and what is said when none does."""

from __future__ import annotations

import asyncio
import json

import pytest

from moduline.errors import NoModule, ReplProtected, RescueFailed, TooBig
from moduline.events import Notice, Step
from moduline.port.pair import pair
from moduline.remote.rescue import STEPS, Reburnt, Ways, plan_rescue, rescue, stop
from remote import virtual_time
from remote.fake_module import FakeModule, MemoryFiles, Variant
from remote.test_at_session import ANSWERS, answer_at

MAIN = b"while True: print('Hello World !')"
LISTED = json.dumps([{"name": "/usr/main.py", "sha256": "0"}, {"name": "/usr/a.py", "sha256": "1"}]).encode()


class Bench:
    """A module whose REPL can be opened again and again, with its AT port, and what a restart does to it."""

    def __init__(self, variant, tree=None, after_restart=None, has_at=True, restarts=True, gone_s=2.0):
        self.files = MemoryFiles()
        self.files.tree |= {"/usr/main.py": MAIN} | (tree or {})
        self.variant, self.after_restart, self.restarts, self.gone_s = variant, after_restart, restarts, gone_s
        self.has_at, self.events, self.tasks, self.back_at, self.ends = has_at, [], [], 0.0, []
        self.repowered = False
        self.reburn_way = None

    def ways(self):
        return Ways("virt:m1", self.open_repl, self.open_at if self.has_at else None, self.reburn_way)

    async def open_repl(self):
        if asyncio.get_running_loop().time() < self.back_at:
            raise NoModule(address="virt:m1")
        host, module = pair()
        self.fake = FakeModule(module, self.variant, self.files)
        self.tasks.append(asyncio.create_task(self.fake.serve()))
        self.ends.append(host)
        return host

    async def open_at(self):
        host, module = pair()
        answers = ANSWERS | ({"AT+CFUN=1,1": b"\r\nOK\r\n"} if self.restarts else {})
        self.tasks.append(asyncio.create_task(self.answer(module, answers)))
        self.ends.append(host)
        return host

    async def answer(self, module, answers):
        await answer_at(module, answers=answers)
        if self.restarts:
            self.restart()

    def restart(self):
        self.variant = self.after_restart or self.variant
        self.back_at = asyncio.get_running_loop().time() + self.gone_s

    def report(self, event):
        self.events.append(event)
        if isinstance(event, Notice) and event.slug == "remote.repower-now":
            self.restart()

    def run(self, work):
        async def both():
            try:
                return await work()
            finally:
                for end in self.ends:
                    end.cut()
                await asyncio.gather(*self.tasks)

        return virtual_time.run(both())

    def rescue(self, **options):
        async def work():
            plan = plan_rescue(self.ways(), **options)
            return await rescue(self.ways(), plan, self.report)

        return self.run(work)


def test_plan_when_made_then_names_every_rung_in_both_languages():
    plan = plan_rescue(Ways("virt:m1", None, None))
    assert plan.steps == ("interrupt", "repower", "soft-reset", "disable")
    assert plan_rescue(Ways("virt:m1", None, lambda: None), renames=False).steps == ("interrupt", "reset", "soft-reset")
    assert all(STEPS[name].en != STEPS[name].zh for name in STEPS)


def test_rescue_when_ctrl_c_is_honoured_then_main_is_renamed_and_off_the_backup_list():
    bench = Bench(Variant(main="honours"), {"/usr/checksum.json": LISTED})
    rescued = bench.rescue()
    assert (rescued.freed_by, rescued.renamed_to, rescued.was_protected) == ("interrupt", "/usr/main.py.off", True)
    assert bench.files.tree["/usr/main.py.off"] == MAIN
    assert "/usr/main.py" not in bench.files.tree
    assert json.loads(bench.files.tree["/usr/checksum.json"]) == [{"name": "/usr/a.py", "sha256": "1"}]
    assert bench.fake.mode == "friendly"
    assert [e.name for e in bench.events if isinstance(e, Step) and e.state == "done"] == [
        "rescue.interrupt", "rescue.soft-reset", "rescue.disable",
    ]  # fmt: skip


def test_rescue_when_an_older_off_file_exists_then_it_is_kept():
    bench = Bench(Variant(main="honours"), {"/usr/main.py.off": b"older"})
    assert bench.rescue().renamed_to == "/usr/main.py.off2"
    assert bench.files.tree["/usr/main.py.off"] == b"older"


def test_rescue_when_only_a_restart_helps_then_by_at():
    bench = Bench(Variant(main="ignores"), after_restart=Variant(main="honours", deaf_s=3.0, boot_s=1.0))
    assert bench.rescue().freed_by == "reset"
    assert "/usr/main.py.off" in bench.files.tree


def test_rescue_when_there_is_no_at_port_then_the_user_repowers():
    bench = Bench(Variant(main="ignores"), after_restart=Variant(main="honours"), has_at=False)
    assert bench.rescue().freed_by == "repower"


def test_rescue_when_nothing_helps_then_says_how_to_burn():
    bench = Bench(Variant(main="ignores"))
    with pytest.raises(RescueFailed) as failure:
        bench.rescue(wait_s=20)
    assert "moduline rescue --package PACKAGE --port virt:m1" in failure.value.remedy("en")
    assert failure.value.facts["tried"] == "interrupt, reset"
    assert bench.files.tree["/usr/main.py"] == MAIN


def test_rescue_when_the_module_refuses_the_reset_then_is_told():
    bench = Bench(Variant(main="ignores"), restarts=False)
    with pytest.raises(RescueFailed):
        bench.rescue()
    assert any(isinstance(e, Notice) and e.slug == "remote.no-at-reset" for e in bench.events)


def test_rescue_when_the_repl_is_locked_then_says_so():
    with pytest.raises(ReplProtected):
        Bench(Variant(is_protected=True)).rescue()


def test_rescue_when_not_renaming_then_main_stays():
    bench = Bench(Variant(main="honours"))
    assert bench.rescue(renames=False).renamed_to == ""
    assert bench.files.tree["/usr/main.py"] == MAIN


def test_stop_when_main_runs_then_the_prompt_comes_and_main_stays():
    bench = Bench(Variant(main="honours"))

    async def work():
        return await stop(await bench.open_repl())

    assert bench.run(work) is True
    assert bench.fake.mode == "friendly"
    assert bench.files.tree["/usr/main.py"] == MAIN


# ---- the last rung -------------------------------------------------------------------------------------------------


class DeafBench(Bench):
    """Firmware of 2020: nothing that arrives while main.py runs is ever looked at."""

    def __init__(self, **options):
        super().__init__(Variant(main="ignores"), **options)
        self.reburn_way = self.reburn
        self.reburnt_at = None

    async def reburn(self):
        self.reburnt_at = asyncio.get_running_loop().time()
        self.files.tree["/usr/main.py.off"] = self.files.tree.pop("/usr/main.py")
        self.after_restart = Variant()
        self.restart()
        return Reburnt("/usr/main.py.off", was_protected=True)


def test_plan_when_the_area_can_be_written_back_then_that_comes_after_everything_harmless():
    bench = DeafBench()
    assert plan_rescue(bench.ways()).steps == ("interrupt", "reset", "reburn", "soft-reset", "disable")
    assert plan_rescue(bench.ways(), renames=False).steps == ("interrupt", "reset", "soft-reset")
    assert "no file is lost" in STEPS["reburn"].en


def test_rescue_when_firmware_is_deaf_then_the_area_is_written_back_and_nothing_lost():
    bench = DeafBench()
    rescued = bench.rescue()
    assert (rescued.freed_by, rescued.renamed_to, rescued.was_protected) == ("reburn", "/usr/main.py.off", True)
    assert rescued.lost_files == ()
    assert bench.files.tree["/usr/main.py.off"] == MAIN
    names = [e.name for e in bench.events if isinstance(e, Step) and e.state == "begin"]
    assert names == ["rescue.interrupt", "rescue.reset", "rescue.reburn"]


def test_rescue_when_firmware_is_deaf_then_the_harmless_rungs_take_less_than_eight_seconds():
    """The issue's ten seconds leave two for a restart and the computer."""
    bench = DeafBench()
    bench.rescue()
    assert bench.reburnt_at < 8.0


def test_rescue_when_ctrl_c_is_honoured_then_the_area_is_not_touched():
    bench = DeafBench()
    bench.variant = Variant(main="honours")
    assert bench.rescue().freed_by == "interrupt"
    assert bench.reburnt_at is None


def test_rescue_when_the_area_cannot_be_written_back_then_that_is_said():
    bench = DeafBench()

    async def full():
        raise TooBig(what="checksum.json", need=1, have=0)

    bench.reburn_way = full
    with pytest.raises(TooBig):
        bench.rescue()
    assert bench.files.tree["/usr/main.py"] == MAIN
