"""Every module of the catalogue: to a prompt on its own firmware, with its own name, file systems, ports and ROM."""

from __future__ import annotations

import ast
import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from moduline.errors import ModulineError, NoAnswer, TooBig, WrongModule
from moduline.formats import littlefs, sihr
from moduline.nor.memory import MemoryFlash
from moduline.package.stock import StockFirmware, read_stock, write_stock
from moduline.port.serial import open_serial
from moduline.profiles import catalog
from moduline.release.firmware import stock_package
from moduline.remote.at_session import AtSession
from moduline.remote.repl_session import ReplSession
from moduline.vmodule import ModuleOptions, open_module
from moduline.vmodule.boot import BootCode, BootSystem, StayInRom
from moduline.vmodule.factory import program_package, read_firmware
from moduline.vmodule.facts import identity_of
from samples import sample

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

WITHOUT_WIRE = [s for s in catalog.modules() if catalog.chip_of(catalog.module(s)).entry.wire != "pdl"]
WHO = """
import uos, modem
s = [uos.statvfs(p) for p in ('/usr', '/bak')]
print([uos.uname(), s[0][2], s[1][2], uos.listdir('/'), modem.getDevImei(), modem.getDevModel(), modem.getDevFwVersion()])
"""


@asynccontextmanager
async def running(slug, folder, **options):
    async with open_module(slug, stock_package(slug), folder, ModuleOptions(**options)) as module:
        async with asyncio.timeout(20):
            await module.power_on()
            await module.wait_until(lambda: module.state == "running" and module.has_ports)
            await module.runtime.wait_prompt()
        yield module


@pytest.mark.parametrize("slug", catalog.modules())
def test_module_when_on_then_prompt_names_files_and_at_are_its_own(slug, tmp_path):
    profile = catalog.module(slug)
    blocks = [
        profile.partition(role).size_bytes // 4096 - (profile.fs.kind == "lfs1") for role in ("user_fs", "backup_fs")
    ]

    async def story():
        async with running(slug, tmp_path) as module:
            async with ReplSession(open_serial(module.port_path("repl"))) as repl:
                noise = bytearray()
                uname, *said = ast.literal_eval((await repl.exec(WHO)).decode())
            async with AtSession(open_serial(module.port_path("at"))) as at:
                at_says = [await at.tell(command) for command in ("ATI", "AT+GSN", "AT+CGMR")]
            stream = open_serial(module.port_path("repl"))
            await stream.write_all(b"\x02")
            async with asyncio.timeout(30):
                while not noise.endswith(b">>> "):
                    noise += await stream.read_some()
            await stream.close()
            return module, uname, said, at_says, bytes(noise)

    module, uname, said, at_says, banner = asyncio.run(story())
    model, variant = profile.identity.model, profile.identity.variant
    assert uname[0] == f"sysname={variant}"
    assert uname[1:3] == (f"nodename={model}", "release=1.13.0")
    assert uname[4] == f"machine={model} with QUECTEL"
    version = module.firmware_version
    assert said == [*blocks, ["usr", "bak"], module.imei, model, version]
    assert version.startswith(variant.replace("-", ""))
    assert module.imei.startswith(profile.identity.imei_stem)
    assert at_says == [("Quectel", model, f"Revision: {version}"), (module.imei,), (version,)]
    assert f"Quecpython v1.12 on {profile.identity.build_date} ; {model} with QUECTEL \r\n".encode() in banner
    assert b'\r\n Type "help()" for more information.\r\n>>> ' in banner


@pytest.mark.parametrize("slug", ["ec600s", "ec800m", "ec800e", "ec600k", "ec600g"])
def test_file_systems_when_first_formatted_then_kind_and_place_are_the_profiles(slug, tmp_path):
    """Read back from the cells by the host's own reader, which shares nothing with the interpreter's driver."""
    profile = catalog.module(slug)

    async def story():
        async with running(slug, tmp_path) as module:
            async with ReplSession(open_serial(module.port_path("repl"))) as repl:
                await repl.exec("f=open('/usr/kept.txt','w'); f.write('x'*9000); f.close()")
            cells = {}
            for role in ("user_fs", "backup_fs"):
                place = profile.partition(role)
                cells[role] = module.file.memory.read(module.identity.offset_of(place), place.size_bytes)
            return cells

    cells = asyncio.run(story())
    for role, kind in (("user_fs", profile.fs.kind), ("backup_fs", profile.fs.kind)):
        assert littlefs.recognise(cells[role]) == kind
    assert dict(littlefs.read_image(cells["user_fs"]).entries)["kept.txt"] == b"x" * 9000


@pytest.mark.parametrize("slug", catalog.modules())
def test_module_when_brought_into_download_mode_then_its_own_identity_and_port(slug, tmp_path):
    """device-api 4, T30: by AT+QDOWNLOAD=1, or by the pin where there is no such command."""
    chip = catalog.chip_of(catalog.module(slug))

    async def story():
        async with running(slug, tmp_path) as module:
            async with AtSession(open_serial(module.port_path("at"))) as at:
                try:
                    await at.tell("AT+QDOWNLOAD=1")
                    is_taken = True
                except ModulineError:
                    is_taken = False
            if not is_taken:
                await module.reset(boot_pin=True)
            async with asyncio.timeout(30):
                await module.wait_until(lambda: module.state == "download" and module.has_ports)
            return is_taken, module.entry().ports

    is_taken, ports = asyncio.run(story())
    assert is_taken is (slug not in {"ec600e", "ec800e"})
    (port,) = ports
    assert (port.role, port.vid, port.pid) == ("download", chip.download.vid, chip.download.pid)
    assert (
        port.product == {"asr": "Quectel Download Port", "eigen": "Quectel QDLoader Port", "unisoc": ""}[chip.platform]
    )


def test_module_without_the_command_when_asked_by_at_then_error_and_it_stays(tmp_path):
    """S2: EC600E and EC800E need the pin."""

    async def story():
        async with running("ec800e", tmp_path) as module:
            async with AtSession(open_serial(module.port_path("at"))) as at:
                with pytest.raises(ModulineError) as refused:
                    await at.tell("AT+QDOWNLOAD=1")
            assert not isinstance(refused.value, NoAnswer)
            assert module.state == "running"

    asyncio.run(story())


# ---- flash and firmware ----------------------------------------------------------------------------------------------


@pytest.fixture
def bench(tmp_path):
    """A blank flash of a module, and what its boot code makes of it."""

    def of(slug):
        identity = identity_of(slug, "m1")
        flash = MemoryFlash(identity.geometry)
        return identity, flash, lambda: BootCode(identity, flash, tmp_path / "flash.bin").decide()

    return of


@pytest.mark.parametrize("slug", WITHOUT_WIRE)
def test_stock_firmware_when_programmed_then_boots_and_every_damage_is_seen(bench, slug):
    identity, flash, decide = bench(slug)
    assert decide() == StayInRom("boot-erased")
    firmware = read_firmware(stock_package(slug))
    assert firmware.chip == identity.chip.slug
    program_package(identity, flash, firmware)
    found = decide()
    assert isinstance(found, BootSystem)
    assert found.rom.offset % 4096 == 0
    assert flash.read(found.rom.offset, 3) == b"\xd2\xcd\x31"
    system = identity.profile.partition("system")
    start = identity.offset_of(system)
    flash.program(found.rom.offset + found.rom.size_bytes // 2, b"\0" * 256)
    assert decide() == StayInRom("system-invalid")
    flash.erase(start, 0x1000)
    assert decide() == StayInRom("system-erased")
    program_package(identity, flash, firmware)
    first = identity.profile.partition("first_boot") or identity.profile.partition("boot")
    flash.erase(identity.offset_of(first), 0x1000)
    assert decide() == StayInRom("boot-erased")


def test_stock_firmware_when_of_another_module_then_refused_or_foreign(bench):
    identity, flash, decide = bench("ec600n")
    with pytest.raises(WrongModule):
        program_package(identity, flash, read_firmware(stock_package("ec600s")))
    program_package(identity, flash, read_firmware(stock_package("ec800n")))
    assert decide() == StayInRom("system-foreign")
    small, small_flash, _ = bench("ec600k")
    with pytest.raises(WrongModule):
        program_package(small, small_flash, StockFirmware("x", "asr1606", "V", {"no_such_role": b"x"}))
    with pytest.raises(TooBig):
        program_package(small, small_flash, StockFirmware("x", "asr1606", "V", {"user_fs": bytes(385025)}))


def test_variant_when_firmware_is_the_other_ones_then_foreign(bench):
    """Both are an EC800M, but their file systems differ."""
    identity, flash, decide = bench("ec800m")
    program_package(identity, flash, read_firmware(stock_package("ec800m-cnla")))
    assert decide() == StayInRom("system-foreign")


def test_vendors_package_of_8850_when_programmed_then_version_is_found_behind_its_header(bench):
    _, flash, decide = bench("ec600g")
    data = sample("unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac").read_bytes()
    package = read_firmware(data)
    for part in package.parts:
        if part.kind == "code" and part.role in {"first_boot", "boot", "system"}:
            offset = part.address & 0xFFFFFF
            flash.erase(offset, -(-len(part.data) // 4096) * 4096)
            flash.program(offset, part.data)
    found = decide()
    assert isinstance(found, BootSystem)
    assert (found.firmware_version, found.is_ours) == ("EC600GCNLDR02A04M04_OCPU", False)
    flash.program(0x30000 + 0x5000, b"\0" * 64)
    assert decide() == StayInRom("system-invalid")


@pytest.mark.parametrize("at", [0, 4, 36, 40, 132, 256, 5000])
def test_sihr_header_when_a_bit_is_lost_then_the_image_is_invalid(bench, at):
    identity, flash, decide = bench("ec800g")
    program_package(identity, flash, read_firmware(stock_package("ec800g")))
    start = identity.offset_of(identity.profile.partition("system"))
    assert sihr.is_sihr(flash.read(start, 4))
    at += next(i for i, byte in enumerate(flash.read(start + at, 64)) if byte)  # a byte that has a bit to lose
    old = flash.read(start + at, 1)[0]
    flash.program(start + at, bytes([old & (old - 1)]))
    assert decide() == StayInRom("system-invalid")


def test_stock_file_when_written_then_read_back_the_same_and_the_same_on_every_run():
    images = {"boot": b"boot code", "system": bytes(5000)}
    data = write_stock(StockFirmware("ec600e", "eigen618", "EC600ECNLAR03A01M08_OCPU_PY_MODULINE1", images))
    firmware = read_stock(data)
    assert (firmware.module, firmware.chip) == ("ec600e", "eigen618")
    assert firmware.version == "EC600ECNLAR03A01M08_OCPU_PY_MODULINE1"
    assert firmware.images == images
    assert data == write_stock(firmware)


@pytest.mark.parametrize("slug", ["ec600e", "ec800e"])
def test_package_of_eigencomm_when_programmed_then_every_image_is_in_its_place(bench, slug):
    """The modem's flash lies behind the other one in the same file; heads of an earlier burn are gone."""
    identity, flash, decide = bench(slug)
    flash.program(0, b"\x01\0\0\x10HMIT" + bytes(264))
    flash.program(0x2000, b"\x01\0\0\x10HMIT" + bytes(264))
    package = read_firmware(stock_package(slug))
    program_package(identity, flash, package)
    assert isinstance(decide(), BootSystem)
    assert flash.read(0, 0x4000) == b"\xff" * 0x4000
    offsets = {"ap_bootloader": 0x4000, "ap_at_command": 0x24000, "cp-demo-flash": 0x400000, "ap_updater": 0x3B4000}
    offsets |= {"ap_application": 0x3B0000, "customer_fs": 0x300000, "customer_backup_fs": 0x360000}
    assert {part.name for part in package.parts if part.kind == "code"} == set(offsets)
    for name, offset in offsets.items():
        data = package.part(name).data
        assert flash.read(offset, len(data)) == data
