"""The line editor: keys, history, indent, when a statement needs more lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.vmodule.interpreter.line_editor import Line, LineEditor, needs_more


class Screen:
    """A terminal of one line: applies what the editor sends, so that tests see what a user sees."""

    def __init__(self):
        self.cells, self.at = [], 0

    def show(self, data):
        text = data.decode()
        while text:
            if text.startswith("\x1b[K"):
                del self.cells[self.at :]
                text = text[3:]
            elif text.startswith("\x1b["):
                count, _, text = text[2:].partition("D")
                self.at -= int(count)
            elif text[0] == "\b":
                self.at -= 1
                text = text[1:]
            else:
                self.cells[self.at : self.at + 1] = [text[0]]
                self.at += 1
                text = text[1:]
            assert self.at >= 0

    def line(self):
        return "".join(self.cells)


def type_in(keys, editor=None):
    """(screen, what the last byte ended) after typing at a prompt."""
    editor = editor or LineEditor()
    screen, happening = Screen(), None
    screen.show(editor.begin(b">>> "))
    for byte in keys:
        sent, happening = editor.feed(byte)
        screen.show(sent.replace(b"\r\n", b""))
    return screen, happening


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (b"abc", "abc"),
        (b"abc\x7f", "ab"),
        (b"abc\x08\x08d", "ad"),
        (b"bc\x1b[Ha", "abc"),
        (b"abd\x1b[Dc", "abcd"),
        (b"abd\x02c", "abcd"),
        (b"bcd\x01a\x05e", "abcde"),
        (b"abc\x1b[D\x1b[D\x0b", "a"),
        (b"abc\x1b[D\x15", "c"),
        (b"one two \x17x", "one x"),
        (b"abc\x1bOHx\x1bOFy", "xabcy"),
        (b"abc\x1b[1~\x1b[3~", "bc"),
        (b"abc\x1b[H\x04", "bc"),
        (b"abc\x1b[7~x\x1b[8~y", "xabcy"),
        (b"abc\x1b[5x", "abcx"),
        (b"\tx", "    x"),
        (b"        \x7fx", "    x"),
        (b"      \x7fx", "    x"),
        ("aäb".encode(), "ab"),
        (b"a\nb\x00", "ab"),
        (b"a\x1b[C\x06b", "ab"),
    ],
)
def test_keys_leave_the_line_and_the_screen_as_meant(keys, line):
    screen, ended = type_in(keys + b"\r")
    assert ended == Line(line)
    assert screen.line() == ">>> " + line


def test_history_keeps_eight_lines_and_walks_both_ways():
    editor = LineEditor()
    for number in range(10):
        type_in(b"line%d\r" % number, editor)
    type_in(b"line9\r", editor)  # the same line twice in a row is kept once
    up = b"\x1b[A"
    assert type_in(up + b"\r", editor)[1] == Line("line9")
    assert type_in(up * 8 + b"\r", editor)[1] == Line("line2")
    editor.forget()
    for number in range(10):
        type_in(b"line%d\r" % number, editor)
    assert type_in(up * 20 + b"\r", editor)[1] == Line("line2")
    assert type_in(b"\x10\x10\x0e\x1b[Bnew\r", editor)[1] == Line("new")
    screen, ended = type_in(b"typed" + up + up + b"\x1b[B!\r", editor)
    assert ended == Line("new!")
    assert screen.line() == ">>> new!"


@given(st.binary(max_size=80))
def test_any_bytes_keep_screen_and_line_in_step(keys):
    editor, screen = LineEditor(), Screen()
    screen.show(editor.begin(b">>> "))
    for byte in keys.replace(b"\t", b"").replace(b"\r", b""):
        sent, _ = editor.feed(byte)
        screen.show(sent)
    ended = None
    for _ in range(4):  # ends an escape sequence that may be open, then the line
        _, ended = editor.feed(13)
        if isinstance(ended, Line):
            break
    assert isinstance(ended, Line)
    assert screen.line() == ">>> " + ended.text


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("", False),
        ("x = 1", False),
        ("if x:", True),
        ("if x:\n    y", True),
        ("if x:\n    y\n", False),
        ("iffy = 1", False),
        ("@wraps", True),
        ("class_ = 2", False),
        ("async def f():", True),
        ("f(1,", True),
        ("f(')'", True),
        ("f('(')", False),
        ("'unfinished", False),
        ("'''open", True),
        ('"""done"""', False),
        ("x = 1 + \\", True),
        ("x = '\\''", False),
        ("d = {'a': [", True),
        ("with open('x') as f:", True),
    ],
)
def test_needs_more_when_a_statement_is_unfinished(text, more):
    assert needs_more(text) is more


@pytest.mark.parametrize(
    ("earlier", "indent"),
    [
        ("", 0),
        ("if x:\n", 4),
        ("if x:\n    y\n", 4),
        ("if x:\n    if y:\n", 8),
        ("x = [\n", 0),
        ("if x:\n    \n    \n", 0),
        ("if x:\n    \n", 4),
    ],
)
def test_continuation_line_when_begun_is_indented_like_its_block(earlier, indent):
    assert LineEditor().begin(b"... ", earlier) == b"... " + b" " * indent
