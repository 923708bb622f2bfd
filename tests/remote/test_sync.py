"""A folder of the module made equal to one of this computer: the plan, then exactly the plan."""

from __future__ import annotations

import dataclasses

import pytest

from moduline.errors import BadOption, RemoteFileDiffers, RemoteFileFailed, RemoteFull
from moduline.remote.sync import KEPT, plan_sync, run_sync, verify_sync
from remote.test_files import on_module

LOCAL = {"main.py": b"new", "same.py": b"same", "lib/a.py": b"1", "empty": None}
THERE = {
    "/usr/apn_cfg.json": b"{}",
    "/usr/main.py": b"old",
    "/usr/same.py": b"same",
    "/usr/extra.py": b"x",
    "/usr/old": None,
    "/usr/old/x.py": b"x",
    "/usr/system_config.json": b"{}",
    "/usr/checksum.json": b"[]",
    "/usr/.updater": None,
    "/usr/.updater/a": b"a",
    "/usr/.moduline-part": b"left by a cut",
}


def planned(local, tree, target=":/usr", *, deletes=False, runs=True):
    async def work(files):
        plan = await plan_sync(files, local, target, deletes=deletes)
        if runs:
            await run_sync(files, plan, local)
        return plan, await plan_sync(files, local, target, deletes=deletes)

    (plan, again), fake, _ = on_module(work, tree)
    return plan, again, fake.files.tree


def test_sync_when_deleting_then_only_what_is_not_the_firmware_s_goes():
    plan, again, tree = planned(LOCAL, THERE, deletes=True)
    assert plan.removals == ("/usr/extra.py", "/usr/old", "/usr/.moduline-part")
    assert plan.folders == ("/usr/empty", "/usr/lib")
    assert plan.uploads == ("/usr/lib/a.py", "/usr/main.py")
    assert plan.unchanged == ("/usr/same.py",)
    assert plan.upload_bytes == 4
    assert plan.replaced == ("/usr/main.py",)
    assert plan.added == ("/usr/lib/a.py",)
    assert plan.need_bytes == 3  # nothing grows, and the largest file is there twice for a moment
    assert again.is_nothing
    assert {name for name in KEPT if name in THERE} <= set(tree)
    assert tree["/usr/main.py"] == b"new"
    assert tree["/usr/lib/a.py"] == b"1"
    assert "/usr/old/x.py" not in tree


def test_sync_when_not_deleting_then_nothing_of_the_user_goes():
    plan, again, tree = planned(LOCAL, THERE)
    assert plan.removals == ("/usr/.moduline-part",)
    assert "/usr/extra.py" in plan.extra
    assert tree["/usr/extra.py"] == b"x"
    assert again.is_nothing


def test_sync_when_only_planned_then_nothing_changes():
    _, again, tree = planned(LOCAL, THERE, deletes=True, runs=False)
    assert {name: data for name, data in tree.items() if name in THERE} == THERE
    assert not again.is_nothing


def test_sync_when_it_cannot_fit_then_nothing_is_touched():
    async def work(files):
        plan = await plan_sync(files, {"big": b"x" * 5000, "main.py": b"new"})
        with pytest.raises(RemoteFull) as raised:
            await run_sync(files, dataclasses.replace(plan, free_bytes=9999), {"big": b"x" * 5000, "main.py": b"new"})
        return plan, raised.value.facts["need"]

    (plan, need), fake, _ = on_module(work, {"/usr/main.py": b"old"})
    assert plan.need_bytes == need == 5000 + 5000
    assert fake.files.tree == {"/usr/main.py": b"old"} | {p: d for p, d in fake.files.tree.items() if d is None}


def test_verify_when_something_was_changed_meanwhile_then_said():
    async def work(files):
        plan = await plan_sync(files, LOCAL)
        await run_sync(files, plan, LOCAL)
        await verify_sync(files, plan, LOCAL)
        await files.write("/usr/main.py", b"odd")
        with pytest.raises(RemoteFileDiffers):
            await verify_sync(files, plan, LOCAL)

    on_module(work, THERE)


def test_sync_when_content_differs_at_equal_size_then_the_hash_tells():
    plan, _, tree = planned({"a": b"123"}, {"/usr/a": b"124"})
    assert plan.uploads == ("/usr/a",)
    assert tree["/usr/a"] == b"123"


def test_sync_when_file_and_folder_share_a_name_then_refused_unless_deleting():
    with pytest.raises(RemoteFileFailed):
        planned({"x": b"1"}, {"/usr/x": None, "/usr/x/y": b"2"})
    _, again, tree = planned({"x": b"1"}, {"/usr/x": None, "/usr/x/y": b"2"}, deletes=True)
    assert tree["/usr/x"] == b"1"
    assert again.is_nothing


def test_sync_when_the_target_is_deep_and_new_then_it_is_made():
    _, _, tree = planned({"a/b": b"1"}, {}, ":/usr/deep/er")
    assert tree["/usr/deep/er/a/b"] == b"1"


def test_sync_when_the_target_is_the_root_then_refused():
    with pytest.raises(BadOption):
        planned({}, {}, ":/")
