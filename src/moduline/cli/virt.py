"""``virt up``, ``list``, ``power``, ``fault``, ``down``: virtual modules in the background."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moduline.cli.language import say
from moduline.cli.output import JsonFlag, note, print_json
from moduline.cli.virt_models import register_models
from moduline.cli.virt_scenario import bring_up, check_file, register_check
from moduline.cli.virt_surroundings import register_surroundings
from moduline.cli.virt_table import NameArgument, RackOption, show_modules
from moduline.cli.virt_wear import register_wear
from moduline.errors import BadOption, Text, VirtualRackDown
from moduline.testing.rack_setup import Setup
from moduline.testing.rack_setup import bring_up as make_modules
from moduline.vmodule import rack_client
from moduline.vmodule.rack_finding import all_modules, rack_of

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
    register_surroundings(virt)
    register_wear(virt)


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
                show_modules(bring_up(scenario, rack, is_off=off, is_kept=keep), as_json=as_json)
            return
        setup = Setup(
            module=module,
            package=package,
            is_off=off,
            is_blank=blank,
            is_fresh=fresh,
            is_realistic=realistic,
            is_tcp=tcp,
            is_language_strict=strict,
        )
        show_modules(make_modules(rack, setup, range(1, count + 1), name), as_json=as_json)


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
        modules, dead = all_modules()
        if as_json:
            print_json({"ok": True, "modules": modules, "dead_racks": dead})
        else:
            show_modules(modules, as_json=False)
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
        answer = rack_client.ask(rack_of(name, rack), "power", name=name, action=action)
        show_modules(answer["modules"], as_json=as_json)

    @virt.command(
        help=say(
            "Do something to a module, or switch on a fault; words joined by commas: cut@N, tear@N:SEED, cut@Ts, "
            "cut@boot, cut@download:45%, cut@PORT:BYTES, power@Ts, watchdog, unplug, unplug@Ts, unplug@45%, "
            "unplug@PORT:BYTES, replug, replug@Ts, reenumerate@exec, drop@[PORT:]1/N[:SEED], "
            "flip@[PORT:]1/N[:SEED], slow@PORT:RATE, silent, at-silent, repl-silent, hang, verify-error@PART, "
            "log-frames, fragment, bad-check-answered, greet-anew, wrong-model, sim-out, sim-in, no-network, "
            "network, data-drop, rssi=N, registration=KIND, battery=MV, clear. clear ends them. "
            "Example: moduline virt fault m1 unplug@5s,replug@8s",
            "对模组施加动作或故障，多个词用逗号连接：cut@N, tear@N:SEED, cut@Ts, cut@boot, cut@download"
            ":45%, cut@PORT:BYTES, "
            "power@Ts, watchdog, unplug, unplug@Ts, unplug@45%, unplug@PORT:BYTES, replug, replug@Ts, "
            "reenumerate@exec, drop@[PORT:]1/N[:SEED], flip@[PORT:]1/N[:SEED], slow@PORT:RATE, silent, at-silent,"
            " repl-silent, hang, verify-error@PART, log-frames, fragment, bad-check-answered, greet-anew, wrong-model, "
            "sim-out, sim-in, no-network, network, data-drop, rssi=N, "
            "registration=KIND, battery=MV, clear。clear 清除。"
            "示例：moduline virt fault m1 "
            "unplug@5s,replug@8s",
        )
    )
    def fault(
        name: NameArgument,
        spec: Annotated[str, typer.Argument(metavar="SPEC")],
        off: Annotated[
            bool, typer.Option("--off", help=say("end these, which are on", "结束这些已生效的故障"))
        ] = False,
        rack: RackOption = "",
        as_json: JsonFlag = False,
    ) -> None:
        answer = rack_client.ask(rack_of(name, rack), "fault", name=name, spec=spec, is_off=off)
        show_modules(answer["modules"], as_json=as_json)

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
        places = _racks_to_take_down() if name == "all" and not rack else [rack_of(name, rack)]
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
