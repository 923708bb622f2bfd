"""Files that nothing names go after the grace time, from every store, and never under an artifact that is being made."""

from __future__ import annotations

import asyncio

import pytest

from moduline.cloud.artifacts import service
from moduline.cloud.artifacts.collecting import collect_files
from moduline.cloud.artifacts.rules import Artifact, ComponentType
from moduline.cloud.blob import FolderStore
from moduline.errors import NoSuchObject

DAY_S = 86400.0


def collected(rig, store, now):
    return asyncio.run(collect_files(rig.db, store, now=now, grace_s=DAY_S))


def named(*files, name="v2"):
    return Artifact(name, ComponentType.MODULE, False, "", "V2", files)


def test_collector_when_nothing_names_a_file_then_gone_after_the_grace_time_only(file_rig, store):
    used, old = (service.receive(store, name, [name.encode()]) for name in ("a.bin", "b.bin"))
    file_rig.act(service.create, named(used), store)
    times = [one.written_at for one in store.stored()]
    assert collected(file_rig, store, min(times) + DAY_S) == ()
    assert collected(file_rig, store, max(times) + DAY_S + 2) == (old.digests.sha256,)
    assert [one.key for one in store.stored()] == [used.digests.sha256]
    with pytest.raises(NoSuchObject):
        file_rig.act(service.create, named(old, name="v3"), store)


class Sly:
    """A store in which something happens between the collector's look and the removal.

    Args:
        folder: of the files.
        meanwhile: what happens, once.
    """

    def __init__(self, folder, meanwhile):
        self.inside = FolderStore(folder)
        self.meanwhile = meanwhile

    def size(self, key):
        return self.inside.size(key)

    def stored(self):
        there = list(self.inside.stored())
        self.meanwhile()
        return iter(there)

    def remove(self, key, before):
        return self.inside.remove(key, before)

    def sweep(self, before):
        return self.inside.sweep(before)


def test_collector_when_an_artifact_comes_to_name_a_file_meanwhile_then_it_stays(rig, tmp_path):
    inside = FolderStore(tmp_path)
    file = service.receive(inside, "a.bin", [b"x"])
    (there,) = inside.stored()
    sly = Sly(tmp_path, lambda: rig.act(service.create, named(file), inside))
    assert collected(rig, sly, there.written_at + DAY_S + 2) == ()
    assert inside.size(file.digests.sha256) == 1


def test_collector_when_a_file_is_put_again_meanwhile_then_it_stays(file_rig, tmp_path):
    inside = FolderStore(tmp_path)
    key = inside.put([b"x"])
    (first,) = inside.stored()
    now = first.written_at + DAY_S + 1e-6

    def again():
        while next(iter(inside.stored())).written_at < now - DAY_S:
            inside.put([b"x"])

    assert collected(file_rig, Sly(tmp_path, again), now) == ()
    assert inside.size(key) == 1


def test_upload_when_it_was_begun_a_day_ago_and_never_ended_then_gone(file_rig, tmp_path):
    store = FolderStore(tmp_path)
    store.put([b"x"])
    begun = tmp_path / "new" / "begun"
    begun.write_bytes(b"half")
    at = begun.stat().st_mtime
    collected(file_rig, store, at + DAY_S)
    assert begun.exists()
    collected(file_rig, store, at + DAY_S + 1)
    assert not begun.exists()
