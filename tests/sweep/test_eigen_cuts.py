"""Power away at every flash operation of an EigenComm burn, clean and torn, in both flashes.

Re-powered, the module boots the old system, waits in the ROM and says why, or boots the new one; a new burn completes
it. The first case is what a host does; the vendor's image has no check values of its own, so that only the head the
agentboot left tells a half system from a whole one.
"""

from __future__ import annotations

import random

import pytest

from eigen_bench import CP, Bench
from eigen_host import AP_ID, BOOT_ID, CP_ID, FLEX_ID, TO_CP
from moduline.errors import FlashCut
from moduline.formats import system_image
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.boot import BootCode, BootSystem, StayInRom
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block

IDENTITY = identity_of("ec600e", "m1")
ALLOWED = {"boot-erased", "boot-invalid", "system-erased", "system-invalid"}


def ours(version):
    image = system_image.SystemImage(
        version, "ec600e", ("EC600E",), "6.3", (), random.Random(version).randbytes(70_000)
    )
    return system_image.write(image)


def vendors(version):
    return (
        random.Random(version).randbytes(40_000) + version.encode() + b"\0" + random.Random(version).randbytes(40_000)
    )


VERSIONS = {"OLD": "EC600ECNLCR01A01M04", "NEW": "EC600ECNLCR01A02M04"}
MAKERS = {"ours": ours, "vendor": vendors}


def images(maker, which):
    """(id, data, address, selector) of every image, and where it is found afterwards."""
    dice = random.Random(which)
    return [
        (BOOT_ID, dice.randbytes(9000), 0, b"", 0x4000),
        (AP_ID, MAKERS[maker](VERSIONS[which]), 0x24000, b"", 0x24000),
        (CP_ID, dice.randbytes(20_000), 0, TO_CP, CP),
        (FLEX_ID, dice.randbytes(5000), 0xB00000, b"", 0x300000),
    ]


def burn(bench, maker, which):
    """Everything a host does from the ROM on; raises FlashCut when the power goes away."""
    host = bench.again()
    host.up()
    for image_id, data, address, selector, _ in images(maker, which):
        assert host.burn(image_id, data, address, selector) == 0


def holds(bench, maker, which):
    return all(bench.flash.read(place, len(data)) == data for _, data, _, _, place in images(maker, which))


def decision(bench, tmp_path):
    return BootCode(IDENTITY, bench.flash, tmp_path / "flash.bin").decide()


@pytest.fixture(scope="module", params=["ours", pytest.param("vendor", marks=pytest.mark.sweep)])
def old(request):
    bench = Bench()
    IDENTITY.storage(bench.flash).nv.write_block(factory_block(IDENTITY.factory_imei, "m1"))
    burn(bench, request.param, "OLD")
    return request.param, bytes(bench.flash.flash.cells[:])


def bench_with(cells, cuts=""):
    chip = MemoryFlash(IDENTITY.geometry)
    chip.cells[:] = cells
    return Bench(chip, cuts)


def count_operations(old):
    maker, cells = old
    bench = bench_with(cells)
    burn(bench, maker, "NEW")
    assert holds(bench, maker, "NEW")
    return bench.flash.operation


def check(old, spec, tmp_path):
    maker, cells = old
    bench = bench_with(cells)
    bench.flash.arm(spec)
    with pytest.raises(FlashCut):
        burn(bench, maker, "NEW")
    bench.flash.power_on()
    found = decision(bench, tmp_path)
    if isinstance(found, StayInRom):
        assert found.reason in ALLOWED, spec
    else:
        which = next(which for which, version in VERSIONS.items() if found.firmware_version == version)
        _, system, _, _, place = images(maker, which)[1]
        assert bench.flash.read(place, len(system)) == system, spec
    assert IDENTITY.storage(bench.flash).nv.imei == IDENTITY.factory_imei, spec
    burn(bench, maker, "NEW")
    assert holds(bench, maker, "NEW"), spec
    again = decision(bench, tmp_path)
    assert isinstance(again, BootSystem), spec
    assert again.firmware_version == VERSIONS["NEW"], spec
    return found


def test_burn_when_power_goes_at_sampled_operations_then_told_and_a_new_burn_completes(old, tmp_path):
    count = count_operations(old)
    assert count > 400
    found = [check(old, f"cut@{number}", tmp_path) for number in range(0, count, 29)]
    found += [check(old, f"tear@{number}:{number + 1}", tmp_path) for number in range(7, count, 41)]
    assert {one.reason for one in found if isinstance(one, StayInRom)} >= {"boot-invalid", "system-invalid"}
    assert any(isinstance(one, BootSystem) for one in found)


@pytest.mark.sweep
@pytest.mark.timeout(1800)
def test_burn_when_power_goes_at_every_operation_then_told_and_a_new_burn_completes(old, tmp_path):
    for number in range(count_operations(old)):
        check(old, f"cut@{number}", tmp_path)
        for seed in (number, number + 100):
            check(old, f"tear@{number}:{seed}", tmp_path)


@pytest.mark.sweep
@pytest.mark.timeout(900)
def test_burn_when_cut_again_while_it_is_repeated_then_the_third_one_completes(old, tmp_path):
    maker, cells = old
    count = count_operations(old)
    for first in range(0, count, 37):
        for second in range(3, count, 53):
            bench = bench_with(cells)
            for spec in (f"cut@{first}", f"tear@{second}:{first}"):
                bench.flash.arm(spec)
                with pytest.raises(FlashCut):
                    burn(bench, maker, "NEW")
                bench.flash.power_on()
            burn(bench, maker, "NEW")
            assert holds(bench, maker, "NEW"), (first, second)
            assert isinstance(decision(bench, tmp_path), BootSystem)


def test_flashes_when_cut_then_the_other_one_is_untouched(tmp_path):
    bench = Bench()
    bench.flash.program(CP, b"\0" * 32)
    host = bench.host.up()
    bench.flash.arm("tear@20:3")
    with pytest.raises(FlashCut):
        host.burn(AP_ID, bytes(range(256)) * 100, 0x24000)
    bench.flash.power_on()
    assert isinstance(bench.flash, FaultyFlash)
    assert bench.flash.read(CP, 64) == b"\0" * 32 + b"\xff" * 32
