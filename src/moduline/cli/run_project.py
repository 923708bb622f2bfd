"""A project on a module, as long as one wants to look at it: send, restart, show; save a file, and again.

::

    begin ──▶ send what differs ──▶ soft reset ──▶ lines on stdout ──▶ end: Ctrl-C, --for, --until, main.py over
                    ▲                                   │
                    └── a file was saved (--watch) ◀────┘   syntax errors stay here and are shown

Without a port a virtual module of the project's model is brought up for this one command.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from moduline.cli.language import current, say
from moduline.cli.log_view import LogView, shown_path
from moduline.cli.output import note, print_json
from moduline.cli.watching import watch_project
from moduline.errors import ModulineError, ReplBusy, ScriptRaised, TextNotSeen, TotalTimeout, UserSaidNo
from moduline.events import Event, Notice, Reporter
from moduline.image import entry_file
from moduline.image.remarks import Remark, errors_of, must_be_sound
from moduline.remote import reach
from moduline.remote.console import Console
from moduline.remote.main_output import MainOutput
from moduline.remote.project_session import Changes, ProjectSession, changes_between
from moduline.testing.private_module import private_module, put_files
from moduline.testing.project import LoadedProject, load_project
from moduline.testing.project_files import scripts_of
from moduline.vmodule.facts import quirks_of
from moduline.vmodule.module import VirtualModule

SETTLE_S: Final = 0.2  # so long the prompt must be the last thing printed before main.py counts as over
MAX_KEPT: Final = 4 << 20  # characters of output for --json


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the user asked for.

    Attributes:
        port: address; empty for a virtual module of one's own.
        module: slug; empty for the project's.
        watches: go on after changes.
        deletes: remove from the module what was deleted here, without asking.
        for_s: how long to look; None without limit.
        until: text to wait for; empty for none.
        as_json: one object at the end, nothing but that on stdout.
    """

    port: str = ""
    module: str = ""
    watches: bool = False
    deletes: bool = False
    for_s: float | None = None
    until: str = ""
    as_json: bool = False


@dataclass(slots=True)
class Seen:
    """What was printed so far, for ``--json``."""

    text: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, line: str) -> None:
        """Another line; beyond a limit lines are only counted."""
        self.size += len(line) + 1
        if self.size <= MAX_KEPT:
            self.text.append(line)


def syntax_remarks(files: Changes) -> tuple[Remark, ...]:
    """What keeps changed scripts from being sent."""
    remarks: list[Remark] = []
    for path, data in files.files.items():
        if path.endswith(".py"):
            remarks += errors_of(entry_file.parse(path, data).remarks)
    return tuple(remarks)


class ProjectRun:
    """One ``moduline run DIR``.

    Args:
        loaded: the project.
        options: what the user asked for.
        report: gets notices.
    """

    def __init__(self, loaded: LoadedProject, options: RunOptions, report: Reporter) -> None:
        self.loaded = loaded
        self.options = options
        self.seen = Seen()
        self.ended_by = ""
        self._report = report
        self._output = MainOutput()
        self._view = LogView(_places(loaded), sys.stderr.write if options.as_json else None)
        self._news = asyncio.Event()
        self._is_running = False  # main.py was started and what comes is its output
        self._sent: dict[str, bytes] = {}
        self._began_s = 0.0
        self._private: VirtualModule | None = None

    async def run(self) -> None:
        """All of it.

        Raises:
            BadProject: a script has a syntax error and nothing is watched.
            TextNotSeen: main.py ended without the text.
            TotalTimeout: the text did not come in time.
            ScriptRaised: main.py ended with a traceback.
        """
        files = scripts_of(self.loaded)
        remarks = syntax_remarks(Changes(files))
        if remarks and not self.options.watches:
            must_be_sound(_at_home(remarks, self.loaded))
        async with AsyncExitStack() as stack:
            console = await self._begin(stack, {} if remarks else files)
            if remarks:
                self._show_remarks(remarks)
            session = ProjectSession(console, self._report)
            try:
                await self._look(session)
            except (asyncio.CancelledError, KeyboardInterrupt):
                if self.options.port and await session.stop():
                    note("main.py is stopped; the module is at its prompt", "main.py 已停止，模组处于提示符状态")
                raise

    async def _begin(self, stack: AsyncExitStack, files: dict[str, bytes]) -> Console:
        """Listen to the module and have it run the project."""
        if not self.options.port:
            module, open_repl = await stack.enter_async_context(private_module(self.loaded, self._report))
            note(
                "running on a virtual {model} of its own; --port ADDR takes another module",
                "在专用虚拟 {model} 上运行；--port ADDR 可指定其他模组",
                model=module.identity.profile.identity.model,
            )
            self._is_running, self._private = True, module
            await module.power_on()
            console = await stack.enter_async_context(Console(open_repl, self._hear, self._see))
            self._sent = scripts_of(self.loaded)
            return console

        console = Console(lambda: reach.open_stream(self.options.port, "repl"), self._hear, self._see)
        await stack.enter_async_context(console)
        await self._deliver(ProjectSession(console, self._report), Changes(files))
        self._sent = files
        return console

    # ---- while it runs ---------------------------------------------------------------------------------------------

    async def _look(self, session: ProjectSession) -> None:
        """Until the end that the options name."""
        self._began_s = asyncio.get_running_loop().time()
        tasks = [asyncio.create_task(self._until_end())]
        if self.options.watches:
            tasks.append(asyncio.create_task(self._follow_changes(session)))
        try:
            async with asyncio.timeout(self.options.for_s):
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except TimeoutError:
            self.ended_by = "time"
            self._end_by_time()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for line in self._output.rest():
                self._show(line)

    def _end_by_time(self) -> None:
        if self.options.until:
            raise TotalTimeout(seconds=self.options.for_s)
        self._judge()

    def _judge(self) -> None:
        """A traceback that ended main.py is a failure."""
        if self._output.has_ended and self._output.traceback:
            trace = self._output.traceback
            raise ScriptRaised(last_line=trace.rsplit("\n", 1)[-1], traceback=trace)

    async def _until_end(self) -> None:
        while True:
            if self.options.until and self._output.has_printed(self.options.until):
                self.ended_by = "text"
                return
            if self._is_over() and await self._stays_over():
                self.ended_by = "main"
                if self.options.until:
                    raise TextNotSeen(
                        wanted=self.options.until, seconds=round(asyncio.get_running_loop().time() - self._began_s, 1)
                    )
                self._judge()
                return
            await self._news.wait()
            self._news.clear()

    def _is_over(self) -> bool:
        """Whether there is nothing to wait for: main.py has ended, and nobody wants to see what comes later."""
        waits_on = self.options.watches or (self.options.for_s is not None and not self._output.traceback)
        return self._is_running and self._output.has_ended and not waits_on

    async def _stays_over(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self._news.wait()
        return self._is_over()

    async def _follow_changes(self, session: ProjectSession) -> None:
        async for loaded in watch_project(self.loaded.folder, self.options.module, self._sent):
            self.loaded = loaded
            self._view.places = _places(loaded)
            changes = changes_between(self._sent, scripts_of(loaded))
            remarks = syntax_remarks(changes)
            if remarks:
                self._show_remarks(remarks)
            elif changes:
                gone = tuple([path for path in changes.gone if await self._may_delete(path)])
                with self._shown_failures():
                    if changes.files or gone:
                        await self._deliver(session, Changes(changes.files, gone))
                    self._sent = scripts_of(loaded)

    async def _deliver(self, session: ProjectSession, changes: Changes) -> None:
        """Send and restart; what is printed meanwhile is not main.py's."""
        self._is_running = False
        if self._private is not None and not quirks_of(self._private.identity).ctrl_c_stops_main:
            await self._deliver_in_the_dark(self._private, changes)
            return
        try:
            plan = await session.send(changes.files, changes.gone)
        except ReplBusy:
            note(
                "the script does not let itself be interrupted; `moduline rescue` frees the module",
                "脚本无法中断；可用 `moduline rescue` 解救模组",
            )
            raise
        for path in (*plan.uploads, *(f"-{path}" for path in changes.gone)):
            note("  {path}", "  {path}", path=path.removeprefix("/usr/"))
        note(
            "{sent} sent, {equal} unchanged; restarting",
            "已发送 {sent} 个，未变 {equal} 个；正在重启",
            sent=len(plan.uploads),
            equal=len(plan.unchanged),
        )
        self._output.begin()
        self._is_running = True
        await session.restart()

    async def _deliver_in_the_dark(self, module: VirtualModule, changes: Changes) -> None:
        """Firmware that no Ctrl-C stops: on a real module only burning helps, here the flash is at hand."""
        note(
            "this model's firmware does not listen to Ctrl-C; its flash was changed and it starts anew",
            "该型号固件不响应 Ctrl-C；已直接改写 Flash 并重新启动",
        )
        await put_files(module, changes.files, changes.gone)
        self._output.begin()
        self._is_running = True

    @contextlib.contextmanager
    def _shown_failures(self) -> Any:
        """While watching, a failure is shown and the next save tries again."""
        try:
            yield
        except ModulineError as failure:
            note(
                "{code}: {what}; save again to retry", "{code}：{what}；再次保存以重试",
                code=failure.code, what=failure.message(current()),
            )  # fmt: skip

    async def _may_delete(self, path: str) -> bool:
        if self.options.deletes:
            return True
        if not sys.stdin.isatty():
            note(
                "{path} was deleted here and stays on the module; --delete removes it there",
                "{path} 已在本机删除，模组上保留；--delete 可同时删除",
                path=path,
            )
            return False
        try:
            return await asked(
                say(
                    "{path} was deleted. On the module, too? [y/N] ",
                    "{path} 已删除。是否同时从模组删除？[y/N] ",
                    path=path,
                )
            )
        except UserSaidNo:
            return False

    # ---- what comes ------------------------------------------------------------------------------------------------

    def _hear(self, data: bytes) -> None:
        for line in self._output.feed(data):
            if self._is_running:
                self._show(line)
        self._news.set()

    def _see(self, is_there: bool) -> None:
        if is_there:
            note("the port is back", "端口已恢复")
        else:
            self._output.begin()
            note("the port vanished; waiting for it", "端口已消失，等待恢复")
        self._news.set()

    def _show(self, line: Any) -> None:
        self.seen.add(line.text)
        self._view.show(line)

    def _show_remarks(self, remarks: tuple[Remark, ...]) -> None:
        for one in _at_home(remarks, self.loaded):
            note("{place}", "{place}", place=one.say(current()))
        note("nothing was sent; correct it and save", "未发送任何文件；请修改后保存")


async def asked(question: str) -> bool:
    """A yes or no from the terminal, while everything else goes on.

    Raises:
        UserSaidNo: the terminal was closed.
    """
    import threading  # a thread that is left behind must not keep the program from ending

    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def give(line: str) -> None:
        if not answer.done():
            answer.set_result(line)

    def read() -> None:
        with contextlib.suppress(RuntimeError, ValueError, OSError):  # the loop or the terminal has ended before
            line = sys.stdin.readline()
            loop.call_soon_threadsafe(give, line)

    sys.stderr.write(question)
    sys.stderr.flush()
    threading.Thread(target=read, name="question", daemon=True).start()
    line = await answer
    if not line:
        raise UserSaidNo
    return line.strip().lower() in {"y", "yes", "是"}


def run_project(folder: Path, options: RunOptions, report: Reporter) -> None:
    """``moduline run DIR``; see ``ProjectRun.run`` for what it raises."""
    loaded = load_project(folder.resolve(), options.module)

    async def all_of_it() -> ProjectRun:
        run = ProjectRun(loaded, options, report)
        await run.run()
        return run

    run = asyncio.run(all_of_it())
    if options.as_json:
        print_json({"ok": True, "ended_by": run.ended_by, "output": "\n".join(run.seen.text)})


def notices_only(event: Event) -> None:
    """Reporter that tells what the user should know and leaves out progress."""
    if isinstance(event, Notice) and event.slug != "virt.window-over":
        facts = " ".join(f"{name}={value}" for name, value in event.facts.items())
        note("[{slug}] {facts}", "[{slug}] {facts}", slug=event.slug, facts=facts)


def _places(loaded: LoadedProject) -> dict[str, Path]:
    return {path: loaded.place_of(path) for path in loaded.sources}


def _at_home(remarks: tuple[Remark, ...], loaded: LoadedProject) -> tuple[Remark, ...]:
    """The remarks with the paths of this computer."""
    import dataclasses

    return tuple(dataclasses.replace(one, path=shown_path(loaded.place_of(one.path))) for one in remarks)
