"""The rules of main.py by its syntax tree (T02): what counts as a plain constant, and where each refusal points."""

from __future__ import annotations

import pytest

from moduline.image import entry_file
from moduline.image.entry_file import constant, parse

NAME = "PROJECT_NAME"


def found(source, name=NAME):
    script = parse("main.py", source.encode() if isinstance(source, str) else source)
    value = constant(script, name)
    return value.value, [(one.severity, one.slug, one.line) for one in (*script.remarks, *value.remarks)]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("PROJECT_NAME = 'QUEC_TEST'  # 注释\n", "QUEC_TEST"),
        ('PROJECT_NAME: str = "A-1.b"\n', "A-1.b"),
        ("X = PROJECT_NAME = 'A'\n", "A"),
        ("PROJECT_NAME = 'A' 'B'\n", "AB"),
        ("import x\nif 1:\n    pass\nPROJECT_NAME = '''A'''\n", "A"),
        ("PROJECT_NAME = '\\x41'\r\n", "A"),
    ],
)
def test_constant_when_plain_then_read(source, value):
    assert found(source) == (value, [])


@pytest.mark.parametrize(
    ("source", "slug", "line"),
    [
        ("x = 1\n", "missing", 1),
        ("", "missing", 1),
        ("PROJECT_NAME: str\n", "not-string", 1),
        ("PROJECT_NAME = 1\n", "not-string", 1),
        ("\n\nPROJECT_NAME = b'A'\n", "not-string", 3),
        ("PROJECT_NAME = 'A' + 'B'\n", "not-string", 1),
        ("PROJECT_NAME = f'A'\n", "not-string", 1),
        ("PROJECT_NAME = open('x').read()\n", "not-string", 1),
        ("def f():\n    PROJECT_NAME = 'A'\n", "not-plain", 2),
        ("if True:\n    PROJECT_NAME = 'A'\n", "not-plain", 2),
        ("x = 1\nPROJECT_NAME, V = 'A', 'B'\n", "not-plain", 2),
        ("PROJECT_NAME += 'A'\n", "not-plain", 1),
        ("PROJECT_NAME = ''\n", "value-empty", 1),
        ("PROJECT_NAME = '  '\n", "value-empty", 1),
        ("PROJECT_NAME = '../A'\n", "value-unsafe", 1),
        ("PROJECT_NAME = 'A/B'\n", "value-unsafe", 1),
        ("PROJECT_NAME = 'A\\\\B'\n", "value-unsafe", 1),
        ("PROJECT_NAME = 'A\\0'\n", "value-unsafe", 1),
        ("PROJECT_NAME = 'A:B'\n", "value-unsafe", 1),
        ("PROJECT_NAME = '.A'\n", "value-unsafe", 1),
        ("PROJECT_NAME = 'A '\n", "value-unsafe", 1),
        ("PROJECT_NAME = '\\ud800'\n", "value-unsafe", 1),
        ("PROJECT_NAME = '" + "A" * 81 + "'\n", "value-long", 1),
    ],
)
def test_constant_when_not_plain_or_unsafe_then_error_at_its_line(source, slug, line):
    assert found(source)[1] == [("error", slug, line)]


def test_constant_when_wrong_then_text_names_it_in_both_languages():
    script = parse("main.py", b"PROJECT_VERSION = 1\n")
    remark = constant(script, "PROJECT_VERSION").remarks[0]
    assert remark.say("en") == "main.py:1: PROJECT_VERSION is not a plain string constant"
    assert remark.say("zh") == "main.py:1: PROJECT_VERSION 不是字符串常量"


def test_constant_when_value_has_braces_then_text_survives():
    script = parse("main.py", b"PROJECT_NAME = '{x}/{'\n")
    assert "'{x}/{'" in constant(script, NAME).remarks[0].say("en")


def test_constant_when_assigned_twice_then_last_counts_and_notice():
    assert found("PROJECT_NAME = 'A'\nPROJECT_NAME = 'B'\n") == ("B", [("notice", "twice", 2)])


@pytest.mark.parametrize("value", ["A B", "测试"])
def test_constant_when_unusual_in_file_names_then_notice(value):
    assert found(f"PROJECT_NAME = '{value}'\n") == (value, [("notice", "value-unusual", 1)])


def test_script_when_run_then_never():
    """By syntax tree, never by running it."""
    assert found("raise SystemExit\nimport os; os.remove('/nothing')\nPROJECT_NAME = 'A'\n") == ("A", [])


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (b"x = 1\nif x\n", 2),
        (b"def f(:\n", 1),
        (b"x = (\n", 1),
        (b"x\0y\n", 1),
        (b"(" * 3000 + b")" * 3000, 1),
        (b"if 1:\n        a = 1\n\tb = 1\n  c = 1\n", 4),
    ],
)
def test_script_when_it_cannot_be_parsed_then_error_at_line(source, line):
    script = parse("a.py", source)
    assert script.tree is None
    assert [(one.slug, one.line) for one in script.remarks if one.severity == "error"] == [("syntax", line)]
    assert constant(script, NAME) == entry_file.Constant("", ())


def test_script_when_tabs_and_blanks_are_mixed_then_read_as_the_module_does():
    value, remarks = found("if 1:\n        a = 1\n\tb = 2\nPROJECT_NAME = 'A'\n")
    assert value == "A"
    assert remarks == [("notice", "tabs", 3)]


def test_script_when_it_has_a_byte_order_mark_then_error():
    assert found(b"\xef\xbb\xbfPROJECT_NAME = 'A'\n") == ("A", [("error", "bom", 1)])


def test_script_when_not_utf8_then_notice_at_line():
    assert found(b"x = 1\n# \xd6\xd0\xce\xc4\nPROJECT_NAME = 'A'\n") == ("A", [("notice", "not-utf8", 2)])


def test_script_when_escapes_are_doubtful_then_no_warning():
    assert found("x = '\\d'\nPROJECT_NAME = 'A'\n") == ("A", [])
