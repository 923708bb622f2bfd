"""Scenarios in a rack: contents in the flash, surroundings, faults and timelines of running modules."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from moduline import burn
from moduline.cli import virt_scenario
from moduline.errors import BadOption, NoSuchFile, TooBig
from moduline.formats.littlefs import read_image
from moduline.line import GangOptions, run_gang
from moduline.port import registry
from moduline.port.address import open_address
from moduline.port.watch import Watch
from moduline.release.firmware import stock_package
from moduline.remote import reach
from moduline.vmodule import rack_client
from moduline.vmodule.opening import open_module
from moduline.vmodule.scenario.contents import gather, put_contents

STATE = "import net\nprint(net.getState()[1][0])"
EXAMPLES = Path(__file__).parents[3] / "examples" / "scenarios"


@pytest.fixture
def up(tmp_path):
    """Brings up a scenario given as a path or as text; takes the rack down at the end."""

    def bring(scenario, **how):
        path = scenario
        if isinstance(scenario, str):
            path = tmp_path / "s.toml"
            path.write_text(scenario, encoding="utf-8")
        modules = virt_scenario.bring_up(path, "sc", **({"is_off": False, "is_kept": False} | how))
        return {module["name"]: module for module in modules}

    yield bring
    if rack_client.is_up("sc"):
        rack_client.take_down("sc")


def modules():
    return {module["name"]: module for module in rack_client.ask("sc", "list")["modules"]}


def run_on(name, source):
    """What a source prints on a module."""

    async def story():
        async with await reach.open_repl(f"virt:{name}") as repl:
            return (await repl.exec(source.encode())).decode().replace("\r\n", "\n")

    return asyncio.run(story())


def wait_for(is_true, limit_s=20):
    """Watch the virtual USB tree until something about the rack is true."""

    async def story():
        async with asyncio.timeout(limit_s), Watch("sc", has_real=False) as watch:
            while not is_true():
                await watch.next_change(0.2)

    asyncio.run(story())


# ---- contents ----------------------------------------------------------------------------------------------------------


def test_files_when_gathered_then_hidden_ones_caches_and_links_are_left_out(tmp_path):
    app = tmp_path / "app"
    (app / "lib" / "__pycache__").mkdir(parents=True)
    (app / ".git").mkdir()
    for name in ("main.py", "lib/a.py", "lib/__pycache__/a.pyc", ".hidden", ".git/x"):
        (app / name).write_text(name)
    (app / "link").symlink_to("/etc/passwd")
    (tmp_path / "main.py").write_text("wins")
    assert gather([app, tmp_path / "main.py"]) == {"lib/a.py": b"lib/a.py", "main.py": b"wins"}
    with pytest.raises(NoSuchFile):
        gather([tmp_path / "nowhere"])
    (app / "big").write_bytes(bytes(17 << 20))
    with pytest.raises(TooBig):
        gather([app])


@pytest.mark.parametrize("slug", ["ec600u", "ec800e", "ec600n"])
def test_contents_when_put_in_before_power_on_then_the_module_runs_them_and_keeps_its_own(slug, tmp_path):
    async def story():
        async with asyncio.timeout(60), open_module(slug, stock_package(slug), folder=tmp_path) as module:
            put_contents(
                module.identity, module.file, {"main.py": b"open('/usr/ran', 'w').close()\n", "d/x.txt": b"x" * 9000}
            )
            put_contents(module.identity, module.file, {"second.txt": b"2"})
            await module.power_on()
            await module.wait_until(lambda: module.has_ports)
            stream = await open_address(module.port_path("repl"), "repl")
            await stream.write_all(b"\r")  # opening threw away what was said before, the first prompt perhaps
            heard = b""
            while b">>> " not in heard:
                heard += await stream.read_some()
            await stream.write_all(b"import uos; sorted(uos.listdir('/usr')), len(open('/usr/d/x.txt').read())\r")
            while b", 9000)\r\n" not in heard:
                heard += await stream.read_some()
            await stream.close()
            return heard

    heard = asyncio.run(story())
    for name in (b"'main.py'", b"'second.txt'", b"'ran'"):
        assert name in heard


def test_contents_when_there_is_no_firmware_or_no_room_then_refused(tmp_path):
    async def story():
        async with open_module("ec600u", folder=tmp_path / "a") as module:
            with pytest.raises(BadOption):
                put_contents(module.identity, module.file, {"main.py": b""})
        async with open_module("ec600u", stock_package("ec600u"), folder=tmp_path / "b") as module:
            with pytest.raises(TooBig):
                put_contents(module.identity, module.file, {"main.py": bytes(2 << 20)})
            put_contents(module.identity, module.file, {"main.py": b"pass"})
            usr = module.identity.profile.partition("user_fs")
            image = bytes(module.file.memory.read(module.identity.offset_of(usr), usr.size_bytes))
            assert ("main.py", b"pass") in read_image(image).entries

    asyncio.run(story())


# ---- examples ----------------------------------------------------------------------------------------------------------


def test_basement_meter_when_started_then_weak_signal_and_a_meter_that_answers(up):
    assert up(EXAMPLES / "basement_meter.toml")["meter"]["state"] == "running"
    printed = run_on(
        "meter",
        """
import net, utime
from machine import UART
uart = UART(UART.UART2, 9600, 8, 0, 1, 0)
uart.write('READ\\r\\n')
utime.sleep_ms(300)
print(uart.read(uart.any()))
print(net.csqQueryPoll(), net.operatorName()[0])
""",
    )
    reading, radio = printed.splitlines()
    assert reading == repr(b"00012345 L\r\n")
    csq, operator = radio.split(" ", 1)
    assert 0 <= int(csq) <= 12
    assert operator == "BASEMENT MOBILE"


def test_jig_of_sixteen_when_burnt_then_the_two_faulty_ones_are_found_and_pass_with_help(up):
    there = up(EXAMPLES / "jig_of_sixteen.toml")
    assert len(there) == 16
    assert {module["slot"] for module in there.values()} == {f"J{number}" for number in range(1, 17)}
    assert (there["u5"]["faults"], there["u12"]["faults"]) == (["at-silent"], ["cut@download:120000"])
    order = burn.make_order(stock_package("ec600u"), "stock.pac", ask_limit_s=2.0, pin_limit_s=0.5, window_s=5.0)

    def on_record(record):
        if record.slot == "J12" and not record.is_pass:
            asyncio.get_running_loop().run_in_executor(
                None, lambda: rack_client.ask("sc", "power", name="u12", action="on")
            )
        if record.slot == "J5" and not record.is_pass:

            def help_it():
                rack_client.ask("sc", "fault", name="u5", spec="clear")
                rack_client.ask("sc", "power", name="u5", action="off")
                rack_client.ask("sc", "power", name="u5", action="on")

            asyncio.get_running_loop().run_in_executor(None, help_it)

    records = asyncio.run(run_gang(order, "sc", GangOptions(count=16, patience_s=90.0), on_record=on_record))
    failed = {record.slot for record in records if not record.is_pass}
    assert failed == {"J5", "J12"}
    assert {record.slot for record in records if record.is_pass} == {f"J{number}" for number in range(1, 17)}


def test_flaky_cable_when_started_then_ports_go_and_come_and_a_burn_survives_the_loaders_new_port(up):
    up(EXAMPLES / "flaky_cable.toml")
    before = registry.modules("sc")[0].port("at").enumeration
    wait_for(lambda: registry.modules("sc")[0].port("at") is None)
    wait_for(lambda: registry.modules("sc")[0].port("at") is not None)
    assert registry.modules("sc")[0].port("at").enumeration > before
    assert registry.modules("sc")[0].state == "running"
    rack_client.ask("sc", "fault", name="loose", spec="clear")  # the loose contact is fixed ...
    rack_client.ask("sc", "fault", name="loose", spec="reenumerate@exec")  # ... the loader still enumerates anew
    order = burn.make_order(stock_package("ec600u"), "stock.pac", window_s=5.0)
    record = asyncio.run(burn.run_job("virt:loose", order))
    assert record.outcome == "PASS", record.error_message


def test_roaming_tracker_when_started_then_abroad_and_its_clock_runs_a_day_in_ninety_seconds(up):
    up(EXAMPLES / "roaming_tracker.toml")
    state, operator = run_on("tracker", f"{STATE}\nprint(net.operatorName()[2])").splitlines()
    assert (state, operator) == ("5", "262")
    first, second = (int(run_on("tracker", "import utime\nprint(utime.time())")) for _ in range(2))
    assert 1652832000 <= first < second
    rack_client.ask("sc", "fault", name="tracker", spec="no-network")
    assert run_on("tracker", STATE).strip() in {"0", "2"}


@pytest.mark.sweep
def test_roaming_tracker_when_its_day_passes_then_the_ferry_takes_its_network_and_gives_it_back(up):
    up(EXAMPLES / "roaming_tracker.toml")
    assert modules()["tracker"]["faults"] == []
    ferry_s = 40000 / 960  # of this computer's time
    wait_for(lambda: modules()["tracker"]["faults"] == ["no-network"], limit_s=ferry_s + 20)
    assert run_on("tracker", STATE).strip() in {"0", "2"}
    wait_for(lambda: modules()["tracker"]["faults"] == [], limit_s=30)


# ---- stories -----------------------------------------------------------------------------------------------------------


def test_scenario_when_started_again_then_the_flash_is_new_unless_kept(up, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("print(1)\n")
    text = 'seed = 4\n[[modules]]\ncontents = "app"\n'
    up(text)
    run_on("m", "open('/usr/mine.txt', 'w').close()")
    listing = "import uos\nprint('mine.txt' in uos.listdir('/usr'), 'main.py' in uos.listdir('/usr'))"
    assert run_on("m", listing) == "True True\n"
    rack_client.take_down("sc")
    up(text, is_kept=True)
    assert run_on("m", listing) == "True True\n"
    rack_client.take_down("sc")
    up(text)
    assert run_on("m", listing) == "False True\n"


def test_scenario_when_modules_are_dark_or_cut_at_boot_then_up_returns_nevertheless(up):
    there = up(
        """
        [[modules]]
        name = "dark"
        off = true
        [[modules]]
        name = "cut"
        faults = ["cut@boot"]
        timeline = [{ at_s = 1.0, fault = "power@0s" }]
        [[modules]]
        name = "unseen"
        faults = ["unplug"]
        [[modules]]
        name = "empty"
        blank = true
        """
    )
    assert {name: one["state"] for name, one in there.items()} == {
        "dark": "off",
        "cut": "off",
        "unseen": "running",
        "empty": "download",
    }
    assert there["cut"]["reason"] == "power-cut"
    assert set(there["unseen"]["ports"]) == {"uart2"}
    assert there["empty"]["reason"] == "boot-erased"
    wait_for(lambda: modules()["cut"]["state"] == "running")


def test_scenario_when_a_fault_cannot_be_meant_then_refused_and_said_so(up):
    with pytest.raises(BadOption):
        up('[[modules]]\nfaults = ["drop@uart7:1/5"]')


def test_hang_when_in_a_scenario_then_the_real_interpreter_stands_still_until_it_is_freed(up):
    up('[[modules]]\nfaults = ["hang"]\n')
    with pytest.raises(Exception) as caught:
        run_on("m", "print(1)")
    assert caught.value.exit_code == 6
    rack_client.ask("sc", "fault", name="m", spec="clear")
    assert run_on("m", "print(2)") == "2\n"
    rack_client.ask("sc", "fault", name="m", spec="hang")
    rack_client.ask("sc", "power", name="m", action="reset")
    wait_for(lambda: modules()["m"]["faults"] == [])
    wait_for(lambda: modules()["m"]["state"] == "running")
    assert run_on("m", "print(3)") == "3\n"
