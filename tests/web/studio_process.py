"""The Studio as a user starts it: a process of its own, with a platform of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

START_S = 90


class StudioProcess:
    """A Studio that runs.

    Args:
        folder: gets its data, the files that its pages see, and the flash of its virtual modules.
        more: options of ``moduline studio``.
        port: of the pages; 0: any.
    """

    def __init__(self, folder: Path, *more: str, port: int = 0) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.data = folder / "data"
        self.root.mkdir(exist_ok=True, parents=True)
        self._more = more
        self.port = port
        self.start()

    def start(self) -> None:
        """Start it; waits until it answers."""
        words = [sys.executable, "-m", "moduline", "studio", "--jsonl", "--port", str(self.port)]
        words += ["--data", str(self.data), "--root", str(self.root)]
        words += ["--http-port", "0", "--device-http-port", "0", "--mqtt-port", "0", *self._more]
        self.log = (self.folder / "studio.log").open("ab")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {"MODULINE_HOME": str(self.home), "MODULINE_LANG": "en"}
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, text=True, env=environment
        )
        assert self.process.stdout is not None
        said: dict[str, object] = {}
        while said.get("event") != "ready":
            line = self.process.stdout.readline()
            assert line, f"{said} {(self.folder / 'studio.log').read_text()}"
            said = json.loads(line)
        self.url = str(said["url"])
        self.link = str(said["link"])
        self.port = int(self.url.rpartition(":")[2])

    @property
    def home(self) -> Path:
        """Where its racks live."""
        return self.folder / "home"

    @property
    def token(self) -> str:
        """Token of the admin at the platform."""
        return (self.data / "admin.token").read_text().strip()

    @property
    def cookie(self) -> str:
        """Name of the cookie of its sessions."""
        return f"moduline_session_{self.port}"

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self.process.kill()
        self.process.wait(30)
        self._close()

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(30)
        self._close()

    def _close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()

    def moduline(self, *words: str) -> str:
        """Type a command beside it; its standard output."""
        environment = os.environ | {"MODULINE_HOME": str(self.home), "MODULINE_LANG": "en"}
        done = subprocess.run(
            [sys.executable, "-m", "moduline", *words],
            env=environment, cwd=self.root, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def api(self, method: str, path: str, body: object = None) -> object:
        """Ask the platform beside the pages, as the admin."""
        asked = urllib.request.Request(
            self.api_url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    @property
    def api_url(self) -> str:
        """Address of the platform's operator API."""
        return json.loads((self.data / "studio.json").read_text())["api"]
