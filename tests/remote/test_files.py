"""Files over the REPL: exact bytes, safe at every interruption, refusals with their reasons."""

from __future__ import annotations

import asyncio
import json
import random
import types

import pytest

from moduline.errors import (
    BadAnswer,
    BadOption,
    FileChanged,
    ModulineError,
    NoSuchRemoteFile,
    RemoteFileDiffers,
    RemoteFileFailed,
    RemoteFull,
)
from moduline.events import Notice, Progress
from moduline.port.pair import pair
from moduline.remote.files import PART_NAME, ModuleFiles, RemoteEntry, absolute
from moduline.remote.repl_session import ReplSession
from remote import virtual_time
from remote.fake_module import FakeModule, MemoryFiles, Variant


def on_module(work, tree=None, variant=None, capacity=1 << 20, modules=None, cut_at=None):
    """Result of ``work(files)``, the fake, and the events."""

    async def both():
        host, module = pair()
        fake = FakeModule(module, variant or Variant(), MemoryFiles(capacity), modules or {})
        fake.files.tree |= tree or {}
        fake.files.cut_at = cut_at
        events = []
        serving = asyncio.create_task(fake.serve())
        try:
            async with ReplSession(host) as repl:
                result = await work(ModuleFiles(repl, events.append))
        finally:
            host.cut()
            await serving
        return result, fake, events

    return virtual_time.run(both())


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (":", "/usr"),
        ("", "/usr"),
        (":/usr/", "/usr"),
        (":usr/a.py", "/usr/a.py"),
        ("/usr//x/../a.py", "/usr/a.py"),
        (":/", "/"),
        (":/../..", "/"),
        (":main.py", "/main.py"),
    ],
)
def test_path_when_given_then_absolute_whatever_the_working_directory(given, path):
    assert absolute(given) == path


@pytest.mark.parametrize("size", [0, 1, 767, 768, 1535, 1536, 1537, 9001])
@pytest.mark.parametrize("has_hashlib", [True, False])
def test_file_when_written_then_every_byte_comes_back(size, has_hashlib):
    data = random.Random(size).randbytes(size)

    async def work(files):
        await files.write("/usr/数据 1.bin", data)
        return await files.read("/usr/数据 1.bin"), await files.list_folder()

    (read, entries), fake, events = on_module(work, variant=Variant(has_hashlib=has_hashlib))
    assert read == data
    assert entries == (RemoteEntry("/usr/数据 1.bin", False, size),)
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[0].done_bytes == 0
    assert progress[-1].done_bytes == size
    assert not any(name.startswith("_ml") for name in fake.scope)


def test_list_when_nested_then_in_the_module_s_order_with_sizes():
    tree = {"/usr/b.py": b"12", "/usr/a.py": b"1", "/usr/d": None, "/usr/d/e.txt": b"123"}

    async def work(files):
        return (
            await files.list_folder(":/usr"),
            await files.list_folder("usr", is_recursive=True),
            await files.list_folder("/"),
        )

    (flat, deep, root), *_ = on_module(work, tree)
    assert [(e.path, e.is_folder, e.size_bytes) for e in flat] == [
        ("/usr/b.py", False, 2), ("/usr/a.py", False, 1), ("/usr/d", True, 0),
    ]  # fmt: skip
    assert [e.path for e in deep] == ["/usr/b.py", "/usr/a.py", "/usr/d", "/usr/d/e.txt"]
    assert [e.path for e in root] == ["/usr", "/bak"]


@pytest.mark.parametrize(
    ("verb", "error", "reason"),
    [
        (lambda f: f.read("/usr/no"), NoSuchRemoteFile, "no such file"),
        (lambda f: f.stat("/nomount/x"), NoSuchRemoteFile, "no such mount"),
        (lambda f: f.write("/usr/no/x", b"1"), NoSuchRemoteFile, "no such file"),
        (lambda f: f.write("/bak/x", b"1"), RemoteFileFailed, "read-only"),
        (lambda f: f.make_folder("/bak/x"), RemoteFileFailed, "read-only"),
        (lambda f: f.make_folder("/usr/d"), RemoteFileFailed, "exists"),
        (lambda f: f.make_folder("/usr/f", with_parents=True), RemoteFileFailed, "exists"),
        (lambda f: f.remove("/usr/d"), RemoteFileFailed, "not empty"),
        (lambda f: f.remove("/bak/x"), RemoteFileFailed, "read-only"),
        (lambda f: f.rename("/bak/x", "/usr/x"), RemoteFileFailed, "read-only"),
        (lambda f: f.remove("/usr"), BadOption, ""),
        (lambda f: f.read("/usr/d"), RemoteFileFailed, "folder"),
        (lambda f: f.write("/usr/x", bytes(70000)), RemoteFull, ""),
    ],
)
def test_verb_when_the_module_refuses_then_coded_with_the_reason(verb, error, reason):
    tree = {"/usr/d": None, "/usr/d/x": b"", "/usr/f": b"", "/bak/x": b"b"}
    with pytest.raises(error) as failure:
        on_module(verb, tree, capacity=65536)
    assert reason in str(failure.value.facts.get("reason", ""))


def test_write_when_the_module_is_full_then_old_file_stays_and_no_part():
    async def work(files):
        with pytest.raises(RemoteFull) as failure:
            await files.write("/usr/a.py", bytes(9000))
        return failure.value.facts["need"], await files.list_folder()

    (need, entries), fake, _ = on_module(work, {"/usr/a.py": b"old"}, capacity=8192)
    assert need == 9000
    assert fake.files.tree["/usr/a.py"] == b"old"
    assert [entry.name for entry in entries] == ["a.py"]


def test_write_when_power_is_cut_anywhere_then_old_or_new_never_half():
    """Sweep: count the operations of a clean write, then cut before each one."""
    new = random.Random(1).randbytes(4000)

    async def work(files):
        await files.write("/usr/main.py", new)

    _, clean, _ = on_module(work, {"/usr/main.py": b"old"})
    assert clean.files.operations >= 5
    for cut in range(clean.files.operations):
        tree = MemoryFiles()
        tree.tree["/usr/main.py"] = b"old"
        tree.cut_at = cut
        with pytest.raises(ModulineError):
            run_with(work, tree)
        assert tree.tree["/usr/main.py"] == b"old"


def run_with(work, files):
    async def both():
        host, module = pair()
        fake = FakeModule(module, files=files)
        serving = asyncio.create_task(fake.serve())
        try:
            async with ReplSession(host) as repl:
                return await work(ModuleFiles(repl))
        finally:
            host.cut()
            await serving

    return virtual_time.run(both())


def test_write_when_bytes_change_on_the_way_then_differs_and_old_file_stays():
    class Rotten(MemoryFiles):
        def rename(self, old, new):
            raise AssertionError("a rotten part must not be renamed")

        def open(self, path, mode="r", **_):
            opened = super().open(path, mode)
            if mode == "wb":
                plain = opened.write
                opened.write = lambda data: plain(bytes([data[0] ^ 1]) + data[1:])
            return opened

    files = Rotten()
    files.tree["/usr/a"] = b"old"
    with pytest.raises(RemoteFileDiffers):
        run_with(lambda f: f.write("/usr/a", b"fresh"), files)
    assert files.tree == {"/usr": None, "/bak": None, "/usr/a": b"old"}


def test_write_when_interrupted_by_ctrl_c_then_the_part_is_removed():
    async def work(files):
        def cancel_after_some(event):
            if event.done_bytes > 3000:
                writing.cancel()

        writing = asyncio.create_task(ModuleFiles(files._repl, cancel_after_some).write("/usr/a", bytes(20_000)))
        await asyncio.wait([writing])
        return writing.cancelled(), await files.list_folder()

    assert on_module(work)[0] == (True, ())


def test_write_when_the_file_is_protected_by_a_backup_then_its_checksum_is_refreshed():
    """Source: device-api 6.3: a listed file that changed is replaced by its backup at the next boot."""
    refreshed = []
    checksum = types.SimpleNamespace(update=refreshed.append)
    tree = {"/usr/checksum.json": json.dumps([{"name": "/usr/A.py", "sha256": "00"}]).encode()}

    async def work(files):
        await files.write("/usr/a.py", b"1")
        await files.write("/usr/b.py", b"1")

    _, _, events = on_module(work, tree, modules={"checksum": checksum})
    assert refreshed == ["/usr/a.py"]
    assert [e.facts["path"] for e in events if isinstance(e, Notice)] == ["/usr/a.py"]


def test_copy_when_on_the_module_then_same_bytes_and_no_part():
    async def work(files):
        await files.copy("/usr/a", "/usr/b")

    _, fake, _ = on_module(work, {"/usr/a": bytes(range(256)) * 9})
    assert fake.files.tree["/usr/b"] == bytes(range(256)) * 9
    assert not any(PART_NAME in name for name in fake.files.tree)


def test_remove_when_recursive_then_all_below_is_gone():
    tree = {"/usr/d": None, "/usr/d/e": None, "/usr/d/e/f": b"1", "/usr/d/g": b"2", "/usr/dd": b"3"}

    async def work(files):
        await files.remove("/usr/d", is_recursive=True)

    _, fake, _ = on_module(work, tree)
    assert set(fake.files.tree) == {"/usr", "/bak", "/usr/dd"}


def test_make_folder_when_with_parents_then_each_level_and_again_is_fine():
    async def work(files):
        await files.make_folder("/usr/a/b/c", with_parents=True)
        await files.make_folder("/usr/a/b/c", with_parents=True)
        return await files.stat("/usr/a/b/c")

    assert on_module(work)[0].is_folder


def test_free_when_asked_then_bytes_of_the_file_system():
    async def work(files):
        return await files.free_bytes()

    assert on_module(work, {"/usr/a": bytes(5000)})[0] == ((1 << 20) - 8192, 1 << 20)


@pytest.mark.parametrize(
    "frame",
    [
        "1 0 2e2e",
        "1 0 2f7573722f2e2e",
        "0 x 2f61",
        "0 1",
        "2 1 2f61",
        "0 1 ff",
        "0 1 2f6100",
        "-1 1 2f61",
        "0 1 2f75ff",
    ],
)
def test_list_when_the_module_gives_a_hostile_name_then_bad_answer(frame):
    class Hostile(FakeModule):
        def execute(self, code, kind):
            return (f"\x02{frame}\x03".encode(), b"") if b"ilistdir" in code else super().execute(code, kind)

    async def both():
        host, module = pair()
        serving = asyncio.create_task(Hostile(module).serve())
        try:
            async with ReplSession(host) as repl:
                await ModuleFiles(repl).list_folder()
        finally:
            host.cut()
            await serving

    with pytest.raises(BadAnswer):
        virtual_time.run(both())


@pytest.mark.parametrize(
    ("there", "known", "is_written"),
    [
        (b"old", b"old", True),
        (b"old", b"other", False),
        (None, None, True),
        (b"old", None, False),
        (None, b"old", False),
    ],
)
def test_replace_when_the_file_is_not_what_was_read_then_nothing_is_written(there, known, is_written):
    async def work(files):
        try:
            await files.replace("/usr/a.py", b"new", known)
        except FileChanged:
            return False
        return True

    done, fake, _ = on_module(work, {} if there is None else {"/usr/a.py": there})
    assert done is is_written
    assert fake.files.tree.get("/usr/a.py") == (b"new" if is_written else there)
