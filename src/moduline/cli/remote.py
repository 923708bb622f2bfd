"""``info``, ``at``, ``repl``, ``exec``, ``run``, ``stop``, ``rescue``: one running module."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from moduline.cli import language, output, terminal
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, JsonlFlag, YesFlag, note, print_facts, print_json
from moduline.errors import AtRefused, BadOption, ScriptRaised, UserSaidNo
from moduline.events import Event, Notice, Reporter, Step
from moduline.remote import reach
from moduline.remote.repl_session import drop
from moduline.remote.rescue import STEPS, RescuePlan, Ways, plan_rescue, rescue, stop

T = TypeVar("T")

PackageOption = Annotated[
    Path | None,
    typer.Option(
        "--package", metavar="FILE", help=say("last resort: burn its script areas", "最后手段：烧录该固件包的脚本区")
    ),
]
ImageOption = Annotated[
    Path | None,
    typer.Option(
        "--image", metavar="IMG", help=say("burn this image of /usr instead of the package's", "改用此 /usr 镜像")
    ),
]
PortOption = Annotated[
    str,
    typer.Option(
        "--port",
        metavar="ADDR",
        help="auto, /dev/ttyUSB2, COM5, virt:NAME, imei:…, usb:1-2.4, slot:A3, tcp:HOST:PORT, rfc2217://HOST:PORT",
    ),
]
TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", metavar="S", min=0.1, help="seconds for the whole script / 总时限（秒）")
]

_NOTICES = {
    "remote.checksum-refreshed": (
        "{path}: backup checksum refreshed, so the change survives a restart",
        "{path}：已刷新备份校验值，重启后修改不会被还原",
    ),
    "remote.repower-now": ("re-power the module now", "请现在给模组重新上电"),
    "remote.no-at-reset": ("restart over AT failed: {reason}", "通过 AT 重启失败：{reason}"),
}


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run the one coroutine of a command; Ctrl-C cancels it."""
    return asyncio.run(work)


def tell(event: Event) -> None:
    """Reporter for people: notices as sentences, rescue steps as they begin and end."""
    if isinstance(event, Notice) and event.slug in _NOTICES:
        note(*_NOTICES[event.slug], **event.facts)
    elif isinstance(event, Step):
        text = STEPS.get(event.name.removeprefix("rescue."))
        state = {"begin": say("…", "…"), "done": say("done", "完成"), "failed": say("no", "未成功")}[event.state]
        note(
            "{what}: {state}", "{what}：{state}", what=text.say(language.current()) if text else event.name, state=state
        )
    elif output.verbosity > 0:
        output.reporter()(event)


def progress(*, as_jsonl: bool) -> Reporter:
    """Events as JSON lines, or for people."""
    return output.reporter(as_jsonl=True) if as_jsonl else tell


def show_noise(data: bytes) -> None:
    """What the module prints outside of our code: to stderr, with -v."""
    if output.verbosity > 0:
        sys.stderr.write(data.decode(errors="replace"))


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the tree."""
    _register_info(app)
    _register_at(app)
    _register_repl(app)
    _register_exec(app)
    _register_stop(app)
    _register_rescue(app)


def _register_info(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "Model, IMEI and firmware version. Asks over AT, which disturbs nothing; over the REPL only where AT is "
            "silent. Example: moduline info --port virt:m1 --json",
            "型号、IMEI 与固件版本。优先经 AT 查询（不影响运行中的脚本），AT 无应答时经 REPL 查询。"
            "示例：moduline info --port virt:m1 --json",
        )
    )
    def info(
        port: PortOption = "auto",
        via: Annotated[str, typer.Option(metavar="auto|at|repl", help="auto|at|repl")] = "auto",
        as_json: JsonFlag = False,
    ) -> None:
        if via not in {"auto", "at", "repl"}:
            raise BadOption(name="--via", reason=via)
        print_facts(asdict(run_async(reach.identify(port, via))), as_json=as_json)


def _register_at(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "Send one AT command and print its answer. Example: moduline at AT+CSQ --port virt:m1",
            "发送一条 AT 命令并显示应答。示例：moduline at AT+CSQ --port virt:m1",
        )
    )
    def at(
        cmd: Annotated[str, typer.Argument(metavar="CMD")],
        port: PortOption = "auto",
        timeout: Annotated[float, typer.Option("--timeout", metavar="S", help="s")] = 10.0,
        as_json: JsonFlag = False,
    ) -> None:
        async def ask() -> None:
            async with await reach.open_at(port) as session:
                answer = await session.ask(cmd, timeout)
            if as_json and answer.is_ok:
                print_json({"ok": True, **asdict(answer)})
            elif not as_json:
                for line in (*answer.lines, answer.result):
                    sys.stdout.write(line + "\n")
            if not answer.is_ok:
                raise AtRefused(command=cmd, result=answer.result)

        run_async(ask())


def _register_repl(app: typer.Typer) -> None:
    @app.command(
        help=say(
            "The module's prompt in this terminal; Ctrl-] leaves. In a pipe each line is typed at a prompt. "
            "Example: moduline repl --port virt:m1 · echo 'print(1)' | moduline repl --port virt:m1",
            "在本终端中使用模组的 REPL，按 Ctrl-] 退出；也可通过管道逐行输入。"
            "示例：moduline repl --port virt:m1 · echo 'print(1)' | moduline repl --port virt:m1",
        )
    )
    def repl(port: PortOption = "auto") -> None:
        async def talk() -> None:
            stream = await reach.open_stream(port, "repl")
            if sys.stdin.isatty():
                note(
                    "{name}: Ctrl-] leaves, Ctrl-C interrupts the script, Ctrl-D restarts the interpreter",
                    "{name}：Ctrl-] 退出，Ctrl-C 中断脚本，Ctrl-D 重启解释器",
                    name=stream.name,
                )
                with terminal.raw_keyboard():
                    await terminal.converse(stream, terminal.keyboard(), terminal.show_bytes)
                sys.stderr.write("\n")
            else:
                show = terminal.LineEnds(terminal.show_bytes)
                await terminal.feed_lines(stream, iter(sys.stdin.readline, ""), show)
                show.end()
                terminal.show_bytes(b"\n")

        run_async(talk())


async def execute_code(port: str, code: bytes, timeout_s: float | None, *, as_json: bool) -> None:
    """Run code on a module and print what it prints; its traceback goes to stderr.

    Raises:
        ScriptRaised: it raised.
        TotalTimeout: it did not end in time.
    """
    show = terminal.LineEnds(terminal.show_bytes)
    try:
        async with await reach.open_repl(port, show_noise) as repl:
            if repl.has_interrupted_boot:
                note("main.py was interrupted", "已中断正在运行的 main.py")
            printed = await repl.exec(code, drop if as_json else show, timeout_s)
    except ScriptRaised as raised:
        show.end()
        if not as_json:
            sys.stderr.write(raised.facts["traceback"] + "\n")
        raise
    show.end()
    if as_json:
        print_json({"ok": True, "output": printed.decode(errors="replace").replace("\r\n", "\n")})


def _register_exec(app: typer.Typer) -> None:
    @app.command(
        "exec",
        help=say(
            "Run code on the module and print what it prints; '-' reads the code from stdin. What runs there is "
            'interrupted first. Example: moduline exec "import modem; print(modem.getDevImei())" --port virt:m1',
            "在模组上执行代码并显示输出；“-”表示从标准输入读取。会先中断正在运行的脚本。"
            '示例：moduline exec "import modem; print(modem.getDevImei())" --port virt:m1',
        ),
    )
    def exec_code(
        code: Annotated[str, typer.Argument(metavar="CODE")],
        port: PortOption = "auto",
        value: Annotated[
            bool, typer.Option("--value", help="CODE is an expression: print its value / 打印表达式的值")
        ] = False,
        timeout: TimeoutOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        source = sys.stdin.buffer.read() if code == "-" else code.encode()
        if value:
            source = b"print(repr(" + source.strip() + b"))"
        run_async(execute_code(port, source, timeout, as_json=as_json))


def _register_stop(app: typer.Typer) -> None:
    @app.command(
        "stop",
        help=say(
            "Interrupt the script that runs and leave the prompt; nothing is renamed. "
            "Example: moduline stop --port virt:m1",
            "中断正在运行的脚本并回到提示符，不改动任何文件。示例：moduline stop --port virt:m1",
        ),
    )
    def stop_script(port: PortOption = "auto", as_json: JsonFlag = False) -> None:
        async def interrupt() -> bool:
            return await stop(await reach.open_stream(port, "repl"))

        stopped_main = run_async(interrupt())
        if as_json:
            print_json({"ok": True, "stopped_main": stopped_main})
        elif stopped_main:
            note("main.py is stopped; the module is at its prompt", "main.py 已停止，模组处于提示符状态")
        else:
            note("the module is at its prompt", "模组处于提示符状态")


def _register_rescue(app: typer.Typer) -> None:
    @app.command(
        "rescue",
        help=say(
            "Free a module whose main.py loops for ever: shows the plan, asks, interrupts or restarts the module, and "
            "renames main.py so that it does not start again. With --package, firmware that takes no Ctrl-C is freed "
            "by burning its script areas. Example: moduline rescue --port virt:m1 --yes",
            "解救 main.py 死循环的模组：先显示步骤并确认，再中断或重启模组，并将 main.py 改名以免再次启动。"
            "指定 --package 时，对不响应 Ctrl-C 的固件重新烧录脚本区。示例：moduline rescue --port virt:m1 --yes",
        ),
    )
    def rescue_module(
        port: PortOption = "auto",
        at: Annotated[
            str | None, typer.Option("--at", metavar="ADDR", help="AT port of the same module / 同一模组的 AT 口")
        ] = None,
        keep: Annotated[bool, typer.Option("--keep", help="do not rename main.py / 不改名 main.py")] = False,
        wait: Annotated[
            float, typer.Option("--wait", metavar="S", help="seconds for a restart / 等待重启（秒）")
        ] = 60.0,
        package: PackageOption = None,
        image: ImageOption = None,
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        from moduline.line.rescue_ways import ways_to  # brings the virtual module along

        ways = ways_to(port, at)
        if package is not None or image is not None:
            from moduline.cli import rescue_burn  # brings the burn engine along; other commands start faster without

            ways = rescue_burn.with_burner(ways, package, image, as_jsonl=as_jsonl)
        plan = plan_rescue(ways, renames=not keep, wait_s=wait)
        _show_plan(plan, ways, as_json=(as_json or as_jsonl) and dry_run)
        if dry_run:
            return
        confirm(yes=yes)
        rescued = run_async(rescue(ways, plan, progress(as_jsonl=as_jsonl)))
        if as_json or as_jsonl:
            print_json({"ok": True, **asdict(rescued)})
            return
        _say_freed(rescued.lost_files)
        if rescued.renamed_to:
            note(
                "main.py is now {path}; `moduline cp {path} NAME` fetches it",
                "main.py 已改名为 {path}；可用 `moduline cp {path} 文件名` 取回",
                path=":" + rescued.renamed_to,
            )


def _show_plan(plan: RescuePlan, ways: Ways, *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, **asdict(plan)})
        return
    lang = language.current()
    for number, name in enumerate(plan.steps, 1):
        note("{number}. {what}", "{number}. {what}", number=number, what=STEPS[name].say(lang))
    if plan.has_surer:
        return
    note(
        "If the firmware does not honour Ctrl-C, only burning the script areas helps: "
        "moduline rescue --package PACKAGE --port {address}",
        "若固件不响应 Ctrl-C，只能重新烧录脚本区：moduline rescue --package 固件包 --port {address}",
        address=ways.address,
    )


def _say_freed(lost: tuple[str, ...]) -> None:
    if lost:
        folders = ", ".join(lost)
        note(
            "the module is at its prompt; the files in {folders} are gone",
            "模组处于提示符状态；{folders} 中的文件已丢失",
            folders=folders,
        )
    else:
        note("the module is at its prompt; no file was lost", "模组处于提示符状态；未丢失任何文件")


def confirm(*, yes: bool) -> None:
    """Ask on the terminal, unless ``--yes``.

    Raises:
        UserSaidNo: the answer is no, or there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty() or not typer.confirm(say("Go on?", "继续？"), err=True):
        raise UserSaidNo
