"""T12 and T13: the seed's FOTA script, literal and corrected, on whole modules.  Source: seed 1; device-api 7.2, 14.2."""

import asyncio

import pytest

from transcripts.board import run
from transcripts.updating import diff, lines, needs_linux, small_diff, updating, version_of

pytestmark = pytest.mark.skipif(needs_linux, reason="the interpreter's sandbox needs Linux")

# As the seed prints it: blank lines, tabs, the text behind the code, and the two last lines at module level.
LITERAL = """\
import fota

import utime

import log

import uos

from misc import Power

# 设置日志输出级别

log.basicConfig(level=log.INFO)

fota_log = log.getLogger("Fota")

# 此示例需要升级包文件（差分包等.bin文件），参考本文档升级包制作方法。

def run():

	fota_obj = fota() # 创建Fota对象

	file_size = uos.stat("FotaFile.bin")[6] # 获取文件总字节数

	with open("/usr/FotaFile.bin", "rb")as f: #rb模式打开.bin文件(需要制作升级包文件)

		while 1:

			c = f.read(1024) # read

			if not c:

				break

			fota_obj.write(c, file_size) # 写入.bin文件数据与文件总字节数

			fota_log.info("flush verify...")

			res = fota_obj.verify() # 校验

			if res != 0:

				fota_log.error("verify error")

			return

			fota_log.info("flush power_reset...")

utime.sleep(2)

Power.powerRestart() # 重启模块
"""

# The same with the loop the text means: all chunks, flush, verify, restart; the messages are those of T13.
CORRECTED = """\
import fota
import utime
import log
import uos
from misc import Power

log.basicConfig(level=log.INFO)
fota_log = log.getLogger("Fota")

def run():
    fota_obj = fota()
    file_size = uos.stat("/usr/FotaFile.bin")[6]
    print(file_size)
    with open("/usr/FotaFile.bin", "rb") as f:
        while 1:
            c = f.read(1024)
            if not c:
                break
            fota_obj.write(c, file_size)
    fota_log.info("fota image flush...")
    fota_obj.flush()
    fota_log.info("fota image verify...")
    res = fota_obj.verify()
    if res != 0:
        fota_log.error("verify error")
        return
    fota_log.info("power_reset...")
    utime.sleep(2)
    Power.powerRestart()

run()
"""
MODULES = ["ec600s", "ec600u"]  # littlefs and powerDownReason of the seed's module, and another chip


@pytest.mark.parametrize("module", MODULES)
def test_t12_literal_script_waits_two_seconds_and_restarts_without_an_upgrade(module, tmp_path):
    async def story():
        async with updating(module, tmp_path) as bench:
            await bench.put("/usr/FotaFile.bin", diff(module))
            former = bench.module.runtime
            loop = asyncio.get_running_loop()
            await bench.run(LITERAL)
            began = loop.time()
            assert await bench.rest() == ""  # no FOTA output at all
            assert loop.time() - began > 1.9
            said = await bench.up_again(former)
            assert version_of(module).encode() not in said  # the banner has no version, and nothing else was said
            assert await bench.client.ask("import modem; modem.getDevFwVersion()") == f"'{version_of(module)}'\n"
            assert await bench.client.ask("from misc import Power; Power.powerOnReason()") == "2\n"
            if module == "ec600s":
                assert await bench.client.ask("Power.powerDownReason()") == "1\n"
            assert not [slug for slug in bench.slugs() if slug.startswith("virt.update")]

    run(story)


def define(bench):
    """The literal script without its two last lines, so that ``run`` can be called by hand."""
    return bench.run(LITERAL.partition("utime.sleep(2)")[0])


def test_t12_run_by_hand_when_at_the_root_then_enodev(tmp_path):
    async def story():
        async with updating("ec600s", tmp_path) as bench:
            await bench.put("/usr/FotaFile.bin", diff("ec600s"))
            await define(bench)
            await bench.client.until(b">>> ")
            trace = await bench.client.ask("run()")
            assert trace.startswith("Traceback (most recent call last):\n")
            assert trace.endswith("\nOSError: [Errno 19] ENODEV\n")

    run(story)


def test_t12_run_by_hand_when_in_usr_then_one_chunk_and_verify_error(tmp_path):
    """``return`` stands under the loop body, so that one chunk is written and the package stays incomplete."""

    async def story():
        async with updating("ec600s", tmp_path) as bench:
            await bench.put("/usr/FotaFile.bin", diff("ec600s"))
            await define(bench)
            await bench.client.until(b">>> ")
            assert await bench.client.ask("uos.chdir('/usr')") == ""
            said = lines(await bench.client.ask("run()"))
            assert said == ["INFO:Fota:flush verify...", "ERROR:Fota:verify error", ""]
            assert "the package is not complete" in str(bench.notices[-1].facts)

    run(story)


def test_t12_run_by_hand_when_the_package_is_one_chunk_then_accepted_without_a_word_and_applied_at_the_restart(
    tmp_path,
):
    """No error line, and no restart message: the last line cannot be reached."""

    async def story():
        async with updating("ec600s", tmp_path) as bench:
            package = small_diff("ec600s")
            assert len(package) <= 1024
            await bench.put("/usr/FotaFile.bin", package)
            await define(bench)
            await bench.client.until(b">>> ")
            await bench.client.ask("uos.chdir('/usr')")
            assert await bench.client.ask("run()") == "INFO:Fota:flush verify...\n"
            assert await bench.client.ask("import modem; modem.getDevFwVersion()") == f"'{version_of('ec600s')}'\n"
            former = bench.module.runtime
            bench.client.write(b"Power.powerRestart()\r")
            await bench.up_again(former)
            assert await bench.client.ask("import modem; modem.getDevFwVersion()") == f"'{version_of('ec600s')}2'\n"

    run(story)


def test_t13_flush_when_left_out_then_verify_does_it(tmp_path):
    """Both forms are accepted.  Source: device-api 15"""

    async def story():
        async with updating("ec600s", tmp_path) as bench:
            await bench.put("/usr/FotaFile.bin", diff("ec600s"))
            former = bench.module.runtime
            await bench.run(CORRECTED.replace("    fota_obj.flush()\n", ""))
            await bench.rest()
            await bench.up_again(former)
            assert await bench.client.ask("import modem; modem.getDevFwVersion()") == f"'{version_of('ec600s')}2'\n"

    run(story)


def test_t12_restarts_for_ever_as_main_and_a_break_in_frees_it(tmp_path):
    """Saved as main.py it restarts for ever; the owner of a virtual module breaks in by its boot pin or a fault."""

    async def story():
        async with updating("ec600s", tmp_path) as bench:
            await bench.put("/usr/main.py", LITERAL.encode())
            before = bench.states.count("running")
            await bench.module.reset()
            async with asyncio.timeout(30):
                await bench.module.wait_until(lambda: bench.states.count("running") >= before + 3)
            await bench.module.reset(boot_pin=True)
            async with asyncio.timeout(30):
                await bench.module.wait_state("download")

    run(story)


@pytest.mark.parametrize("module", MODULES)
def test_t13_corrected_script_upgrades_the_module(module, tmp_path):
    async def story():
        async with updating(module, tmp_path) as bench:
            package = diff(module)
            await bench.put("/usr/FotaFile.bin", package)
            former = bench.module.runtime
            await bench.run(CORRECTED)
            said = lines(await bench.rest())
            wanted = ["fota image flush...", "fota image verify...", "power_reset..."]
            assert said == [str(len(package)), *(f"INFO:Fota:{text}" for text in wanted), ""]
            banner = await bench.up_again(former)
            assert b" on 2026-01-02 ;" in banner
            assert await bench.client.ask("import modem; modem.getDevFwVersion()") == f"'{version_of(module)}2'\n"
            uname = await bench.client.ask("uos.uname()")
            assert "'version=v1.12 on 2026-01-02'" in uname
            assert "'qpyver=V0009'" in uname
            assert await bench.client.ask("uos.stat('/usr/FotaFile.bin')[6]") == f"{len(package)}\n"  # /usr is kept
            assert bench.module.update.result.is_done

    run(story)


def corrupted(data):
    return data[:5000] + bytes([data[5000] ^ 4]) + data[5001:]


@pytest.mark.parametrize(
    ("package", "why"),
    [
        pytest.param(lambda: corrupted(diff("ec600s")), "SHA-256", id="corrupt"),
        pytest.param(lambda: diff("ec600s", "3", "2"), "it is for", id="wrong-base"),
        pytest.param(lambda: diff("ec600n"), "is not", id="other-model"),
        pytest.param(lambda: b"no patch at all" * 100, "magic", id="no-patch"),
    ],
)
def test_t13_package_when_not_for_this_module_then_verify_error_and_nothing_changes(package, why, tmp_path):
    async def story():
        async with updating("ec600s", tmp_path) as bench:
            await bench.put("/usr/FotaFile.bin", package())
            former = bench.module.runtime
            await bench.run(CORRECTED)
            said = lines(await bench.client.until(b">>> "))
            assert said[1:4] == [
                "INFO:Fota:fota image flush...",
                "INFO:Fota:fota image verify...",
                "ERROR:Fota:verify error",
            ]
            assert [one.facts["reason"] for one in bench.notices if why in one.facts.get("reason", "")]
            assert bench.module.runtime is former
            await bench.module.reset()
            await bench.up_again(former)
            assert await bench.client.ask("import modem; modem.getDevFwVersion()") == f"'{version_of('ec600s')}'\n"

    run(story)


def test_steps_when_called_in_another_way_then_minus_one(tmp_path):
    """device-api 7.2: write without the total, a total that changes, too many bytes, verify before the end."""

    async def story():
        async with updating("ec600s", tmp_path) as bench:
            ask = bench.client.ask
            await ask("import fota")
            await ask("f = fota()")
            assert await ask("f is fota(1)") == "True\n"
            assert await ask("f.flush(), f.verify()") == "(-1, -1)\n"
            assert await ask("f.write(b'abc')") == "-1\n"
            assert await ask("f.write(b'abc', 0), f.write(b'abc', -4), f.write(b'abc', 1 << 40)") == "(-1, -1, -1)\n"
            assert await ask("f.write(b'abc', 10), f.write('de', 10), f.write(bytearray(2), 10)") == "(0, 0, 0)\n"
            assert await ask("f.write(b'abc', 11), f.write(b'abcd', 10)") == "(-1, -1)\n"
            assert await ask("f.flush(), f.verify(), f.write(b'xyz', 10), f.verify()") == "(0, -1, 0, -1)\n"
            assert await ask("fota() is f, f.write(b'x', 1), f.flush()") == "(True, 0, 0)\n"  # begun anew
            assert "AttributeError" in await ask("f.download_cancel()")
            assert "AttributeError" in await ask("f.apn_set()")
            assert "TypeError" in await ask("f.httpDownload('http://x/')")
            assert "TypeError" in await ask("f.httpDownload(url1=3)")
            assert "ImportError" in await ask("from fota import fota")
            names = await ask("sorted(n for n in dir(fota) if n[0] != '_')")
            assert names == "['flush', 'httpDownload', 'verify', 'write']\n"

    run(story)
