"""What is newer than the module's interpreter: checked against the older compiler itself, and on a running module."""

from __future__ import annotations

import ast
import asyncio
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.errors import ScriptRaised, StorageFailed
from moduline.port.serial import open_serial
from moduline.release.compile import compile_scripts
from moduline.release.firmware import stock_package
from moduline.remote.repl_session import ReplSession
from moduline.vmodule import ModuleOptions, open_module
from moduline.vmodule.interpreter.newer_syntax import NewerSyntax, newer_syntax

NEWER = {
    "x = 1\nprint(f'{x}')\n": (2, "f-string"),
    'print(rf"{1}")\n': (1, "f-string"),
    "y = (\n  f'a'\n  'b')\n": (2, "f-string"),
    "if (y := 3):\n    pass\n": (1, ":="),
    "print([z := i for i in [1]])\n": (1, ":="),
    "x: int = 3\n": (1, "variable annotation"),
    "x: int\n": (1, "variable annotation"),
    "class A:\n    pass\nA.b: int = 3\n": (3, "variable annotation"),
    "print(*[1], *[2])\n": (1, "several *"),
    "dict(**{}, **{})\n": (1, "several *"),
    "print(*[1], 2)\n": (1, "argument after *"),
}
OLD = [
    "def f(a: int) -> int:\n    return a\n",
    "x = 1_000\n",
    "async def f():\n    await f()\n",
    "a = 1\na = a @ a\n",
    "'{}'.format(1)\nprint('%d' % 1, *[1], sep='')\n",
    "s = \"f'{x}'\"\n",
    "d = {'a': 1}\nx = d['a': 2] if 0 else [1][0:1]\n",
    "lambda *a, **k: (a, k)\n",
    "x = 'a := b'\n",
    "# f'{x}' and y := 3\n",
    "try:\n    pass\nexcept ValueError as e:\n    raise KeyError from e\n",
    "é = 1\n",
    "if 1: pass\nelse: pass\n",
]


@pytest.mark.parametrize("source", NEWER)
def test_source_when_newer_then_line_and_what(source):
    line, what = NEWER[source]
    assert newer_syntax(source.encode(), "1.12") == NewerSyntax(line, what)


@pytest.mark.parametrize("source", OLD)
def test_source_when_the_module_takes_it_then_nothing(source):
    assert newer_syntax(source.encode(), "1.12") is None


def test_verdict_when_compared_with_both_compilers_then_the_older_refuses_exactly_these():
    """The oracle: MicroPython 1.12's own compiler refuses the ones found newer and takes the others; the newer takes all."""
    sources = {str(number): text.encode() for number, text in enumerate([*NEWER, *OLD])}
    try:
        older, newer = compile_scripts(sources, "5"), compile_scripts(sources, "6.3")
    except StorageFailed as missing:
        pytest.skip(f"no compiler here: {missing}")
    for key, text in sources.items():
        assert older[key].is_refused == (newer_syntax(text, "1.12") is not None), text
        assert not newer[key].is_refused, text


@pytest.mark.parametrize(
    "source", [b"", b"\xff\xfe", b"\0", b"(" * 5000, b"f'{" * 3000, b"x = f'\n", b"-" * 60000 + b"1*2", b"x := := 1"]
)
def test_source_when_nobody_can_parse_it_then_nothing(source):
    assert newer_syntax(source, "1.12") is None


def test_source_when_longer_than_looked_at_or_language_newer_then_nothing():
    assert newer_syntax(b"f'{1}'\n" * 10000, "1.12") is None
    assert newer_syntax(b"f'{1}'\n", "1.28") is None


@given(st.text(alphabet="abf'\"{}:= \n*()x,#1", max_size=60))
def test_source_when_arbitrary_then_found_only_where_the_tree_has_it(text):
    """The quick look at the text must never hide what the parser would find."""
    found = newer_syntax(text.encode(), "1.12")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        assert found is None
        return
    kinds = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign)
    if any(isinstance(node, kinds) for node in ast.walk(tree)):
        assert found is not None


# ---- on a module ---------------------------------------------------------------------------------------------------

LIBRARY = "x = 1\ny = f'{x}'\n"
MAIN = "print('main', (q := 3))\n"
WRITE = (
    f"f = open('/usr/lib.py', 'w'); f.write({LIBRARY!r}); f.close()\n"
    f"f = open('/usr/start.py', 'w'); f.write({MAIN!r}); f.close()\n"
)


def on_a_module(folder, story, **options):
    notices = []

    async def run():
        async with open_module(
            "ec600u", stock_package("ec600u"), folder, ModuleOptions(report=notices.append, **options)
        ) as m:
            async with asyncio.timeout(30):
                await m.power_on()
                await m.wait_until(lambda: m.state == "running" and m.has_ports)
                await m.runtime.wait_prompt()
                async with ReplSession(open_serial(m.port_path("repl"))) as repl:
                    return await story(repl)

    if not sys.platform.startswith("linux"):
        pytest.skip("the interpreter's sandbox needs Linux")
    said = asyncio.run(run())
    return said, [n.facts for n in notices if n.slug == "virt.newer-syntax"]


def test_script_when_newer_than_the_module_then_it_runs_and_the_owner_is_told_once(tmp_path):
    """device-api 1: run on a modern core and offer a warning."""

    async def story(repl):
        code = (
            WRITE
            + "import example\nfor i in range(3): example.exec('/usr/start.py')\nfrom usr import lib\nprint(lib.y)\n"
        )
        return (await repl.exec(code)).decode()

    said, told = on_a_module(tmp_path, story)
    assert said == "main 3\r\n" * 3 + "1\r\n"
    assert [(f["line"], f["what"], f["language"], f["is_refused"]) for f in told] == [
        (1, ":=", "1.12", False),
        (2, "f-string", "1.12", False),
    ]
    assert [f["path"].rsplit("/", 1)[-1] for f in told] == ["start.py", "lib.py"]


def test_script_when_the_language_is_strict_then_refused_as_on_the_module(tmp_path):
    """device-api 1: the strict switch rejects the newer syntax; older scripts run."""

    async def story(repl):
        await repl.exec(WRITE)
        said = [(await repl.exec("import example\nexample.exec('/usr/start.py')\n")).decode()]
        for code in ("from usr import lib\n", "print(f'{1}')\n", "x = 1\ny: int = 2\n"):
            try:
                said.append((await repl.exec(code)).decode())
            except ScriptRaised as raised:
                said.append(raised.facts["last_line"])
        said.append((await repl.exec("print('%d' % 7)\n")).decode())
        return said

    said, told = on_a_module(tmp_path, story, is_language_strict=True)
    assert said[0].endswith("SyntaxError: invalid syntax\r\n")
    assert "main" not in said[0]
    assert said[1:] == ["SyntaxError: invalid syntax"] * 3 + ["7\r\n"]
    assert all(f["is_refused"] for f in told)
    assert len(told) == 2
