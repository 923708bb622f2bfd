"""``ampy`` and ``rshell``, unchanged from PyPI, on a virtual module's REPL port.  Source: device-api 4."""

import asyncio
import sys

from transcripts.board import Board, run


async def tool(board, module, *words):
    """(exit code, output) of one command of a tool on the board's port."""
    board.client.close()  # the tool wants the port for itself
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", module, "-p", board.pty.path, *words,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    board.client.__init__(board.pty.path)
    return process.returncode, out.decode().replace("\r\n", "\n")


def ampy(board, *words):
    return tool(board, "ampy.cli", *words)


def rshell(board, *words):
    return tool(board, "rshell.main", "-n", *words)


def test_ampy_puts_lists_runs_gets_and_removes(tmp_path):
    data = bytes(range(256)) * 20
    (tmp_path / "data.bin").write_bytes(data)
    (tmp_path / "hello.py").write_text("import uos\nprint('hello', uos.getcwd())\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("a")

    async def story():
        async with Board() as board:
            await board.prompt()
            assert await ampy(board, "put", str(tmp_path / "data.bin"), "/usr/data.bin") == (0, "")
            assert await ampy(board, "put", str(tmp_path / "folder"), "/usr/folder") == (0, "")
            code, said = await ampy(board, "ls", "/usr")
            assert (code, said.split()) == (
                0, ["/usr/apn_cfg.json", "/usr/data.bin", "/usr/folder", "/usr/system_config.json"],
            )  # fmt: skip
            assert await ampy(board, "run", str(tmp_path / "hello.py")) == (0, "hello /\n")
            back = tmp_path / "back.bin"
            assert (await ampy(board, "get", "/usr/data.bin", str(back)))[0] == 0
            assert back.read_bytes() == data
            assert await ampy(board, "rm", "/usr/data.bin") == (0, "")
            assert await ampy(board, "rmdir", "/usr/folder") == (0, "")
            assert await ampy(board, "mkdir", "/usr/new") == (0, "")
            assert (await ampy(board, "ls", "/usr"))[1].split()[1] == "/usr/new"
            code, said = await ampy(board, "rm", "/usr/none")
            assert code != 0
            assert "No such file" in said

    run(story)


def test_rshell_lists_copies_both_ways_and_shows(tmp_path):
    data = b"text of some length\n" * 100
    source, back = tmp_path / "notes.txt", tmp_path / "back.txt"
    source.write_bytes(data)

    async def story():
        async with Board() as board:
            await board.prompt()
            code, said = await rshell(board, "cp", str(source), "/pyboard/usr/notes.txt")
            assert code == 0, said
            code, said = await rshell(board, "ls", "/pyboard/usr")
            assert code == 0, said
            assert "notes.txt" in said.splitlines()[-1].split()
            code, said = await rshell(board, "cp", "/pyboard/usr/notes.txt", str(back))
            assert code == 0, said
            assert back.read_bytes() == data
            code, said = await rshell(board, "cat", "/pyboard/usr/notes.txt")
            assert said.endswith(data.decode())

    run(story)
