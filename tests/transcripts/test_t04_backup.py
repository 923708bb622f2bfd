"""T04 on the demo of the seed, merged with backup ticked on both files; cases (a) to (f).

Source: seed 0; device-api 6.3, 6.5, 14.1.
"""

import hashlib
import json

import pytest

from moduline.vmodule.interpreter.plan import Quirks
from transcripts.board import Board, lfs1_mounts, lfs2_mounts, run, with_files
from transcripts.test_t01_main import MAIN, ROUND, USER_FILE

TICKED = {"main.py": MAIN.encode(), "user_file.py": USER_FILE.encode()}
RESTORED = b"- restoring /usr/user_file.py\r\n- updating checksum\r\n- done\r\n"
HELLO = b"Hello World !\r\n"
QUIET = Quirks(checksum_schema="sha256")


def merged(ticked=TICKED):
    """The two images as the merge step makes them: (/usr, /bak)."""
    entries = [{"name": f"/usr/{n}", "sha256": hashlib.sha256(d).hexdigest()} for n, d in ticked.items()]
    listing = ("checksum.json", json.dumps(entries).encode())
    usr = [("apn_cfg.json", b"{}"), *TICKED.items(), *([listing] if ticked else [])]
    bak = [(f"usr/{name}", data) for name, data in ticked.items()]
    return usr, [*bak, listing, ("backup_restore.json", b'{"enable": 1}')] if ticked else []


async def running(board, ticked=TICKED):
    """Flash the package and let the demo run."""
    await board.prompt()
    await board.client.raw(with_files(*merged(ticked)))
    await board.power_cycle()
    said = await board.client.until(HELLO)
    assert b"restoring" not in said
    return said


async def prompt_of(board):
    """Stop the demo: Ctrl-C after its first second; the module boots without it."""
    for _ in range(4):
        await board.client.until(HELLO)
    board.client.write(b"\x03")
    await board.client.until(b"MPY: soft reboot\r\n")
    await board.prompt()
    return board.client.ask


async def after(board, how):
    """Start anew by a soft reset or a power cycle; gives everything up to the demo's first line."""
    if how == "soft":
        board.client.write(b"\x04")
        await board.client.until(b"MPY: soft reboot\r\n")
    else:
        await board.power_cycle()
    return await board.client.until(HELLO)


@pytest.mark.parametrize("mounts", [lfs1_mounts(), lfs2_mounts()], ids=["lfs1", "lfs2"])
@pytest.mark.parametrize("how", ["soft", "power"])
def test_t04_a_deleted_file_when_the_module_starts_is_restored_and_the_demo_runs(how, mounts):
    async def story():
        async with Board(mounts=mounts, quirks=QUIET) as board:
            assert await running(board) == b"mount.\r\n" + HELLO
            ask = await prompt_of(board)
            assert await ask("uos.remove('/usr/user_file.py')") == ""
            assert await after(board, how) == b"mount.\r\n" + RESTORED + HELLO
            assert b"'user_file.py'" in await board.client.until(b"]\r\n")
            assert await after(board, "power") == b"mount.\r\n" + HELLO

    run(story)


@pytest.mark.parametrize("how", ["soft", "power"])
def test_t04_b_changed_file_when_the_module_starts_is_restored_and_the_demo_runs(how):
    async def story():
        async with Board(quirks=QUIET) as board:
            await running(board)
            await prompt_of(board)
            await board.client.raw("f = open('/usr/user_file.py', 'a'); f.write('1/0'); f.close()")
            assert await after(board, how) == b"mount.\r\n" + RESTORED + HELLO
            ask = await prompt_of(board)
            digest = hashlib.sha256(USER_FILE.encode()).hexdigest()
            assert await ask("import file_sha256; file_sha256.calc('/usr/user_file.py')") == f"'{digest}'\n"

    run(story)


def test_t04_c_lost_list_comes_back_without_a_word():
    async def story():
        async with Board(quirks=QUIET) as board:
            await running(board)
            ask = await prompt_of(board)
            await ask("uos.remove('/usr/checksum.json')")
            assert await after(board, "power") == b"mount.\r\n" + HELLO
            ask = await prompt_of(board)
            assert await ask("open('/usr/checksum.json').read() == open('/bak/checksum.json').read()") == "True\n"

    run(story)


def test_t04_d_file_that_was_not_ticked_is_left_as_it_is():
    only_main = {"main.py": TICKED["main.py"]}

    async def story():
        async with Board(quirks=QUIET) as board:
            await running(board, only_main)
            await prompt_of(board)
            await board.client.raw("f = open('/usr/user_file.py', 'a'); f.write('x = 5\\n'); f.close()")
            assert await after(board, "power") == b"mount.\r\n" + HELLO
            ask = await prompt_of(board)
            assert await ask("open('/usr/user_file.py').read()[-6:]") == "'x = 5\\n'\n"
            await ask("uos.remove('/usr/user_file.py')")
            await board.power_cycle()
            said = await board.prompt()
            assert b"restoring" not in said
            assert b"ImportError: " in said

    run(story)


def test_t04_e_script_that_writes_to_bak_gets_minus_one_and_changes_nothing():
    async def story():
        async with Board(quirks=QUIET) as board:
            await running(board)
            ask = await prompt_of(board)
            out = await board.client.raw(
                "print(open('/bak/usr/user_file.py', 'w'), open('/bak/new', 'ab'), open('/bak/new', mode='r+'))\n"
                "import uos\nprint(uos.remove('/bak/usr/user_file.py'), uos.rename('/bak/usr', '/bak/x'), "
                "uos.mkdir('/bak/d'), uos.rmdir('/bak/usr'), uos.umount('/bak'))\n"
            )
            assert out == "-1 -1 -1\r\n-1 -1 -1 -1 -1\r\n"
            out, error = await board.client.raw_both("with open('/bak/usr/main.py', 'w') as f:\n    f.write('')\n")
            assert (out, error.splitlines()[-1].split(":")[0]) == ("", "AttributeError")
            digest = hashlib.sha256(USER_FILE.encode()).hexdigest()
            assert await ask("import file_sha256; file_sha256.calc('/bak/usr/user_file.py')") == f"'{digest}'\n"
            assert sorted(eval(await ask("uos.listdir('/bak/usr')"))) == ["main.py", "user_file.py"]

    run(story)


def test_t04_f_package_without_any_tick_restores_nothing():
    async def story():
        async with Board(quirks=QUIET) as board:
            said = await running(board, {})
            assert (
                said == b"mount.\r\nx backup restore procedure error: '/bak/backup_restore.json not exist'\r\n" + HELLO
            )
            ask = await prompt_of(board)
            await ask("uos.remove('/usr/user_file.py')")
            await board.power_cycle()
            said = await board.prompt()
            assert b"- restoring" not in said
            assert b"Hello World" not in said
            assert await board.client.ask("'user_file.py' in uos.listdir('/usr')") == "False\n"

    run(story)


def test_t04_rounds_of_the_demo_are_those_of_the_seed():
    async def story():
        async with Board(quirks=QUIET) as board:
            await running(board, {})
            assert await board.client.until(b"\r\n") == ROUND[len(HELLO) :]

    run(story)
