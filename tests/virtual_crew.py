"""Full virtual modules in a thread of their own, each with a person at its prompt; and a person who types ``moduline``."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import time

from hand_clock import HandClock
from moduline.cli.main import run
from moduline.fleet import VirtualFleet, VirtualPlan
from moduline.testing.loop_thread import LoopThread

WAIT_S = 90.0


class WallClock(HandClock):
    """The wall clock is moved by hand; time goes on by itself, so that nobody who was silent in a leap is thrown out."""

    def tick_s(self):
        return time.monotonic()


class VirtualCrew:
    """Modules with power; ``stop`` takes it away.

    Args:
        port: of the device gateway.
        script: main.py of each.
        count: how many.
        **more: fields of ``VirtualPlan``.
    """

    def __init__(self, port, script, count, **more):
        self._loop = LoopThread()
        self._fleet = VirtualFleet(VirtualPlan(count, f"mqtt://127.0.0.1:{port}", {"main.py": script}, **more))
        self._loop.run(self._fleet.__aenter__())
        self._loop.call(self._fleet.start)

    def __getitem__(self, at):
        return self._fleet.members[at]

    def __iter__(self):
        return iter(self._fleet.members)

    def stop(self):
        self._loop.run(self._fleet.__aexit__(None, None, None))
        self._loop.close()

    def type(self, member, *lines):
        """Somebody types lines at its prompt."""
        for line in lines:
            self._loop.run(member.type(line))

    def fault(self, member, word):
        """Switch on a fault of its supply, as ``virt fault`` does."""
        self._loop.call(member.module.fault, word)

    def power_on(self, member):
        """The supply is back."""
        self._loop.run(member.module.power_on())

    def until(self, member, is_so, what=""):
        """Wait until it is so; else show what the module has printed."""

        async def waited():
            async with asyncio.timeout(WAIT_S):
                await member.wait_for(is_so)

        try:
            self._loop.run(waited())
        except TimeoutError:
            notices = [(one.slug, one.facts) for one in member.notices]
            raise AssertionError(f"not so: {what}\n{member.device}\n{notices}\n{member.text[-3000:]}") from None

    def until_printed(self, member, *texts):
        """Wait until it has printed all of it."""
        for text in texts:
            self.until(member, lambda one, text=text: text in one.text, text)

    def until_version(self, member, version):
        """Wait until it runs that firmware."""
        self.until(member, lambda one: one.device.version == version and one.device.state == "running", version)


class Operator:
    """Types ``moduline ota`` commands in this process; ``ask`` for facts, ``say`` for what people see."""

    def __init__(self, site, folder):
        self._place = ("--server", site.addresses.api, "--token-file", str(folder / "admin.token"))

    def say(self, *words, exit_code=0):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(["ota", *map(str, words), *self._place])
        assert code == exit_code, (words, out.getvalue(), err.getvalue())
        return out.getvalue()

    def ask(self, *words, exit_code=0):
        return json.loads(self.say(*words, "--json", exit_code=exit_code))
