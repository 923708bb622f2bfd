"""Ports of a module that answers AT by a table, for checks; each opening is a fresh wire."""

from __future__ import annotations

import asyncio

from moduline.errors import NoModule, PortGone
from moduline.line.checks import UnderTest, run_recipe
from moduline.port.pair import pair
from remote import virtual_time

OK = ("OK",)


class FakePorts:
    """``answers``: command to the lines of its answer, the last one final; a list is used up from the front.

    A value of None is silence, "gone" cuts the wire. ``openings``: how often the port may be opened.
    """

    def __init__(self, answers, openings=100):
        self.answers = {"AT": OK} | answers
        self.openings = openings
        self.asked = []
        self.tasks = []

    async def __call__(self, role):
        if role != "at" or self.openings <= 0:
            raise NoModule(address=role)
        self.openings -= 1
        host, module = pair()
        self.tasks.append(asyncio.create_task(self._serve(module)))
        return host

    async def _serve(self, stream):
        line = b""
        try:
            while True:
                line += await stream.read_some()
                while b"\r\n" in line:
                    command, _, line = line.partition(b"\r\n")
                    await self._answer(stream, command.decode())
        except PortGone:
            return

    async def _answer(self, stream, command):
        if command != "AT":
            self.asked.append(command)
        told = self.answers.get(command, ("ERROR",))
        if isinstance(told, list):
            told = told.pop(0) if len(told) > 1 else told[0]
        if told == "gone":
            self.openings = 0
            stream.cut()
        elif told is not None:
            await stream.write_all("".join(f"\r\n{one}\r\n" for one in told).encode())


def run_on(ports, recipe, facts=None, report=lambda event: None):
    """Results of a recipe, by name; time passes only where somebody waits."""

    async def story():
        results = await run_recipe(recipe, UnderTest(ports, facts), report)
        await asyncio.gather(*ports.tasks)
        return {one.name: one for one in results}

    return virtual_time.run(story())
