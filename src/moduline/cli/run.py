"""``run``: a script or a whole project on a module."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moduline.cli.language import say
from moduline.cli.output import JsonFlag
from moduline.cli.remote import PortOption, TimeoutOption, execute_code, run_async
from moduline.errors import BadOption, NoSuchFile, Text
from moduline.remote import snippets
from moduline.remote.files import absolute

_ONLY_PROJECT = Text("only for a project folder", "仅适用于工程目录")
_ONLY_SCRIPT = Text("only for a single script; use --for", "仅适用于单个脚本；请用 --for")


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the tree."""

    @app.command(
        help=say(
            "Run a project, a script of this computer, or with ':' one that lies on the module. A project is sent as "
            "far as it differs, the module restarts and its output is shown; without --port it runs on a virtual "
            "module of its own. Example: moduline run my_project --watch · moduline run my_project --port auto "
            "--until ready --for 30 · moduline run main.py --port virt:m1 · moduline run :/usr/start.py --port virt:m1",
            "运行工程、本机脚本，或以“:”开头运行模组上的脚本。工程只发送有差异的文件，随后重启模组并显示输出；"
            "不指定 --port 时在专用虚拟模组上运行。示例：moduline run my_project --watch · "
            "moduline run my_project --port auto --until ready --for 30 · moduline run main.py --port virt:m1 · "
            "moduline run :/usr/start.py --port virt:m1",
        )
    )
    def run(
        what: Annotated[str, typer.Argument(metavar="DIR|FILE")],
        port: PortOption = "",
        watch: Annotated[
            bool, typer.Option("--watch", help=say("after every save: send, restart", "保存后自动发送并重启"))
        ] = False,
        delete: Annotated[
            bool,
            typer.Option(
                "--delete", help=say("delete on the module what is deleted here", "本机删除时同步删除模组文件")
            ),
        ] = False,
        for_s: Annotated[
            float | None, typer.Option("--for", metavar="S", min=0.1, help=say("seconds to look", "观察时长（秒）"))
        ] = None,
        until: Annotated[
            str, typer.Option("--until", metavar="TEXT", help=say("end when it is printed", "出现该文本即结束"))
        ] = "",
        module: Annotated[
            str, typer.Option("--module", metavar="M", help=say("model, without --port", "型号（未指定 --port 时）"))
        ] = "",
        timeout: TimeoutOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        if not what.startswith(":") and Path(what).is_dir():
            if timeout is not None:
                raise BadOption(name="--timeout", reason=_ONLY_SCRIPT)
            from moduline.cli.run_project import (
                RunOptions,
                notices_only,
                run_project,
            )  # brings the virtual module along

            options = RunOptions(port, module, watch, delete, for_s, until, as_json)
            run_project(Path(what), options, notices_only)
            return
        given = {"--watch": watch, "--delete": delete, "--for": for_s, "--until": until, "--module": module}
        for name, value in given.items():
            if value:
                raise BadOption(name=name, reason=_ONLY_PROJECT)
        run_async(execute_code(port or "auto", _source_of(what), timeout, as_json=as_json))


def _source_of(what: str) -> bytes:
    if what.startswith(":"):
        return snippets.call(snippets.RUN_FILE, absolute(what)).encode()
    try:
        return Path(what).read_bytes()
    except OSError as error:
        raise NoSuchFile(path=what, reason=error.strerror) from error
