"""A running module's REPL: run code and scripts, see what they print, leave the friendly prompt behind.

Opening interrupts what runs (as every tool does): Ctrl-C, Ctrl-A, again and again for a few seconds, because a module
listens to Ctrl-C only from the second after a script's start on, and may be booting. Then one probe in plain raw mode
settles the line: banners of earlier attempts are skipped, type-ahead is gone, and the conversation is in step.

Source: device-api 2.4, 3.4, 3.5, 4.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final, Self

from moduline.errors import BadAnswer, NoAnswer, PeerError, ReplBusy, ScriptRaised, Text, TotalTimeout
from moduline.port.stream import ByteStream
from moduline.remote.inbox import Inbox
from moduline.remote.raw_session import Entered, Left, Limits, Noise, RawReplSession, State
from moduline.wire.rawrepl import SOFT_REBOOT, Finished, Output, Pacing

ATTEMPTS: Final = 6  # of entering, Limits.entering_s apart
INTERRUPT_LIMIT_S: Final = 3.0
SILENCE_S: Final = 30.0  # for code of ours, which always has something to say soon
PROBE: Final = b"print('\\x02moduline\\x03',end='')"
PROBE_ANSWER: Final = b"\x02moduline\x03"

Sink = Callable[[bytes], None]


def drop(data: bytes) -> None:
    """A Sink that keeps nothing."""
    del data


class ReplSession:
    """The REPL of one module, in raw mode from ``open`` to ``close``.

    Args:
        stream: the REPL port; closed with the session.
        on_noise: gets what the module prints outside of the code that runs here: other threads, the boot.
        pacing: how code is typed into modules without raw-paste.
        limits: how long the module may take.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        on_noise: Sink = drop,
        pacing: Pacing | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.name = stream.name
        self.boot_noise = b""
        self._inbox = Inbox(stream)
        self._raw = RawReplSession(pacing, limits)
        self._on_noise = on_noise

    async def __aenter__(self) -> Self:
        try:
            await self.open()
        except BaseException:
            await self._inbox.close()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def has_interrupted_boot(self) -> bool:
        """True when opening stopped a main.py (the module then restarts its interpreter without it)."""
        return SOFT_REBOOT in self.boot_noise

    async def open(self, attempts: int = ATTEMPTS, *, interrupts: bool = True) -> None:
        """Come to the raw prompt.

        Args:
            attempts: how often to try.
            interrupts: stop what runs; False at the first attempt saves time where the prompt is known to be there.

        Raises:
            ReplBusy: the module prints but comes to no prompt.
            NoAnswer: not a byte came.
            ReplProtected: the REPL is locked.
        """
        self._inbox.start()
        for attempt in range(attempts):
            self._raw.enter(interrupts=interrupts or attempt > 0)
            try:
                await self._drive()
            except NoAnswer as silence:
                if attempt + 1 < attempts:
                    continue
                if self._inbox.received_bytes:
                    raise ReplBusy(port=self.name) from silence
                raise
            break
        if PROBE_ANSWER not in await self._reply(PROBE, plainly=True, silence_s=SILENCE_S):
            raise BadAnswer(what=Text("the first question", "首次询问"), answer="nothing")

    async def close(self) -> None:
        """Back to the friendly prompt, as far as the module still answers, and close the port."""
        try:
            if self._raw.state is State.READY:
                self._raw.leave()
                with contextlib.suppress(PeerError):  # the work is done; a lost goodbye is the next session's finding
                    await self._drive()
        finally:
            await self._inbox.close()

    async def exec(
        self,
        code: str | bytes,
        on_output: Sink = drop,
        timeout_s: float | None = None,
        silence_s: float | None = None,
    ) -> bytes:
        """Run code and give everything it printed, which ``on_output`` sees while it runs.

        Cancelling interrupts the code on the module.

        Args:
            code: source text.
            on_output: gets the output piece by piece.
            timeout_s: for the whole of it; then it is interrupted.
            silence_s: how long it may print nothing; then the module counts as gone.

        Raises:
            ScriptRaised: it raised; ``facts`` has the traceback.
            TotalTimeout: it did not end within ``timeout_s`` and was interrupted.
            NoAnswer, BadAnswer, PortGone: the conversation failed.
        """
        source = code.encode() if isinstance(code, str) else code
        try:
            async with asyncio.timeout(timeout_s):
                return await self._reply(source, on_output, silence_s=silence_s)
        except TimeoutError as error:
            await self._interrupt(on_output)
            raise TotalTimeout(seconds=timeout_s) from error
        except asyncio.CancelledError:
            await self._interrupt(on_output)
            raise

    async def eval(self, expression: str, timeout_s: float | None = None) -> Any:
        """Value of an expression on the module; what has no literal form comes as its repr text.

        Raises:
            ScriptRaised, TotalTimeout, NoAnswer, BadAnswer, PortGone: as exec.
        """
        printed = await self.exec(f"print(repr({expression}))", timeout_s=timeout_s)
        text = printed.decode(errors="replace").strip()
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text

    async def soft_reset(self) -> bytes:
        """Restart the interpreter without running main.py; gives what the boot printed."""
        self._raw.soft_reset()
        self.boot_noise = b""
        await self._drive()
        return self.boot_noise

    # ---- inside ---------------------------------------------------------------------------------------------

    async def _reply(
        self, code: bytes, on_output: Sink = drop, *, plainly: bool = False, silence_s: float | None = None
    ) -> bytes:
        printed = bytearray()

        def keep(data: bytes) -> None:
            printed.extend(data)
            on_output(data)

        if self._raw.state is not State.READY:
            raise ReplBusy(port=self.name)
        self._raw.execute(code, plainly=plainly)
        error = await self._drive(keep, silence_s)
        if error.strip():
            traceback = error.decode(errors="replace").replace("\r\n", "\n").strip()
            raise ScriptRaised(last_line=traceback.rsplit("\n", 1)[-1], traceback=traceback)
        return bytes(printed)

    async def _interrupt(self, on_output: Sink) -> None:
        """Ctrl-C; a module that does not honour it in raw mode keeps running, and is left so."""
        self._raw.interrupt()
        with contextlib.suppress(TimeoutError, PeerError):  # the caller's own error tells more
            async with asyncio.timeout(INTERRUPT_LIMIT_S):
                await self._drive(on_output)

    async def _drive(self, on_output: Sink = drop, silence_s: float | None = None) -> bytes:
        """Write, read and keep the limits until the session is at rest; gives the error section."""
        raw, error = self._raw, b""
        loop = asyncio.get_running_loop()
        started_s, touched = loop.time(), raw.touched
        while True:
            for piece in raw.pieces():
                await self._inbox.write(piece.data)
                if piece.pause_s:
                    await asyncio.sleep(piece.pause_s)
            if raw.state in {State.READY, State.SHUT}:
                return error
            if touched != raw.touched:
                started_s, touched = loop.time(), raw.touched
            limit_s = raw.limit_s
            left_s = silence_s if limit_s is None else max(0.0, started_s + limit_s - loop.time())
            data = await self._inbox.read(left_s)
            if not data and limit_s is None:
                raise NoAnswer(what=Text("the code", "代码"), seconds=silence_s)
            if not data:
                raw.expired()
            for event in raw.receive(data):
                match event:
                    case Output(printed):
                        on_output(printed)
                    case Finished(text, _):
                        error = text
                    case Entered(noise):
                        self.boot_noise = noise
                    case Noise(noise):
                        self._on_noise(noise)
                    case Left():
                        continue
            if data and left_s == 0 and touched == raw.touched:  # it prints without end: its time is up, too
                raw.expired()
