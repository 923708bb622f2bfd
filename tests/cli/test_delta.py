"""``delta`` and ``adiff`` as typed: T14 (which one is old), T55 (the user image), exit codes, both languages."""

from __future__ import annotations

import functools
import io
import json

import pytest

from moduline.cli.main import run
from moduline.formats import littlefs
from moduline.formats.container import zip_members
from moduline.package import read_package
from moduline.profiles import catalog
from moduline.release.firmware import firmware_file, stock_package

B = "EC600UCNLBR03A01M08_OCPU_PY_MODULINE1"  # before
A = "EC600UCNLBR03A01M08_OCPU_PY_MODULINE10"  # after; a number that sorts before 2 as text
USER_FS = catalog.module("ec600u").partition("user_fs")


@functools.cache
def package(version):
    return firmware_file("ec600u", "pac", "" if version == B else version)


def system_img(version):
    """``system.img`` of a package, as seed 1 copies it out."""
    return read_package(package(version)).need("system").data


def customer_fs():
    geometry = catalog.module("ec600u").fs.geometry(USER_FS.size_bytes)
    return littlefs.write_image([("main.py", b"print('new')")], geometry)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The tool's folder with both packages and both images."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    for version, name in ((B, "old"), (A, "new")):
        (tmp_path / f"{name}.pac").write_bytes(package(version))
        (tmp_path / f"system_{name}.img").write_bytes(system_img(version))
    return tmp_path


def type_json(capsys, *words):
    code = run([*map(str, words), "--json"])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, json.loads(captured.out)


def type_plain(capsys, *words):
    code = run([*map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# ---- T14 ---------------------------------------------------------------------------------------------------------------


def test_t14_old_is_the_version_before(capsys, folder):
    """Old is B (before), new is A (after): what the module runs now and what it shall run."""
    code, made = type_json(capsys, "adiff", "-l", "fs", "system_old.img", "system_new.img", "FotaFile.bin")
    assert (code, made["source"], made["target"], made["direction"]) == (0, B, A, "upgrade")
    code, _ = type_json(capsys, "delta", "apply", "system_old.img", "FotaFile.bin", "-o", "result.img")
    assert code == 0
    assert (folder / "result.img").read_bytes() == system_img(A)


def test_t14_swapped_command_gives_the_downgrade_and_says_so(capsys, folder):
    code, out, err = type_plain(capsys, "adiff", "-l", "fs", "system_new.img", "system_old.img", "b_a.bin")
    assert code == 0
    assert f"downgrade: {A} -> {B}" in " ".join(out.split())
    assert f"it makes {B} out of {A}" in " ".join(err.split())
    code, out, err = type_plain(
        capsys, "--lang", "zh", "adiff", "-l", "fs", "system_new.img", "system_old.img", "b_a.bin"
    )
    assert "降级" in out
    assert "降级" in err
    assert type_json(capsys, "delta", "apply", "system_new.img", "b_a.bin", "-o", "x.img")[0] == 0
    assert (folder / "x.img").read_bytes() == system_img(B)


def test_t14_upgrade_says_its_direction_too(capsys, folder):
    code, out, err = type_plain(capsys, "adiff", "-l", "fp", "system_old.img", "system_new.img", "a.bin")
    assert (code, err) == (0, "")
    assert f"upgrade: {B} -> {A}" in " ".join(out.split())


@pytest.mark.parametrize("place", ["fs", "fp"])
def test_t14_place_stands_in_the_patch(capsys, folder, place):
    assert type_json(capsys, "adiff", "-l", place, "system_old.img", "system_new.img", "p.bin")[0] == 0
    assert type_json(capsys, "delta", "info", "p.bin")[1]["store"] == place


def test_t14_place_when_unknown_or_missing_then_usage(capsys, folder):
    assert type_plain(capsys, "adiff", "-l", "xx", "system_old.img", "system_new.img", "p.bin")[0] == 2
    assert type_plain(capsys, "adiff", "system_old.img", "system_new.img", "p.bin")[0] == 2
    assert not (folder / "p.bin").exists()


def test_t14_old_when_it_is_not_what_the_patch_was_made_from_then_17(capsys, folder):
    assert type_json(capsys, "adiff", "-l", "fs", "system_old.img", "system_new.img", "a.bin")[0] == 0
    code, failure = type_json(capsys, "delta", "apply", "system_new.img", "a.bin", "-o", "x.img")
    assert (code, failure["code"]) == (17, "ML-E1701")
    assert not (folder / "x.img").exists()


# ---- T55 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["full", "mini"])
def test_t55_user_image_when_nowhere_then_asked_for_by_name(capsys, folder, kind):
    code, failure = type_json(capsys, "delta", "make", "old.pac", "new.pac", "-o", "p.bin", "--kind", kind)
    assert (code, failure["code"], failure["facts"]["needs"]) == (2, "ML-E0201", "customer_fs.bin")
    assert "customer_fs.bin" in failure["message"]
    assert list(folder.glob("p*.bin")) == []


def test_t55_user_image_when_on_a_terminal_then_asked_for(capsys, folder, monkeypatch):
    (folder / "customer_fs.bin").write_bytes(customer_fs())
    monkeypatch.setattr("sys.stdin", Keyboard("customer_fs.bin\n"))
    code, out, err = type_plain(capsys, "delta", "make", "old.pac", "new.pac", "-o", "p.bin", "--kind", "full")
    assert code == 0
    assert "customer_fs.bin" in out + err
    assert type_json(capsys, "delta", "info", "p.bin")[1]["regions"][0]["new_bytes"] == USER_FS.size_bytes


class Keyboard:
    """A terminal somebody types at."""

    def __init__(self, text):
        self.text = text

    def isatty(self):
        return True

    def readline(self, *_):
        text, self.text = self.text, ""
        return text


@pytest.mark.parametrize("shell", ["zip", "bin"])
def test_t55_user_image_when_in_the_firmware_zip_then_taken_out(capsys, folder, shell):
    """Seed 4: rename .bin to .zip; customer_fs.bin stands in it."""
    config = json.dumps({"platform": "unisoc8910"}).encode()
    members = [("platform_config.json", config), ("module.pac", package(A)), ("customer_fs.bin", customer_fs())]
    (folder / f"new.{shell}").write_bytes(zip_members.write_members(members))
    code, made = type_json(capsys, "delta", "make", "old.pac", f"new.{shell}", "-o", "p.bin", "--kind", "full")
    assert (code, made["source"], made["target"], made["direction"]) == (0, B, B, "same")
    (region,) = type_json(capsys, "delta", "info", "p.bin")[1]["regions"]
    assert (region["role"], region["address"], region["old_sha256"]) == ("user_fs", 0x60420000, "")


def test_t55_user_image_when_part_of_a_production_package_then_taken_out(capsys, folder):
    from moduline.package import merge, write_package

    production = merge(read_package(package(A)), {"user_fs": customer_fs()})
    (folder / "production.pac").write_bytes(write_package(production))
    code, made = type_json(capsys, "delta", "make", "old.pac", "production.pac", "-o", "p.bin", "--kind", "mini")
    assert code == 0
    assert [path.rpartition("/")[2] for path in made["path"]] == ["p_1.bin", "p_2.bin"]
    first, second = (type_json(capsys, "delta", "info", name)[1] for name in ("p_1.bin", "p_2.bin"))
    assert [region["role"] for region in first["regions"]] == ["system"]
    assert [region["role"] for region in second["regions"]] == ["user_fs"]
    assert (first["stage"], second["stage"], first["stage_count"]) == (1, 2, 2)
    for name in ("p_1.bin", "p_2.bin"):
        assert type_json(capsys, "delta", "apply", "old.pac", name, "-o", "old.pac")[0] == 0
    result = read_package((folder / "old.pac").read_bytes())
    assert result.version == A
    assert result.part("PY_FS_U").data == customer_fs()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        pytest.param(lambda: system_img(A), 2, id="system-image"),
        pytest.param(lambda: customer_fs()[:-4096], 2, id="too-small"),
        pytest.param(lambda: customer_fs() + bytes(4096), 13, id="too-large"),
        pytest.param(
            lambda: littlefs.write_image([("m", b"")], littlefs.FsGeometry("lfs2", 4096, 96, 32, 32, None)),
            2,
            id="lfs2",
        ),
        pytest.param(lambda: b"", 2, id="nothing"),
    ],
)
def test_t55_user_image_when_it_is_the_wrong_file_then_refused(capsys, folder, wrong, code):
    (folder / "customer_fs.bin").write_bytes(wrong())
    words = ("delta", "make", "old.pac", "new.pac", "-o", "p.bin", "--kind", "full", "--user-fs", "customer_fs.bin")
    found, failure = type_json(capsys, *words)
    assert (found, failure["ok"]) == (code, False)
    assert not (folder / "p.bin").exists()


def test_t55_diff_when_given_a_user_image_then_usage(capsys, folder):
    (folder / "customer_fs.bin").write_bytes(customer_fs())
    words = ("delta", "make", "old.pac", "new.pac", "-o", "p.bin", "--user-fs", "customer_fs.bin")
    assert type_json(capsys, *words)[0] == 2


# ---- the rest ------------------------------------------------------------------------------------------------------------


def test_make_and_apply_when_packages_then_the_new_parts_are_in_the_old_package(capsys, folder):
    code, made = type_json(
        capsys, "delta", "make", "old.pac", "new.pac", "-o", "p.bin", "--spare", "0", "--store", "fp"
    )
    assert (code, made["direction"], made["spare_bytes"], made["spare_have"]) == (0, "upgrade", 0, 0)
    assert "0 are available" in made["warnings"][0]
    assert made["codecs"] == {"system": "deflate"}
    assert made["patch_bytes"] == (folder / "p.bin").stat().st_size
    code, done = type_json(capsys, "delta", "apply", "old.pac", "p.bin", "-o", "result.pac")
    assert (code, done["target"]) == (0, A)
    result = read_package((folder / "result.pac").read_bytes())
    assert result.version == A
    assert result.need("system").data == system_img(A)


def test_make_when_repeated_then_the_same_bytes(capsys, folder):
    for name in ("1.bin", "2.bin"):
        assert type_json(capsys, "delta", "make", "old.pac", "new.pac", "-o", name)[0] == 0
    assert (folder / "1.bin").read_bytes() == (folder / "2.bin").read_bytes()


def test_make_when_dry_run_then_nothing_is_written(capsys, folder):
    code, made = type_json(capsys, "delta", "make", "old.pac", "new.pac", "-o", "p.bin", "--dry-run")
    assert (code, made["is_dry_run"]) == (0, True)
    assert not (folder / "p.bin").exists()


def test_make_when_other_model_or_chip_then_7(capsys, folder):
    for name in ("ec200u", "ec600n"):
        (folder / "other.bin").write_bytes(stock_package(name))
        code, failure = type_json(capsys, "delta", "make", "old.pac", "other.bin", "-o", "p.bin")
        assert (code, failure["code"]) == (7, "ML-E0703"), name
    assert type_json(capsys, "adiff", "-l", "fs", "system_old.img", "system_new.img", "p.bin")[0] == 0
    (folder / "other.bin").write_bytes(stock_package("ec200u"))
    assert type_json(capsys, "delta", "apply", "other.bin", "p.bin", "-o", "x")[0] == 7


def test_make_when_nothing_differs_then_usage_and_same_version_is_warned_of(capsys, folder):
    assert type_json(capsys, "delta", "make", "old.pac", "old.pac", "-o", "p.bin")[0] == 2
    data = bytearray((folder / "old.pac").read_bytes())
    from moduline.package import write_package
    from moduline.package.merge import substitute

    found = read_package(bytes(data))
    changed = substitute(found, "PS", b"another modem".ljust(4096, b"\0"))
    (folder / "same.pac").write_bytes(write_package(changed))
    code, made = type_json(capsys, "delta", "make", "old.pac", "same.pac", "-o", "p.bin")
    assert (code, made["direction"], len(made["warnings"])) == (0, "same", 1)
    assert B in made["warnings"][0]


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d[:600] + b"\xff" + d[601:], lambda d: b"x" * 900])
def test_patch_when_damaged_then_8(capsys, folder, damage):
    assert type_json(capsys, "delta", "make", "old.pac", "new.pac", "-o", "p.bin")[0] == 0
    (folder / "p.bin").write_bytes(damage((folder / "p.bin").read_bytes()))
    assert type_json(capsys, "delta", "info", "p.bin")[0] == 8
    assert type_json(capsys, "delta", "apply", "old.pac", "p.bin", "-o", "x")[0] == 8


def test_files_when_missing_or_no_package_then_coded(capsys, folder):
    assert type_json(capsys, "delta", "make", "none.pac", "new.pac", "-o", "p.bin")[0] == 2
    assert type_json(capsys, "delta", "make", "old.pac", "new.pac", "-o", "p.bin", "--kind", "whole")[0] == 2
    (folder / "empty.bin").write_bytes(b"")
    assert type_json(capsys, "delta", "make", "empty.bin", "new.pac", "-o", "p.bin")[0] == 8
    (folder / "part.pac").write_bytes(package(B)[:5000])
    assert type_json(capsys, "delta", "make", "part.pac", "new.pac", "-o", "p.bin")[0] == 8


def test_raw_images_when_neither_is_known_then_still_a_patch(capsys, folder):
    """Images of other tools: no model, no version; what comes out is compared all the same."""
    (folder / "1.img").write_bytes(b"first image" * 99)
    (folder / "2.img").write_bytes(b"second image" * 99)
    code, made = type_json(capsys, "adiff", "-l", "fs", "1.img", "2.img", "p.bin")
    assert (code, made["direction"]) == (0, "unknown")
    assert type_json(capsys, "delta", "apply", "1.img", "p.bin", "-o", "3.img")[0] == 0
    assert (folder / "3.img").read_bytes() == b"second image" * 99
    assert type_json(capsys, "delta", "apply", "2.img", "p.bin", "-o", "3.img")[0] == 17
    assert type_json(capsys, "delta", "apply", "old.pac", "p.bin", "-o", "3.img")[0] == 17


@pytest.mark.parametrize("words", [["delta", "--help"], ["adiff", "--help"], ["delta", "make", "--help"]])
def test_help_when_asked_then_there_is_an_example(capsys, words):
    code, out, _ = type_plain(capsys, *words)
    assert code == 0
    if words != ["delta", "--help"]:
        assert "Example: moduline" in " ".join(out.split())
