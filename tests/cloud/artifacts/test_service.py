"""Uploads: limits while reading, digests, names, deletion, files that nobody uses."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from cloud_rig import Files
from moduline.cloud.artifacts import service
from moduline.cloud.artifacts.rules import Artifact, ComponentType
from moduline.cloud.blob import FolderStore
from moduline.cloud.plans import service as plans
from moduline.errors import BadField, NameTaken, NoSuchObject, StateForbids, StorageFailed, TooBig

KEY = "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
"""SHA-256 of ``123456789``, as published with many implementations."""


class Endless:
    """Pieces without an end that count how many were read."""

    def __init__(self):
        self.read = 0

    def __iter__(self):
        while True:
            self.read += 1
            yield bytes(1000)


def test_upload_when_received_then_all_digests_of_one_pass(tmp_path):
    """Section 14: CRC-32/MPEG-2 of ``123456789`` is ``0376e6e7``."""
    store = FolderStore(tmp_path)
    file = service.receive(store, "fw.BIN", [b"1234", b"", b"56789"])
    assert (file.digests.size_bytes, file.digests.crc32_mpeg2, file.digests.sha256) == (9, "0376e6e7", KEY)
    assert file.digests.md5 == "25f9e794323b453885f5181f1b624d0b"
    with store.open(KEY) as kept:
        assert kept.read() == b"123456789"
    assert store.size(KEY) == 9


def test_upload_when_it_grows_beyond_the_limit_then_refused_while_it_is_read(tmp_path):
    store, endless = FolderStore(tmp_path), Endless()
    with pytest.raises(TooBig) as refused:
        service.receive(store, "a.bin", endless, most_bytes=10_500)
    assert (endless.read, refused.value.facts["have"]) == (11, 10_500)
    assert list(store.stored()) == []
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("name", ["a.exe", "bin", ".bin", "a.bin.exe", "a.gz", ""])
def test_upload_when_its_ending_is_not_allowed_then_nothing_is_read(tmp_path, name):
    endless = Endless()
    with pytest.raises(BadField):
        service.receive(FolderStore(tmp_path), name, endless)
    assert endless.read == 0


def test_store_when_its_folder_cannot_be_made_then_storage_failed(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageFailed):
        FolderStore(tmp_path / "file" / "files").put([b"x"])


def test_artifact_when_made_then_read_back_as_it_was(rig):
    store = Files()
    files = tuple(service.receive(store, f"part{number}.bin", [bytes([number])]) for number in range(5))
    artifact = Artifact("v2", ComponentType.MODULE, True, "V1", "V2", files, "for tests", "fw")
    made, warnings = rig.act(service.create, artifact, store)
    assert made.artifact == artifact
    assert (made.state, made.is_rehearsed, warnings, len(made.file_ids)) == ("unverified", False, (), 5)
    again, warnings = rig.act(
        service.create, Artifact("v2b", ComponentType.MODULE, True, "V1", "V2", files, component="fw"), store
    )
    assert [problem.field for problem in warnings] == ["target"]
    page = rig.see(service.page, limit=1)
    assert [one.id for one in page.items] == [made.id]
    assert [one.id for one in rig.see(service.page, after=page.next_after).items] == [again.id]
    with pytest.raises(NameTaken):
        rig.act(service.create, artifact, store)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": "x" * 101}, {"target": ""}, {"target": "V 2"}, {"target": "x" * 65}, {"source": "V2"},
        {"is_delta": True}, {"is_delta": True, "source": "V2"}, {"files": ()}, {"remark": "x" * 201}, {"remark": "a\nb"},
    ],
)  # fmt: skip
def test_artifact_when_a_field_breaks_a_rule_then_bad_field_and_nothing_is_kept(file_rig, change):
    store = Files()
    values = {
        "name": "v2", "type": ComponentType.MODULE, "is_delta": False, "source": "", "target": "V2",
        "files": (service.receive(store, "a.bin", [b"x"]),),
    }  # fmt: skip
    with pytest.raises(BadField):
        file_rig.act(service.create, Artifact(**(values | change)), store)
    assert file_rig.see(service.page).items == ()


def test_artifact_when_its_file_is_not_in_the_store_then_not_made(file_rig, tmp_path):
    file = service.receive(Files(), "a.bin", [b"x"])
    with pytest.raises(NoSuchObject):
        file_rig.act(
            service.create, Artifact("v2", ComponentType.MODULE, False, "", "V2", (file,)), FolderStore(tmp_path)
        )


def test_artifact_when_a_plan_uses_it_then_not_deleted(rig):
    product, artifact = rig.product(), rig.artifact()
    draft = rig.draft(product, artifact)
    with pytest.raises(StateForbids, match="draft"):
        rig.act(service.delete, artifact.id)
    rig.act(plans.activate, draft.id)
    with pytest.raises(StateForbids, match="activated"):
        rig.act(service.delete, artifact.id)
    free = rig.artifact("free")
    rig.act(service.delete, free.id)
    with pytest.raises(NoSuchObject):
        rig.see(service.by_id, free.id)


def test_upload_when_the_file_may_not_grow_then_a_coded_error_and_nothing_is_kept(tmp_path):
    """What a full disk does, without privileges: the limit of the process on the size of a file."""
    program = (
        "import sys; from pathlib import Path; from moduline.cloud.blob import FolderStore; from moduline.errors import ModulineError\n"
        "try: FolderStore(Path(sys.argv[1])).put([bytes(100000)] * 100)\n"
        "except ModulineError as failed: print(failed.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )  # fmt: skip
    assert done.stdout in {"ML-E0102\n", "ML-E1304\n"}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
