"""``virt up``, ``list``, ``power``, ``fault``, ``down``: virtual modules in the background."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.language import say
from moduline.cli.output import JsonFlag, note, print_json, print_table
from moduline.cli.virt_models import register_models
from moduline.cli.virt_scenario import bring_up, check_file, register_check
from moduline.errors import BadOption, NoModule, NoSuchFile, StorageFailed, Text, VirtualRackDown
from moduline.profiles import catalog
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client

MAX_MODULES = 256
STATES = {
    "off": ("off", "关机"),
    "booting": ("booting", "启动中"),
    "running": ("running", "运行中"),
    "download": ("download", "下载模式"),
}
REASONS = {
    "boot-erased": ("no boot code", "无引导程序"),
    "boot-no-table": ("no partition table in the flash", "Flash 中没有分区表"),
    "boot-invalid": ("boot code damaged", "引导程序损坏"),
    "system-erased": ("no firmware", "无固件"),
    "system-invalid": ("firmware damaged", "固件损坏"),
    "system-foreign": ("firmware of another model", "其他型号的固件"),
    "power-cut": ("lost its power", "已掉电"),
    "storage-failed": ("flash file failed", "Flash 文件故障"),
}

RackOption = Annotated[str, typer.Option("--rack", help=say("name of the rack", "机架名称"))]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help=say("module, or all", "模组名称，或 all"))]

StrictFlag = Annotated[
    bool, typer.Option("--strict-language", help=say("refuse syntax newer than the module's", "拒绝比模组更新的语法"))
]
ScenarioOption = Annotated[
    Path | None, typer.Option("--scenario", help=say("file that describes the whole rack", "描述整个机架的场景文件"))
]
KeepFlag = Annotated[
    bool, typer.Option("--keep", help=say("with --scenario: keep what was burnt", "与 --scenario 合用：保留已烧录内容"))
]
DryFlag = Annotated[
    bool, typer.Option("--dry-run", help=say("with --scenario: only show it", "与 --scenario 合用：仅显示"))
]


def register(app: typer.Typer) -> None:
    """Add ``virt`` to the tree."""
    virt = typer.Typer(no_args_is_help=True, help=say("Virtual modules in the background.", "后台虚拟模组。"))
    app.add_typer(virt, name="virt")
    register_up(virt)
    register_check(virt)
    register_others(virt)
    register_models(virt)


def register_up(virt: typer.Typer) -> None:
    """Add ``virt up``."""

    @virt.command(
        help=say(
            "Bring up virtual modules; what is up stays up, what was burnt before is still there. "
            "Example: moduline virt up --module ec600u --count 8",
            "启动虚拟模组；已运行的保持不变，之前烧录的内容仍在。示例：moduline virt up --module ec600u --count 8",
        )
    )
    def up(
        module: Annotated[str, typer.Option("--module", help=say("model", "型号"))] = "ec600u",
        count: Annotated[int, typer.Option("--count", help=say("how many", "数量"))] = 1,
        package: Annotated[
            Path | None, typer.Option("--package", help=say("firmware put in beforehand", "预先写入的固件包"))
        ] = None,
        rack: RackOption = "default",
        name: Annotated[str, typer.Option("--name", help=say("names are NAME1, NAME2 …", "名称前缀"))] = "m",
        off: Annotated[bool, typer.Option("--off", help=say("leave the power off", "不上电"))] = False,
        blank: Annotated[
            bool, typer.Option("--blank", help=say("flash erased, NV kept", "擦除 Flash，保留 NV"))
        ] = False,
        fresh: Annotated[bool, typer.Option("--fresh", help=say("forget what was burnt", "不保留之前的内容"))] = False,
        realistic: Annotated[
            bool, typer.Option("--realistic", help=say("boot as slowly as real modules", "按真实速度启动"))
        ] = False,
        tcp: Annotated[
            bool, typer.Option("--tcp", help=say("TCP ports instead of ptys", "用 TCP 端口代替 pty"))
        ] = False,
        strict: StrictFlag = False,
        scenario: ScenarioOption = None,
        keep: KeepFlag = False,
        dry_run: DryFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        is_as_usual = (module, count, name) == ("ec600u", 1, "m")
        is_plain = is_as_usual and package is None and not (blank or fresh or realistic or tcp or strict)
        _refuse_mixture(is_scenario=scenario is not None, is_plain=is_plain, is_kept=keep, is_dry=dry_run)
        if scenario is not None:
            if dry_run:
                check_file(scenario, as_json=as_json)
            else:
                _show(bring_up(scenario, rack, is_off=off, is_kept=keep), as_json=as_json)
            return
        if not 1 <= count <= MAX_MODULES:
            raise BadOption(name="--count", reason=Text("1 to {most}", "应为 1 至 {most}"), most=MAX_MODULES)
        if package is not None and blank:
            raise BadOption(name="--blank", reason=Text("not together with --package", "不能与 --package 同时使用"))
        slug = catalog.module(module).slug
        with _package_file(slug, package, is_blank=blank) as path:
            wanted = [
                {
                    "name": f"{name}{number}",
                    "module": slug,
                    "number": number,
                    "package": path,
                    "is_new_package": package is not None,
                    "is_blank": blank,
                    "is_fresh": fresh,
                    "is_realistic": realistic,
                    "ports": "tcp" if tcp else "",
                    "is_language_strict": strict,
                }
                for number in range(1, count + 1)
            ]
            rack_client.start(rack)
            answer = rack_client.ask(rack, "add", modules=wanted, is_off=off)
        _show(answer["modules"], as_json=as_json)


def _refuse_mixture(*, is_scenario: bool, is_plain: bool, is_kept: bool, is_dry: bool) -> None:
    """See that options of one module and of a scenario are not mixed.

    Raises:
        BadOption: they are.
    """
    if is_scenario and not is_plain:
        raise BadOption(name="--scenario", reason=Text("the file says what there is", "模组由该文件描述"))
    if not is_scenario and (is_kept or is_dry):
        why = Text("only with --scenario", "只能与 --scenario 合用")
        raise BadOption(name="--keep" if is_kept else "--dry-run", reason=why)


def register_others(virt: typer.Typer) -> None:
    """Add the commands for modules that are there."""

    @virt.command(
        "list",
        help=say(
            "Every virtual module with its state and ports. Example: moduline virt list --json",
            "列出所有虚拟模组的状态与端口。示例：moduline virt list --json",
        ),
    )
    def list_modules(as_json: JsonFlag = False) -> None:
        modules, dead = _all_modules()
        if as_json:
            print_json({"ok": True, "modules": modules, "dead_racks": dead})
        else:
            _show(modules, as_json=False)
        for rack in dead:
            note(
                "rack '{rack}' died without being taken down; its flash files are kept: moduline virt up --rack {rack}",
                "机架“{rack}”异常终止；Flash 文件仍保留：moduline virt up --rack {rack}",
                rack=rack,
            )

    @virt.command(
        help=say(
            "Switch a module: on, off, reset, or boot-pin (power-cycle with the pin held). "
            "Example: moduline virt power m1 off",
            "控制模组电源：on、off、reset 或 boot-pin（按住 BOOT 重新上电）。示例：moduline virt power m1 off",
        )
    )
    def power(
        name: NameArgument,
        action: Annotated[str, typer.Argument(metavar="on|off|reset|boot-pin")],
        rack: RackOption = "",
        as_json: JsonFlag = False,
    ) -> None:
        answer = rack_client.ask(_rack_of(name, rack), "power", name=name, action=action)
        _show(answer["modules"], as_json=as_json)

    @virt.command(
        help=say(
            "Do something to a module, or switch on a fault; words joined by commas: cut@N, tear@N:SEED, cut@Ts, "
            "cut@boot, cut@download:45%, cut@PORT:BYTES, power@Ts, watchdog, unplug, unplug@Ts, unplug@45%, "
            "unplug@PORT:BYTES, replug, replug@Ts, reenumerate@exec, drop@[PORT:]1/N[:SEED], "
            "flip@[PORT:]1/N[:SEED], slow@PORT:RATE, silent, at-silent, repl-silent, hang, verify-error@PART, "
            "log-frames, fragment, bad-check-answered, greet-anew, wrong-model, sim-out, sim-in, no-network, "
            "network, data-drop, rssi=N, battery=MV, clear. clear ends them. "
            "Example: moduline virt fault m1 unplug@5s,replug@8s",
            "对模组施加动作或故障，多个词用逗号连接：cut@N, tear@N:SEED, cut@Ts, cut@boot, cut@download"
            ":45%, cut@PORT:BYTES, "
            "power@Ts, watchdog, unplug, unplug@Ts, unplug@45%, unplug@PORT:BYTES, replug, replug@Ts, "
            "reenumerate@exec, drop@[PORT:]1/N[:SEED], flip@[PORT:]1/N[:SEED], slow@PORT:RATE, silent, at-silent,"
            " repl-silent, hang, verify-error@PART, log-frames, fragment, bad-check-answered, greet-anew, wrong-model, "
            "sim-out, sim-in, no-network, network, data-drop, rssi=N, battery=MV, clear。clear 清除。"
            "示例：moduline virt fault m1 "
            "unplug@5s,replug@8s",
        )
    )
    def fault(
        name: NameArgument,
        spec: Annotated[str, typer.Argument(metavar="SPEC")],
        rack: RackOption = "",
        as_json: JsonFlag = False,
    ) -> None:
        answer = rack_client.ask(_rack_of(name, rack), "fault", name=name, spec=spec)
        _show(answer["modules"], as_json=as_json)

    @virt.command(
        help=say(
            "Take a module, a rack or, with neither named, everything down; flash files are kept unless --delete. "
            "Example: moduline virt down",
            "关闭一个模组、一个机架，或在均未指定时关闭全部；除非 --delete，Flash 文件会保留。示例：moduline virt down",
        )
    )
    def down(
        name: Annotated[str, typer.Argument(metavar="[NAME]")] = "all",
        rack: RackOption = "",
        delete: Annotated[bool, typer.Option("--delete", help=say("delete flash files", "删除 Flash 文件"))] = False,
        as_json: JsonFlag = False,
    ) -> None:
        places = _racks_to_take_down() if name == "all" and not rack else [_rack_of(name, rack)]
        taken: list[str] = []
        for place in places:
            try:
                taken += rack_client.take_down(place, name, is_deleting=delete)["modules"]
            except VirtualRackDown:
                rack_client.bury(place)
                raise
        if as_json:
            print_json({"ok": True, "racks": places, "modules": taken})
        else:
            note("down: {names}", "已关闭：{names}", names=", ".join(taken) or ", ".join(places))


def _racks_to_take_down() -> list[str]:
    """Every rack that is up; traces of dead ones are swept."""
    up, dead = rack_client.racks()
    for rack in dead:
        rack_client.bury(rack)
    if not up:
        raise VirtualRackDown(rack="default")
    return list(up)


@contextmanager
def _package_file(slug: str, package: Path | None, *, is_blank: bool) -> Iterator[str]:
    """The file new modules are programmed from: the user's, or the stock package of our own virtual firmware."""
    if package is not None:
        if not package.is_file():
            raise NoSuchFile(path=str(package), reason=Text("no such file", "文件不存在"))
        yield str(package.absolute())
        return
    if is_blank:
        yield ""
        return
    content = stock_package(slug)
    with tempfile.TemporaryDirectory(prefix="moduline-") as folder:
        path = Path(folder) / f"{slug}-stock.pac"
        try:
            path.write_bytes(content)
        except OSError as cause:
            raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause
        yield str(path)


def _all_modules() -> tuple[list[dict[str, Any]], list[str]]:
    """The modules of every rack that is up, and the names of racks that died; their traces are swept."""
    up, dead = rack_client.racks()
    modules = [module for rack in up for module in rack_client.ask(rack, "list")["modules"]]
    for rack in dead:
        rack_client.bury(rack)
    return modules, list(dead)


def _rack_of(name: str, rack: str) -> str:
    """The rack a module is in, when the user does not say."""
    if rack:
        return rack
    up, _ = rack_client.racks()
    if not up:
        raise VirtualRackDown(rack="default")
    if name == "all":
        return "default" if "default" in up else up[0]
    holding = [one for one in up if any(module["name"] == name for module in rack_client.ask(one, "list")["modules"])]
    if not holding:
        raise NoModule(address=f"virt:{name}")
    if len(holding) > 1 and "default" not in holding:
        why = Text("{module} is in {racks}", "{module} 同时存在于 {racks}")
        raise BadOption(name="--rack", reason=why, module=name, racks=", ".join(holding))
    return "default" if "default" in holding else holding[0]


def _show(modules: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, "modules": modules})
        return
    headings = [
        say("name", "名称"),
        say("model", "型号"),
        "IMEI",
        say("slot", "通道"),
        say("state", "状态"),
        say("ports", "端口"),
    ]
    print_table(headings, [_row(module) for module in modules])


def _row(module: dict[str, Any]) -> tuple[str, ...]:
    state = say(*STATES[module["state"]])
    if module["reason"]:
        state += f" ({say(*REASONS.get(module['reason'], (module['reason'],) * 2))})"
    if module["faults"]:
        state += f" [{', '.join(module['faults'])}]"
    name = module["name"] if module["rack"] == "default" else f"{module['rack']}/{module['name']}"
    cells = (name, module["model"], module["imei"], module["slot"], state, _short_ports(module["ports"]))
    return tuple(escape(cell) for cell in cells)


def _short_ports(ports: dict[str, str]) -> str:
    """Paths in one line, as a shell would expand them: ``/run/m1/{at,repl}``."""
    folders = {path.rpartition("/")[0] for path in ports.values()}
    if len(ports) < 2 or len(folders) > 1 or any(path != f"{min(folders)}/{role}" for role, path in ports.items()):
        return " ".join(ports.values())
    return f"{folders.pop()}/{{{','.join(ports)}}}"
