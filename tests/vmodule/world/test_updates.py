"""The update service: what a scenario says of it, a module that knows a key, and questions of a hostile interpreter."""

from __future__ import annotations

import asyncio
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moduline.delta import sign
from moduline.errors import BadRecipe
from moduline.formats import patch
from moduline.profiles.schema import Table
from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.desk import DeskContext
from moduline.vmodule.interpreter.module_facts import ModuleFacts, Quirks
from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.updates import Station, UpdatePlan, Updates, read_updates
from moduline.vmodule.world.world import World
from transcripts.board import run
from transcripts.updating import diff, serving, updating, version_of

SEED = b"s" * 32
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()


def plan_of(text):
    return read_updates(Table.parse(text.encode(), "scenario.toml"))


def test_plan_when_read_then_its_key():
    assert plan_of("") == UpdatePlan()
    assert plan_of(f'public_key = "{PUBLIC.hex()}"') == UpdatePlan(PUBLIC)


@pytest.mark.parametrize("text", ['public_key = "xyz"', 'public_key = "00"', "public_key = 1", 'key = "00"'])
def test_plan_when_wrong_then_refused(text):
    with pytest.raises(BadRecipe):
        plan_of(text)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")
def test_module_when_it_knows_a_key_then_only_signed_packages_are_installed(tmp_path):
    signed = patch.write(sign(patch.read(diff("ec600n")), SEED))
    forged = patch.write(sign(patch.read(diff("ec600n")), b"f" * 32))

    async def story():
        files = {"/plain.bin": diff("ec600n"), "/forged.bin": forged, "/signed.bin": signed}
        with serving(files) as (base, _):
            async with updating("ec600n", tmp_path, world=World(update_plan=UpdatePlan(PUBLIC))) as bench:
                install = bench.module.world.updates.install
                former = bench.module.runtime
                for name in ("/plain.bin", "/forged.bin"):
                    assert not await install(base + name, lambda _: None)
                    assert "is not signed by" in bench.notices[-1].facts["reason"]
                assert await install(f"{base}/signed.bin", lambda _: None)
                await bench.up_again(former)
                assert bench.module.firmware_version == version_of("ec600n") + "2"

    run(story)


class Unit:
    """A unit that takes everything."""

    staged_bytes, room_bytes = 0, 1 << 20

    def begin(self, *, is_next=False):
        self.staged_bytes = 0

    def write(self, data):
        self.staged_bytes += len(data)

    def flush(self):
        self.is_flushed = True

    def forget(self):
        self.staged_bytes = 0

    def accept(self, running_version):
        self.accepted_for = running_version


def desk_of(unit, **quirks):
    told = []
    updates = Updates(UpdatePlan(), ModuleClock(), None)
    if unit is not None:
        updates.open(Station(unit, "V1", lambda: None, lambda cut: None, lambda slug, **facts: told.append(slug)))
    context = DeskContext(
        "m1",
        ModuleFacts("EC600N", "0" * 15, "S", "V1"),
        Quirks(**quirks),
        lambda key, value: told.append((key, value)),
        lambda slug, **facts: told.append(slug),
        lambda work: work.close(),
    )
    return updates.desk(context), told


def ask(desk, op, data=b"", **facts):
    return desk.questions[op](framing.Call({"op": op, **facts}, data))


@pytest.mark.parametrize(
    ("op", "facts"),
    [
        ("fota_new", {}),
        ("fota_new", {"is_reset_disabled": 1}),
        ("fota_write", {}),
        ("fota_write", {"total": "9"}),
        ("fota_write", {"total": True}),
        ("fota_write", {"total": 1.5}),
        ("fota_download", {"url1": 1, "url2": ""}),
        ("fota_download", {"url1": "http://h/"}),
    ],
)
def test_question_when_facts_are_of_the_wrong_type_then_the_child_is_not_trusted(op, facts):
    desk, _ = desk_of(Unit())
    with pytest.raises(framing.BadFrameError):
        ask(desk, op, **facts)


def test_steps_when_asked_of_a_module_without_service_then_minus_one():
    desk, _ = desk_of(None)
    assert ask(desk, "fota_new", is_reset_disabled=False) == (0, b"")
    for op, facts in (("fota_write", {"total": 3}), ("fota_flush", {}), ("fota_verify", {})):
        assert ask(desk, op, b"abc", **facts) == (-1, b"")
    assert ask(desk, "fota_download", url1="http://h/", url2="") == (-1, b"")


def test_write_when_total_is_hostile_then_nothing_is_begun():
    unit = Unit()
    desk, told = desk_of(unit)
    for total in (0, -1, 1 << 20 | 1, 1 << 62):
        assert ask(desk, "fota_write", b"abc", total=total) == (-1, b"")
    assert told == ["virt.update-refused"] * 4
    assert ask(desk, "fota_write", bytes(5), total=4) == (-1, b"")
    assert unit.staged_bytes == 0


def test_verify_when_everything_was_written_then_accepted_for_what_runs():
    unit = Unit()
    desk, told = desk_of(unit)
    assert ask(desk, "fota_write", b"ab", total=4) == (0, b"")
    assert ask(desk, "fota_verify") == (-1, b"")
    assert ask(desk, "fota_write", b"cd", total=4) == (0, b"")
    assert ask(desk, "fota_verify") == (0, b"")
    assert unit.accepted_for == "V1"
    assert told[-1] == "virt.update-accepted"
    assert ask(desk, "fota_verify") == (-1, b"")


def test_mini_when_not_supported_or_no_url_then_minus_one():
    desk, _ = desk_of(Unit())
    assert ask(desk, "fota_download", url1="", url2="") == (-1, b"")
    assert ask(desk, "fota_download", url1="http://h/1", url2="http://h/2") == (-1, b"")


def test_desk_when_closed_then_nobody_is_told_any_more():
    async def story():
        desk, told = desk_of(Unit(), is_fota_blocking=False)
        desk._updates._tell(1, 5)
        await desk.close()
        desk._updates._tell(1, 6)
        assert told == [("fota", [1, 5])]

    asyncio.run(story())
