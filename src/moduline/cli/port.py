"""``port list``, ``port watch``, ``port map``: which module is where."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.language import say
from moduline.cli.output import JsonFlag, JsonlFlag, note, out, print_json, print_table
from moduline.errors import BadOption, Text
from moduline.port import replay, tap
from moduline.port.address import resolve
from moduline.port.listing import PortInfo, all_ports, is_module, read_slots, write_slots
from moduline.port.offered import Offer, silent
from moduline.port.recording import Recorder, read_recording_file
from moduline.port.watch import PortChange, Watch

TcpFlag = Annotated[bool, typer.Option("--tcp", help=say("TCP ports instead of ptys", "用 TCP 端口代替 pty"))]
AllFlag = Annotated[bool, typer.Option("--all", help=say("other serial devices, too", "包括其他串口设备"))]


def register(app: typer.Typer) -> None:
    """Add ``port`` to the tree."""
    port = typer.Typer(no_args_is_help=True, help=say("Modules and their ports.", "模组与端口。"))
    app.add_typer(port, name="port")
    _register_record(port)
    _register_replay(port)

    @port.command(
        "list",
        help=say(
            "Modules and their ports by role and USB place. Example: moduline port list",
            "按用途与 USB 位置列出模组及端口。示例：moduline port list",
        ),
    )
    def list_ports(everything: AllFlag = False, as_json: JsonFlag = False) -> None:
        found = [one for one in all_ports() if everything or is_module(one)]
        if as_json:
            print_json({"ok": True, "ports": [facts_of(one) for one in found]})
            return
        print_table(
            [
                say("address", "地址"),
                say("role", "用途"),
                say("port", "端口"),
                say("model", "型号"),
                "IMEI",
                say("state", "状态"),
                say("slot", "通道"),
                "USB",
                say("place", "位置"),
            ],
            [
                (
                    escape(one.address),
                    one.role,
                    escape(one.path),
                    escape(one.model or one.product),
                    one.imei,
                    one.state,
                    escape(one.slot),
                    f"{one.vid:04x}:{one.pid:04x}" if one.vid else "",
                    escape(one.location),
                )
                for one in found
            ],
        )

    @port.command(
        help=say(
            "Print ports as they arrive and leave, until Ctrl-C. Example: moduline port watch",
            "持续显示端口的接入与断开，Ctrl-C 结束。示例：moduline port watch",
        )
    )
    def watch(everything: AllFlag = False, as_jsonl: JsonlFlag = False) -> None:
        asyncio.run(_watch(everything=everything, as_jsonl=as_jsonl))

    @port.command(
        "map",
        help=say(
            "Name USB places as slots of a rack; without names, show them. Example: moduline port map bench A1=1-2.1",
            "将 USB 位置命名为机架通道；不带参数则显示。示例：moduline port map bench A1=1-2.1",
        ),
    )
    def map_slots(
        rack: Annotated[str, typer.Argument(metavar="[RACK]", help=say("rack", "机架"))] = "",
        names: Annotated[
            list[str] | None,
            typer.Argument(metavar="[SLOT=PLACE]", help=say("SLOT= takes a name away", "SLOT= 删除该名称")),
        ] = None,
        as_json: JsonFlag = False,
    ) -> None:
        slots = write_slots(rack, [_name(text) for text in names]) if names else read_slots()
        if as_json:
            print_json({"ok": True, "slots": slots})
            return
        print_table(
            [say("rack", "机架"), say("slot", "通道"), say("place", "位置")],
            [
                (escape(name), escape(slot), escape(place))
                for name, mapped in slots.items()
                if rack in {"", name}
                for slot, place in mapped.items()
            ],
        )


def _register_record(port: typer.Typer) -> None:
    @port.command(
        "record",
        help=say(
            "Stand between a module and any program, and write every byte down, until Ctrl-C. The ports to use instead "
            "of the module's are printed; virt:tap leads to them. Every command also takes --record FILE. "
            "Example: moduline port record virt:m1 -o session.jsonl",
            "置于模组与任意程序之间并记录全部字节，Ctrl-C 结束。屏幕显示应改用的端口，也可用 virt:tap。"
            "各命令亦可加 --record 文件。示例：moduline port record virt:m1 -o session.jsonl",
        ),
    )
    def record(
        address: Annotated[str, typer.Argument(metavar="ADDR")],
        output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help=say("recording", "录制文件"))],
        role: Annotated[
            str, typer.Option("--role", help=say("of a port named by its path", "以路径指定端口时的用途"))
        ] = "repl",
        name: Annotated[str, typer.Option("--name", help="virt:NAME")] = "tap",
        tcp: TcpFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        target = resolve(address, [role, "repl", "at", "download"])
        recorder = Recorder(output, address)
        try:
            asyncio.run(_record(target, Offer(tap.RACK, name, "tcp" if tcp else None), recorder, as_jsonl=as_jsonl))
        finally:
            recorder.close()
            note(
                "{output}: {host} bytes of the host, {module} of the module",
                "{output}：主机 {host} 字节，模组 {module} 字节",
                output=output,
                host=recorder.host_bytes,
                module=recorder.module_bytes,
            )


def _register_replay(port: typer.Typer) -> None:
    @port.command(
        "replay",
        help=say(
            "Play a recorded module to a program: compares what it sends with the record, answers as recorded; "
            "exit code 11 at the first difference. Example: moduline port replay session.jsonl",
            "以录制内容扮演模组：核对程序发送的内容并按录制应答，首个差异以退出码 11 结束。"
            "示例：moduline port replay session.jsonl",
        ),
    )
    def replay_file(
        file: Annotated[Path, typer.Argument(metavar="FILE")],
        name: Annotated[str, typer.Option("--name", help="virt:NAME")] = "replay",
        timed: Annotated[bool, typer.Option("--timed", help=say("as slowly as it was", "按原有节奏"))] = False,
        limit: Annotated[
            float, typer.Option("--limit", metavar="S", help=say("longest silence of the program", "程序最长静默秒数"))
        ] = 60.0,
        tcp: TcpFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        recording = read_recording_file(file)
        if not recording.is_whole:
            note(
                "the recorder of {file} was killed; it is played to where it goes",
                "{file} 的录制被中断，将播放已有部分",
                file=file,
            )
        offer = Offer(replay.RACK, name, "tcp" if tcp else None)
        shown = silent if as_json else _shows(as_jsonl=as_jsonl)
        player = replay.Replay(recording, offer, is_timed=timed, limit_s=limit, on_port=shown)
        played = asyncio.run(player.run())
        if as_json or as_jsonl:
            print_json({"ok": True, **asdict(played)})
        else:
            note(
                "all of it: {entries} entries, {host_bytes} bytes of the host, {module_bytes} of the module",
                "全部一致：{entries} 项，主机 {host_bytes} 字节，模组 {module_bytes} 字节",
                **asdict(played),
            )


async def _record(target: PortInfo, offer: Offer, recorder: Recorder, *, as_jsonl: bool) -> None:
    fixed = None if target.name or target.location else target
    main = asyncio.current_task()
    if main is not None:
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main.cancel)
    async with Watch() as watch:
        with contextlib.suppress(asyncio.CancelledError):
            await tap.Tap(target.place, fixed, offer, recorder, _shows(as_jsonl=as_jsonl)).run(watch)


def _shows(*, as_jsonl: bool) -> Callable[[str, str], None]:
    """Tells of ports that come and go."""

    def show(role: str, path: str) -> None:
        if as_jsonl:
            print_json({"event": "arrived" if path else "left", "role": role, "path": path})
        else:
            out().print(f"+ {role} {path}" if path else f"- {role}", markup=False, soft_wrap=True)
        sys.stdout.flush()

    return show


def facts_of(port: PortInfo) -> dict[str, Any]:
    """A port as one JSON object."""
    return {"address": port.address, **asdict(port)}


async def _watch(*, everything: bool, as_jsonl: bool) -> None:
    async with Watch() as watch:
        async for change in watch.changes():
            if not everything and not is_module(change.port):
                continue
            if as_jsonl:
                print_json({"event": change.kind, **facts_of(change.port)})
            else:
                out().print(_line(change), markup=False, soft_wrap=True)
            sys.stdout.flush()


def _line(change: PortChange) -> str:
    """A change as people read it: sign, address, role, path, USB identity, place."""
    port = change.port
    usb = f"{port.vid:04x}:{port.pid:04x}" if port.vid else "-"
    sign = "+" if change.kind == "arrived" else "-"
    return f"{sign} {port.address} {port.role} {port.path} {usb} {port.location or port.path}"


def _name(text: str) -> tuple[str, str]:
    slot, sign, place = text.partition("=")
    if not sign or not slot:
        reason = Text("'{given}' is not SLOT=PLACE", "“{given}” 不是 SLOT=PLACE")
        raise BadOption(name="SLOT=PLACE", reason=reason, given=text)
    return slot, place
