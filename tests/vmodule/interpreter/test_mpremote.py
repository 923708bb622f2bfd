"""``mpremote`` from PyPI works on the module's REPL port, unchanged."""

import asyncio
import sys
from pathlib import Path

import pytest

from moduline.vmodule.interpreter.plan import Quirks
from transcripts.board import Board, run


async def mpremote(board, *words):
    """(exit code, output) of one mpremote command on the board's port."""
    board.client.close()  # mpremote wants the port for itself
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "mpremote",
        "connect",
        board.pty.path,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    board.client.__init__(board.pty.path)
    return process.returncode, out.decode().replace("\r\n", "\n")


QUIRKS = [Quirks(is_raw_paste_on=True), Quirks(is_raw_paste_on=False)]


@pytest.mark.parametrize("quirks", QUIRKS, ids=["raw-paste", "plain-raw"])
def test_mpremote_exec_eval_run_on_both_kinds_of_raw_mode(quirks, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import uos\nprint('run', __name__, uos.getcwd())\n" + "# padding\n" * 100)

    async def story():
        async with Board(quirks=quirks) as board:
            await board.prompt()
            assert await mpremote(board, "exec", "print(1 + 1); x = 'übrig'; print(x)") == (0, "2\nübrig\n")
            assert await mpremote(board, "eval", "6 * 7") == (0, "42\n")
            assert await mpremote(board, "run", str(script)) == (0, "run __main__ /\n")
            code, said = await mpremote(board, "exec", "1 / 0")
            assert code != 0
            assert said.endswith('  File "<stdin>", line 1, in <module>\nZeroDivisionError: divide by zero\n')

    run(story)


def test_mpremote_file_commands_move_files_both_ways(tmp_path):
    folder = tmp_path / "app"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.py").write_text("A = 1\n")
    (folder / "deep" / "data.bin").write_bytes(bytes(range(256)) * 40)

    async def story():
        async with Board() as board:
            await board.prompt()
            assert (await mpremote(board, "fs", "cp", "-r", str(folder), ":/usr/"))[0] == 0
            code, said = await mpremote(board, "fs", "ls", ":/usr/app")
            assert (code, sorted(said.split())) == (0, sorted(["ls", ":/usr/app", "0", "deep/", "6", "a.py"]))
            back = tmp_path / "back.bin"
            assert (await mpremote(board, "fs", "cp", ":/usr/app/deep/data.bin", str(back)))[0] == 0
            assert back.read_bytes() == (folder / "deep" / "data.bin").read_bytes()
            assert await mpremote(board, "fs", "cat", ":/usr/app/a.py") == (0, "A = 1\n")
            assert (await mpremote(board, "fs", "mkdir", ":/usr/new"))[0] == 0
            assert (await mpremote(board, "fs", "rm", ":/usr/app/a.py"))[0] == 0
            assert (await mpremote(board, "fs", "rm", "-r", ":/usr/app"))[0] == 0
            code, said = await mpremote(board, "exec", "import os; print(os.listdir('/usr'))")
            assert said == "['apn_cfg.json', 'system_config.json', 'new']\n"
            code, said = await mpremote(board, "df")
            assert code == 0
            assert [line.split()[-1] for line in said.splitlines()] == ["on", "/usr", "/bak"]

    run(story)


def test_mpremote_soft_reset_and_recovery_of_a_busy_module(tmp_path):
    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.raw("f = open('/usr/main.py', 'w'); f.write('while True: pass'); f.close()")
            await board.power_cycle()
            await board.client.until(b"not exist'\r\n")
            await board.client.quiet(1.1)  # the module listens to Ctrl-C from its first second on
            assert await mpremote(board, "exec", "print('free')") == (0, "free\n")
            assert (await mpremote(board, "soft-reset"))[0] == 0

    run(story)


def test_mpremote_mount_lets_the_module_import_from_the_host(tmp_path):
    (tmp_path / "remote_part.py").write_text("X = 'from the host'\n")

    async def story():
        async with Board() as board:
            await board.prompt()
            code, said = await mpremote(
                board, "mount", str(tmp_path), "exec", "import remote_part; print(remote_part.X)"
            )
            assert code == 0, said
            assert said.endswith("from the host\n")

    run(story)


def test_mpremote_is_the_one_of_this_environment():
    assert (Path(sys.executable).parent / "mpremote").exists()
