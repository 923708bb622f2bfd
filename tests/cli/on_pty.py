"""A ``moduline`` command at a terminal of its own: keys in, screen out, Ctrl-C as from the keyboard."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time

INTERRUPT = b"\x03"


class CommandOnPty:
    """``with CommandOnPty("run", "DIR") as command``: ``wait_for`` reads the screen, ``press`` types."""

    def __init__(self, *words, folder=None, environment=None):
        self.words = [sys.executable, "-m", "moduline", *map(str, words)]
        self.folder = folder
        self.environment = os.environ | {"COLUMNS": "200"} | (environment or {})
        self.screen = ""
        self.position = 0

    def __enter__(self):
        self.master, slave = os.openpty()
        self.process = subprocess.Popen(
            self.words, stdin=slave, stdout=slave, stderr=slave, cwd=self.folder, env=self.environment,
            start_new_session=True, preexec_fn=lambda: take_terminal(slave),  # noqa: PLW1509  the test has one thread
        )  # fmt: skip
        os.close(slave)
        return self

    def __exit__(self, *exc_info):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)

    def wait_for(self, text, timeout=30):
        """Read the screen until ``text`` comes after what was waited for before; gives what came."""
        deadline = time.monotonic() + timeout
        while (at := self.screen.find(text, self.position)) < 0:
            left = deadline - time.monotonic()
            assert left > 0, f"no {text!r} within {timeout} s after:\n{self.screen[self.position :]}"
            assert self.read(left), f"ended without {text!r}:\n{self.screen[self.position :]}"
        begin, self.position = self.position, at + len(text)
        return self.screen[begin : self.position]

    def press(self, keys):
        os.write(self.master, keys)

    def end(self, timeout=30):
        """Read to the end; gives the exit code."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0 and self.read(left):
            continue
        return self.process.wait(max(1.0, left))

    def read(self, limit_s):
        """True when something came, False at the end of the screen; raises nothing."""
        if not select.select([self.master], [], [], limit_s)[0]:
            return True
        data = b""
        with contextlib.suppress(OSError):  # EIO: the last program has left the terminal
            data = os.read(self.master, 65536)
        self.screen += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


def take_terminal(slave):
    """In the child: its terminal is the one that sends it Ctrl-C."""
    import fcntl
    import termios

    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
