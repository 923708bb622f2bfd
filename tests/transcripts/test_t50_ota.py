"""T50 to T54: the seed's three samples as printed, against a plain HTTP server.  Source: seed 4; device-api 7.3, 7.5, 14.5."""

import asyncio
import re

import pytest

from moduline.delta import make, read_side
from transcripts.board import Client, run
from transcripts.updating import (
    diff,
    firmware,
    lines,
    needs_linux,
    own_certificate,
    serving,
    updating,
    user_image,
    version_of,
)

pytestmark = pytest.mark.skipif(needs_linux, reason="the interpreter's sandbox needs Linux")

# As the seed prints them: the first with tabs and a Chinese print, a line of one tab included.
DIFFERENTIAL = """\
# 差分升级
import fota
import utime

DEF_URL1 = 'url1'

def result(args):
	print('download status:', args[0], 'download process:', args[1])
	
def run():
	fota_obj = fota() # 创建 Fota 对象
	print("进入升级状态......")
	res = fota_obj.httpDownload(url1=DEF_URL1, callback=result)
	if res != 0:
		print("httpDownload error")
		return
	print("wait httpDownload , update...")
	utime.sleep(2)

run()
"""  # noqa: W293  as printed
FULL = """\
# 全量升级
import fota
import utime

DEF_URL1 = 'url1'

def result(args):
    print('download status:', args[0], 'download process:', args[1])

def run():
    fota_obj = fota()  # 创建Fota对象
    print("httpDownload...")
    res = fota_obj.httpDownload(url1=DEF_URL1, callback=result)
    if res != 0:
        print("httpDownload error")
        return
    print("wait httpDownload , update...")
    utime.sleep(2)

run()
"""
MINI = """\
# 最小系统升级
import fota
import utime

DEF_URL1 = 'url1'
DEF_URL2 = 'url2'

def run():
    fota_obj = fota()  # 创建Fota对象
    print("httpDownload...")
    res = fota_obj.httpDownload(url1=DEF_URL1, url2=DEF_URL2)
    if res != 0:
        print("httpDownload error")
        return
    print("wait httpDownload , update...")
    utime.sleep(2)

run()
"""
ASYNC, BLOCKING, ANOTHER_BLOCKING = "ec600n", "ec600u", "ec800e"
STATUS = re.compile(r"download status: (-?\d+) download process: (-?\d+)")
WAIT = "wait httpDownload , update..."
NEW_FILES = {"main.py": b"print('new main')\n", "new.txt": b"from the package"}


def with_urls(sample, base, *paths):
    """The sample with its placeholders replaced."""
    for number, path in enumerate(paths, 1):
        sample = sample.replace(f"= 'url{number}'", f"= '{base}{path}'")
    return sample


def statuses(said):
    return [tuple(map(int, pair)) for pair in STATUS.findall("\n".join(said))]


def check_rising(pairs):
    """S 0 or 1 with N rising, S = 2 at most once and last; it may be lost in the restart."""
    assert pairs
    assert pairs[0] == (0, 0)
    assert all(status in {0, 1} for status, _ in pairs[:-1])
    assert pairs[-1] == (2, 100) or pairs[-1][0] == 1
    percents = [percent for _, percent in pairs]
    assert percents == sorted(percents)
    assert len(set(percents)) > 3


async def version(bench):
    return (await bench.client.ask("import modem; modem.getDevFwVersion()")).strip().strip("'")


def boots_after(bench, begin):
    """How often the module booted since then."""
    return bench.states[begin:].count("booting")


def full_image(module):
    return make(
        read_side(firmware(module)), read_side(firmware(module)), "full", user_image=user_image(module, NEW_FILES)
    )


@pytest.mark.parametrize("module", [ASYNC, BLOCKING, ANOTHER_BLOCKING])
def test_t50_differential_script_upgrades_the_module(module, tmp_path):
    async def story():
        with serving({"/v2.bin": diff(module)}) as (base, server):
            async with updating(module, tmp_path) as bench:
                await bench.put("/usr/kept.txt", b"kept")
                former, begin = bench.module.runtime, len(bench.states)
                await bench.run(with_urls(DIFFERENTIAL, base, "/v2.bin"))
                said = lines(await bench.rest())
                assert said[0] == "进入升级状态......"
                check_rising(statuses(said))
                if module == ASYNC:
                    assert WAIT in said
                elif WAIT in said:  # the restart may come first
                    assert said.index(WAIT) > max(at for at, line in enumerate(said) if "status" in line)
                assert server.asked == ["/v2.bin"]
                await bench.up_again(former)
                assert await version(bench) == version_of(module) + "2"
                assert boots_after(bench, begin) >= 2
                assert await bench.client.ask("open('/usr/kept.txt').read()") == "'kept'\n"
                assert await bench.client.ask("from misc import Power; Power.powerOnReason()") == "2\n"

    run(story)


def test_t50_status_lines_go_on_after_the_script_has_ended(tmp_path):
    """Async profile: the last statement is a sleep of 2 s, the server takes its time."""

    async def story():
        with serving({"/v2.bin": diff(ASYNC)}) as (base, server):
            server.hold.clear()
            async with updating(ASYNC, tmp_path) as bench:
                former = bench.module.runtime
                await bench.run(with_urls(DIFFERENTIAL, base, "/v2.bin"))
                said = lines(await bench.client.until(b">>> "))
                assert [line for line in said if line] == [
                    "进入升级状态......",
                    WAIT,
                    "download status: 0 download process: 0",
                    ">>> ",
                ]
                server.hold.set()
                check_rising([(0, 0), *statuses(lines(await bench.rest()))])
                await bench.up_again(former)
                assert await version(bench) == version_of(ASYNC) + "2"

    run(story)


def test_t50_second_download_while_one_runs_is_refused(tmp_path):
    async def story():
        with serving({"/v2.bin": diff(ASYNC)}) as (base, server):
            server.hold.clear()
            async with updating(ASYNC, tmp_path) as bench:
                await bench.client.ask("import fota; f = fota()")
                begun = f"f.httpDownload(url1='{base}/v2.bin')"
                assert await bench.client.ask(begun) == "0\n"
                assert await bench.client.ask(begun) == "-1\n"
                assert await bench.client.ask("f.write(b'x', 1), f.verify()") == "(-1, -1)\n"

    run(story)


def test_t51_placeholder_url_async_says_wait_and_then_one_error(tmp_path):
    async def story():
        async with updating(ASYNC, tmp_path) as bench:
            former = bench.module.runtime
            await bench.run(DIFFERENTIAL)
            said = lines(await bench.client.until(b">>> "))
            assert said[0] == "进入升级状态......"
            assert WAIT in said
            (status,) = statuses(said)
            assert status[0] not in {0, 1, 2}
            assert bench.module.runtime is former
            assert await version(bench) == version_of(ASYNC)

    run(story)


@pytest.mark.parametrize("module", [ASYNC, BLOCKING])
@pytest.mark.parametrize("sample", [FULL, MINI], ids=["full", "mini"])
def test_t52_t53_samples_as_printed_then_nothing_is_upgraded_and_only_the_full_one_hears_why(module, sample, tmp_path):
    """Their URLs are placeholders too; the mini-system form calls nobody back, and is refused where it is not supported."""

    async def story():
        async with updating(module, tmp_path) as bench:
            former = bench.module.runtime
            await bench.run(sample)
            said = lines(await bench.client.until(b">>> "))
            assert said[0] == "httpDownload..."
            assert said[-1] == ">>> "
            if module == BLOCKING:
                assert said[1:-1] == ["httpDownload error"]
            else:
                assert WAIT in said
                assert [status for status, _ in statuses(said)] == ([-1] if sample == FULL else [])
            assert bench.slugs().count("virt.update-refused") == 1
            assert bench.module.runtime is former
            assert not bench.module.update.is_due

    run(story)


@pytest.mark.parametrize("module", [BLOCKING, ANOTHER_BLOCKING])
def test_t51_placeholder_url_blocking_says_error(module, tmp_path):
    async def story():
        async with updating(module, tmp_path) as bench:
            former = bench.module.runtime
            await bench.run(DIFFERENTIAL)
            said = lines(await bench.client.until(b">>> "))
            assert said == ["进入升级状态......", "httpDownload error", ">>> "]
            assert bench.module.runtime is former
            assert await version(bench) == version_of(module)

    run(story)


@pytest.mark.parametrize("module", [ASYNC, BLOCKING])
@pytest.mark.parametrize(
    ("content", "has_begun"),
    [
        pytest.param(404, False, id="missing"),
        pytest.param(302, False, id="redirect"),
        pytest.param(b"no patch", True, id="no-patch"),
        pytest.param((500, b"too short"), True, id="cut-short"),
        pytest.param(lambda module: diff(module, "3", "2"), True, id="wrong-base"),
        pytest.param((99 << 20, b""), False, id="too-large"),
    ],
)
def test_t51_download_when_it_fails_then_error_and_nothing_changes(module, content, has_begun, tmp_path):
    async def story():
        with serving({"/x.bin": content(module) if callable(content) else content, "/v2.bin": diff(module)}) as (
            base,
            server,
        ):
            async with updating(module, tmp_path) as bench:
                former = bench.module.runtime
                await bench.run(with_urls(DIFFERENTIAL, base, "/x.bin"))
                printed = await bench.client.until(b">>> ")
                while not any(status == -1 for status, _ in statuses(lines(printed))):  # the script waits for 2 s only
                    printed += await bench.client.until(b"\n")
                said = lines(printed)
                pairs = statuses(said)
                assert pairs[-1][0] == -1
                assert pairs[:1] == ([(0, 0)] if has_begun else pairs[-1:])
                assert ("httpDownload error" in said) == (module == BLOCKING)
                assert server.asked == ["/x.bin"]
                if module == BLOCKING:  # the second value is the last percent there, a code on the others
                    assert 0 <= pairs[-1][1] <= 99
                assert bench.module.runtime is former
                assert await version(bench) == version_of(module)
                assert not bench.module.update.is_due

    run(story)


def test_t52_full_script_replaces_usr_and_keeps_the_firmware(tmp_path):
    (package,) = full_image(ASYNC).files

    async def story():
        with serving({"/full.bin": package}) as (base, _):
            async with updating(ASYNC, tmp_path) as bench:
                await bench.put("/usr/old.txt", b"old")
                former, begin = bench.module.runtime, len(bench.states)
                await bench.run(with_urls(FULL, base, "/full.bin"))
                said = lines(await bench.rest())
                assert said[0] == "httpDownload..."
                check_rising(statuses(said))
                banner = await bench.up_again(former)
                assert b"new main\r\n" in banner
                assert boots_after(bench, begin) >= 2
                assert await version(bench) == version_of(ASYNC)
                assert "old.txt" not in await bench.client.ask("uos.listdir('/usr')")
                assert await bench.client.ask("open('/usr/new.txt').read()") == "'from the package'\n"

    run(story)


def test_t52_full_script_when_the_module_does_not_take_it_then_refused(tmp_path):
    (package,) = full_image(BLOCKING).files

    async def story():
        with serving({"/full.bin": package}) as (base, _):
            async with updating(BLOCKING, tmp_path) as bench:
                await bench.put("/usr/old.txt", b"old")
                await bench.run(with_urls(FULL, base, "/full.bin"))
                said = lines(await bench.client.until(b">>> "))
                assert said[0] == "httpDownload..."
                assert statuses(said)[-1][0] == -1
                assert said[-2] == "httpDownload error"
                assert await bench.client.ask("open('/usr/old.txt').read()") == "'old'\n"

    run(story)


def mini_set(module):
    sides = read_side(firmware(module)), read_side(firmware(module, "2", build_date="2026-01-02", qpy_version="V0009"))
    return make(*sides, "mini", user_image=user_image(module, NEW_FILES)).files


def test_t53_mini_system_script_renews_firmware_and_usr_without_status_lines(tmp_path):
    first, second = mini_set(ASYNC)

    async def story():
        with serving({"/1.bin": first, "/2.bin": second}) as (base, server):
            async with updating(ASYNC, tmp_path) as bench:
                await bench.put("/usr/old.txt", b"old")
                former, begin = bench.module.runtime, len(bench.states)
                await bench.run(with_urls(MINI, base, "/1.bin", "/2.bin"))
                said = lines(await bench.rest())
                assert [line for line in said if line] == ["httpDownload...", WAIT]
                assert server.asked == ["/1.bin", "/2.bin"]
                assert b"new main\r\n" in await bench.up_again(former)
                assert boots_after(bench, begin) >= 3  # one for each stage, one to confirm
                assert await version(bench) == version_of(ASYNC) + "2"
                assert "old.txt" not in await bench.client.ask("uos.listdir('/usr')")

    run(story)


def test_t53_mini_system_callback_when_given_then_never_called(tmp_path):
    first, second = mini_set(ASYNC)

    async def story():
        with serving({"/1.bin": first, "/2.bin": second}) as (base, _):
            async with updating(ASYNC, tmp_path) as bench:
                former = bench.module.runtime
                source = with_urls(MINI, base, "/1.bin", "/2.bin").replace(
                    "url2=DEF_URL2", "url2=DEF_URL2, callback=print"
                )
                await bench.run(source)
                assert [line for line in lines(await bench.rest()) if line] == ["httpDownload...", WAIT]
                await bench.up_again(former)
                assert await version(bench) == version_of(ASYNC) + "2"

    run(story)


@pytest.mark.parametrize("order", [("/2.bin", "/1.bin"), ("/1.bin", "/1.bin"), ("/1.bin", "/other.bin")])
def test_t53_mini_system_stages_when_they_do_not_belong_together_then_nothing_changes(order, tmp_path):
    first, second = mini_set(ASYNC)
    other = make(
        read_side(firmware(ASYNC)), read_side(firmware(ASYNC, "2", build_date="2026-01-02", qpy_version="V0009")),
        "mini", user_image=user_image(ASYNC, {"main.py": b"other"}),
    ).files[1]  # fmt: skip

    async def story():
        with serving({"/1.bin": first, "/2.bin": second, "/other.bin": other}) as (base, _):
            async with updating(ASYNC, tmp_path) as bench:
                await bench.run(with_urls(MINI, base, *order))
                assert lines(await bench.client.until(b">>> ")) == ["httpDownload...", WAIT, ">>> "]
                assert bench.slugs().count("virt.update-refused") == 1
                assert not bench.module.update.is_due
                assert await version(bench) == version_of(ASYNC)

    run(story)


@pytest.mark.parametrize("module", [BLOCKING, ANOTHER_BLOCKING])
def test_t53_mini_system_when_not_supported_then_minus_one(module, tmp_path):
    async def story():
        with serving({}) as (base, server):
            async with updating(module, tmp_path) as bench:
                await bench.run(with_urls(MINI, base, "/1.bin", "/2.bin"))
                assert lines(await bench.client.until(b">>> ")) == ["httpDownload...", "httpDownload error", ">>> "]
                assert server.asked == []

    run(story)


def test_t54_restarts_are_seen_and_at_says_the_new_version(tmp_path):
    async def story():
        with serving({"/v2.bin": diff(ASYNC)}) as (base, _):
            async with updating(ASYNC, tmp_path) as bench:
                former, begin = bench.module.runtime, len(bench.states)
                await bench.run(with_urls(DIFFERENTIAL, base, "/v2.bin"))
                await bench.rest()
                await bench.up_again(former)
                assert boots_after(bench, begin) >= 2
                assert bench.slugs().count("virt.update-restart") == 1
                assert bench.slugs().count("virt.update-done") == 1
                percents = [one.facts["percent"] for one in bench.notices if one.slug == "virt.update-progress"]
                assert percents == sorted(percents)
                assert percents[-1] == 100
                at = AtLine(bench.module.port_path("at"))
                try:
                    assert (version_of(ASYNC) + "2").encode() in await at.ask(b"AT+CGMR\r")
                finally:
                    at.close()

    run(story)


class AtLine:
    """The AT port, typed at."""

    def __init__(self, path):
        self.client = Client(path)

    async def ask(self, command):
        self.client.write(command)
        return await self.client.until(b"\r\nOK\r\n")

    def close(self):
        self.client.close()


def test_reset_disable_when_honoured_then_the_script_restarts_by_itself(tmp_path):
    """device-api 7.1: ``fota(1)`` leaves the restart to the script; not on every module."""

    async def story():
        with serving({"/v2.bin": diff(BLOCKING)}) as (base, _):
            async with updating(BLOCKING, tmp_path) as bench:
                former = bench.module.runtime
                await bench.client.ask("import fota; f = fota(reset_disable=1)")
                assert await bench.client.ask(f"f.httpDownload(url1='{base}/v2.bin')") == "0\n"
                due = asyncio.Event()
                bench.module.world.clock.call_later(1.0, due.set)
                await due.wait()
                assert bench.module.runtime is former
                assert bench.module.update.is_due
                bench.client.write(b"from misc import Power; Power.powerRestart()\r")
                await bench.up_again(former)
                assert await version(bench) == version_of(BLOCKING) + "2"

    run(story)


@pytest.mark.parametrize("module", [ASYNC, BLOCKING])
def test_t50_over_tls_upgrades_without_a_look_at_the_certificate(module, tmp_path):
    async def story():
        with serving({"/v2.bin": diff(module)}, own_certificate(tmp_path)) as (base, _):
            async with updating(module, tmp_path) as bench:
                former = bench.module.runtime
                await bench.run(with_urls(DIFFERENTIAL, base, "/v2.bin"))
                check_rising(statuses(lines(await bench.rest())))
                await bench.up_again(former)
                assert await version(bench) == version_of(module) + "2"

    run(story)


def test_install_when_another_service_of_the_module_asks_then_the_same_upgrade(tmp_path):
    """The way of the built-in cloud client: progress in percent, then the restart."""

    async def story():
        with serving({"/v2.bin": diff(ASYNC), "/x.bin": b"no patch"}) as (base, _):
            async with updating(ASYNC, tmp_path) as bench:
                former, updates, percents = bench.module.runtime, bench.module.world.updates, []
                assert not await updates.install(f"{base}/x.bin", percents.append)
                percents.clear()
                assert await updates.install(f"{base}/v2.bin", percents.append)
                assert percents == sorted(percents)
                assert percents[0] == 0
                await bench.up_again(former)
                assert await version(bench) == version_of(ASYNC) + "2"

    run(story)


def test_soft_reset_when_a_download_goes_on_then_it_is_finished_all_the_same(tmp_path):
    """The service belongs to the firmware; the script that started it need not live."""

    async def story():
        with serving({"/v2.bin": diff(ASYNC)}) as (base, server):
            server.hold.clear()
            async with updating(ASYNC, tmp_path) as bench:
                former = bench.module.runtime
                await bench.client.ask(f"import fota; fota().httpDownload(url1='{base}/v2.bin')")
                bench.client.write(b"\x04")
                await bench.client.until(b"soft reboot")
                await bench.client.until(b">>> ")
                server.hold.set()
                await bench.up_again(former)
                assert await version(bench) == version_of(ASYNC) + "2"

    run(story)


def test_callback_when_it_raises_then_the_traceback_is_printed_and_the_upgrade_goes_on(tmp_path):
    async def story():
        with serving({"/v2.bin": diff(BLOCKING)}) as (base, _):
            async with updating(BLOCKING, tmp_path) as bench:
                former = bench.module.runtime
                source = with_urls(DIFFERENTIAL, base, "/v2.bin").replace("args[1])\n", "args[1])\n\t1/0\n")
                await bench.run(source)
                said = await bench.rest()
                assert "ZeroDivisionError: divide by zero" in said
                check_rising(statuses(lines(said)))
                await bench.up_again(former)
                assert await version(bench) == version_of(BLOCKING) + "2"

    run(story)
