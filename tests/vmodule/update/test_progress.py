"""What the AT port says while the boot code applies an update, and once afterwards.

Lines and codes: Quectel's DFOTA user guide (EP06 1.0, 3.1 and 5).
"""

from __future__ import annotations

import asyncio
import re
import sys

import pytest

from moduline.vmodule.update.boot_loop import end_line, line_of, run_boot_steps
from moduline.vmodule.update.unit import UpdateResult
from transcripts.board import Client, run
from transcripts.updating import serving, updating
from transcripts.upgrades import Pair, made_blobs
from update_rig import OLD, Rig, old_chip, packages

UPDATING = re.compile(rb'\r\n\+QIND: "FOTA","UPDATING",(\d+)\r\n')


def test_lines_when_said_then_as_the_guide_prints_them():
    assert line_of("START") == b'\r\n+QIND: "FOTA","START"\r\n'
    assert line_of("UPDATING", 7) == b'\r\n+QIND: "FOTA","UPDATING",7\r\n'
    assert end_line(UpdateResult(True, "diff", "a", "b")) == b'\r\n+QIND: "FOTA","END",0\r\n'


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("package-damaged", 504),
        ("source-changed", 510),
        ("burnt-over", 510),
        ("spare-too-small", 511),
        ("verify-failed", 520),
    ],
)
def test_end_when_it_failed_then_the_code_says_why(reason, code):
    assert end_line(UpdateResult(False, "diff", "a", "b", reason)) == b'\r\n+QIND: "FOTA","END",%d\r\n' % code


def boot_saying(rig):
    """What one power-on puts on the port."""
    said = []
    asyncio.run(run_boot_steps(rig.unit, OLD, lambda slug, **facts: None, said.append))
    return b"".join(said)


def test_port_when_applied_then_start_and_rising_percent_and_silence_when_confirmed():
    rig = Rig(old_chip()[0])
    rig.stage(packages("diff"))
    rig.power_on()
    said = boot_saying(rig)
    assert said.startswith(b'\r\n+QIND: "FOTA","START"\r\n\r\n+QIND: "FOTA","UPDATING",')
    percents = [int(one) for one in UPDATING.findall(said)]
    assert percents == sorted(set(percents))
    assert percents[-1] == 100
    assert len(percents) > 2
    rig.power_on()
    assert boot_saying(rig) == b""


def test_result_when_taken_then_given_once_and_still_known():
    rig = Rig(old_chip()[0])
    assert rig.unit.take_result() is None
    rig.stage(packages("diff"))
    rig.power_on()
    rig.boot()
    assert rig.unit.take_result().is_done
    assert rig.unit.take_result() is None
    rig.power_on()
    assert rig.unit.take_result() is None
    assert rig.unit.result.is_done


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")
def test_at_port_when_module_upgrades_then_it_can_be_watched_and_the_end_is_told_once(tmp_path):
    pair = Pair("ec600n", made_blobs())
    watchers = []

    def watch(state):
        path = bench_of[0].module.port_path("at")
        if state == "booting" and path and not watchers:
            watchers.append(Client(path))

    bench_of = []

    async def said_by_now(bench):
        at = Client(bench.module.port_path("at"))
        at.write("AT\r")
        said = await at.until(b"OK\r\n", 20)
        at.close()
        return said

    async def story():
        with serving({"/v2.bin": pair.files("diff", 1)[0]}) as (base, _):
            async with updating(pair.module, tmp_path, pair.packages[0]) as bench:
                bench_of.append(bench)
                bench.on_state = watch
                former = bench.module.runtime
                assert b"QIND" not in await said_by_now(bench)
                bench.client.write(f"import fota; fota().httpDownload(url1='{base}/v2.bin')\r".encode())
                await bench.up_again(former)
                assert b'\r\n+QIND: "FOTA","END",0\r\n' in await said_by_now(bench)
                former = bench.module.runtime
                await bench.module.reset()
                await bench.up_again(former)
                assert b"QIND" not in await said_by_now(bench)
                said = watchers[0].seen  # the last lines before the port vanished may be lost
                assert said.startswith(b'\r\n+QIND: "FOTA","START"\r\n')
                percents = [int(one) for one in UPDATING.findall(said)]
                assert percents == sorted(set(percents))

    run(story)
