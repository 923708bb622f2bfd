"""Thonny 5's bare-metal back end, unchanged from PyPI, on a virtual module's REPL port.  Source: device-api 4."""

import pytest
from thonny.common import ToplevelCommand

from moduline.vmodule.interpreter.plan import Quirks
from tools.thonny_backend import Thonny
from transcripts.board import Board, run

QUIRKS = [Quirks(is_raw_paste_on=True), Quirks(is_raw_paste_on=False)]


def story_with(thonny_story, tmp_path, quirks=None, main=None):
    async def story():
        async with Board(quirks=quirks) as board:
            await board.prompt()
            if main is not None:
                await board.client.raw(f"f=open('/usr/main.py','w')\nf.write({main!r})\nf.close()")
                board.client.write(b"\x04")
                await board.client.until(b"tick")
            board.client.close()  # Thonny wants the port for itself
            try:
                async with Thonny(board.pty.path, tmp_path) as thonny:
                    await thonny_story(thonny)
            finally:
                board.client.__init__(board.pty.path)

    run(story)


@pytest.mark.parametrize("quirks", QUIRKS, ids=["raw-paste", "plain-raw"])
def test_thonny_connects_executes_and_shows_tracebacks(quirks, tmp_path):
    async def story(thonny):
        assert "Quecpython v1.12" in thonny.welcome["welcome_text"]
        _, printed = await thonny.top("execute_source", source="print('a', 1 + 1); 3 * 'ü'")
        assert "a 2\n" in printed
        _, printed = await thonny.top("execute_source", source="1 / 0")
        assert printed.endswith('File "<stdin>", line 1, in <module>\nZeroDivisionError: divide by zero\n')
        _, printed = await thonny.top("Run", source="x = 41\nprint(x + 1)\n" + "# long\n" * 200)
        assert printed.endswith("42\n")
        response, _ = await thonny.inline("get_globals", module_name="__main__")
        assert response["globals"]["x"].repr == "41"

    story_with(story, tmp_path, quirks)


def test_thonny_lists_writes_reads_and_deletes_files(tmp_path):
    data = bytes(range(256)) * 33

    async def story(thonny):
        facts = {"make_shebang_scripts_executable": False}
        await thonny.inline("write_file", path="/usr/data.bin", content_bytes=data, **facts)
        response, _ = await thonny.inline("read_file", path="/usr/data.bin")
        assert response["content_bytes"] == data
        await thonny.inline("mkdir", path="/usr/folder")
        response, _ = await thonny.inline("get_dirs_children_info", paths=["/usr"], node_id="", include_hidden=True)
        children = response["data"]["/usr"]
        assert children["data.bin"]["size"] == len(data)
        assert children["folder"]["kind"] == "dir"
        response, _ = await thonny.inline("delete", paths=["/usr/data.bin", "/usr/folder"])
        response, _ = await thonny.inline("get_dirs_children_info", paths=["/usr"], node_id="", include_hidden=True)
        assert sorted(response["data"]["/usr"]) == ["apn_cfg.json", "system_config.json"]
        response, _ = await thonny.inline("get_fs_info", path="/usr")
        assert response["total"] == 127 * 4096
        assert response["free"] < response["total"]

    story_with(story, tmp_path)


def test_thonny_stops_a_running_program_and_goes_on(tmp_path):
    async def story(thonny):
        source = "import utime\nprint('begun')\nwhile True: utime.sleep(1)"
        thonny.send(ToplevelCommand("execute_source", source=source))
        await thonny.until(text="begun\n")
        thonny.interrupt()
        _, printed = await thonny.until("ToplevelResponse")
        assert printed.endswith("KeyboardInterrupt: \n")
        _, printed = await thonny.top("execute_source", source="print('alive')")
        assert printed == "alive\n"

    story_with(story, tmp_path)


def test_thonny_connecting_to_a_looping_main_gets_its_prompt(tmp_path):
    async def story(thonny):
        _, printed = await thonny.top("execute_source", source="print('free')")
        assert printed == "free\n"

    main = "import utime\nwhile True:\n    print('tick')\n    utime.sleep_ms(50)\n"
    story_with(story, tmp_path, main=main)
