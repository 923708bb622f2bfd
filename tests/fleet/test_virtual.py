"""Full virtual modules of a fleet, without a platform: what they are made of, what is read of them, what is left."""

from __future__ import annotations

import asyncio
import sys

import pytest

from moduline.errors import BadOption, UnknownModule, WrongModule
from moduline.fleet import VirtualFleet, VirtualPlan
from moduline.fleet.virtual import MODULE, firmware_version
from moduline.fleet.virtual_script import stock_script
from moduline.package.stock import StockFirmware, write_stock
from moduline.release.firmware import stock_package

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")
NOWHERE = "mqtt://127.0.0.1:1"
V1 = "EC600NCNLCR03A01M08_OCPU_PY_MODULINE1"
PATIENCE_S = 60


def script(*lines):
    return {"main.py": "\n".join(lines).encode()}


async def lived(plan, until, report=None):
    """Powers modules on, waits until each is so, and gives their summary."""
    notices = []
    async with VirtualFleet(plan, report=report or notices.append) as fleet:
        fleet.start()
        async with asyncio.timeout(PATIENCE_S):
            for member in fleet.members:
                await member.wait_for(until)
        return fleet.summary(), notices


def ended(member):
    return member.is_done


@pytest.mark.parametrize(
    ("said", "outcome", "reason", "plans"),
    [
        (("fotaResult: mod True",), "upgraded", "", 0),
        (("otaPlan: [(0, 'mod')]", "fotaResult: mod False"), "failed", "result", 1),
        (("otaPlan: []", "otaAction: 0"), "refused", "user", 1),
    ],
)
def test_script_when_it_prints_how_it_ended_then_that_is_the_outcome(said, outcome, reason, plans):
    lines = [f'print("{line}")' for line in said]
    summary, notices = asyncio.run(lived(VirtualPlan(1, NOWHERE, script(*lines)), ended))
    (device,) = summary.devices
    assert (device.outcome, device.reason, device.plans) == (outcome, reason, plans)
    assert summary.is_done
    (notice,) = notices
    assert (notice.slug, notice.where, notice.facts["outcome"]) == ("fleet.ended", device.dk, outcome)
    assert notice.facts["is_virtual"]


def test_modules_when_there_are_three_then_each_has_its_imei_and_its_script_sees_it(tmp_path):
    plan = VirtualPlan(3, NOWHERE, script("import modem", "print('I am', modem.getDevImei())"), folder=tmp_path / "f")
    summary, _ = asyncio.run(lived(plan, lambda member: "I am " + member.module.imei in member.text))
    assert len({device.dk for device in summary.devices}) == 3
    assert all(len(device.dk) == 15 for device in summary.devices)
    assert [(one.version_before, one.version, one.boots, one.outcome) for one in summary.devices] == [
        (V1, V1, 1, "none")
    ] * 3
    assert not summary.is_done
    assert not summary.was_online
    told = summary.to_json()
    assert (told["devices"], told["versions"], told["devices_by_outcome"]) == (3, {V1: 3}, {"none": 3})
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == ["m1", "m2", "m3"]


def test_folder_when_given_again_then_the_modules_remember(tmp_path):
    first = script("open('/usr/note', 'w').write('old')", "print('noted')")
    asyncio.run(lived(VirtualPlan(1, NOWHERE, first, folder=tmp_path), lambda member: "noted" in member.text))
    other = script("print('other')")  # it has its script already
    summary, _ = asyncio.run(lived(VirtualPlan(1, NOWHERE, other, folder=tmp_path), lambda one: "noted" in one.text))
    assert summary.devices[0].boots == 1


def test_stock_script_when_the_platform_is_not_there_then_it_goes_on_and_is_not_known_online():
    plan = VirtualPlan(1, NOWHERE, {"main.py": stock_script("p000aa", "0123456789abcdef")})
    summary, _ = asyncio.run(lived(plan, lambda member: member.text.count("devEvent: 1 -17921") > 1))
    assert summary.devices[0].state == "running"
    assert not summary.was_online


def test_version_when_asked_of_a_package_then_what_boots_from_it():
    assert firmware_version() == firmware_version(MODULE, stock_package(MODULE)) == V1


def test_package_when_it_is_another_modules_or_does_not_boot_then_refused():
    with pytest.raises(WrongModule):
        firmware_version("ec600u", stock_package("ec600n"))
    with pytest.raises(UnknownModule):
        firmware_version("ec999")
    empty = write_stock(StockFirmware("ec600n", "asr1603", "X", {}))
    with pytest.raises(BadOption, match="does not boot"):
        firmware_version("ec600n", empty)
