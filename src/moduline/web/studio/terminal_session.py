r"""A module's REPL that several pages look at: what it printed, what is typed, and how what is typed gets there whole.

The friendly prompt of a module drops every character outside of ASCII and indents pasted blocks twice, so

* characters outside of ASCII typed at the prompt go as ``\uXXXX``, which means the same in a text literal;
* a whole line with such characters, and every block of several lines, goes through paste mode, where it stays as it is.

TAB goes to the module. When it has nothing to say to it, names are asked for by ``dir()`` at the raw prompt, unseen.

Source: device-api 3.2 (what is dropped), 3.3 (keys), 3.4 (raw mode).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Final

from moduline.errors import ModulineError, NoAnswer, PortGone, ReplBusy, ScriptRaised, Text
from moduline.port.listing import PortInfo
from moduline.remote.repl_session import ReplSession
from moduline.web.site import site
from moduline.web.studio.port_session import LinkState, PortSession, PortSessions
from moduline.web.studio.terminal_history import History, history_file
from moduline.web.studio.terminal_transcript import MORE, PASTE, PROMPT, Transcript
from moduline.web.texts import text

ENTER: Final = b"\r"
INTERRUPT: Final = b"\x03"
FINISH: Final = b"\x04"
PASTE_KEY: Final = b"\x05"
SHOW_PROMPT: Final = b"\x02"
WIPE: Final = b"\x1b[F\x15"
"""End of the line, then kill it; harmless where there is none."""
UP: Final = ("\x1b[A", "\x1bOA")
DOWN: Final = ("\x1b[B", "\x1bOB")
PIECE: Final = 128
PROMPT_LIMIT_S: Final = 5.0
SILENCE_S: Final = 0.5
"""So long a module may take to say something to TAB."""
BOOT_S: Final = 1.5
"""So long a module that comes back may be silent before it is asked for its prompt."""
MOST_NAMES: Final = 60

_WORD: Final = re.compile(r"(?P<of>(?:[A-Za-z_]\w*\.)*)(?P<begun>[A-Za-z_]\w*)?$")


class TerminalSession(PortSession):
    """A REPL.

    Args:
        info: its port as it is now.
        address: what it was asked for by.
        history: of what is typed.
    """

    def __init__(self, info: PortInfo, address: str, history: History) -> None:
        super().__init__(info, address)
        self.transcript = Transcript()
        self.history = history
        self.cleared = 0
        self._printed = asyncio.Event()
        self._entered = 0
        self._typing = asyncio.Lock()
        self._was_connected = False
        self._greeting: asyncio.Task[None] | None = None

    def hear(self, data: bytes) -> None:
        """Take what the module printed."""
        for line in self.transcript.feed(data, self.now()):
            if self._entered and line.startswith((PROMPT, MORE)):
                self._entered -= 1
                self._remember(line[len(PROMPT) :])
        self._printed.set()
        self.tell()

    def note(self, before: LinkState) -> None:
        """Say what became of the port; a module that was there all along is asked for its prompt."""
        if self.state is LinkState.CONNECTED:
            self._entered = 0
            self._say("terminal.line.back" if self._was_connected else "terminal.line.connected")
            self._was_connected = True
            self._greeting = asyncio.create_task(self._greet(BOOT_S if before is LinkState.AWAY else 0.0))
        elif self.state is not LinkState.CONNECTING:
            self._say(f"terminal.line.{self.state}")

    def clear(self) -> None:
        """Forget what was printed so far."""
        self.transcript.clear()
        self.cleared += 1
        self.tell()

    @property
    def is_at_prompt(self) -> bool:
        """Whether the module waits for a line: its friendly prompt is what stands in the last line."""
        return self.transcript.current.startswith((PROMPT, MORE))

    async def press(self, typed: str) -> None:
        """Take keys, or what was pasted.

        Raises:
            PortGone: the port is not there.
            ReplBusy: a block was to be pasted, and no prompt came.
        """
        async with self._typing:
            lines = typed.replace("\r\n", "\r").replace("\n", "\r")
            if "\r" in lines.rstrip("\r") and self.is_at_prompt:
                await self._paste(lines.replace("\r", "\n"))
            elif typed == "\t" and self.transcript.current.startswith(PROMPT):
                await self._complete()
            elif typed in UP or typed in DOWN:
                await self._browse(typed)
            else:
                self.history.leave()
                self._entered += lines.count("\r") if self.is_at_prompt else 0
                await self.send(typable(lines) if self.is_at_prompt else lines.encode())

    async def enter(self, text: str) -> None:
        """Have the module run a line or a block, whatever stands at its prompt.

        Raises:
            PortGone: the port is not there.
            ReplBusy: no prompt comes.
        """
        async with self._typing:
            block = text.replace("\r\n", "\n").rstrip("\n")
            if not self.is_at_prompt:  # a script that asks for something
                await self.send(block.replace("\n", "\r").encode() + ENTER)
                self._remember(block)
            elif block.isascii() and "\n" not in block:
                self._entered += 1
                wipe = WIPE if self.transcript.current.startswith(PROMPT) else b""  # the indent of a block stays
                await self.send(wipe + block.encode() + ENTER)
            else:
                await self._paste(block)

    async def insert(self, line: str) -> None:
        """Put a line at the prompt, in place of what stands there; it is not run.

        Raises:
            PortGone: the port is not there.
        """
        async with self._typing:
            await self.send(WIPE + typable(line))

    async def _greet(self, patience_s: float) -> None:
        """Ask for the prompt, unless the module says something by itself."""
        self._printed.clear()
        try:
            if patience_s:
                await asyncio.wait_for(self._printed.wait(), patience_s)
                return
        except TimeoutError:
            self._printed.clear()
        with contextlib.suppress(PortGone):  # it went again at once, which was noted
            await self.send(SHOW_PROMPT)

    async def _browse(self, typed: str) -> None:
        """Up and down: our history at the prompt, the module's business elsewhere."""
        current = self.transcript.current
        if not current.startswith(PROMPT):
            await self.send(typed.encode())
            return
        begun = current[len(PROMPT) :]
        found = self.history.earlier(begun) if typed in UP else self.history.later()
        while found is not None and "\n" in found:  # blocks are in the list, for the line below
            found = self.history.earlier(begun) if typed in UP else self.history.later()
        if found is not None:
            await self.send(WIPE + typable(found))

    async def _paste(self, block: str) -> None:
        """Through paste mode: nothing is dropped, nothing indented."""
        await self.send(WIPE + PASTE_KEY)
        if not await self._wait(lambda: self.transcript.current.startswith(PASTE)):
            await self.send(INTERRUPT)
            raise ReplBusy(port=self.title)
        data = block.rstrip("\n").replace("\n", "\r").encode()
        for at in range(0, len(data), PIECE):
            await self.send(data[at : at + PIECE])
            await asyncio.sleep(0)
        await self.send(FINISH)
        self._remember(block.rstrip("\n"))

    async def _complete(self) -> None:
        """TAB: the module's own completion; ours from ``dir()`` where it is silent."""
        self._printed.clear()
        await self.send(b"\t")
        try:
            await asyncio.wait_for(self._printed.wait(), SILENCE_S)
        except TimeoutError:
            await self._complete_by_dir()

    async def _complete_by_dir(self) -> None:
        line = self.transcript.current[len(PROMPT) :]
        word = _WORD.search(line) if self.transcript.is_at_end else None
        if word is None or not word[0]:
            return
        await self.send(WIPE)
        self._printed.clear()
        await self._wait(lambda: self.transcript.current.rstrip() == PROMPT.rstrip())
        names: list[str] = []
        try:
            repl = ReplSession(self.lend())
            async with _opened(repl):
                names = await _names(repl, word["of"].rstrip("."))
        except ScriptRaised:
            names = []  # it has no such thing: nothing to complete
        fitting = sorted(name for name in names if name.startswith(word["begun"] or ""))
        more = _shared(fitting)[len(word["begun"] or "") :]
        if len(fitting) > 1 and not more:
            shown = ", ".join(fitting[:MOST_NAMES]) + (" …" if len(fitting) > MOST_NAMES else "")
            self.transcript.note(Text(shown, shown), self.now())
            await self.send(SHOW_PROMPT)
        await self.send(typable(line + more))

    async def _wait(self, is_so: Callable[[], bool]) -> bool:
        """Wait for the module to have printed something; whether it has."""
        try:
            async with asyncio.timeout(PROMPT_LIMIT_S):
                while not is_so():
                    self._printed.clear()
                    await self._printed.wait()
        except TimeoutError:
            return False
        return True

    def _remember(self, line: str) -> None:
        try:
            self.history.add(line)
        except ModulineError as failure:
            self.transcript.note(Text(failure.message("en"), failure.message("zh")), self.now())

    def _say(self, slug: str) -> None:
        words = text(slug)
        reason = self.failure
        facts = {lang: {"port": self.title, "why": reason.message(lang) if reason else ""} for lang in ("en", "zh")}
        said = Text(words.say("en", **facts["en"]).rstrip(": "), words.say("zh", **facts["zh"]).rstrip("： "))
        self.transcript.note(said, self.now())


class _opened:  # noqa: N801  used like a function
    """A raw prompt that needs no Ctrl-C, for the friendly one is there."""

    def __init__(self, repl: ReplSession) -> None:
        self._repl = repl

    async def __aenter__(self) -> ReplSession:
        try:
            await self._repl.open(interrupts=False)
        except BaseException:
            await self._repl.close()
            raise
        return self._repl

    async def __aexit__(self, *exc_info: object) -> None:
        await self._repl.close()


def typable(line: str) -> bytes:
    r"""What to type at a friendly prompt so that a text literal means the same: ``\uXXXX`` for what it would drop."""
    return "".join(
        one if one < "\x80" else f"\\u{ord(one):04x}" if one < "\U00010000" else f"\\U{ord(one):08x}" for one in line
    ).encode()


def _shared(names: list[str]) -> str:
    """What all of them begin with."""
    if not names:
        return ""
    first, last = min(names), max(names)
    same = (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1])
    return first[: next(same, len(first))]


async def _names(repl: ReplSession, of: str) -> list[str]:
    found = await repl.eval(f"dir({of})", timeout_s=PROMPT_LIMIT_S)
    if not isinstance(found, list):
        raise NoAnswer(what=f"dir({of})", seconds=PROMPT_LIMIT_S)
    return [name for name in found if isinstance(name, str)]


def _made(info: PortInfo, address: str) -> TerminalSession:
    return TerminalSession(info, address, History(history_file(site().data, site().root, "repl")))


SESSIONS: Final = PortSessions("repl", _made)
"""The terminals of this server."""
