from __future__ import annotations

import hashlib
import json
import os
import zlib

import pytest

from moduline.cli.main import run
from moduline.cli.sizes import size_of
from moduline.errors import BadOption
from moduline.formats.littlefs import FsGeometry, read_image, write_image

HI = b"print('hi')\n"


@pytest.fixture
def folder(tmp_path):
    """A project's files: a script, an empty file in a folder, a name in Chinese."""
    root = tmp_path / "usr"
    (root / "lib").mkdir(parents=True)
    (root / "main.py").write_bytes(HI)
    (root / "lib" / "empty.py").write_bytes(b"")
    (root / "配置.json").write_bytes(b"{}" * 3000)
    (root / "zz").mkdir()
    return root


def run_json(capsys, *words) -> tuple[int, dict]:
    code = run([*map(str, words), "--json"])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, json.loads(captured.out)


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_make_list_extract_when_run_in_turn_then_folder_comes_back(capsys, tmp_path, folder, kind):
    image, back = tmp_path / "customer_fs.bin", tmp_path / "back"
    code, made = run_json(capsys, "image", "make", folder, "-o", image, "--fs", kind, "--size", "384K")
    assert (code, made["fs"], made["block_count"], made["files"], made["folders"]) == (0, kind, 96, 3, 2)
    data = image.read_bytes()
    assert (len(data), made["sha256"]) == (0x60000, hashlib.sha256(data).hexdigest())

    code, listed = run_json(capsys, "image", "list", image)
    assert code == 0
    assert {"path": "main.py", "is_folder": False, "size": 12, "crc32": f"{zlib.crc32(HI):08x}"} in listed["entries"]
    assert {"path": "zz", "is_folder": True} in listed["entries"]

    code, checked = run_json(capsys, "image", "check", image)
    assert (code, checked["content_bytes"], checked["unsettled"]) == (0, 6012, 0)

    code, _ = run_json(capsys, "image", "extract", image, "-o", back)
    assert code == 0
    found = {p.relative_to(back).as_posix(): p.read_bytes() if p.is_file() else None for p in back.rglob("*")}
    wanted = {p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}
    assert found == wanted


def test_make_when_repeated_then_same_bytes(capsys, tmp_path, folder):
    sums = {
        run_json(capsys, "image", "make", folder, "-o", tmp_path / n, "--fs", "lfs1", "--size", "1M")[1]["sha256"]
        for n in "ab"
    }
    assert len(sums) == 1


def test_make_when_dry_run_then_writes_nothing(capsys, tmp_path, folder):
    image = tmp_path / "x.bin"
    code, facts = run_json(capsys, "image", "make", folder, "-o", image, "--fs", "lfs1", "--size", "1M", "--dry-run")
    assert (code, facts["is_dry_run"], image.exists()) == (0, True, False)


def test_make_when_patterns_are_excluded_then_left_out(capsys, tmp_path, folder):
    image = tmp_path / "x.bin"
    words = [
        "image",
        "make",
        folder,
        "-o",
        image,
        "--fs",
        "lfs1",
        "--size",
        "1M",
        "--exclude",
        "lib",
        "--exclude",
        "*.json",
    ]
    assert run_json(capsys, *words)[0] == 0
    assert [path for path, _ in read_image(image.read_bytes()).entries] == ["main.py", "zz"]


def test_make_when_littlefs_1_then_last_block_stays_free_unless_wanted(capsys, tmp_path, folder):
    """device-api 5.6: a module drives one block less than its partition has."""
    (folder / "big.bin").write_bytes(b"x" * (4092 * 36))
    words = ["image", "make", folder, "-o", tmp_path / "x.bin", "--fs", "lfs1", "--size", "192K"]
    code, refused = run_json(capsys, *words)
    assert (code, refused["code"], refused["facts"]["have"]) == (13, "ML-E1301", 47 * 4096)
    code, made = run_json(capsys, *words, "--all-blocks")
    assert (code, made["free_blocks"]) == (0, 0)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--fs", "lfs3", "--size", "384K"], 2),
        (["--fs", "lfs1", "--size", "100001"], 2),
        (["--fs", "lfs1", "--size", "many"], 2),
        (["--fs", "lfs1", "--size", "0x3000"], 2),
        (["--fs", "lfs1", "--size", "4M", "--block-size", "0"], 2),
        (["--fs", "lfs1", "--size", "900000M"], 2),
        (["--fs", "lfs1", "--size", "32K"], 13),
        (["--fs", "lfs2", "--size", "8K"], 13),
    ],
)
def test_make_when_sizes_cannot_be_then_coded_error_and_no_file(capsys, tmp_path, folder, words, code):
    image = tmp_path / "x.bin"
    found, answer = run_json(capsys, "image", "make", folder, "-o", image, *words)
    assert (found, answer["ok"], image.exists()) == (code, False, False)


def test_mklfs_when_typed_as_for_the_vendors_tool_then_makes_its_bytes(capsys, tmp_path):
    """platform-asr 2.1, 2.2: the 5 MiB vector with the vendor tool's fill."""
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "main.py").write_bytes(HI)
    image = tmp_path / "customer_fs.bin"
    words = f"mklfs -c {folder} -b 4096 -r 4096 -p 4096 -s 5242880 -i {image}".split()
    assert run(words) == 0
    assert hashlib.sha256(image.read_bytes()).hexdigest() == (
        "10691a6b23a4491048afaa7e1f09a2263eafb85a0c6bb1e6c857611521a1b133"
    )
    assert "5242880" not in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["list", "check", "extract"])
def test_reading_verb_when_file_is_wrong_then_coded_error(capsys, tmp_path, verb):
    junk = tmp_path / "junk.bin"
    more = ["-o", tmp_path / "out"] if verb == "extract" else []
    assert run_json(capsys, "image", verb, junk, *more)[1]["code"] == "ML-E0204"
    junk.write_bytes(b"\xff" * 9000)
    code, answer = run_json(capsys, "image", verb, junk, *more)
    assert (code, answer["code"]) == (8, "ML-E0803")
    image = bytearray(write_image([("a", b"1" * 5000)], FsGeometry("lfs1", 4096, 16, 4096, 4096)))
    image[5 * 4096] ^= 1
    junk.write_bytes(image)
    code, answer = run_json(capsys, "image", verb, junk, *more)
    assert (code, answer["code"], answer["facts"]["offset"]) == (8, "ML-E0801", 5 * 4096)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_commands_when_for_people_then_print_in_either_language(capsys, tmp_path, folder, lang):
    image = tmp_path / "x.bin"
    assert run(["image", "make", str(folder), "-o", str(image), "--fs", "lfs1", "--size", "1M", "--lang", lang]) == 0
    assert run(["image", "list", str(image), "--lang", lang]) == 0
    assert run(["image", "check", str(image), "--lang", lang]) == 0
    assert run(["image", "--help", "--lang", lang]) == 0
    assert "main.py" in capsys.readouterr().out


def test_list_when_names_are_odd_then_prints_them_harmlessly(capsys, tmp_path):
    image = tmp_path / "x.bin"
    entries = [("\udcff\udcfe", b""), ("\x1b[31mred", b""), ("[bold]x", b"")]
    image.write_bytes(write_image(entries, FsGeometry("lfs1", 4096, 16, 4096, 4096)))
    assert run(["image", "list", str(image)]) == 0
    shown = capsys.readouterr().out
    assert r"\xff\xfe" in shown
    assert r"\x1b[31mred" in shown
    assert "[bold]x" in shown
    assert "\x1b[31m" not in shown


@pytest.mark.skipif(os.name == "nt", reason="links and pipes need rights on Windows")
def test_extract_when_a_link_leads_out_of_the_folder_then_refused(capsys, tmp_path):
    image, out, elsewhere = tmp_path / "x.bin", tmp_path / "out", tmp_path / "elsewhere"
    image.write_bytes(write_image([("usr/a.py", b"1"), ("b.py", b"2")], FsGeometry("lfs1", 4096, 16, 4096, 4096)))
    out.mkdir()
    elsewhere.mkdir()
    (out / "usr").symlink_to(elsewhere)
    code, answer = run_json(capsys, "image", "extract", image, "-o", out)
    assert (code, answer["code"]) == (1, "ML-E0102")
    assert list(elsewhere.iterdir()) == []
    (out / "usr").unlink()
    (out / "b.py").symlink_to(elsewhere / "target")
    assert run_json(capsys, "image", "extract", image, "-o", out)[0] == 1
    assert list(elsewhere.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="links and pipes need rights on Windows")
def test_make_when_folder_is_missing_or_holds_a_pipe_then_coded_error(capsys, tmp_path, folder):
    words = ["-o", tmp_path / "x.bin", "--fs", "lfs1", "--size", "1M"]
    assert run_json(capsys, "image", "make", tmp_path / "none", *words)[1]["code"] == "ML-E0204"
    assert run_json(capsys, "image", "make", folder / "main.py", *words)[1]["code"] == "ML-E0204"
    os.mkfifo(folder / "pipe")
    assert run_json(capsys, "image", "make", folder, *words)[1]["code"] == "ML-E0102"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("5242880", 5242880),
        ("0x60000", 393216),
        ("0X10", 16),
        ("384K", 393216),
        ("384k", 393216),
        ("5M", 5242880),
        ("5MiB", 5242880),
        ("200 KB", 204800),
    ],
)
def test_size_when_written_in_a_known_way_then_is_bytes(text, size):
    assert size_of(text, "--size") == size


@pytest.mark.parametrize("text", ["", "K", "-1", "1G", "1.5M", "0xZZ", "12 34", "９K" * 30, "9" * 30])
def test_size_when_written_otherwise_then_refused(text):
    with pytest.raises(BadOption):
        size_of(text, "--size")
