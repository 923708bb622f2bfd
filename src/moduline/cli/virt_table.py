"""How ``virt`` shows the modules of a rack, and the options its commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.language import current, say
from moduline.cli.output import print_json, print_table
from moduline.vmodule.rack_words import STATES, reason_of

RackOption = Annotated[str, typer.Option("--rack", help=say("name of the rack", "机架名称"))]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help=say("module, or all", "模组名称，或 all"))]


def show_modules(modules: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print modules as a rack lists them."""
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
    state = STATES[module["state"]].say(current())
    if module["reason"]:
        state += f" ({reason_of(module['reason']).say(current())})"
    if not module.get("is_plugged", True):
        state += " (" + say("cable out", "USB 已拔出") + ")"
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
