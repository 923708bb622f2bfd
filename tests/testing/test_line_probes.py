"""Probes on the same line: what runs, what is inferred, and that scripts with probes still do the same."""

from __future__ import annotations

import ast
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.release.starter_texts import COUNTER, MAIN
from moduline.testing.line_probes import END, FILE_STEP, PROBE, probe

SCRIPT = '''\
"""Doc."""
import sys; x = 1

@staticmethod
def f(a,
      b=2):
    """Doc of f."""
    if a and \\
            b:
        return a
    elif b: return b
    else:
        pass
    try:
        1/0
    except (ValueError,
            KeyError) as e:
        print('no')
    except ZeroDivisionError:
        x = [i for i in range(2)]
    except:
        raise
    finally:
        global y
        y = 3
    while (n := a) > 5: a -= 1
    with open('/dev/null') as g, \\
            open('/dev/null') as h:
        pass
    for i, j in (1, 2), (3, 4):
        continue
    def never():
        return 1
    return sum([x[0], 1
                ])


class A:
    """Doc of A."""

    z = 1

    def method(self):
        return self.z


class B(A): pass


def not_called():
    return 5


print(f.__func__(0, 0), A().method(), 'ä')
'''


def run(source):
    """Output and lines seen by probes, in CPython (the grammar's own interpreter)."""
    seen = set()

    def hit(number):
        seen.add(number % FILE_STEP)

    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(source, "script", "exec"), {PROBE: hit, "__name__": "script"})
    return out.getvalue(), frozenset(seen)


def traced(source):
    """Lines that CPython itself says ran."""
    seen = set()

    def trace(frame, event, _):
        if frame.f_code.co_filename == "script":
            if event == "line":
                seen.add(frame.f_lineno)
            return trace
        return None

    code = compile(source, "script", "exec")
    out = io.StringIO()
    before = sys.gettrace()
    with redirect_stdout(out):
        sys.settrace(trace)
        try:
            exec(code, {"__name__": "script"})
        finally:
            sys.settrace(before)
    return out.getvalue(), seen


def statements(source):
    """First lines of all statements but docstrings, and of except clauses and decorators."""
    tree = ast.parse(source)
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.ExceptHandler)) and not isinstance(node, ast.Global):
            lines.add(node.lineno)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            lines.discard(node.body[0].lineno)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            lines.discard(node.body[0].lineno)
    return lines


def test_probes_when_run_then_the_same_lines_as_the_interpreter_s_own_tracing():
    probed = probe(SCRIPT.encode(), 0)
    printed, seen = run(probed.data)
    expected, lines = traced(SCRIPT)
    assert printed == expected
    assert probed.complete(seen) & statements(SCRIPT) == lines & statements(SCRIPT)
    assert END in seen


def test_probes_when_put_in_then_every_line_keeps_its_number():
    probed = probe(SCRIPT.encode(), 3)
    before, after = SCRIPT.encode().split(b"\n"), probed.data.split(b"\n")
    assert len(after) == len(before) + 1
    shorter = [line.replace(b"\r", b"") for line in after[: len(before) - 1]]
    numbers = [int(word.split(b")")[0]) for line in after for word in line.split(PROBE.encode() + b"(")[1:]]
    assert all(number // FILE_STEP == 3 for number in numbers)
    for line, old in zip(shorter, before, strict=False):
        rest = line
        for number in set(numbers):
            rest = rest.replace(f"{PROBE}({number})or(".encode(), b"").replace(f"{PROBE}({number});".encode(), b"")
        assert rest.replace(b")", b"") == old.replace(b")", b"")


@pytest.mark.parametrize("text", [MAIN.replace("{{name}}", "X"), COUNTER])
def test_project_scripts_when_probed_then_still_parse_with_the_same_statements(text):
    probed = probe(text.encode(), 1)
    kinds = [type(node).__name__ for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    after = [type(node).__name__ for node in ast.walk(ast.parse(probed.data)) if isinstance(node, ast.stmt)]
    assert {kind for kind in after if kind != "Expr"} == {kind for kind in kinds if kind != "Expr"}


def test_crlf_when_in_a_script_then_kept():
    probed = probe(b"x = 1\r\nif x:\r\n    print(x)\r\n", 0)
    assert probed.data.startswith(b"_ml_line_(1);x = 1\r\nif _ml_line_(2)or(x):\r\n    _ml_line_(3);print(x)\r\n")
    assert run(probed.data)[0] == "1\n"


def test_no_newline_at_the_end_when_probed_then_the_end_is_a_line_of_its_own():
    assert probe(b"x = 1", 0).data == b"_ml_line_(1);x = 1\n_ml_line_(0)\n"
    assert probe(b"", 0).data == b"_ml_line_(0)\n"


def test_last_definition_when_nothing_follows_then_the_end_of_the_file_shows_it():
    source = b"def f():\n    return 1\n"
    probed = probe(source, 0)
    assert probed.complete(run(probed.data)[1]) == {1}
    assert probed.complete(frozenset()) == frozenset()


@pytest.mark.parametrize(
    "source",
    [b"def :", b"\xff\xfe", b"x = 1\x0cy = 2", b"match 1:\n    case 1: pass\n", b"a = 1\rb = 2\r", b"x = '\x00'"],
)
def test_script_when_it_cannot_be_probed_then_left_as_it_is(source):
    assert probe(source, 0) is None


@given(st.binary(max_size=200))
def test_bytes_when_arbitrary_then_probes_or_none(data):
    probed = probe(data, 1)
    assert probed is None or ast.parse(probed.data)


def test_own_sources_when_probed_then_all_still_compile():
    root = Path(__file__).resolve().parents[2]
    for path in sorted((root / "onboard").rglob("*.py")):
        probed = probe(path.read_bytes(), 1)
        assert probed is not None, path
        compile(probed.data, str(path), "exec")
