"""T02 and T20: the conditions of a merge, and images in a package, by the commands alone.  Source: device-api 14.1, 14.2."""

from __future__ import annotations

import pytest

from moduline.formats import littlefs

MAIN = (
    'PROJECT_NAME = "QUEC_TEST"\nPROJECT_VERSION = "1.0.0"\n\nif __name__ == "__main__":\n    print("Hello World !")\n'
)


@pytest.fixture
def project(terminal):
    """A folder with the seed's two files, and a stock package beside it."""
    folder = terminal.folder / "scripts"
    folder.mkdir()
    (folder / "main.py").write_text(MAIN)
    (folder / "user_file.py").write_text("print('user file')\n")
    terminal.type("firmware", "build", "ec600u", "-o", "stock.zip")
    return folder


def test_t02_merge_when_both_names_are_there_then_the_package_is_called_after_them(terminal, project):
    terminal.type("pack", "build", project, "--base", "stock.zip", "-o", "out/")
    assert [path.name for path in (terminal.folder / "out").iterdir()] == ["QUEC_TEST_1.0.0.zip"]


@pytest.mark.parametrize(
    ("main", "named"),
    [
        (None, "main.py"),
        (MAIN.replace("PROJECT_NAME", "NAME"), "PROJECT_NAME"),
        (MAIN.replace("PROJECT_VERSION", "VERSION"), "PROJECT_VERSION"),
        (MAIN.replace('"1.0.0"', "100"), "PROJECT_VERSION"),
        (MAIN.replace('"QUEC_TEST"', '["QUEC_TEST"]'), "PROJECT_NAME"),
    ],
    ids=["no-main", "no-name", "no-version", "version-no-str", "name-no-str"],
)
def test_t02_merge_when_a_condition_fails_then_refused_with_its_name(terminal, project, main, named):
    (project / "main.py").unlink()
    if main is not None:
        (project / "main.py").write_text(main)
    facts = terminal.ask("pack", "build", project, "--base", "stock.zip", "-o", "out/", exit_code=8)
    assert not facts["ok"]
    assert named in facts["message"]
    assert not (terminal.folder / "out").exists()


def test_t20_images_when_made_then_have_the_documented_sizes_and_hold_the_folder(terminal, project):
    for name, size in (("customer_fs.bin", 5242880), ("customer_backup_fs.bin", 204800)):
        terminal.type("image", "make", project, "-o", name, "--fs", "lfs1", "--size", size)
        data = (terminal.folder / name).read_bytes()
        assert len(data) == size
        assert [path for path, _ in littlefs.read_image(data).entries] == ["main.py", "user_file.py"]


def test_t20_files_when_in_both_images_then_seen_in_usr_and_bak_after_burning(terminal, project):
    terminal.type("pack", "build", project, "--base", "stock.zip", "--backup", "user_file.py", "-o", "out/")
    terminal.type("virt", "up", "--module", "ec600u", "--package", "out/QUEC_TEST_1.0.0.zip")
    usr = [line.split()[-1] for line in terminal.type("ls", ":/usr", "--port", "virt:m1").splitlines()]
    bak = [line.split()[-1] for line in terminal.type("ls", ":/bak/usr", "--port", "virt:m1").splitlines()]
    assert {"main.py", "user_file.py"} <= set(usr)
    assert bak == ["user_file.py"]
