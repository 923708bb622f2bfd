"""A project on an EC800E: our firmware of both layouts, merged, programmed and run, in a folder with a difficult name."""

from __future__ import annotations

import ast
import asyncio
import sys

import pytest

from moduline.package import read_package, write_package
from moduline.package.units import read_units, with_unit
from moduline.port.serial import open_serial
from moduline.release import firmware
from moduline.release.produce import Options, produce
from moduline.release.recover import recover
from moduline.remote.repl_session import ReplSession
from moduline.vmodule import ModuleOptions, open_module

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

MAIN = "PROJECT_NAME = 'METER'\nPROJECT_VERSION = '1.0.0'\n"
ASK = """
import uos, ujson
with open('/usr/unit.json') as f: unit = ujson.load(f)
print([uos.listdir('/usr'), uos.listdir('/bak'), unit['serial'], uos.statvfs('/usr')[2]])
"""


@pytest.mark.parametrize("shell", ["zip", "bin", "release"])
def test_project_when_merged_into_an_ec800e_then_it_runs_with_its_units_parameters(shell, tmp_path):
    folder = tmp_path / "测试 目录 (1)"
    (folder / "工程").mkdir(parents=True)
    (folder / "工程" / "main.py").write_text(MAIN, encoding="utf-8")
    base = firmware.firmware_file("ec800e", shell)
    produced = produce(folder / "工程", base, Options(backup=("all",)), f"stock.{shell}")
    (unit,) = read_units(b"serial\nSN0001\n")
    data = write_package(with_unit(read_package(produced.data), unit))

    async def story():
        async with open_module("ec800e", data, folder / "m1", ModuleOptions()) as module:
            async with asyncio.timeout(20):
                await module.power_on()
                await module.wait_until(lambda: module.state == "running" and module.has_ports)
                await module.runtime.wait_prompt()
            async with ReplSession(open_serial(module.port_path("repl"))) as repl:
                return ast.literal_eval((await repl.exec(ASK)).decode())

    user, backup, serial, blocks = asyncio.run(story())
    assert {"apn_cfg.json", "checksum.json", "main.py", "unit.json"} <= set(user)
    assert set(backup) == {"checksum.json", "backup_restore.json", "usr"}
    assert (serial, blocks) == ("SN0001", 96)


def test_project_when_taken_out_of_an_ec800e_package_then_the_one_put_in(tmp_path):
    (tmp_path / "main.py").write_text(MAIN, encoding="utf-8")
    produced = produce(tmp_path, firmware.stock_package("ec800e"), Options(backup=("all",)))
    found = recover(read_package(produced.data))
    assert found.tree.files()["usr/main.py"].decode() == MAIN
    assert (found.module, found.backed_up) == ("ec800e", ("main.py",))
