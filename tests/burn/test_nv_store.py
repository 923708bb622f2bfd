"""Saved NV blocks: durable, indexed, found again by place and IMEI, through torn lines and lost indexes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from moduline.burn import nv_store
from moduline.burn.nv_store import SavedNv, all_saved, choose, last_usable, save
from moduline.errors import BadChecksum, NoSuchFile, StorageFailed
from moduline.formats import nv

FIRST, SECOND = "490154203237518", "356938035643809"


def block(imei):
    return nv.write(nv.NvBlock(0x200, (nv.NvEntry(5, nv.encode_imei(imei)),)))


def keep(name, imei=FIRST, place="1-2", content=None, part="", at=1.0):
    content = block(imei) if content is None else content
    is_valid = nv.is_crc_right(content)
    return save(content, SavedNv(name, imei if is_valid else "", at, place=place, part=part, is_valid=is_valid))


def test_block_when_saved_then_the_file_and_its_line_say_everything():
    row = keep("a.bin")
    assert Path(row.path).read_bytes() == block(FIRST)
    assert (row.size, len(row.sha256)) == (0x200, 64)
    assert all_saved() == [row]
    assert json.loads((nv_store.folder() / "index.jsonl").read_text())["path"] == "a.bin"


def test_last_when_several_then_the_newest_usable_one_of_that_place():
    keep("a.bin", FIRST, "1-2", at=1.0)
    keep("b.bin", SECOND, "1-3", at=2.0)
    keep(
        "c.bin", "", "1-2", content=b"\xff" * 0x200, at=3.0
    )  # what a torn block left behind must not hide the good one
    keep("d.bin", "", "1-2", content=b"area", part="nvm", at=4.0)
    assert last_usable(all_saved(), place="1-2").path.endswith("a.bin")
    assert choose("last", "1-2").imei == FIRST
    assert choose("last").imei == SECOND
    assert choose(FIRST).path.endswith("a.bin")
    with pytest.raises(NoSuchFile):
        choose("last", "7-7")
    with pytest.raises(NoSuchFile):
        choose("111111111111111")


def test_index_when_lost_or_torn_then_the_blocks_are_found_by_what_they_say():
    keep("a.bin")
    keep("b.bin", SECOND)
    index = nv_store.folder() / "index.jsonl"
    lines = index.read_text().splitlines()
    index.write_text(lines[0] + "\n" + lines[1][:40])
    assert sorted(row.imei for row in all_saved()) == [SECOND, FIRST]
    index.unlink()
    assert sorted(row.imei for row in all_saved()) == [SECOND, FIRST]
    keep("c.bin", FIRST)
    assert len(all_saved()) == 3


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", '{"path": 5}', '{"path": "../../x.bin"}', '{"path":"a.bin","saved":"x"}']
)
def test_index_when_it_holds_nonsense_then_passed_over(line):
    keep("a.bin")
    with (nv_store.folder() / "index.jsonl").open("a") as file:
        file.write(line + "\n")
    assert [row.imei for row in all_saved()] == [FIRST]


def test_file_when_deleted_then_not_listed():
    Path(keep("a.bin").path).unlink()
    assert all_saved() == []


def test_named_when_no_whole_block_then_refused_with_the_reason(tmp_path):
    torn = tmp_path / "torn.bin"
    torn.write_bytes(block(FIRST)[:-1] + b"\0")
    with pytest.raises(BadChecksum):
        choose(str(torn))
    empty = tmp_path / "no imei.bin"
    empty.write_bytes(nv.write(nv.NvBlock(0x200, (nv.NvEntry(0x26D, b"cal1"),))))
    with pytest.raises(NoSuchFile):
        choose(str(empty))
    with pytest.raises(NoSuchFile):
        choose(str(tmp_path / "nothing"))
    with pytest.raises(StorageFailed):
        choose(str(tmp_path))


def test_disk_when_it_cannot_be_written_then_storage_failed(moduline_home):
    (moduline_home / "nv").parent.mkdir(parents=True, exist_ok=True)
    (moduline_home / "nv").write_text("a file where the folder should be")
    with pytest.raises(StorageFailed):
        keep("a.bin")
