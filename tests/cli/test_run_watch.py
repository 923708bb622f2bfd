"""``run DIR``: a project on a virtual module; files are saved for real, Ctrl-C comes from a terminal."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cli.on_pty import INTERRUPT, CommandOnPty

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux"),
    pytest.mark.timeout(180),
]

MAIN = """\
import utime
from usr import words

PROJECT_NAME = 'WATCHED'
PROJECT_VERSION = '1.0.0'

n = 0
while True:
    n += 1
    print(words.WORD, n)
    utime.sleep_ms(100)
"""


@pytest.fixture(scope="session")
def one_home(tmp_path_factory):
    return tmp_path_factory.mktemp("home-of-all")


@pytest.fixture(autouse=True)
def moduline_home(one_home, monkeypatch):
    """One home for all tests of this file: the stock firmware is built once."""
    monkeypatch.setenv("MODULINE_HOME", str(one_home))
    monkeypatch.setenv("MODULINE_LANG", "en")
    return one_home


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "watched"
    (folder / "usr").mkdir(parents=True)
    (folder / "moduline.toml").write_text('module = "ec600u"\n', encoding="utf-8")
    (folder / "usr/main.py").write_text(MAIN, encoding="utf-8")
    (folder / "usr/words.py").write_text("WORD = 'first'\n", encoding="utf-8")
    (folder / "usr/old.txt").write_text("old\n", encoding="utf-8")
    return folder


def moduline(*words, folder=None, check=None):
    done = subprocess.run(
        [sys.executable, "-m", "moduline", *map(str, words)],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=100, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done


@pytest.fixture
def rack(tmp_path):
    """One virtual module in the background, at virt:m1."""
    moduline("virt", "up", "--fresh", check=0)
    yield "virt:m1"
    moduline("virt", "down")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Where this test's commands put what they need for a while."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_watch_when_files_are_saved_then_only_changes_go_and_logs_go_on(project):
    with CommandOnPty("run", project, "--watch") as command:
        command.wait_for("first 3")
        (project / "usr/words.py").write_text("WORD = 'second'\n", encoding="utf-8")
        assert "first 1\n" not in command.wait_for("1 sent, 0 unchanged")
        seen = command.wait_for("second 2")
        assert "words.py" in command.screen
        assert "main.py\n" not in seen
        command.press(INTERRUPT)
        assert command.end() == 130
        assert "Traceback (most recent call last):\n  File" not in command.screen[command.position :]


def test_watch_when_a_syntax_error_is_saved_then_shown_with_its_line_and_not_sent(project):
    with CommandOnPty("run", "watched", "--watch", folder=project.parent) as command:
        command.wait_for("first 2")
        (project / "usr/words.py").write_text("WORD = 'broken'\nif True\n", encoding="utf-8")
        command.wait_for("watched/usr/words.py:2: syntax error")
        command.wait_for("nothing was sent")
        seen = command.wait_for("first ")  # it still runs
        assert "broken" not in seen
        (project / "usr/words.py").write_text("WORD = 'mended'\n", encoding="utf-8")
        command.wait_for("mended 1")
        command.press(INTERRUPT)
        assert command.end() == 130


def test_watch_when_the_firmware_ignores_ctrl_c_then_its_flash_is_changed(project):
    (project / "moduline.toml").write_text('module = "ec600s"\n', encoding="utf-8")
    with CommandOnPty("run", project, "--watch", "--delete") as command:
        command.wait_for("first 2")
        (project / "usr/words.py").write_text("import uos\nWORD = str(uos.listdir('/usr'))\n", encoding="utf-8")
        (project / "usr/old.txt").unlink()
        command.wait_for("does not listen to Ctrl-C")
        seen = command.wait_for("words.py'")
        assert "old.txt" not in seen
        command.press(INTERRUPT)
        assert command.end() == 130


def test_watch_when_an_editor_leaves_its_files_then_nothing_is_sent(project):
    with CommandOnPty("run", project, "--watch") as command:
        command.wait_for("first 2")
        for name in (".words.py.swp", "words.py~", "#words.py#", ".#words.py", "4913", "words.py.tmp"):
            (project / "usr" / name).write_text("x", encoding="utf-8")
        fresh = project / "usr/words.py.new___jb_tmp___"
        fresh.write_text("WORD = 'renamed'\n", encoding="utf-8")
        fresh.replace(project / "usr/words.py")
        command.wait_for("1 sent")
        command.wait_for("renamed 2")
        assert command.screen.count("; restarting") == 1
        command.press(INTERRUPT)
        assert command.end() == 130


@pytest.mark.parametrize("answer", ["y", "n", pytest.param("--delete", marks=pytest.mark.sweep)])
def test_watch_when_a_file_is_deleted_then_asks_unless_told(project, rack, answer):
    more = [answer] if answer.startswith("-") else []
    with CommandOnPty("run", project, "--watch", "--port", rack, *more) as command:
        command.wait_for("first 2")
        (project / "usr/old.txt").unlink()
        if not more:
            command.wait_for("old.txt was deleted. On the module, too? [y/N]")
            command.press(answer.encode() + b"\n")
        if answer == "n":
            command.wait_for("first ")  # it just goes on
        else:
            command.wait_for("; restarting")
            command.wait_for("first 2")
        command.press(INTERRUPT)
        assert command.end() == 130
        assert command.screen.count("; restarting") == (1 if answer == "n" else 2)
    names = [one["name"] for one in json.loads(moduline("ls", "--port", rack, "--json", check=0).stdout)["entries"]]
    assert ("old.txt" in names) == (answer == "n")


def test_port_when_ctrl_c_then_130_and_the_module_is_at_its_prompt(project, rack):
    with CommandOnPty("run", project, "--port", rack) as command:
        command.wait_for("first 4")
        command.press(INTERRUPT)
        assert command.end() == 130
        assert "main.py is stopped" in command.screen
    assert moduline("exec", "print(6*7)", "--port", rack, check=0).stdout == "42\n"
    assert json.loads(moduline("stop", "--port", rack, "--json", check=0).stdout)["stopped_main"] is False


def test_port_when_the_module_resets_itself_then_logs_go_on(project, rack):
    (project / "usr/main.py").write_text(
        MAIN.replace("    utime", "    if n == 5 and 'again' not in __import__('uos').listdir('/usr'):\n"
                     "        open('/usr/again', 'w').close()\n"
                     "        from misc import Power\n        Power.powerRestart()\n    utime"),
        encoding="utf-8",
    )  # fmt: skip
    with CommandOnPty("run", project, "--port", rack, "--watch") as command:
        command.wait_for("first 2")  # what comes last before a reset may be lost with the port
        command.wait_for("the port vanished")
        command.wait_for("the port is back")
        command.wait_for("first 8")
        moduline("virt", "power", "m1", "off", check=0)
        command.wait_for("the port vanished")
        (project / "usr/words.py").write_text("WORD = 'dark'\n", encoding="utf-8")  # saved while there is no module
        moduline("virt", "power", "m1", "on", check=0)
        command.wait_for("dark 2")
        command.press(INTERRUPT)
        assert command.end() == 130


def test_port_when_run_again_then_only_differences_are_sent_and_the_scripts_own_files_stay(project, rack):
    first = moduline("run", project, "--port", rack, "--until", "first 2", "--for", "30", check=0)
    assert "3 sent, 0 unchanged" in first.stderr
    again = moduline("run", project, "--port", rack, "--until", "first 2", "--for", "30", check=0)
    assert "0 sent, 3 unchanged" in again.stderr


def test_no_port_when_the_text_comes_then_0_and_nothing_is_left_behind(project, scratch):
    done = moduline("run", project, "--until", "first 3", "--for", "30", check=0)
    assert "first 3\n" in done.stdout
    assert [line.split(" ", 1)[1] for line in done.stdout.splitlines()[:3]] == ["mount.", "first 1", "first 2"]
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("main", "words", "code", "slug"),
    [
        (MAIN, ("--until", "never", "--for", "1"), 124, "ML-E1240"),
        ("print('short')\n", ("--until", "never"), 11, "ML-E1102"),
        pytest.param("print('short')\n", (), 0, "", marks=pytest.mark.sweep),
        ("print('short')\n1/0\n", (), 10, "ML-E1001"),
        pytest.param("print('short')\n1/0\n", ("--for", "20"), 10, "ML-E1001", marks=pytest.mark.sweep),
        ("print('short'\n", (), 8, "ML-E0805"),
        (MAIN, ("--for", "1"), 0, ""),
        (MAIN, ("--timeout", "1"), 2, "ML-E0201"),
    ],
)
def test_end_when_of_each_kind_then_its_exit_code(project, main, words, code, slug):
    (project / "usr/main.py").write_text(main, encoding="utf-8")
    done = moduline("run", project, *words, check=code)
    assert slug in done.stderr
    told = moduline("run", project, *words, "--json", check=code)
    facts = json.loads(told.stdout)
    assert facts["ok"] == (code == 0)
    if code == 0:
        assert facts["ended_by"] == ("time" if words else "main")
        assert ("short" if not words else "first 1") in facts["output"]


def test_traceback_when_shown_then_names_the_file_of_this_computer(project):
    (project / "usr/words.py").write_text("def f():\n    return 1/0\n\n\nWORD = f()\n", encoding="utf-8")
    done = moduline("run", "watched", folder=project.parent, check=10)
    assert 'File "watched/usr/main.py", line 2, in <module>' in done.stdout
    assert 'File "watched/usr/words.py", line 2, in f' in done.stdout


def test_colours_when_a_terminal_then_errors_are_red_and_never_in_a_pipe(project):
    (project / "usr/main.py").write_text(
        "import log\nlog.getLogger('net').error('no answer')\nprint('plain\\x1b[2J')\n", encoding="utf-8"
    )
    with CommandOnPty("run", project) as command:
        assert command.end() == 0
        assert "\x1b[31mERROR:net:no answer\x1b[0m" in command.screen
        assert "\x1b[2J" not in command.screen  # what a module prints does not drive the terminal
        assert "plain\\x1b[2J" in command.screen
    assert "\x1b" not in moduline("run", project, check=0).stdout


def test_file_when_given_project_options_then_refused(project):
    moduline("run", project / "usr/main.py", "--watch", check=2)
    moduline("run", project.parent / "nowhere", check=2)
