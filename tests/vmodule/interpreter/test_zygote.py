"""The zygote and its children: born quickly, dead at once, never left over."""

import asyncio
import os
import signal

import pytest

from moduline.errors import InterpreterMissing
from moduline.vmodule.interpreter import engine
from moduline.vmodule.interpreter.runtime import RuntimeState
from moduline.vmodule.interpreter.zygote import Zygote
from transcripts.board import Board, run


async def gone(pid):
    """Return when no process of that id is left."""
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.01)


def test_engine_when_opened_resolves_every_symbol_it_uses():
    engine.Engine(engine.find_library())


def test_engine_when_the_library_is_another_one_says_what_is_missing(tmp_path):
    with pytest.raises(engine.EngineError, match=r"cannot open|invalid ELF|too short"):
        engine.Engine(_junk(tmp_path))
    import ctypes.util
    from pathlib import Path

    libm = Path(ctypes.util.find_library("m"))
    with pytest.raises(engine.EngineError, match="does not export micropython_unix_main"):
        engine.Engine(libm)


def _junk(folder):
    path = folder / "junk.so"
    path.write_bytes(b"no library")
    return path


def test_stop_kills_the_child_and_start_makes_another():
    async def story():
        async with Board() as board:
            await board.prompt()
            first = board.runtime.pid
            assert board.runtime.state is RuntimeState.PROMPT
            runtime = board.runtime
            await board.power_cycle()
            assert runtime.state is RuntimeState.OFF
            assert runtime.pid is None
            await gone(first)
            await board.prompt()
            assert board.runtime.pid != first

    run(story)


def test_stop_when_the_child_hangs_in_the_c_library_kills_it_all_the_same():
    async def story():
        async with Board() as board:
            await board.prompt()
            board.client.write(b"import ure; ure.match('(a*)*b', 'a' * 40)\r")
            await board.client.until(b"\r\n")
            pid = board.runtime.pid
            await board.power_off()
            await gone(pid)

    run(story)


def test_zygote_when_killed_takes_its_children_along_and_the_module_says_so():
    async def story():
        async with Board() as board:
            await board.prompt()
            pid = board.runtime.pid
            os.kill(board.zygote._process.pid, signal.SIGKILL)
            await board.dead.wait()
            await gone(pid)
            assert board.wishes == ["watchdog"]
            await board.power_off()
            with pytest.raises(InterpreterMissing):
                await board.power_on()

    run(story)


def test_zygote_when_closed_leaves_no_child():
    async def story():
        async with Board() as board:
            await board.prompt()
            pid = board.runtime.pid
            await board.runtime.stop()
            zygote = await Zygote.start()
            await zygote.close()
            await gone(pid)

    run(story)


def test_soft_resets_in_a_row_are_new_lives_on_the_same_port():
    async def story():
        async with Board() as board:
            await board.prompt()
            pids = {board.runtime.pid}
            for _ in range(10):
                assert await board.client.ask("'x' in globals(); x = 1") == "False\n"
                board.client.write(b"\x04")
                await board.client.until(b"MPY: soft reboot\r\n")
                await board.prompt()
                pids.add(board.runtime.pid)
            assert len(pids) == 11
            assert board.runtime.boots == 11

    run(story)


def test_notice_when_the_kernel_cannot_confine_is_loud():
    """Here it can, so nothing is said; the layers are proven in test_sandbox."""

    async def story():
        async with Board(is_confined=True) as board:
            await board.prompt()
            assert "virt.unconfined" not in board.slugs()

    run(story)
