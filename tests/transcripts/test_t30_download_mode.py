"""T30 and T31: into download mode and out of it again on every kind of module; packages for another model.

Whole virtual modules on their stock firmware, seen from the host's side only: AT port, REPL port, and the entry that
``port list`` and ``port watch`` read.

Source: device-api 2.5, 4 (download mode, S2), 14.3; platform-unisoc 8; platform-asr 8; platform-eigencomm 4.
"""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest

from moduline import burn
from moduline.cli.main import run
from moduline.errors import PortGone, WrongModule
from moduline.port import registry
from moduline.port.serial import open_serial
from moduline.profiles import catalog
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client
from moduline.vmodule.module_options import ModuleOptions
from moduline.vmodule.opening import open_module
from moduline.vmodule.power import Timings

# Module, name of its download port (device-api 4), USB identity in download mode (the platforms' documents).
BY_COMMAND = [
    ("ec600n", "Quectel Download Port", 0x2ECC, 0x3017),
    ("ec800n", "Quectel Download Port", 0x2ECC, 0x3017),
    ("ec600m", "Quectel Download Port", 0x2ECC, 0x3017),
    ("ec800m", "Quectel Download Port", 0x2ECC, 0x3017),
    ("eg810m", "Quectel Download Port", 0x2ECC, 0x3017),
    ("ec600k", "Quectel Download Port", 0x2ECC, 0x3017),
    ("ec800k", "Quectel Download Port", 0x2ECC, 0x3017),
    ("eg800k", "Quectel Download Port", 0x2ECC, 0x3017),
    ("ec200u", "SPRD U2S Port", 0x0525, 0xA4A7),
    ("ec600u", "SPRD U2S Port", 0x0525, 0xA4A7),
    ("ec600g", "SPRD U2S Port", 0x1782, 0x4D16),
    ("ec800g", "SPRD U2S Port", 0x1782, 0x4D16),
]
BY_PIN = [("ec600e", "Quectel QDLoader Port", 0x17D1, 0x0001), ("ec800e", "Quectel QDLoader Port", 0x17D1, 0x0001)]
QUICK = Timings(boot_s=0.001, enumerate_s=0.005, answer_s=0.05, window_s=0.4, power_off_s=0.001)
PATIENT = Timings(boot_s=0.001, enumerate_s=0.005, answer_s=0.05, window_s=60.0, power_off_s=0.001)


def told(test, limit_s=60):
    """Run a test's story on a module of ``slug``, powered and at its ports."""

    async def story(slug, timings, **how):
        async with (
            asyncio.timeout(limit_s),
            open_module(slug, stock_package(slug), options=ModuleOptions(timings=timings)) as module,
        ):
            await module.power_on(**how)
            await module.wait_until(lambda: module.has_ports)
            await test(module)

    return lambda slug, timings, **how: asyncio.run(story(slug, timings, **how))


async def ask(module, line):
    """Everything the AT port says to one line, and the open port."""
    at = open_serial(module.port_path("at"))
    await at.write_all(line)
    heard = b""
    while not heard.endswith((b"OK\r\n", b"ERROR\r\n")) and b"+CME ERROR" not in heard:
        heard += await at.read_some()
    return at, heard


async def vanished(stream):
    """Return when the port is gone; the story's own limit ends the waiting."""
    while True:
        try:
            await stream.read_some()
        except PortGone:
            await stream.close()
            return


def roles(module):
    return [port.role for port in module.entry().ports]


@pytest.mark.parametrize(("slug", "name", "vid", "pid"), BY_COMMAND, ids=[row[0] for row in BY_COMMAND])
def test_t30_download_mode_when_asked_for_by_at_then_ok_and_another_usb_device_at_the_same_place(slug, name, vid, pid):
    async def story(module):
        before = module.entry()
        assert {"at", "repl"} <= set(roles(module))
        at, heard = await ask(module, b"AT+QDOWNLOAD=1\r\n")
        assert heard.endswith(b"\r\nOK\r\n")
        await vanished(at)
        await module.wait_until(lambda: module.state == "download" and module.has_ports)
        (port,) = module.entry().ports
        assert (port.role, port.vid, port.pid) == ("download", vid, pid)
        assert port.location == before.ports[0].location
        assert catalog.chip(catalog.module(slug).chip).entry.port_name == name
        assert port.product == ("" if name == "SPRD U2S Port" else name)  # Unisoc's ROM tells no text, its driver does

    told(story)(slug, PATIENT)


@pytest.mark.parametrize("slug", ["ec600u", "ec600g", "ec600n", "ec600m"])
def test_t30_download_mode_when_nobody_flashes_then_the_module_runs_again_after_the_time_out(slug):
    async def story(module):
        at, _ = await ask(module, b"AT+QDOWNLOAD=1\r\n")
        await vanished(at)
        await module.wait_until(lambda: module.state == "download" and module.has_ports)
        assert roles(module) == ["download"]
        await module.wait_until(lambda: module.state == "running" and module.has_ports)
        assert {"at", "repl"} <= set(roles(module))
        at, heard = await ask(module, b"AT\r\n")
        assert heard == b"AT\r\r\nOK\r\n"
        await at.close()
        assert module.firmware_version

    told(story)(slug, QUICK)


@pytest.mark.parametrize(("slug", "name", "vid", "pid"), BY_PIN, ids=[row[0] for row in BY_PIN])
def test_t30_download_mode_when_the_module_only_has_the_pin_then_at_refuses_and_the_pin_leads_there(
    slug, name, vid, pid
):
    async def story(module):
        at, heard = await ask(module, b"AT+QDOWNLOAD=1\r\n")
        assert b"ERROR" in heard
        assert b"OK" not in heard
        assert module.state == "running"
        await at.close()
        await module.reset(boot_pin=True)
        await module.wait_until(lambda: module.state == "download" and module.has_ports)
        (port,) = module.entry().ports
        assert (port.role, port.vid, port.pid) == ("download", vid, pid)
        assert catalog.chip(catalog.module(slug).chip).entry.port_name == name

    told(story)(slug, PATIENT)


@pytest.mark.parametrize(
    "line", [b"at+qdownload=1\r\n", b"AT+QDOWNLOAD\r\n", b"AT+QDOWNLOAD=7\r\n", b"AT^FORCEDNLD\r\n"]
)
def test_t30_download_mode_when_asked_in_any_set_form_then_entered(line):
    async def story(module):
        at, heard = await ask(module, line)
        assert heard.endswith(b"\r\nOK\r\n")
        await vanished(at)
        await module.wait_until(lambda: module.state == "download" and module.has_ports)

    told(story)("ec600u", PATIENT)


@pytest.mark.parametrize("line", [b"AT+QDOWNLOAD?\r\n", b"AT+QDOWNLOAD=?\r\n"])
def test_t30_download_mode_when_only_asked_about_then_refused(line):
    """platform-unisoc 8: read and test form give "operation not supported"."""

    async def story(module):
        at, heard = await ask(module, line)
        assert b"+CME ERROR" in heard
        assert module.state == "running"
        await at.close()

    told(story)("ec600u", PATIENT)


def test_t30_download_mode_when_the_pin_is_held_then_entered_and_never_left_by_itself():
    async def story(module):
        assert roles(module) == ["download"]
        before = module.entry().ports[0].enumeration
        await asyncio.sleep(QUICK.window_s * 2)
        assert (module.state, module.entry().ports[0].enumeration) == ("download", before)
        await module.reset()
        await module.wait_until(lambda: module.state == "running" and module.has_ports)

    told(story)("ec600u", QUICK, boot_pin=True)


# ---- T31 ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rack():
    """A rack with one EC600U on its stock firmware, through the command line."""
    assert run(["virt", "up", "--module", "ec600u", "--rack", "t31"]) == 0
    yield "t31"
    rack_client.take_down("t31")


def flash_digest(rack):
    return hashlib.sha256(rack_client.flash_path(rack, "m1").read_bytes()).hexdigest()


@pytest.mark.parametrize("other", ["eg915u", "ec200u"])
def test_t31_package_when_for_another_model_then_refused_and_not_a_byte_changes(rack, other, tmp_path, capsys):
    package = tmp_path / f"{other}.pac"
    package.write_bytes(stock_package(other))
    assert run(["exec", "print(1)", "--port", "virt:m1"]) == 0  # the first boot has written its files
    before = flash_digest(rack)
    capsys.readouterr()
    assert run(["burn", str(package), "--port", "virt:m1", "--yes", "--json"]) == 7
    failure = json.loads(capsys.readouterr().out)
    assert (failure["ok"], failure["code"]) == (False, "ML-E0701")
    assert flash_digest(rack) == before
    (entry,) = registry.modules(rack)
    assert (entry.state, entry.model) == ("running", "EC600U")


def test_t31_package_when_for_another_model_and_the_module_is_already_in_download_mode_then_never_half_applied(rack):
    """Nobody can be asked there; the burnt system is of another model, so the boot code refuses it and stays in the ROM."""
    assert run(["virt", "power", "m1", "boot-pin"]) == 0
    order = burn.make_order(stock_package("eg915u"), "eg915u.pac", boot_limit_s=2.0, window_s=5.0)
    record = asyncio.run(burn.run_job("virt:m1", order))
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0602")
    (state,) = rack_client.ask(rack, "list")["modules"]
    assert (state["state"], state["reason"]) == ("download", "system-foreign")
    good = burn.make_order(stock_package("ec600u"), "ec600u.pac", boot_limit_s=20.0, window_s=5.0, pin_limit_s=1.0)
    again = asyncio.run(burn.run_job("virt:m1", good))
    assert again.outcome == "PASS", again.error_message


def test_t31_package_when_refused_then_the_job_says_whose_it_is(rack):
    record = asyncio.run(burn.run_job("virt:m1", burn.make_order(stock_package("eg915u"), "eg915u.pac")))
    with pytest.raises(WrongModule) as caught:
        record.raise_error()
    assert "EG915U" in caught.value.message()
    assert "EC600U" in caught.value.message()
