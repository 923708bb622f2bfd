"""Programs of Debian that are not ours, to be tested against.

One is taken where it is installed; on a CI machine that has ``apt-get`` its packages are downloaded and unpacked into a
folder of the tests, which needs no rights. Elsewhere the tests skip and say what to install.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

FETCH_S = 90


def found(name, packages):
    """Command line and environment of a program; skips where it cannot be had.

    Args:
        name: of the program.
        packages: the one that it is in, and those that bring its libraries.
    """
    installed = shutil.which(name)
    if installed is not None:
        return [installed], dict(os.environ)
    user = os.getuid() if hasattr(os, "getuid") else 0
    where = Path(tempfile.gettempdir()) / f"moduline-{packages[0]}-{user}"
    unpacked = where / "root/usr/bin" / name
    if not unpacked.exists():
        _fetch(where, packages)
    libraries = ":".join(map(str, sorted({path.parent for path in (where / "root").glob("**/*.so*")})))
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
    needed = subprocess.run(["ldd", unpacked], env=environment, capture_output=True, timeout=30, check=False)
    if needed.returncode or b"not found" in needed.stdout:
        pytest.skip(f"{name} does not run here: {needed.stdout.decode(errors='replace')[-200:]}")
    return [str(unpacked)], environment


def _fetch(where, packages):
    """Unpack the packages, where that is allowed."""
    name = packages[0]
    if not (os.environ.get("CI") or os.environ.get("MODULINE_FETCH_DEBIAN")):
        pytest.skip(f"{name} is not installed (MODULINE_FETCH_DEBIAN=1 downloads and unpacks Debian's)")
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        pytest.skip(f"{name} is not installed, and there is no apt-get")
    folder = Path(tempfile.mkdtemp(prefix="mdl-debian-"))
    try:
        done = subprocess.run(
            ["apt-get", "download", *packages], cwd=folder, capture_output=True, timeout=FETCH_S, check=False
        )
        if done.returncode:
            pytest.skip(f"{name} cannot be had here: {done.stderr.decode(errors='replace')[-200:]}")
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, folder / "root"], timeout=60, check=True)
        with contextlib.suppress(OSError):  # another worker was quicker
            folder.rename(where)
    except (OSError, subprocess.SubprocessError) as cannot:
        pytest.skip(f"{name} cannot be had here: {cannot}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
