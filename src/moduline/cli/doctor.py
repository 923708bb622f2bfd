"""``doctor``: what is in the way on this computer, port by port."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from typing import Annotated, Final

import typer

from moduline.cli import ladder
from moduline.cli.language import current, say
from moduline.cli.output import JsonFlag, note, print_json, print_table
from moduline.cli.remote import PortOption
from moduline.errors import ModulineError, PortBusy, Text
from moduline.port import registry, udev_rules
from moduline.port.diagnosis import Finding, judge_ports, meddlers, nothing_found
from moduline.port.listing import all_ports, is_module
from moduline.vmodule import rack_client
from moduline.vmodule.interpreter.engine import EngineError, find_library

ROOM_BYTES: Final = 200 << 20
SIGNS: Final = {"ok": ("ok", "正常"), "hint": ("hint", "提示"), "problem": ("PROBLEM", "问题")}


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""

    @app.command(
        help=say(
            "Look for what is in the way: ports, who holds them, permissions, drivers, the state of silent modules, "
            "and this installation. Opens no port. With --guide: the troubleshooting ladder, step by step. "
            "Example: moduline doctor --guide --port virt:m1",
            "检查障碍：端口、占用者、权限、驱动、无响应模组的状态以及本机安装。不会打开任何端口。"
            "加 --guide 逐步排查。示例：moduline doctor --guide --port virt:m1",
        )
    )
    def doctor(
        guide: Annotated[bool, typer.Option("--guide", help=say("step by step, with a module", "逐步排查"))] = False,
        udev: Annotated[
            bool, typer.Option("--udev", help=say("print a udev rules file and stop", "输出 udev 规则文件"))
        ] = False,
        port: PortOption = "auto",
        package: ladder.PackageOption = None,
        wait: ladder.WaitOption = ladder.WAIT_S,
        as_json: JsonFlag = False,
    ) -> None:
        if udev:
            sys.stdout.write(udev_rules.rules_file())
            return
        if guide:
            ladder.guide(port, package, wait, as_json=as_json)
            return
        findings = examine()
        problems = [one for one in findings if one.level == "problem"]
        if as_json:
            print_json({"ok": not problems, "findings": [_facts(one) for one in findings]})
        else:
            headings = [say("state", "状态"), say("about", "对象"), say("seen", "情况"), say("what helps", "处理方法")]
            rows = [
                (say(*SIGNS[one.level]), one.subject, one.what.say(current()), one.remedy.say(current()))
                for one in findings
            ]
            print_table(headings, rows)
            note("{count} problems", "{count} 个问题", count=len(problems))
        if problems:
            raise typer.Exit(PortBusy.exit_code)


def examine() -> list[Finding]:
    """All findings: this installation, services in the way, then ports and places."""
    ports = [one for one in all_ports() if is_module(one)]
    findings = [*_installation(), *_services(), *_racks(), *_powered_off(), *judge_ports(ports)]
    return findings if ports else [*findings, nothing_found()]


def _powered_off() -> list[Finding]:
    """Virtual modules without power; a real one cannot be told from none at all."""
    what = Text("powered off", "未上电")
    return [
        Finding("hint", f"virt:{one.name}", what, Text(*[f"moduline virt power {one.name} on --rack {one.rack}"] * 2))
        for one in registry.modules()
        if one.state == "off"
    ]


def _installation() -> list[Finding]:
    findings = []
    version = ".".join(map(str, sys.version_info[:3]))
    findings.append(Finding("ok", "Python", Text(version, version)))
    try:
        library = find_library()
        findings.append(Finding("ok", "MicroPython", Text(library.name, library.name)))
    except EngineError as missing:
        what = Text(f"virtual modules cannot run: {missing}", f"无法运行虚拟模组：{missing}")
        cure = Text("Linux or macOS on x86-64 has it", "Linux 或 macOS（x86-64）可用")
        findings.append(Finding("hint", "MicroPython", what, cure))
    if find_spec("serial") is None:
        cure = Text("pip install pyserial", "pip install pyserial")
        findings.append(Finding("problem", "pyserial", Text("not installed", "未安装"), cure))
    home = registry.home()
    place = next(one for one in (home, *home.parents) if one.exists())
    free = shutil.disk_usage(place).free
    room = Text(f"{free >> 20} MiB free", f"剩余 {free >> 20} MiB")
    if free < ROOM_BYTES:
        cure = Text("free space: records and flash files go there", "请释放空间：记录与 Flash 文件存放于此")
        findings.append(Finding("problem", str(home), room, cure))
    else:
        findings.append(Finding("ok", str(home), room))
    return findings


def _services() -> list[Finding]:
    cure = Text(
        "stop it while burning, or tell it to ignore these modules by a udev rule",
        "烧录时请停止该服务，或用 udev 规则使其忽略这些模组",
    )
    what = Text("runs and may talk into a download", "正在运行，可能干扰下载")
    return [Finding("hint", name, what, cure) for name in meddlers()]


def _racks() -> list[Finding]:
    try:
        up, dead = rack_client.racks()
    except ModulineError as failed:
        return [Finding("problem", "virt", Text(failed.message("en"), failed.message("zh")))]
    findings = [Finding("ok", f"virt {rack}", Text("rack is up", "机架运行中")) for rack in up]
    what = Text("rack died; its flash files are kept", "机架异常终止；Flash 文件仍保留")
    return findings + [
        Finding(
            "hint", f"virt {rack}", what, Text(f"moduline virt up --rack {rack}", f"moduline virt up --rack {rack}")
        )
        for rack in dead
    ]


def _facts(finding: Finding) -> dict[str, str]:
    lang = current()
    return {
        "level": finding.level,
        "subject": finding.subject,
        "what": finding.what.say(lang),
        "remedy": finding.remedy.say(lang),
    }
