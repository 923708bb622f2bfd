"""Which files of a folder are merged, in which order, and every remark at once (T01, T02)."""

from __future__ import annotations

import pytest

from moduline.errors import BadProject, BadRecipe, Text
from moduline.image.project import ProjectSettings, backed_up, read_settings, select, why_ignored
from moduline.image.remarks import Skipped, errors_of, must_be_sound
from moduline.profiles import catalog

CONVENTION = catalog.convention("crc32-2021")
MAIN = b"PROJECT_NAME = 'QUEC_TEST'\nPROJECT_VERSION = '1.0.0'\n"
NONE = ProjectSettings()


def chosen(files, skipped=()):
    return select(files, skipped, CONVENTION)


def slugs(project):
    return [(one.slug, one.path, one.line) for one in project.remarks]


def test_project_when_flat_then_main_first_and_others_by_name_without_case():
    """T18 lists a.py, b.py, b.txt, V05.bin."""
    files = {
        "V05.bin": b"1",
        "b.txt": b"2",
        "main.py": MAIN,
        "a.py": b"",
        "b.py": b"",
        "lib/z.py": b"",
        "lib/A.py": b"",
    }
    project = chosen(files)
    assert list(project.tree.files()) == ["main.py", "a.py", "b.py", "b.txt", "lib/A.py", "lib/z.py", "V05.bin"]
    assert (project.name, project.version, project.title) == ("QUEC_TEST", "1.0.0", "QUEC_TEST_1.0.0")
    assert not project.remarks


def test_project_when_files_stand_in_usr_then_the_rest_is_left_out():
    files = {"usr/main.py": MAIN, "usr/lib/a.py": b"x = 1", "notes.txt": b"", "ci.sh": b""}
    project = chosen(files)
    assert list(project.tree.files()) == ["main.py", "lib/a.py"]
    assert project.origins["main.py"] == "usr/main.py"
    assert [(one.path, one.reason.en) for one in project.skipped] == [
        ("ci.sh", "outside usr/"),
        ("notes.txt", "outside usr/"),
    ]


def test_project_when_main_is_missing_then_refused_with_its_place():
    assert slugs(chosen({"a.py": b""})) == [("no-main", "main.py", 1)]
    assert slugs(chosen({"usr/a.py": b""})) == [("no-main", "usr/main.py", 1)]
    assert slugs(chosen({})) == [("no-main", "main.py", 1)]


def test_project_when_both_shapes_then_told():
    project = chosen({"main.py": MAIN, "usr/main.py": MAIN})
    assert slugs(project) == [("two-mains", "usr/main.py", 0)]
    assert list(project.tree.files()) == ["main.py", "usr/main.py"]


def test_project_when_everything_is_wrong_then_all_findings_at_once():
    files = {"main.py": b"PROJECT_NAME = 1\nx = '\xff'\n", "b.py": b"if\n", "n" * 256 + ".py": b""}
    project = chosen(files)
    assert [one.slug for one in errors_of(project.remarks)] == ["not-string", "missing", "syntax", "file-name"]
    with pytest.raises(BadProject) as caught:
        must_be_sound(project.remarks)
    facts = caught.value.facts
    assert (facts["path"], facts["line"], facts["count"]) == ("main.py", 1, 4)
    assert [row["slug"] for row in facts["findings"]] == ["not-string", "missing", "syntax", "file-name"]
    assert caught.value.message() == "main.py:1: PROJECT_NAME is not a plain string constant"
    assert "顶格" in caught.value.remedy("zh")


@pytest.mark.parametrize(
    ("name", "severity", "slug"),
    [
        ("n" * 255, None, None),
        ("n" * 256, "error", "file-name"),
        ("名" * 86, "error", "file-name"),
        ("名.txt", "notice", "name-not-ascii"),
        ("a\udcff", "error", "file-name"),
    ],
)
def test_name_when_long_or_strange_then_told(name, severity, slug):
    project = chosen({"main.py": MAIN, name: b"x"})
    assert [(one.severity, one.slug) for one in project.remarks] == ([(severity, slug)] if slug else [])
    assert (name in project.tree) == (severity != "error")


def test_names_when_they_differ_in_case_only_then_told():
    assert [one.slug for one in chosen({"main.py": MAIN, "a.py": b"", "A.py": b""}).remarks] == ["name-case"]


def test_bytecode_when_its_source_stands_beside_it_then_told():
    assert [one.slug for one in chosen({"main.py": MAIN, "a.py": b"", "a.mpy": b"M"}).remarks] == ["mpy-hidden"]


def test_earlier_build_when_it_lies_in_the_folder_then_left_out():
    files = {"main.py": MAIN, "QUEC_TEST_0.9.0.zip": b"PK", "data.zip": b"PK"}
    project = chosen(files, [Skipped("x/", Text("a", "b"))])
    assert list(project.tree.files()) == ["main.py", "data.zip"]
    assert [one.path for one in project.skipped] == ["QUEC_TEST_0.9.0.zip", "x/"]


@pytest.mark.parametrize(
    ("path", "is_folder", "reason"),
    [
        (".git", True, "hidden; its name begins with a dot"),
        ("lib/__pycache__", True, "bytecode of desktop Python"),
        (".DS_Store", False, "hidden; its name begins with a dot"),
        ("Thumbs.db", False, "left by the operating system"),
        ("moduline.toml", False, "settings of this project"),
        ("tests", True, "a test; tests run on the host"),
        ("test_a.py", False, "a test; tests run on the host"),
        ("conftest.py", False, "a test; tests run on the host"),
        ("a.pyc", False, "bytecode of desktop Python"),
        ("checksum.json", False, "made anew by the merge"),
        ("base.PAC", False, "a firmware package"),
        ("a.twins.zip", False, "made by an earlier build"),
        ("usr/test_a.py", False, None),
        ("lib/tests", True, None),
        ("a.py", False, None),
        ("contests", True, None),
    ],
)
def test_path_when_judged_then_reason_is_named(path, is_folder, reason):
    found = why_ignored(path, NONE, is_folder=is_folder)
    assert (found.en if found else None) == reason
    assert found is None or found.zh


def test_path_when_settings_name_it_then_they_win():
    settings = ProjectSettings(include=("tests/data.txt", ".config"), exclude=("docs", "*.md"))
    assert why_ignored("tests", settings, is_folder=True) is None
    assert why_ignored(".config", settings) is None
    assert why_ignored("docs/a.txt", settings).en == "excluded by moduline.toml"
    assert why_ignored("a/README.md", settings).zh == "被 moduline.toml 排除"
    assert why_ignored("a.py", settings) is None


def test_settings_when_read_then_values():
    text = b'module = "ec600u"\nprofile = "sha256-2020"\nencrypt = true\nbackup = ["all"]\nexclude = ["*.md"]\ninclude = []\n'
    assert read_settings(text) == ProjectSettings("ec600u", "sha256-2020", True, ("all",), (), ("*.md",))
    assert read_settings(b"") == ProjectSettings()


@pytest.mark.parametrize("text", [b"modul = 'x'", b"encrypt = 'yes'", b"backup = 'all'", b"x = [", b"\xff"])
def test_settings_when_wrong_then_bad_recipe(text):
    with pytest.raises(BadRecipe):
        read_settings(text)


def test_backup_when_named_in_any_form_then_found_in_tree_order():
    project = chosen({"usr/main.py": MAIN, "usr/a.py": b"1", "usr/lib/b.py": b"2"})
    tree = project.tree
    assert backed_up(project, tree, ["lib/b.py", "/usr/a.py"]) == (("a.py", "lib/b.py"), ())
    assert backed_up(project, tree, ["usr/main.py"]) == (("main.py",), ())
    assert backed_up(project, tree, ["lib/"])[0] == ("lib/b.py",)
    assert backed_up(project, tree, [".\\lib\\b.py".replace(".\\", "")])[0] == ("lib/b.py",)
    assert backed_up(project, tree, ["all"])[0] == ("main.py", "a.py", "lib/b.py")
    assert backed_up(project, tree, []) == ((), ())


def test_backup_when_name_fits_nothing_then_error():
    project = chosen({"main.py": MAIN})
    _, remarks = backed_up(project, project.tree, ["mian.py"])
    assert [(one.severity, one.slug, one.path) for one in remarks] == [("error", "backup-name", "mian.py")]
