"""``studio``: the browser workbench with platform and rack; ends with Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moduline.cli.language import say
from moduline.cli.output import JsonlFlag, err, out, print_json, reporter
from moduline.errors import BadOption, Text
from moduline.port import registry

if TYPE_CHECKING:
    from moduline.web.site import StudioOptions

_MOST_PORT = 65535
_MOST_MODULES = 256
PortOption = Annotated[int, typer.Option("--port", min=0, max=_MOST_PORT, help=say("0: any", "0 为任意端口"))]
HostOption = Annotated[
    str, typer.Option("--host", metavar="ADDRESS", help=say("0.0.0.0: for others, too", "0.0.0.0 对外开放"))
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help=say("where everything is kept", "数据目录")),
]
RootOption = Annotated[
    Path, typer.Option("--root", metavar="DIR", help=say("pages see files below it", "页面可见的文件目录"))
]
ModulesOption = Annotated[
    int,
    typer.Option("--modules", min=0, max=_MOST_MODULES, help=say("virtual modules to bring up", "虚拟模组数量")),
]
ModelOption = Annotated[str, typer.Option("--module", help=say("their model", "型号"))]
RackOption = Annotated[str, typer.Option("--rack", help=say("their rack", "机架名称"))]
ServerOption = Annotated[
    str, typer.Option("--server", metavar="URL", help=say("platform elsewhere", "使用其他平台的地址"))
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help=say("with --server: a token", "与 --server 合用：令牌")),
]
HttpPortOption = Annotated[
    int, typer.Option("--http-port", min=0, max=_MOST_PORT, help=say("operator API", "运维接口端口"))
]
DeviceHttpPortOption = Annotated[
    int, typer.Option("--device-http-port", min=0, max=_MOST_PORT, help=say("downloads", "设备下载端口"))
]
MqttPortOption = Annotated[
    int, typer.Option("--mqtt-port", min=0, max=_MOST_PORT, help=say("QuecThing devices", "QuecThing 端口"))
]
NameOption = Annotated[
    list[str] | None,
    typer.Option("--name", metavar="HOST", help=say("another name of this server", "服务器的其他名称")),
]
TlsCertOption = Annotated[
    Path | None, typer.Option("--tls-cert", metavar="FILE", help=say("certificate, PEM", "证书（PEM）"))
]
TlsKeyOption = Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help=say("its key", "私钥"))]
OpenBrowserOption = Annotated[bool, typer.Option("--open", help=say("open a browser", "打开浏览器"))]


def register(app: typer.Typer) -> None:
    """Add ``studio`` to the tree."""

    @app.command(
        help=say(
            "Open the Studio, the line station and the console in a browser; prints a one-time link. Without --server "
            "it runs the OTA platform, too. Example: moduline studio --modules 8 --open",
            "在浏览器中打开工作台、产线工位与控制台，并给出一次性链接。未指定 --server 时同时运行 OTA 平台。"
            "示例：moduline studio --modules 8 --open",
        )
    )
    def studio(
        port: PortOption = 8300,
        host: HostOption = "127.0.0.1",
        data: DataOption = None,
        root: RootOption = Path(),
        modules: ModulesOption = 0,
        model: ModelOption = "ec600u",
        rack: RackOption = "studio",
        server: ServerOption = "",
        token_file: TokenFileOption = None,
        http_port: HttpPortOption = 8310,
        device_http_port: DeviceHttpPortOption = 8311,
        mqtt_port: MqttPortOption = 1883,
        name: NameOption = None,
        tls_cert: TlsCertOption = None,
        tls_key: TlsKeyOption = None,
        open_browser: OpenBrowserOption = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        from moduline.web.site import StudioOptions

        if server and not server.startswith(("http://", "https://")):
            raise BadOption(name="--server", reason=Text("http://… or https://…", "须为 http://… 或 https://…"))
        if token_file is not None and not server:
            raise BadOption(name="--token-file", reason=Text("only with --server", "只能与 --server 合用"))
        options = StudioOptions(
            data or registry.home() / "studio",
            root.absolute(),
            host=host,
            port=port,
            server=server,
            token_file=token_file,
            http_port=http_port,
            device_http_port=device_http_port,
            mqtt_port=mqtt_port,
            rack=rack,
            modules=modules,
            model=model,
            names=tuple(name or ()),
            tls_cert=tls_cert,
            tls_key=tls_key,
        )
        asyncio.run(_run(options, opens=open_browser, as_jsonl=as_jsonl))


def _has_screen() -> bool:
    """Whether a browser would have a window: without one, some systems start one that takes over the terminal."""
    return sys.platform in {"win32", "darwin"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


async def _run(options: StudioOptions, *, opens: bool, as_jsonl: bool) -> None:
    from moduline.web.server import Studio

    served = Studio(options, reporter(as_jsonl=as_jsonl))
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows has Ctrl-C only, which asyncio turns into cancelling
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
    link = await served.start()
    try:
        if as_jsonl:
            print_json({"event": "ready", "pid": os.getpid(), "url": served.url, "link": link})
        else:
            out().print(f"{say('Studio', '工作台')}  {served.url}", markup=False, soft_wrap=True)
            if link != served.url:
                err().print(f"{say('open this once', '一次性链接')}  {link}", markup=False, soft_wrap=True)
        if opens and _has_screen():
            await asyncio.to_thread(webbrowser.open, link)
        await ended.wait()
    finally:
        await served.stop()
    if as_jsonl:
        print_json({"event": "stopped"})
