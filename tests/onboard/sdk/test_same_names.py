"""``Qth`` built into a virtual module and its copy in ``/usr`` are the same to a script."""

import pytest

from onboard.sdk.copied import copy_to
from onboard.sdk.platform_peer import Platform, firmware, plan
from onboard.sdk.sdk_bench import MAIN, bench, start
from transcripts.board import run

NAMES = "sorted([one for one in dir(Qth) if one[0] != '_'])"
PARTS = "sorted([one for one in dir(Qth.device) if one[0] != '_'])"


def test_names_when_built_in_and_copied_then_the_same():
    async def story():
        async with Platform() as platform, bench(platform) as board:
            await board.client.ask("import Qth")
            built_in = await board.client.ask(NAMES), await board.client.ask(PARTS)
            await copy_to(board)
            await board.client.ask("from usr import Qth")
            copied = await board.client.ask(NAMES), await board.client.ask(PARTS)
            assert built_in == copied
            assert "'mcuFWDataRead'" in copied[0]
            assert "'SHA256_WANTED'" in copied[1]

    run(story, 60)


@pytest.mark.parametrize("is_copied", [False, True])
def test_device_when_imported_in_every_way_then_one_and_the_same(is_copied):
    async def story():
        async with Platform() as platform, bench(platform) as board:
            if is_copied:
                await copy_to(board)
            for line in (
                "from usr import Qth; first = Qth.device",
                "from usr.Qth import device; assert device is first",
                "import usr.Qth; assert usr.Qth.device is first",
                "import usr.Qth.device; assert usr.Qth.device is first",
            ):
                assert await board.client.ask(line) == "", line
            assert "ImportError" in await board.client.ask("import usr.Qth.nonsense")
            assert "ImportError" in await board.client.ask("import usr.nonsense")
            if not is_copied:
                assert await board.client.ask("from Qth import device; assert device is first") == ""
                assert await board.client.ask("import Qth.device; assert Qth.device is first") == ""

    run(story, 60)


def test_digest_when_wanted_of_the_built_in_one_then_asked_for():
    async def story():
        async with Platform() as platform, bench(platform) as board:
            platform.files["a"] = b"x" * 1000
            platform.on_status = lambda status: (
                (0x0113, firmware(platform.file_url("a"), b"x" * 1000, sha256=None)) if status == 2 else None
            )
            await start(board, MAIN.replace("import Qth\n", "import Qth\nQth.device.SHA256_WANTED = True\n"))
            await platform.online()
            platform.say(0x0111, plan())
            await platform.until(lambda: len(platform.statuses) >= 3)
            assert platform.statuses == [1, 2, 12], "a package without SHA-256 is not taken"
            assert [one.values.get(19) for one in platform.messages(0x0114)][1] == "sha256"

    run(story, 60)
