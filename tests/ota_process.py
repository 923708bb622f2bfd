"""``moduline ota serve`` as a process: started, killed, started again on the same ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import httpx

from moduline.errors import PortBusy

WAIT_S = 90.0
PORT_BUSY = PortBusy.code


class OtaProcess:
    """A platform over a folder.

    Args:
        folder: its data.
        command: what runs it; the words of the command line follow.
        environment: more of it.
    """

    def __init__(self, folder, command=(sys.executable, "-m", "moduline"), **environment):
        self.folder = folder
        self.environment = environment
        self._command = command
        self.ports = {"--http-port": 0, "--device-http-port": 0, "--mqtt-port": 0}
        self._log = folder.with_suffix(".log")
        self._process = None
        self.start()

    def start(self):
        """Start it, on the ports of its life before; waits until it says that it is ready."""
        end = time.monotonic() + WAIT_S
        while not self._started():
            assert self.ready.get("code") == PORT_BUSY, (self.ready, self.complaints[-4000:])
            assert time.monotonic() < end, "its port stays taken"
            time.sleep(0.2)  # an outgoing connection of somebody else has the number for a while

    def _started(self):
        words = [str(word) for pair in self.ports.items() for word in pair]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "ota", "serve", "--data", self.folder, *words, "--jsonl"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | self.environment,
            )
        said = self._process.stdout.readline()
        self.ready = json.loads(said) if said else {}
        if self.ready.get("event") != "ready":
            self._process.wait(WAIT_S)
            self._process.stdout.close()
            return False
        self.ports = {
            "--http-port": int(self.ready["api"].rpartition(":")[2]),
            "--device-http-port": int(self.ready["device_http"].rpartition(":")[2]),
            "--mqtt-port": self.ready["mqtt"],
        }
        return True

    def kill(self):
        """``kill -9``."""
        self._process.kill()
        self._process.wait(WAIT_S)
        self._process.stdout.close()

    def wait(self):
        """Wait until it ends by itself; gives the exit code."""
        self._process.wait(WAIT_S)
        self._process.stdout.close()
        return self._process.returncode

    def end(self):
        """As Ctrl-C does; gives the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(WAIT_S)
        self._process.stdout.close()
        return self._process.returncode

    @property
    def complaints(self):
        """What it wrote to stderr in all its lives."""
        return self._log.read_text(encoding="utf-8")

    # -- a person

    def web(self):
        """A person with the first token."""
        token = (self.folder / "admin.token").read_text().strip()
        return httpx.Client(base_url=self.ready["api"], headers={"Authorization": f"Bearer {token}"}, timeout=WAIT_S)

    def until(self, is_so, seconds=WAIT_S):
        """Ask until it is so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if is_so():
                return
            time.sleep(0.1)
        raise AssertionError(f"not so within {seconds} s\n{self.complaints[-4000:]}")
