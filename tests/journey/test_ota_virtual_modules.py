"""The seed's OTA walk-through (seed 003) with full virtual modules: flash, boot code, real MicroPython, the SDK, the
seed's script unchanged but for the import it lacks; a product by the command line, the platform's clock in the hand.

All cases share one platform and its modules; each has its own modules and its own plan with a white list, so they may
come in any order.
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
import sys
import time
from types import SimpleNamespace

import pytest

from moduline.cli import main
from moduline.release.firmware import stock_package
from ota_site import NOW, OtaSite
from transcripts.test_t40_qth import SAMPLE
from virtual_crew import Operator, VirtualCrew, WallClock

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux"),
    pytest.mark.xdist_group("ota-virtual-modules"),
    pytest.mark.timeout(600),
]
PK, PS = "p111xt", "V2VUei9ZVWt2SnpL"  # of the seed
SCRIPT = "import Qth\n" + SAMPLE
V1, V2, V3 = (f"EC600NCNLCR03A01M08_OCPU_PY_MODULINE{number}" for number in (1, 2, 3))
HOUR = 3600.0
CASES = ("refuses", "confirms", "waits", "mismatch", "mcu", "downloads", "scripts", "asks", "whole")
"""Modules beside the eight of the walk-through, by what they are for."""


class Place(SimpleNamespace):
    """One platform: ``site``, ``ota`` (an operator), ``files`` (packages by name), ``crew`` (product of the seed),
    ``others`` with their ``script``, and ``of`` (these by what they are for)."""

    def plan(self, name, product, package, *modules, component="mod", **options):
        """A plan for these modules, active; made at the command line."""
        white = [word for one in modules for word in ("--white", one.module.imei)]
        more = [word for key, value in options.items() for word in ("--" + key.replace("_", "-"), value)]
        made = self.ota.ask(
            "plan", "create", name, "--product", product, "--package", f"{component}={package}",
            "--zone", "Asia/Shanghai", "--start", "2027-01-15T15:00", "--end", "2027-01-16T16:00", *white, *more,
        )  # fmt: skip
        assert self.ota.ask("plan", "activate", name)["state"] == "running"
        return made

    def upgrade(self, plan, member):
        return self.site.upgrades(plan)[member.module.imei]

    def reason(self, plan, member):
        return (self.upgrade(plan, member)["reason"] or {}).get("code")

    def until_upgraded(self, plan, member):
        self.site.until(lambda: self.upgrade(plan, member)["status_name"] == "upgraded")


def until_known(site, product, count):
    def are():
        found = site.get("/v1/devices", product=product, is_online=True)["items"]
        return sum(bool(one["versions"]) for one in found) == count

    site.until(are)


def typed(*words):
    assert main.run([str(word) for word in words]) == 0


def run_there(crew, member, source):
    """Run lines in the name space of main.py, as somebody does who types them."""
    crew.type(member, f"exec({source!r})")


def ask_for_plan(crew, member):
    """Step 5, as soon as the module is online."""
    run_there(crew, member, "import utime\nwhile not Qth.otaRequest():\n    utime.sleep_ms(100)\n")


@functools.cache
def packages(folder):
    """Stock firmware, its successor, and a real patch from the one to the other, as the command line makes them."""
    v1, v2, patch = (folder / name for name in ("v1.zip", "v2.zip", "v2.bin"))
    v1.write_bytes(stock_package("ec600n"))
    typed("firmware", "build", "ec600n", "--version", V2, "-o", v2)
    typed("delta", "make", v1, v2, "-o", patch, "--store", "fs", "-q")
    return {"v1": v1, "v2": v2, "patch": patch}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ota-virtual")
    files = packages(folder)
    site = OtaSite(folder / "ota", clock=WallClock(NOW + 5))
    crews = []
    try:
        ota = Operator(site, folder / "ota")
        product = ota.ask("product", "create", "aroma", "--pk", PK, "--ps", PS)
        other = ota.ask("product", "create", "others")
        package = files["v1"].read_bytes()
        crews.append(VirtualCrew(site.addresses.mqtt, SCRIPT.encode(), 8, package=package))
        script = SCRIPT.replace(f"'{PK}','{PS}'", f"'{other['pk']}', '{other['ps']}'")
        crews.append(VirtualCrew(site.addresses.mqtt, script.encode(), len(CASES), package=package, first=101))
        until_known(site, product["id"], 8)
        until_known(site, other["id"], len(CASES))
        more = ("--target", V2, "--source", V1)
        ota.ask("package", "add", "fw-v2", files["patch"], *more)
        yield Place(
            site=site,
            ota=ota,
            files=files,
            script=script,
            crew=crews[0],
            others=crews[1],
            of=dict(zip(CASES, crews[1], strict=True)),
        )
    finally:
        for crew in crews:
            crew.stop()
        site.stop()


def test_seed_when_walked_with_eight_virtual_modules_then_they_end_as_the_plan_says(place):
    """Steps 1 to 7 and the monitoring of part four."""
    site, ota, crew = place.site, place.ota, place.crew
    modules = list(crew)
    keys = [one.module.imei for one in modules]
    listed = ota.ask("device", "list", "--product", "aroma")["devices"]
    assert sorted(one["dk"] for one in listed) == sorted(keys)
    assert {one["origin"] for one in listed} == {"contact"}
    assert [one["versions"] for one in listed] == [[{"type": 0, "component": "", "version": V1}]] * 8

    ota.ask("verify", "fw-v2", "--product", "aroma", "--device", keys[0], "--component", "mod")
    crew.until_printed(modules[0], f"otaPlan: [(0, 'mod', '{V1}', '{V2}', ", "fotaResult: mod True")
    site.until(lambda: ota.ask("verify", "fw-v2")["state"] == "passed")
    assert modules[0].device.version == V2

    white = [word for dk in keys[:6] for word in ("--white", dk)]
    black = [word for dk in keys[4:6] for word in ("--black", dk)]
    plan = ota.ask(
        "plan", "create", "march", "--product", "aroma", "--package", "mod=fw-v2", "--zone", "Asia/Shanghai",
        "--start", "2027-01-15T15:00", "--end", "2027-01-16T16:00", *white, *black,
        "--strategy", "min_battery=30", "--strategy", "min_signal_dbm=-113",
    )  # fmt: skip
    assert ota.ask("plan", "activate", "march")["state"] == "running"
    ota.ask("plan", "delete", "march", "--yes", exit_code=15)

    ask_for_plan(crew, modules[1])
    crew.until_printed(modules[1], f"otaPlan: [(0, 'mod', '{V1}', '{V2}', 30, ", ", -113)]")
    crew.until_printed(modules[1], "fotaResult: mod True")
    assert [one.device.plans for one in modules[2:]] == [0] * 6, "the others wait for the grid"
    place.site.to_grid()
    for one in modules[2:4]:
        crew.until_printed(one, "fotaResult: mod True")
    site.until(lambda: site.counters(plan) == {"upgraded": 3, "no_update": 1})
    site.until(lambda: site.get(f"/v1/plans/{plan['id']}")["state"] == "ended")

    assert [one.device.version for one in modules] == [V2] * 4 + [V1] * 4
    assert [one.device.plans for one in modules] == [1] * 4 + [0] * 4
    for one in modules[:4]:
        done = [notice.facts for notice in one.notices if notice.slug == "virt.update-done"]
        assert [(facts["kind"], facts["source"], facts["target"], facts["reason"]) for facts in done] == [
            ("diff", V1, V2, "")
        ], "its own boot code has done it, once"
    shown = ota.say("plan", "show", "march")
    assert "march: ended" in shown
    assert "upgraded: 3" in shown
    assert all(dk in shown for dk in keys[1:4])
    assert not any(dk in shown for dk in keys[4:])
    log = ota.say("plan", "log", "march", keys[2])
    words = ["plan sent", "plan received", "confirmed", "URL sent", "downloading", "download succeeded", "upgrading"]
    places = [log.index(word) for word in [*words, "upgrade succeeded"]]
    assert places == sorted(places)


def test_module_when_its_script_refuses_then_not_upgraded_with_the_reason(place):
    """``otaAction(0)``."""
    one = place.of["refuses"]
    plan = place.plan("refused", "others", "fw-v2", one)
    place.others.type(one, "eventOtaCb['otaPlan'] = lambda plans: print('refused:', plans, Qth.otaAction(0))")
    ask_for_plan(place.others, one)
    place.others.until_printed(one, f"refused: [(0, 'mod', '{V1}', '{V2}', ", " True\n")
    place.site.until(lambda: place.reason(plan, one) == 110)
    assert place.upgrade(plan, one)["status_name"] == "not_upgraded"
    assert "refused by the device" in place.ota.say("plan", "show", "refused")
    assert one.device.version == V1


def test_plan_when_the_user_is_asked_then_nothing_before_the_user_agrees_and_the_whole_package_after(place):
    one = place.of["confirms"]
    whole = place.files["patch"].with_name("whole.bin")
    typed("delta", "make", place.files["v1"], place.files["v2"], "-o", whole, "--store", "fs", "--codec", "whole", "-q")
    assert whole.stat().st_size > 20 * place.files["patch"].stat().st_size
    place.ota.ask("package", "add", "fw-whole", whole, "--target", V2)
    plan = place.plan("asked", "others", "fw-whole", one, ask_zh="修复问题", ask_en="fixes")
    ask_for_plan(place.others, one)
    place.site.until(lambda: place.reason(plan, one) == 103)
    place.site.to_grid()
    assert place.reason(plan, one) == 103
    assert "waiting for the user" in place.ota.say("plan", "show", "asked")
    assert one.device.plans == 0
    assert place.ota.ask("plan", "confirm", "asked", one.module.imei, "now")["offered"]
    place.others.until_printed(one, f"otaPlan: [(0, 'mod', '{V1}', '{V2}', ", "fotaResult: mod True")
    place.until_upgraded(plan, one)
    assert one.device.version == V2


def test_window_when_closed_then_pushed_when_it_opens_and_a_module_may_ask_before(place):
    waits, asks = place.of["waits"], place.of["asks"]
    hour = int((place.site.clock.now_s() + 8 * HOUR) % 86400 // 3600)
    plan = place.plan("window", "others", "fw-v2", waits, asks, window=f"{hour + 2}-{hour + 4}")
    place.site.to_grid()
    assert place.reason(plan, waits) == 101
    ask_for_plan(place.others, asks)
    place.others.until_printed(asks, "fotaResult: mod True")
    assert waits.device.plans == 0
    assert "outside the push windows" in place.ota.say("plan", "show", "window")
    place.site.turn(2 * HOUR)
    place.others.until_printed(waits, "fotaResult: mod True")
    place.site.until(lambda: place.site.counters(plan) == {"upgraded": 2})
    assert [one.device.version for one in (waits, asks)] == [V2, V2]


def test_version_when_another_than_the_target_runs_then_failed_with_the_reason(place):
    """The package says V3; what is in it, and what the boot code really makes of the module, is V2."""
    one = place.of["mismatch"]
    place.ota.ask("package", "add", "fw-wrong", place.files["patch"], "--target", V3)
    plan = place.plan("mismatch", "others", "fw-wrong", one)
    ask_for_plan(place.others, one)
    place.others.until_printed(one, "fotaResult: mod False")
    assert one.device.version == V2
    place.site.until(lambda: place.site.counters(plan) == {"failed": 1})
    assert place.reason(plan, one) == 250
    assert "another version than the target" in place.ota.say("plan", "show", "mismatch")
    later = place.plan("other source", "others", "fw-v2", one)
    ask_for_plan(place.others, one)
    place.site.until(lambda: place.upgrade(later, one)["status_name"] == "no_update")


MCU = """
def on_piece(component, first, count):
    for at in range(first, first + count, 4096):
        sums.update(Qth.mcuFWDataRead(at, min(4096, first + count - at)))
    print('piece:', component, first, count)
    if first + count < SIZE:
        print('next:', Qth.otaAction(2))
    else:
        print('sum:', hexlify(sums.digest()).decode(), Qth.otaAction(3))
        Qth.setMcuVer('mcu1', '2.0', None, on_mcu)

def on_mcu(component, is_good):
    print('sotaResult:', component, is_good)

import uhashlib
from ubinascii import hexlify
sums = uhashlib.sha256()
eventOtaCb['sotaPiece'] = on_piece
Qth.setMcuVer('mcu1', '1.0', None, on_mcu)
"""


def test_mcu_when_its_file_comes_then_the_script_reads_it_piece_by_piece(place, tmp_path):
    one = place.of["mcu"]
    content = random.Random(6).randbytes(30_000)
    (tmp_path / "mcu.bin").write_bytes(content)
    place.ota.ask(
        "package", "add", "mcu-2", tmp_path / "mcu.bin", "--target", "2.0", "--source", "1.0", "--type", "mcu"
    )
    plan = place.plan("mcu", "others", "mcu-2", one, component="mcu1")
    run_there(place.others, one, MCU.replace("SIZE", str(len(content))))
    ask_for_plan(place.others, one)
    place.others.until_printed(one, "otaPlan: [(1, 'mcu1', '1.0', '2.0', ")
    place.others.until_printed(one, f"sum: {hashlib.sha256(content).hexdigest()} True", "sotaResult: mcu1 True")
    place.until_upgraded(plan, one)
    assert one.device.version == V1
    versions = place.ota.ask("device", "list", "--product", "others")["devices"]
    mine = next(found["versions"] for found in versions if found["dk"] == one.module.imei)
    assert {"type": 1, "component": "mcu1", "version": "2.0"} in mine


FOTA = """
def on_info(component, version, url, *others):
    print('url:', url)
    print('download:', fota().httpDownload(url1=url, callback=on_news))

def on_news(args):
    print('download status:', args[0], 'download process:', args[1])

import fota
fota = fota.fota if hasattr(fota, 'fota') else fota
Qth.setMcuVer('fw', '1', on_info, None)
"""


def test_address_of_a_task_when_given_to_fota_then_the_module_updates_itself(place):
    """The download page of the vendor (seed 004), with the address the platform made for this device."""
    one = place.of["downloads"]
    place.ota.ask("package", "add", "by-fota", place.files["patch"], "--target", "2", "--source", "1", "--type", "mcu")
    plan = place.plan("by fota", "others", "by-fota", one, component="fw")
    run_there(place.others, one, FOTA)
    ask_for_plan(place.others, one)
    place.others.until_printed(one, f"url: {place.site.addresses.device_http}/f/", "download: 0")
    place.others.until_version(one, V2)
    place.site.until(lambda: place.site.get("/v1/devices", dk=one.module.imei)["items"][0]["is_online"])
    place.others.type(one, "print(Qth.setMcuVer('fw', '2', None, lambda *args: print('sotaResult:', *args)))")
    place.others.until_printed(one, "sotaResult: fw True")
    place.until_upgraded(plan, one)


APP_FOTA = """
def on_info(component, version, url, *others):
    updater = app_fota.new()
    print('download:', updater.download(url, '/usr/user_app.py'))
    updater.set_update_flag()
    Power.powerRestart()

import app_fota
from misc import Power
Qth.setMcuVer('scripts', '1.0', on_info, None)
"""


def test_address_of_a_task_when_given_to_app_fota_then_the_script_is_another_after_the_restart(place, tmp_path):
    one = place.of["scripts"]
    (tmp_path / "user_app.py").write_text("VERSION = '2.0'\nprint('user_app', VERSION)\n" + "# \n" * 3000)
    place.ota.ask("package", "add", "by-app-fota", tmp_path / "user_app.py", "--target", "2.0", "--type", "mcu")
    plan = place.plan("by app_fota", "others", "by-app-fota", one, component="scripts")
    boots = one.device.boots
    run_there(place.others, one, APP_FOTA)
    ask_for_plan(place.others, one)
    place.others.until_printed(one, "download: 0")
    place.others.until(one, lambda member: member.device.boots > boots and member.text.endswith(">>> "), "restart")
    place.others.type(one, "from usr import user_app", "print('runs', user_app.VERSION)")
    place.others.until_printed(one, "user_app 2.0", "runs 2.0")
    place.site.until(lambda: place.site.get("/v1/devices", dk=one.module.imei)["items"][0]["is_online"])
    place.others.type(
        one, "Qth.setMcuVer('scripts', user_app.VERSION, None, lambda *args: print('sotaResult:', *args))"
    )
    place.others.until_printed(one, "sotaResult: scripts True")
    place.until_upgraded(plan, one)
    assert one.device.version == V1


MINI = """
def on_info(component, version, url, *others):
    urls.append(url)
    print('url:', component)
    if len(urls) == 1:
        Qth.setMcuVer(component, version, on_info, None)
    else:
        print('download:', fota.httpDownload(url1=urls[0], url2=urls[1]))

import fota
fota = fota()
urls = []
Qth.setMcuVer('first', '1', on_info, None)
Qth.setMcuVer('second', '1', on_info, None)
"""


def test_addresses_of_two_tasks_when_given_to_fota_then_firmware_and_scripts_are_renewed(place, tmp_path):
    """The mini system of the vendor's page (seed 004): ``httpDownload(url1=, url2=)``, all of /usr is another."""
    one = place.of["whole"]
    (tmp_path / "usr").mkdir()
    versions = "".join(f"Qth.setMcuVer('{name}', '2', None, None)\n    " for name in ("first", "second"))
    script = place.script.replace("Qth.start()", f"{versions}print('new scripts', Qth.start())")
    (tmp_path / "usr/main.py").write_text(script)
    typed("image", "make", tmp_path / "usr", "-o", tmp_path / "fs.bin", "--fs", "lfs1", "--size", "0x500000", "-q")
    both = ("delta", "make", place.files["v1"], place.files["v2"], "-o", tmp_path / "both.bin", "--kind", "mini")
    typed(*both, "--user-fs", tmp_path / "fs.bin", "-q")
    for number, name in ((1, "first"), (2, "second")):
        more = ("--target", "2", "--source", "1", "--type", "mcu")
        place.ota.ask("package", "add", name, tmp_path / f"both_{number}.bin", *more)
    plan = place.ota.ask(
        "plan", "create", "mini", "--product", "others", "--package", "first=first", "--package", "second=second",
        "--zone", "Asia/Shanghai", "--start", "2027-01-15T15:00", "--end", "2027-01-16T16:00",
        "--white", one.module.imei,
    )  # fmt: skip
    place.ota.ask("plan", "activate", "mini")
    run_there(place.others, one, MINI)
    ask_for_plan(place.others, one)
    place.others.until_printed(one, "url: first", "url: second", "download: 0", "new scripts True")
    place.others.until_version(one, V2)
    place.until_upgraded(plan, one)


@pytest.mark.sweep  # eight modules that begin again and again
def test_supply_when_it_breaks_at_any_moment_then_every_module_is_upgraded_in_the_end(place):
    """Cut before so many flash operations after the plan came: in the download, in the boot code, in the record."""
    site, operations = place.site, (3, 10, 30, 60, 100, 200, 300, 500)
    product = place.ota.ask("product", "create", "cuts")
    script = SCRIPT.replace(f"'{PK}','{PS}'", f"'{product['pk']}', '{product['ps']}'")
    package = place.files["v1"].read_bytes()
    crew = VirtualCrew(site.addresses.mqtt, script.encode(), len(operations), package=package, first=201)
    try:
        until_known(site, product["id"], len(operations))
        plan = place.plan("cuts", "cuts", "fw-v2")
        for member, count in zip(crew, operations, strict=True):
            ask_for_plan(crew, member)
            crew.until_printed(member, "otaPlan: ")
            crew.fault(member, f"cut@{count}")
        cuts = []

        def are_done():
            for member in crew:
                if member.module.state == "off":
                    cuts.append(member.module.imei)
                    crew.power_on(member)
            site.turn(0.5)  # the platform's own delays pass
            time.sleep(0.2)  # a look now and then: modules and platform have work to do
            return all("fotaResult: mod True" in member.text for member in crew)

        site.until(are_done)
        assert len(cuts) >= 5
        site.until(lambda: site.counters(plan) == {"upgraded": len(operations)})
        for member in crew:
            done = [one.facts["reason"] for one in member.notices if one.slug == "virt.update-done"]
            assert (done, member.device.version) == ([""], V2), "once, and whole"
    finally:
        crew.stop()


def test_fleet_when_run_with_virtual_modules_among_it_then_the_same_plan_upgrades_both(place, tmp_path, capsys):
    """``fleet run --virtual``; the second run finds what the first has left."""
    product = place.ota.ask("product", "create", "fleet")
    plan = place.plan("both kinds", "fleet", "fw-v2")
    run = (
        "fleet", "run", "--server", "127.0.0.1", "--mqtt-port", place.site.addresses.mqtt, "--product", product["pk"],
        "--secret", product["ps"], "--count", 7, "--virtual", 2, "--package", place.files["v1"],
        "--state", tmp_path / "state", "--json",
    )  # fmt: skip
    capsys.readouterr()
    typed(*run, "--until-done", "--for", 90)
    told = json.loads(capsys.readouterr().out)
    assert (told["devices"], told["devices_by_outcome"], told["versions"]) == (5, {"upgraded": 5}, {V2: 5})
    assert told["is_done"]
    virtual = told["virtual"]
    assert (virtual["devices"], virtual["devices_by_outcome"]) == (2, {"upgraded": 2})
    assert virtual["versions"] == {V2: 2}
    assert [(one["version_before"], one["version"], one["boots"]) for one in virtual["modules"]] == [(V1, V2, 2)] * 2
    place.site.until(lambda: place.site.counters(plan) == {"upgraded": 7})
    upgraded = set(place.site.upgrades(plan))
    assert {one["dk"] for one in virtual["modules"]} < upgraded

    typed(*run, "--for", 2)
    again = json.loads(capsys.readouterr().out)
    assert again["versions"] == {V2: 5}
    assert {one["version_before"] for one in again["virtual"]["modules"]} <= {V2, ""}
