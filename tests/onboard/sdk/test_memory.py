"""How much of the script heap the SDK holds: at rest, connected, and in the middle of a download.

The figures are in the module's measure: ``gc.mem_alloc`` of virtual modules says half of what the interpreter of this
machine takes, whose pointers and blocks are twice as large.
"""

from onboard.sdk.copied import copy_to
from onboard.sdk.platform_peer import Platform, firmware, plan
from onboard.sdk.sdk_bench import MAIN, bench, start
from transcripts.board import run

LIMIT = 64 * 1024  # live bytes, source files compiled on the module included
COUNT = "(gc.collect(), gc.mem_alloc())[1]"


def test_heap_when_copied_to_usr_and_in_a_download_then_under_the_limit():
    async def story():
        async with Platform() as platform, bench(platform) as board:
            platform.files["p"], platform.faults["p"], platform.stuck_at = bytes(30000), "stuck", 9000
            await copy_to(board)
            await board.client.ask("import gc, usocket, uselect, _thread, modem, net, sim, misc, ussl, fota")
            before = int(await board.client.ask(COUNT))
            await board.client.ask("from usr import Qth")
            loaded = int(await board.client.ask(COUNT)) - before
            source = MAIN.replace("import Qth\n", f"Qth.setServer('{platform.url}')\n")
            await start(board, "from usr import Qth\n" + source)
            await platform.online()
            platform.say(0x0111, plan())
            await board.client.until(b")]\r\n")
            platform.say(0x0113, firmware(platform.file_url("p"), bytes(30000)))
            await platform.until(lambda: platform.statuses[-1:] == [5])
            await board.client.raw(
                "import utime, uos\nwhile uos.stat('/usr/qth_ota.bin')[6] < 8192:\n    utime.sleep_ms(20)\n", 30
            )
            await board.client.ask("import gc")
            busy = int(await board.client.ask(COUNT)) - before
            print(f"loaded {loaded}, in a download {busy} bytes")
            assert 0 < loaded < LIMIT
            assert 0 < busy < LIMIT

    run(story, 200)
