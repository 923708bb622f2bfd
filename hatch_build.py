"""Puts the data folders into a wheel, and compiles the delta coder beside its Python side.

An editable install finds the data in the checkout and lists no file of theirs. Without a C compiler the installation
goes on: all but making and reading coded differences works, and those say what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = ("onboard", "firmware", "examples")
SOURCES = Path("native/delta")
LIBRARY = Path("src/moduline/delta") / {"win32": "mdl_delta.dll", "darwin": "mdl_delta.dylib"}.get(
    sys.platform, "mdl_delta.so"
)


class DataHook(BuildHookInterface):
    """Data as it is, C as a library."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a build; ``version`` is ``standard`` or ``editable``."""
        has_library = self._compile()
        if version == "standard":
            build_data["force_include"].update({name: f"moduline/_data/{name}" for name in DATA})
            if has_library:
                build_data["force_include"][str(LIBRARY)] = f"moduline/delta/{LIBRARY.name}"
                build_data["pure_python"] = False
                build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"

    def _compile(self) -> bool:
        root = Path(self.root)
        sources = sorted(str(path) for path in (root / SOURCES).glob("*.c"))
        configured = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "").split()
        compilers = [configured] if configured and shutil.which(configured[0]) else []
        compilers += [[name] for name in ("cc", "gcc", "clang") if shutil.which(name)]
        for compiler in compilers:
            options = ["-std=c99", "-O2", "-shared", "-fPIC"]
            made = root / LIBRARY.with_suffix(".new")
            command = [*compiler, *options, "-o", str(made), *sources, "-lm"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                made.replace(root / LIBRARY)
                return True
            self.app.display_warning(f"{' '.join(compiler)}: {done.stderr.strip()}")
        self.app.display_warning("no C compiler: coded differences (delta codec 2) cannot be made or read")
        return (root / LIBRARY).exists()
