"""The user's terminal as a module's terminal: raw keys in, bytes out; or a pipe, line by line.

On a terminal every key goes to the module, Ctrl-C too; only Ctrl-] stays here and leaves. A pipe sends its next line
when the module shows a prompt, because a module throws away what is typed while code runs; the indent that the module
itself puts in front of a continuation line is taken off the line.

Source: device-api 2.4 (type-ahead), 3.2 (CR ends a line, auto-indent), 3.3 (keys).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Final

from moduline.errors import ReplBusy
from moduline.port.stream import ByteStream
from moduline.remote.inbox import Inbox

LEAVE_KEY: Final = b"\x1d"  # Ctrl-]
SHOW_PROMPT: Final = b"\x02"  # banner and prompt at an empty prompt, cursor left in a line, back from raw mode
INTERRUPT: Final = b"\x03"
BACKSPACE: Final = b"\x7f"
PROMPT_LIMIT_S: Final = 3.0
SETTLE_S: Final = 0.1  # after a continuation prompt, until its indent is complete

_PROMPT = re.compile(rb"(?:>>> |(?:^|[\r\n])(?:=== |\.\.\. ( *)))$")
_TAIL_BYTES = 256
_ARROWS: Final = {"H": b"\x1b[A", "P": b"\x1b[B", "M": b"\x1b[C", "K": b"\x1b[D"}  # of the Windows console

Keys = AsyncIterator[bytes]


async def converse(stream: ByteStream, keys: Keys, show: Callable[[bytes], None]) -> None:
    """Pass keys and bytes until Ctrl-] or the end of the keys.

    Raises:
        PortGone: the port vanished.
    """
    async with Inbox(stream) as inbox:

        async def listen() -> None:
            while True:
                show(await inbox.read(None))

        async def speak() -> None:
            await inbox.write(SHOW_PROMPT)
            async for typed in keys:
                before, leaves, _ = typed.partition(LEAVE_KEY)
                if before:
                    await inbox.write(before)
                if leaves:
                    return

        await _first_of(listen(), speak())


async def feed_lines(stream: ByteStream, lines: Iterator[str], show: Callable[[bytes], None]) -> None:
    """Type lines, each at a prompt, and end when the last one is done.

    Raises:
        ReplBusy: no prompt came to begin with.
        PortGone: the port vanished.
    """
    async with Inbox(stream) as inbox:
        await inbox.write(SHOW_PROMPT)
        seen = await inbox.read_until(lambda data: _PROMPT.search(data[-_TAIL_BYTES:]) is not None, PROMPT_LIMIT_S)
        show(seen)
        prompt = _PROMPT.search(seen[-_TAIL_BYTES:])
        if prompt is None:
            raise ReplBusy(port=stream.name)
        try:
            for line in lines:
                await inbox.write(typed_at(line.rstrip("\r\n"), len(prompt.group(1) or b"")))
                prompt = await _wait_prompt(inbox, show)
        except asyncio.CancelledError:
            await inbox.write(INTERRUPT)
            raise


def typed_at(line: str, indent: int) -> bytes:
    """What to type so that ``line`` stands at a prompt that the module has indented by ``indent`` blanks.

    One backspace takes away up to four blanks of an indent.
    """
    own = len(line) - len(line.lstrip(" "))
    if own >= indent:
        return line[indent:].encode() + b"\r"
    return BACKSPACE * -(-(indent - own) // 4) + line[own:].encode() + b"\r"


async def _wait_prompt(inbox: Inbox, show: Callable[[bytes], None]) -> re.Match[bytes]:
    """The prompt at the end of what comes; of a continuation prompt the whole indent, which follows on its heels."""
    tail = b""
    while True:
        prompt = _PROMPT.search(tail)
        if prompt is not None and prompt.group(1) is None:
            return prompt
        data = await inbox.read(None if prompt is None else SETTLE_S)
        if prompt is not None and not data:
            return prompt
        show(data)
        tail = (tail + data)[-_TAIL_BYTES:]


async def _first_of(*work: Awaitable[None]) -> None:
    """Run until one ends; the others are cancelled; its failure is ours."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()


@contextlib.contextmanager
def raw_keyboard() -> Iterator[None]:
    """The terminal gives every key at once, Ctrl-C too, and shows none itself; put back at the end."""
    if sys.platform == "win32":
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def keyboard() -> Keys:
    """Keys as they are pressed, until the terminal closes."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    def watch() -> None:
        while True:
            typed = _read_keys()
            try:
                loop.call_soon_threadsafe(queue.put_nowait, typed)
            except RuntimeError:  # the loop has ended before this thread
                return
            if not typed or LEAVE_KEY in typed:
                return

    threading.Thread(target=watch, name="keyboard", daemon=True).start()
    while typed := await queue.get():
        yield typed


def _read_keys() -> bytes:
    if sys.platform == "win32":
        import msvcrt

        key = msvcrt.getwch()
        return _ARROWS.get(msvcrt.getwch(), b"") if key in "\0\xe0" else key.encode("utf-8", "replace")
    try:
        return os.read(sys.stdin.fileno(), 1024)
    except OSError:
        return b""


def show_bytes(data: bytes) -> None:
    """Bytes of the module on stdout, as they are."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


class LineEnds:
    """Turns the module's CR LF into LF, also when it is cut in two."""

    def __init__(self, show: Callable[[bytes], None]) -> None:
        self._show = show
        self._has_return = False

    def __call__(self, data: bytes) -> None:
        """Show more bytes."""
        data = (b"\r" if self._has_return else b"") + data
        self._has_return = data.endswith(b"\r")
        data = data.removesuffix(b"\r") if self._has_return else data
        if data:
            self._show(data.replace(b"\r\n", b"\n"))

    def end(self) -> None:
        """Show what was held back."""
        if self._has_return:
            self._has_return = False
            self._show(b"\r")
