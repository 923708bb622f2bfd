"""Sessions and files against the real interpreter's own REPL: the snippets are MicroPython, not merely Python."""

from __future__ import annotations

import asyncio
import random

import pytest

from moduline.errors import NoSuchRemoteFile, RemoteFileFailed, ScriptRaised
from moduline.remote.files import ModuleFiles
from moduline.remote.repl_session import ReplSession
from moduline.remote.sync import plan_sync, run_sync
from remote.micropython_on_pty import micropython


def on_micropython(folder, work):
    async def both():
        async with micropython(folder) as stream, ReplSession(stream) as repl:
            return await work(repl)

    return asyncio.run(both())


def test_exec_when_on_the_real_interpreter_then_output_error_and_value(tmp_path):
    async def work(repl):
        with pytest.raises(ScriptRaised) as raised:
            await repl.exec("import uos\nuos.stat('/nowhere')")
        return (
            await repl.exec("for i in range(3):\n print(i)"),
            await repl.eval("2**70"),
            raised.value.facts["last_line"],
        )

    printed, value, last_line = on_micropython(tmp_path, work)
    assert printed.split() == [b"0", b"1", b"2"]
    assert value == 2**70
    assert last_line.startswith("OSError: [Errno 2] ENOENT")


def test_exec_when_the_code_is_longer_than_many_windows_then_all_of_it_runs(tmp_path):
    async def work(repl):
        return await repl.exec("n = 0\n" + "n += 1\n" * 3000 + "print(n)")

    assert on_micropython(tmp_path, work).strip() == b"3000"


@pytest.mark.parametrize("size", [0, 1, 1536, 50_000])
def test_file_when_written_and_read_then_same_bytes(tmp_path, size):
    data = random.Random(size).randbytes(size)
    path = f"{tmp_path}/数据.bin"

    async def work(repl):
        files = ModuleFiles(repl)
        await files.write(path, data)
        await files.write(path, data)
        await files.copy(path, path + "2")
        return await files.read(path + "2")

    assert on_micropython(tmp_path, work) == data
    assert sorted(p.name for p in tmp_path.iterdir()) == ["数据.bin", "数据.bin2"]
    assert (tmp_path / "数据.bin").read_bytes() == data


def test_folders_when_made_listed_removed_then_as_the_system_sees_them(tmp_path):
    async def work(repl):
        files = ModuleFiles(repl)
        await files.make_folder(f"{tmp_path}/a/b", with_parents=True)
        await files.write(f"{tmp_path}/a/b/c.txt", b"123")
        with pytest.raises(RemoteFileFailed):
            await files.remove(f"{tmp_path}/a")
        with pytest.raises(NoSuchRemoteFile):
            await files.read(f"{tmp_path}/none")
        listed = await files.list_folder(str(tmp_path), is_recursive=True)
        await files.remove(f"{tmp_path}/a", is_recursive=True)
        return listed

    listed = on_micropython(tmp_path, work)
    assert [(e.path[len(str(tmp_path)) :], e.is_folder, e.size_bytes) for e in listed] == [
        ("/a", True, 0), ("/a/b", True, 0), ("/a/b/c.txt", False, 3),
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_sync_when_run_twice_then_the_second_finds_nothing_to_do(tmp_path):
    local = {"main.py": b"print(1)\n", "lib/x.py": b"", "data/d.bin": bytes(range(256))}

    async def work(repl):
        files = ModuleFiles(repl)
        await run_sync(files, await plan_sync(files, local, str(tmp_path)), local)
        return await plan_sync(files, local, str(tmp_path))

    plan = on_micropython(tmp_path, work)
    assert plan.is_nothing
    assert (tmp_path / "data/d.bin").read_bytes() == bytes(range(256))
