"""A gang and its view side by side: the engine in a thread of its own, the screen where keys and signals arrive.

The engine never waits for the screen. A terminal that is slow, stalled or gone stops the drawing and nothing else: what
is reported goes into the board under a lock, and the screen looks at the board when it gets to it. ::

    engine thread  -- report, on_record -->  Relay (board, lines) <-- ten times a second --  main thread (textual)
                   <-- abort, stop taking ---------------------------------------------------  keys, SIGHUP, SIGTERM

* The screen cannot start or breaks: the gang goes on, told as lines.
* SIGHUP (the terminal was closed) and SIGTERM: running tries are aborted and recorded, exit code 130. Where SIGHUP is
  ignored (``nohup``), the gang goes on without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from types import FrameType
from typing import Annotated, Any, Final, TextIO, cast

import typer

from moduline.burn import BurnRecord
from moduline.cli import output
from moduline.cli.burn_view import LiveView
from moduline.cli.language import current, say
from moduline.events import Event, Reporter
from moduline.line.board import Board, Head
from moduline.line.relay import Relay

ScreenOption = Annotated[
    bool | None,
    typer.Option("--screen/--no-screen", help=say("one big cell per slot, full screen", "全屏显示，每个通道一格")),
]

Work = Callable[[Reporter, Callable[[BurnRecord], None]], Coroutine[Any, Any, list[BurnRecord]]]
"""The gang: gets where to report, gives its records."""

LEAST_COLUMNS: Final = 20
LEAST_ROWS: Final = 6
LOOK_S: Final = 0.2
SWITCH_S: Final = 0.001
"""How long the screen may draw before the engine's thread gets its turn, seconds."""


def watch_gang(
    work: Work,
    head: Head,
    slots: Sequence[str] = (),
    content_share: float = 1.0,
    *,
    screen: bool | None = None,
    as_jsonl: bool = False,
    stop_taking: Callable[[], None] | None = None,
    print_label: Callable[[BurnRecord], Event] | None = None,
) -> list[BurnRecord]:
    """Run a gang to its end and show it; gives its records.

    Args:
        work: the gang.
        head: what is the same for all slots.
        slots: that are known to be there.
        content_share: see :class:`~moduline.line.board.Board`.
        screen: full screen; None: where standard input and standard error are a terminal that can show it.
        as_jsonl: events as JSON lines and no screen.
        stop_taking: called in the engine's thread when no new unit is to be begun; None: the gang cannot.
        print_label: prints a unit's label once more, gives how it went; None: there are no labels.

    Raises:
        ModulineError: what ended the gang.
        KeyboardInterrupt: it was aborted.
    """
    relay = Relay(Board(head, slots, content_share))
    engine = EngineThread(work, relay, stop_taking, print_label)
    why_not = "" if screen is False or as_jsonl else no_screen_reason()
    if screen and (why_not or as_jsonl):
        output.note("no screen: {reason}", "无法全屏显示：{reason}", reason=why_not or "--jsonl")
    with _signals(engine):
        if screen is not False and not as_jsonl and not why_not:
            _show_screen(relay, engine)
        if not engine.is_started or not engine.has_ended:
            _show_lines(relay, engine, as_jsonl=as_jsonl)
        return engine.result()


class EngineThread:
    """The gang in a thread and an event loop of its own.

    Args:
        work: the gang.
        relay: where it reports.
        stop_taking: see :func:`watch_gang`.
        print_label: see :func:`watch_gang`.
    """

    def __init__(
        self,
        work: Work,
        relay: Relay,
        stop_taking: Callable[[], None] | None = None,
        print_label: Callable[[BurnRecord], Event] | None = None,
    ) -> None:
        self._work = work
        self._relay = relay
        self._stop_taking = stop_taking
        self._print_label = print_label
        self._thread = threading.Thread(target=self._run, name="gang")
        self._ready = threading.Event()
        self._over = threading.Event()
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._records: list[BurnRecord] = []
        self._failure: BaseException | None = None
        self.is_started = False

    def start(self) -> None:
        """Begin; returns when the gang can be aborted."""
        self.is_started = True
        self._thread.start()
        self._ready.wait()

    @property
    def has_ended(self) -> bool:
        """Whether the gang is over."""
        return self._over.is_set()

    @property
    def can_stop_taking(self) -> bool:
        """Whether the gang knows how to finish."""
        return self._stop_taking is not None

    @property
    def can_print(self) -> bool:
        """Whether there are labels."""
        return self._print_label is not None

    def stop_taking(self) -> None:
        """Finish what is being burnt, begin nothing new."""
        if self._stop_taking is not None:
            self._call(self._stop_taking)

    def abort(self) -> None:
        """Cancel the gang, in its own thread."""
        if self._task is not None:
            self._call(self._task.cancel)

    def print_label(self, record: BurnRecord) -> None:
        """Print a label once more, in a thread: printers are slow."""
        wanted = self._print_label
        if wanted is not None:
            tell = self._relay.report
            threading.Thread(target=lambda: tell(wanted(record)), name="label", daemon=True).start()

    def wait(self, limit_s: float) -> bool:
        """Wait for the end; whether it came. Not by joining: a Ctrl-C in there makes the thread look ended."""
        return self._over.wait(limit_s)

    def result(self) -> list[BurnRecord]:
        """The records.

        Raises:
            ModulineError: what ended the gang.
            KeyboardInterrupt: it was aborted.
        """
        if isinstance(self._failure, asyncio.CancelledError):
            raise KeyboardInterrupt from self._failure
        if self._failure is not None:
            raise self._failure
        return self._records

    def _call(self, what: Callable[[], object]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended, and the gang with it
                self._loop.call_soon_threadsafe(what)

    def _run(self) -> None:
        try:
            self._records = asyncio.run(self._main())
        except BaseException as failure:  # noqa: BLE001  raised again by result(), in the main thread
            self._failure = failure
        finally:
            self._over.set()
            self._ready.set()

    async def _main(self) -> list[BurnRecord]:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._ready.set()
        return await self._work(self._relay.report, self._relay.finished)


def no_screen_reason() -> str:
    """Why there can be no full screen; empty when there can."""
    if not (sys.stderr.isatty() and sys.stdin.isatty()):
        return say("this is no terminal", "不是终端")
    if output.verbosity < 0:
        return "-q"
    term = os.environ.get("TERM", "" if os.name != "nt" else "windows")
    if term in {"", "dumb", "unknown"}:
        return f"TERM={term}"
    size = os.get_terminal_size(sys.stderr.fileno())
    if 0 < size.columns < LEAST_COLUMNS or 0 < size.lines < LEAST_ROWS:
        return f"{size.columns}x{size.lines}"
    return ""


def _show_screen(relay: Relay, engine: EngineThread) -> None:
    """The full screen, until the gang is over or the screen fails."""
    from moduline.cli.gang_screen import GangScreen, Snapshot  # textual takes a while to load

    def look() -> Snapshot:
        if _is_hung_up():
            _let_go_of_terminal()
            app.exit()
        return Snapshot(*relay.look())

    app = GangScreen(look, engine, current(), is_plain=bool(os.environ.get("NO_COLOR")))
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        with _steady_terminal():
            app.run()
    finally:
        sys.setswitchinterval(before_s)
    if not app.is_aborting and not engine.has_ended:
        output.note("the screen has ended, the gang goes on", "全屏显示已退出，烧录继续进行")


def _show_lines(relay: Relay, engine: EngineThread, *, as_jsonl: bool) -> None:
    """A table or lines, until the gang is over. Ctrl-C: once, and nothing new begins; twice, and everything stops."""
    is_asked = not engine.can_stop_taking
    with LiveView(as_jsonl=as_jsonl) as view, _interrupts() as heard:
        relay.tell(view)
        if not engine.is_started:
            engine.start()
        while not engine.wait(LOOK_S):
            if _is_hung_up():
                _let_go_of_terminal()
            while heard:
                heard.pop()
                if is_asked:
                    engine.abort()
                    continue
                is_asked = True
                engine.stop_taking()
                output.note(
                    "nothing new begins; what runs comes to its end. Ctrl-C again stops it now",
                    "不再开始新的烧录，正在进行的会完成。再按 Ctrl-C 立即停止",
                )


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Collects Ctrl-C instead of raising somewhere; an ignored one stays ignored."""
    heard: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    is_heard = threading.current_thread() is threading.main_thread() and before is not signal.SIG_IGN
    if is_heard:
        signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        yield heard
    finally:
        if is_heard:
            signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _signals(engine: EngineThread) -> Iterator[None]:
    """SIGHUP and SIGTERM abort the gang; an ignored SIGHUP stays ignored."""

    def end(number: int, _: FrameType | None) -> None:
        if number == getattr(signal, "SIGHUP", None):
            _let_go_of_terminal()
        engine.abort()

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGHUP", "SIGTERM"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_hung_up() -> bool:
    """Whether a terminal among the standard descriptors was closed; reading from it would never wait again."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    for number in (0, 1, 2):
        if _is_terminal(number):
            poll.register(number, 0)
    return any(what & select.POLLHUP for _, what in poll.poll(0))


def _let_go_of_terminal() -> None:
    """What is still written goes nowhere instead of failing; files and pipes are kept."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        if _is_terminal(number):
            os.dup2(nowhere, number)
    os.close(nowhere)


def _is_terminal(number: int) -> bool:
    """Whether a descriptor is a terminal, or was one until it was hung up."""
    with contextlib.suppress(OSError):
        import stat

        return stat.S_ISCHR(os.fstat(number).st_mode)
    return False


@contextlib.contextmanager
def _steady_terminal() -> Iterator[None]:
    """The screen draws through something that never fails: its drawing thread must not die of a closed terminal."""
    real = sys.__stderr__
    sys.__stderr__ = cast("Any", _Steady(real)) if real is not None else None  # type: ignore[misc]
    try:
        yield
    finally:
        sys.__stderr__ = real  # type: ignore[misc]


class _Steady:
    """A text file whose writing never fails.

    Args:
        real: the file.
    """

    def __init__(self, real: TextIO) -> None:
        self._real = real

    def write(self, text: str) -> int:
        """Write, or let it go."""
        with contextlib.suppress(OSError):
            return self._real.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or let it go."""
        with contextlib.suppress(OSError):
            self._real.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
