"""A module's AT port that several pages look at: what was asked, what came, repetition and scripts."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from moduline.errors import BadOption, ModulineError, NoAnswer, PortGone, Text
from moduline.port.listing import PortInfo
from moduline.remote.at_dialogue import AtDialogue
from moduline.remote.at_session import AtAnswer
from moduline.web.site import site
from moduline.web.studio.at_script import AtStep, is_met
from moduline.web.studio.port_session import LinkState, PortSession, PortSessions
from moduline.web.studio.terminal_history import History, history_file
from moduline.web.studio.terminal_transcript import Local, stamp
from moduline.web.texts import text

KEPT: Final = 5000
ANSWER_S: Final = 30.0
SLOW_S: Final = 180.0
"""For commands in the test form and searches for operators. Source: 3GPP TS 27.007 7.3."""
LEAST_S: Final = 0.2
MOST_S: Final = 3600.0

RowKind = Literal["sent", "info", "ok", "error", "unsolicited", "note"]
MARKS: Final = {"sent": ">", "info": " ", "ok": "+", "error": "!", "unsolicited": "*", "note": "-"}


@dataclass(frozen=True, slots=True)
class AtRow:
    """A line of the console: ``number`` counts from 1, ``at`` is UTC seconds."""

    number: int
    at: float
    kind: RowKind
    said: str | Text


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step of a script went; ``answer`` is None while it has none."""

    step: AtStep
    answer: AtAnswer | None = None
    is_met: bool = False
    failure: ModulineError | None = None


class AtPort(PortSession):
    """An AT port.

    Args:
        info: the port as it is now.
        address: what it was asked for by.
        history: of what is typed.
    """

    def __init__(self, info: PortInfo, address: str, history: History) -> None:
        super().__init__(info, address)
        self.history = history
        self.cleared = 0
        self.repeated = ""
        self.every_s = 0.0
        self.results: list[StepResult] = []
        self._dialogue = AtDialogue()
        self._rows: deque[AtRow] = deque(maxlen=KEPT)
        self._count = 0
        self._asking = asyncio.Lock()
        self._answer: asyncio.Future[AtAnswer] | None = None
        self._lines: list[str] = []
        self._repeating: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether a script runs."""
        return self._running is not None and not self._running.done()

    @property
    def count(self) -> int:
        """How many rows there were so far."""
        return self._count

    def since(self, count: int) -> list[AtRow]:
        """Rows behind the first ``count``, as far as they are kept."""
        return [row for row in self._rows if row.number > count]

    def hear(self, data: bytes) -> None:
        """Take what the module says."""
        for line in self._dialogue.receive(data):
            self._add(line.kind, line.text)
            if line.kind == "info":
                self._lines.append(line.text)
            elif line.kind != "unsolicited" and self._answer is not None and not self._answer.done():
                self._answer.set_result(AtAnswer("", tuple(self._lines), line.text))
        self.tell()

    def note(self, before: LinkState) -> None:
        """Say what became of the port."""
        del before
        if self.state is LinkState.CONNECTING:
            return
        slug = (
            "terminal.line.back" if self.state is LinkState.CONNECTED and self._rows else f"terminal.line.{self.state}"
        )
        why = {lang: self.failure.message(lang) if self.failure else "" for lang in ("en", "zh")}
        words = text(slug)
        self._add(
            "note",
            Text(words.say("en", port=self.title, why=why["en"]), words.say("zh", port=self.title, why=why["zh"])),
        )
        if self.state is not LinkState.CONNECTED:
            self._dialogue = AtDialogue()
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(PortGone(port=self.title))

    def clear(self) -> None:
        """Forget what was said so far."""
        self._rows.clear()
        self.cleared += 1
        self.tell()

    async def ask(self, command: str) -> AtAnswer:
        """Send a command, behind those that wait, and give its answer.

        Raises:
            BadOption: it is empty or has control characters.
            PortGone: the port is not there, or went.
            NoAnswer: no end came.
        """
        if not command.isprintable() or not command.strip():
            raise BadOption(name="CMD", reason=Text("empty, or with control characters", "为空或含控制字符"))
        limit_s = SLOW_S if command.upper().startswith("AT+COPS=") else ANSWER_S
        async with self._asking:
            self._lines = []
            self._answer = asyncio.get_running_loop().create_future()
            self._add("sent", command)
            self._dialogue.sent(command)
            self.tell()
            try:
                await self.send(command.encode() + b"\r\n")
                answer = await asyncio.wait_for(self._answer, limit_s)
            except TimeoutError as cause:
                words = text("at.no_answer")
                self._add("note", Text(words.say("en", limit=limit_s), words.say("zh", limit=limit_s)))
                raise NoAnswer(what=command, seconds=limit_s) from cause
            finally:
                self._answer = None
                self._dialogue.given_up()
                self.tell()
        return AtAnswer(command, answer.lines, answer.result)

    def repeat(self, command: str, every_s: float) -> None:
        """Ask again and again, until ``stop`` or the last page has gone.

        Raises:
            BadOption: too often, or too seldom.
        """
        if not LEAST_S <= every_s <= MOST_S:
            reason = Text("{least} to {most} s", "须为 {least} 至 {most} 秒")
            raise BadOption(name="N", reason=reason, least=LEAST_S, most=MOST_S)
        self.stop()
        self.repeated, self.every_s = command, every_s
        self._repeating = asyncio.create_task(self._repeat(command, every_s))
        self.tell()

    def stop(self) -> None:
        """Repeat no more, and end the script that runs."""
        for task in (self._repeating, self._running):
            if task is not None:
                task.cancel()
        self.repeated = ""
        self.tell()

    def run(self, steps: list[AtStep]) -> None:
        """Ask what a script says, one after the other; ``results`` has what came of it."""
        self.stop()
        self.results = [StepResult(step) for step in steps]
        self._running = asyncio.create_task(self._run())
        self.tell()

    def log(self, lang: str, local: Local | None) -> str:
        """All rows, as a file; with their times where there is a wall clock."""
        return "".join(
            f"{stamp(row.at, local) + '  ' if local else ''}{MARKS[row.kind]} "
            f"{row.said if isinstance(row.said, str) else row.said.say(lang)}\n"
            for row in self._rows
        )

    async def _repeat(self, command: str, every_s: float) -> None:
        while self.watchers:
            with contextlib.suppress(NoAnswer, PortGone):  # the rows say so; a module that restarts comes back
                await self.ask(command)
            await asyncio.sleep(every_s)
        self.repeated = ""

    async def _run(self) -> None:
        for at, result in enumerate(self.results):
            step = result.step
            try:
                if step.wait_s:
                    await asyncio.sleep(step.wait_s)
                    self.results[at] = StepResult(step, is_met=True)
                else:
                    answer = await self.ask(step.command)
                    self.results[at] = StepResult(step, answer, is_met(step, answer))
            except ModulineError as failure:
                self.results[at] = StepResult(step, failure=failure)
            self.tell()

    def _add(self, kind: RowKind, said: str | Text) -> None:
        self._count += 1
        self._rows.append(AtRow(self._count, self.now(), kind, said))


def _made(info: PortInfo, address: str) -> AtPort:
    return AtPort(info, address, History(history_file(site().data, site().root, "at")))


SESSIONS: Final = PortSessions("at", _made)
"""The AT consoles of this server."""
