from __future__ import annotations

import json

from moduline.cli.main import run
from moduline.package import read_package
from samples import sample

CORE, APP, MERGED = (
    f"unisoc/EC600GCN_LD__{name}.pac" for name in ("8850XM_cat1_open_core", "appimage", "8850XM_cat1_open_merge")
)


def run_json(capsys, *words):
    code = run([*map(str, words), "--json"])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, json.loads(captured.out)


def test_pacmerge_when_given_the_vendors_words_then_the_vendors_bytes(capsys, tmp_path):
    folder = tmp_path / "测试 目录 (1)"
    folder.mkdir()
    words = ("pacmerge", "--id", "APPIMG,CP", sample(CORE), sample(APP), folder / "merged.pac")
    code, facts = run_json(capsys, *words, "--dry-run")
    assert (code, facts["written"], list(folder.iterdir())) == (0, False, [])
    code, facts = run_json(capsys, *words)
    assert (code, facts["written"]) == (0, True)
    assert (folder / "merged.pac").read_bytes() == sample(MERGED).read_bytes()
    code, _ = run_json(capsys, *words)
    assert code == 2  # it is there
    assert run_json(capsys, *words, "--yes")[0] == 0


def test_pacmerge_when_renamed_and_placed_then_as_told(capsys, tmp_path):
    target = tmp_path / "m.pac"
    words = ("--id", "APPIMG,AP,APPIMG2,after", "--id", "APPIMG,CP")
    assert run_json(capsys, "pacmerge", sample(CORE), sample(APP), target, *words)[0] == 0
    names = [part.name for part in read_package(target.read_bytes()).parts]
    assert names[8:12] == ["AP", "APPIMG2", "APPIMG", "CP"]


def test_pacmerge_when_an_id_is_wrong_or_the_target_is_the_base_then_refused(capsys, tmp_path):
    base = tmp_path / "base.pac"
    base.write_bytes(sample(CORE).read_bytes())
    for wrong in ("NONE,CP", "APPIMG,NONE", "FDL,CP", "APPIMG", "APPIMG,CP,X,beside"):
        assert run_json(capsys, "pacmerge", base, sample(APP), tmp_path / "m.pac", "--id", wrong)[0] == 2
    assert run_json(capsys, "pacmerge", base, sample(APP), base, "--id", "APPIMG,CP", "--yes")[0] == 2
    assert base.read_bytes() == sample(CORE).read_bytes()
