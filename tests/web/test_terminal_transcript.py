"""What a terminal was shown, as text to show again and as lines of a log."""

from __future__ import annotations

import pytest

from moduline.errors import Text
from moduline.web.studio.terminal_transcript import KEPT_CHARACTERS, Painter, ScreenLine, Transcript
from moduline.web.viewer import Viewer

SHANGHAI = Viewer(zone="Asia/Shanghai").local


def test_text_when_cut_within_a_character_then_it_is_whole():
    kept = Transcript()
    data = ">>> print('中文✓')\r\n中文✓\r\n".encode()
    lines = [line for at in range(len(data)) for line in kept.feed(data[at : at + 1], 1.0)]
    assert lines == [">>> print('中文✓')", "中文✓"]
    assert "".join(str(piece.said) for piece in kept.since(0)) == data.decode()


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (">>> prin\b\b\b\b\x1b[K", ">>> "),
        (">>> modem.getDev\x1b[12D\x1b[K", ">>> "),
        (">>> abc\b\bXY", ">>> aXY"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b[3Cb", "a   b"),
        ("a\x1b[3Cbc\x1b[2D-", "a   -c"),
        ("100%\r 50", " 50%"),
        ("\x1b[99999D\x1b[Kx", "x"),
        ("bell\x07\x00", "bell"),
    ],
)
def test_line_when_edited_on_the_screen_then_the_log_has_what_was_seen(said, seen):
    line = ScreenLine()
    for letter in said:
        line.feed(letter)
    assert line.text == seen


def test_line_when_it_never_ends_then_memory_does():
    kept = Transcript()
    for _ in range(200):
        kept.feed(b"x" * 10_000, 1.0)
        kept.feed(b"\x1b[9999999C", 1.0)
    assert len(kept.current) == 8192
    assert sum(len(str(piece.said)) for piece in kept.since(0)) <= KEPT_CHARACTERS + 10_000


@pytest.mark.parametrize(
    "said", ["\x1b[" + "9" * 5000 + "D", "\x1b[;;;?9K", "\x1b", "\x1b[" * 4000, "\x1b[5000000000Cx", "\x9b5A"]
)
def test_line_when_its_sequences_are_hostile_then_it_goes_on(said):
    line = ScreenLine()
    assert line.feed(f"{said}\r\nnext\r\n")[-1] == "next"


def test_pieces_when_asked_for_from_a_number_then_only_what_is_new():
    kept = Transcript()
    kept.feed(b"one", 1.0)
    seen = kept.count
    kept.feed(b"two", 2.0)
    kept.note(Text("away", "断开"), 3.0)
    assert [piece.said for piece in kept.since(seen)] == ["two", "\r\n", Text("away", "断开")]
    assert kept.since(kept.count) == []


def test_log_when_saved_then_each_line_has_the_time_of_its_first_character():
    kept = Transcript()
    kept.feed(b">>> 1+", 1000.25)
    kept.feed(b"1\r\n2\r\n", 1001.5)
    kept.note(Text("gone", "已断开"), 1002.0)
    kept.feed(b">>> ", 1003.0)
    assert kept.log("zh", None) == ">>> 1+1\n2\n-- 已断开 --\n>>> \n"
    first, second = kept.log("en", SHANGHAI).splitlines()[:2]
    assert first == "08:16:40.250  >>> 1+1"
    assert second == "08:16:41.500  2"
    assert first[8:12] == ".250"


def test_painter_when_times_are_shown_then_each_line_has_one():
    kept = Transcript()
    kept.feed(b"\r\na", 5.0)
    kept.feed(b"b\r\nc", 6.5)
    kept.note(Text("back", "恢复"), 7.0)
    painted = Painter("zh", SHANGHAI).paint(kept.since(0))
    plain = painted.replace("\x1b[90m", "").replace("\x1b[39m", "").replace("\x1b[36m", "")
    assert plain == "\r\n08:00:05.000 ab\r\n08:00:06.500 c\r\n08:00:07.000 ── 恢复 ──\r\n"
    assert Painter("en", None).paint(kept.since(0)).startswith("\r\nab\r\nc\r\n\x1b[36m── back")


def test_transcript_when_cleared_then_the_prompt_stays():
    kept = Transcript()
    kept.feed(b"much\r\n>>> pri", 1.0)
    kept.clear()
    assert kept.log("en", None) == ">>> pri\n"
    assert kept.current == ">>> pri"
