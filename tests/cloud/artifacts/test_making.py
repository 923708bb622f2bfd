"""Patches made by the platform out of two whole packages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloud_job_rig import Shop
from moduline.cloud.artifacts import making, patching
from moduline.cloud.artifacts import service as artifacts
from moduline.delta import apply, read_side
from moduline.errors import BadField, BadOption, JobBroken, ModulineError, NameTaken, PatchForeign
from moduline.formats import patch
from moduline.package.stock import read_stock, write_stock
from update_rig import NEW, OLD, firmware, user_image


@pytest.fixture
def shop(file_rig, tmp_path):
    return Shop(file_rig, tmp_path)


@pytest.fixture
def sides(shop):
    return [shop.package(name, version, firmware(version)) for name, version in (("v1", OLD), ("v2", NEW))]


def ask(shop, sides, *more, **known):
    return shop.rig.act(making.start, sides[0].id, sides[1].id, *more, **known)


def test_patch_when_made_from_two_packages_then_an_artifact_that_leads_from_one_to_the_other(rig, tmp_path):
    shop = Shop(rig, tmp_path)
    sides = [shop.package(name, version, firmware(version)) for name, version in (("v1", OLD), ("v2", NEW))]
    job = ask(shop, sides)
    assert job.state == "queued"
    job = shop.done(job)
    assert (job.state, job.reason, job.result["direction"]) == ("done", None, "upgrade")
    made = rig.see(artifacts.by_id, job.result["artifact_id"])
    known = made.artifact
    assert (known.is_delta, known.source, known.target, known.name) == (True, OLD, NEW, "v1 - v2 (diff)")
    data = shop.data(made)
    assert read_stock(apply(read_side(firmware(OLD)), patch.read(data))).images == read_stock(firmware(NEW)).images
    assert not list((tmp_path / "scratch").iterdir())


def test_patch_when_asked_for_again_then_the_same_job_and_the_same_artifact(shop, sides):
    job = ask(shop, sides)
    assert ask(shop, sides, name="other").id == job.id
    job = shop.done(job)
    again = ask(shop, sides)
    assert (again.id, again.result) == (job.id, job.result)
    assert not shop.turn()
    first = shop.data(shop.rig.see(artifacts.by_id, job.result["artifact_id"]))
    shop.rig.act(artifacts.delete, job.result["artifact_id"])
    anew = shop.done(ask(shop, sides))
    assert anew.id != job.id
    assert shop.data(shop.rig.see(artifacts.by_id, anew.result["artifact_id"])) == first


def test_patch_when_the_version_is_filed_otherwise_then_that_of_the_package_and_a_warning(shop):
    sides = [shop.package("v1", "V1", firmware(OLD)), shop.package("v2", NEW, firmware(NEW))]
    job = shop.done(ask(shop, sides))
    assert (job.result["source"], job.result["target"]) == (OLD, NEW)
    assert any("V1" in one["en"] for one in job.result["warnings"])


HOSTILE = {
    "zeros": b"\0" * 5000,
    "cut off": firmware(NEW)[:4000],
    "a zip that is none": b"PK\x03\x04" + bytes(range(256)) * 20,
    "overwritten": firmware(NEW)[:-200] + bytes(200),
}


def worked(folder, old, new, kind="diff"):
    """What the task of a job does with two packages, without the job."""
    for name, data in (("old", old), ("new", new)):
        (folder / name).write_bytes(data)
    sides = {name: {"file": f"{name}.bin", "name": name, "version": ""} for name in ("old", "new")}
    return patching.work(sides | {"kind": kind, "place": "fp"}, folder)


@pytest.mark.parametrize("name", HOSTILE)
def test_task_when_packages_are_hostile_then_a_code_of_formats(tmp_path, name):
    with pytest.raises(ModulineError) as caught:
        worked(tmp_path, firmware(OLD), HOSTILE[name])
    assert caught.value.code != JobBroken.code
    assert caught.value.message("en") != caught.value.message("zh")


def test_patch_when_a_package_is_hostile_then_failed_with_a_code_and_the_worker_goes_on(shop):
    old = shop.package("v1", OLD, firmware(OLD))
    job = shop.done(ask(shop, [old, shop.package("v2", NEW, HOSTILE["cut off"])]))
    assert (job.state, job.reason["code"][:4]) == ("failed", "ML-E")
    assert job.reason["code"] != JobBroken.code, job.reason
    assert job.reason["en"] != job.reason["zh"]
    assert shop.done(ask(shop, [old, shop.package("v3", NEW, firmware(NEW))])).state == "done"
    assert shop.notices == []


def test_patch_when_mini_then_two_files_and_their_versions(shop):
    image = {"user_fs": user_image()}
    packages = [
        write_stock(replace(one, images=dict(one.images) | image)) for one in map(read_stock, map(firmware, (OLD, NEW)))
    ]
    sides = [shop.package(*one) for one in zip(("v1", "v2"), (OLD, NEW), packages, strict=True)]
    made = shop.rig.see(artifacts.by_id, shop.done(ask(shop, sides, "mini")).result["artifact_id"])
    assert [one.name for one in made.artifact.files] == [f"mini_{NEW}.mini_1", f"mini_{NEW}.mini_2"]
    assert [patch.read(shop.data(made, at)).stage for at in (0, 1)] == [1, 2]


def test_patch_when_full_then_filed_under_the_versions_of_the_packages(shop):
    image = {"user_fs": user_image()}
    packages = [
        write_stock(replace(one, images=dict(one.images) | image)) for one in map(read_stock, map(firmware, (OLD, NEW)))
    ]
    sides = [shop.package(*one) for one in zip(("v1", "v2"), (OLD, NEW), packages, strict=True)]
    full = shop.rig.see(artifacts.by_id, shop.done(ask(shop, sides, "full")).result["artifact_id"])
    assert (full.artifact.source, full.artifact.target) == (OLD, NEW)
    assert [one.role for one in patch.read(shop.data(full)).regions] == ["user_fs"]


def test_task_when_the_packages_are_for_other_chips_or_without_scripts_then_that_code(tmp_path):
    other = write_stock(replace(read_stock(firmware(NEW)), chip="rda8910"))
    with pytest.raises(PatchForeign):
        worked(tmp_path, firmware(OLD), other)
    with pytest.raises(BadOption):
        worked(tmp_path, firmware(OLD), firmware(NEW), "full")


def test_patch_when_the_request_cannot_be_then_refused_at_once(shop, sides):
    delta = shop.package("d", "V9", b"x", source="V8")
    for args in ((delta, sides[1]), (sides[0], sides[0])):
        with pytest.raises(BadField):
            ask(shop, args)
    for more in ({"kind": "best"}, {"place": "moon"}, {"name": "a\nb"}):
        with pytest.raises(BadField):
            ask(shop, sides, **more)
    with pytest.raises(NameTaken):
        ask(shop, sides, name="v1")


def test_patch_when_its_name_was_taken_meanwhile_then_failed_with_that_code(shop, sides):
    job = ask(shop, sides, name="mine")
    shop.package("mine", "V5", b"other")
    assert shop.done(job).reason["code"] == NameTaken.code
