r"""A module's AT port: one command, its lines, its final result.

A port may be in the middle of anything when it is opened, so a session begins with ``AT`` until ``OK`` comes; echo is
tolerated, not required. Lines that belong to no command (``+QIND: …``) go to ``on_unsolicited``.

Source: device-api 4 (AT port); the lines themselves are ``wire.at``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from moduline.errors import AtRefused, BadAnswer, BadOption, NoAnswer, Text
from moduline.port.stream import ByteStream
from moduline.remote.inbox import Inbox
from moduline.wire.at import LineDecoder, is_accepted, is_final

ANSWER_LIMIT_S: Final = 5.0
WAKE_ATTEMPTS: Final = 4
WAKE_LIMIT_S: Final = 0.5
ANSWER_LIMIT_BYTES: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class AtAnswer:
    """What a command was answered: its information lines, without echo and blank lines, and the final result."""

    command: str
    lines: tuple[str, ...]
    result: str

    @property
    def is_ok(self) -> bool:
        """True when the module accepted the command."""
        return is_accepted(self.result)


class AnswerDecoder:
    """Collects the lines of one answer up to its final result; pure."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._decoder = LineDecoder()
        self._lines: list[str] = []
        self._size_bytes = 0

    def feed(self, data: bytes) -> AtAnswer | None:
        """Take bytes; the answer once it is complete. What follows the final result is dropped.

        Raises:
            BadAnswer: the answer grows without end.
        """
        self._size_bytes += len(data)
        if self._size_bytes > ANSWER_LIMIT_BYTES:
            raise BadAnswer(what=self._command, answer=f"{self._size_bytes} bytes without a result")
        for line in self._decoder.feed(data):
            if is_final(line):
                return AtAnswer(self._command, tuple(self._lines), line)
            if line != self._command:  # the echo
                self._lines.append(line)
        return None


class AtSession:
    """An open AT port.

    Args:
        stream: the port; closed with the session.
        on_unsolicited: gets each line that arrives between commands.
    """

    def __init__(self, stream: ByteStream, on_unsolicited: Callable[[str], None] | None = None) -> None:
        self.name = stream.name
        self._inbox = Inbox(stream)
        self._on_unsolicited = on_unsolicited

    async def __aenter__(self) -> Self:
        try:
            await self.open()
        except BaseException:
            await self._inbox.close()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Find out that somebody answers.

        Raises:
            NoAnswer: nobody does.
        """
        self._inbox.start()
        for attempt in range(WAKE_ATTEMPTS):
            try:
                await self.ask("AT", WAKE_LIMIT_S)
            except NoAnswer:
                if attempt + 1 == WAKE_ATTEMPTS:
                    raise
            else:
                if attempt:  # answers to the earlier attempts may still come
                    await asyncio.sleep(WAKE_LIMIT_S)
                return

    async def close(self) -> None:
        """Close the port."""
        await self._inbox.close()

    async def ask(self, command: str, limit_s: float = ANSWER_LIMIT_S) -> AtAnswer:
        """Send one command and give its answer, whatever the result.

        Raises:
            BadOption: the command holds line ends or other control characters.
            NoAnswer: no final result came within ``limit_s``.
            BadAnswer: an answer without end.
            PortGone: the port vanished.
        """
        if not command.isprintable() or not command:
            raise BadOption(name="CMD", reason=Text("empty, or with control characters", "为空或含控制字符"))
        for line in (await self._inbox.read(0)).decode("utf-8", "replace").split("\n"):
            if line.strip() and self._on_unsolicited is not None:
                self._on_unsolicited(line.strip())
        decoder = AnswerDecoder(command)
        await self._inbox.write(command.encode() + b"\r\n")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while (left_s := deadline - loop.time()) > 0:
            answer = decoder.feed(await self._inbox.read(left_s))
            if answer is not None:
                return answer
        raise NoAnswer(what=command, seconds=limit_s)

    async def tell(self, command: str, limit_s: float = ANSWER_LIMIT_S) -> tuple[str, ...]:
        """The information lines of a command that the module must accept.

        Raises:
            AtRefused: it answered anything but OK.
            NoAnswer, BadAnswer, PortGone: as ask.
        """
        answer = await self.ask(command, limit_s)
        if not answer.is_ok:
            raise AtRefused(command=command, result=answer.result)
        return answer.lines
