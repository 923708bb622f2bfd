"""How much of the script heap the SDK holds: at rest, connected, with a plan, in a download, before it installs.

The figures are in the module's measure: ``gc.mem_alloc`` of virtual modules says half of what the interpreter of this
machine takes, whose pointers and blocks are twice as large. They are live bytes: a collection goes before each.
"""

from onboard.sdk.copied import copy_to
from onboard.sdk.platform_peer import Platform, firmware, plan
from onboard.sdk.sdk_bench import MAIN, bench, start
from transcripts.board import run

LIMIT = 64 * 1024  # live bytes, source files compiled on the module included
CALM = 16 * 1024  # a phase may hold this much more than at rest
COUNT = "(gc.collect(), gc.mem_alloc())[1]"
MODULES = "gc, usocket, uselect, _thread, modem, net, sim, misc, ussl, fota"
WAIT = "import utime, uos\nwhile uos.stat('/usr/qth_ota.bin')[6] < 8192:\n    utime.sleep_ms(20)\n"


def test_heap_when_copied_to_usr_then_every_phase_is_under_the_limit():
    async def story():
        async with Platform() as platform, bench(platform) as board:
            platform.files["p"], platform.faults["p"], platform.stuck_at = bytes(30000), "stuck", 9000
            await copy_to(board)
            await board.client.ask(f"import {MODULES}")
            before = int(await board.client.ask(COUNT))

            async def live():
                await board.client.ask("import gc")
                return int(await board.client.ask(COUNT)) - before

            await board.client.ask("from usr import Qth")
            held = {"loaded": await live()}
            source = MAIN.replace("import Qth\n", f"Qth.setServer('{platform.url}')\n")
            await start(board, "from usr import Qth\n" + source)
            await platform.online()
            held["connected"] = await live()
            platform.say(0x0111, plan())
            await board.client.until(b")]\r\n")
            held["with a plan"] = await live()
            platform.say(0x0113, firmware(platform.file_url("p"), bytes(30000)))
            await platform.until(lambda: platform.statuses[-1:] == [5])
            await board.client.raw(WAIT, 30)
            held["in a download"] = await live()
            platform.faults.clear()
            platform.drop()
            await platform.online(2)
            await platform.until(lambda: platform.statuses[-1:] in ([6], [9]), 60)
            platform.say(0x0113, firmware(platform.file_url("p"), bytes(30000)))
            await platform.until(lambda: platform.statuses[-1:] == [9], 60)
            held["before it installs"] = await live()
            print(held)
            assert held["loaded"] > 0
            assert max(held.values()) < LIMIT
            assert max(held.values()) - held["connected"] < CALM

    run(story, 200)
