"""Very many devices that are waited for together, and the process they call."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

LIMIT_S = 600.0


class Crowd:
    """All devices, and how many of them are still waited for."""

    def __init__(self):
        self.lost = 0
        self.error = None
        self._left = 0
        self._all = asyncio.Event()

    def expect(self, count):
        self._left = count
        self._all.clear()

    def done(self):
        self._left -= 1
        if not self._left:
            self._all.set()

    async def wait(self):
        await asyncio.wait_for(self._all.wait(), LIMIT_S)


class Server:
    """A process of what is measured, asked line by line; it says its first facts by itself.

    Args:
        words: its command line behind the interpreter.
    """

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.first = json.loads(self.process.stdout.readline())

    async def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return json.loads(await asyncio.get_running_loop().run_in_executor(None, self.process.stdout.readline))

    def end(self):
        self.process.stdin.close()
        self.process.wait()
