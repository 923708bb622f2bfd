"""The troubleshooting ladder: from the cable to the NV block, one rung after the other, with what is seen live.

Each rung checks what can be checked, asks a person only what cannot, says the remedy and goes on. ``--json`` gives all
rungs and asks nothing. Nothing is changed; the AT port is opened and asked who is there.

Source: seed 002 (burning: preparation, ways into download mode, troubleshooting); platform-unisoc 8; device-api 4.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from moduline.cli.ladder_rungs import LADDER, Climb, Rung, what_next
from moduline.cli.language import current, say
from moduline.cli.output import err, out, print_json
from moduline.errors import PortBusy, Text
from moduline.port.watch import Watch

WAIT_S: Final = -1.0
"""Stands for: 30 s with somebody there, else not at all."""
PATIENT_S: Final = 30.0
SIGNS: Final = {
    "ok": ("[green]ok[/green]", "[green]正常[/green]"),
    "hint": ("[yellow]note[/yellow]", "[yellow]注意[/yellow]"),
    "problem": ("[red]PROBLEM[/red]", "[red]问题[/red]"),
    "skipped": ("[dim]not yet[/dim]", "[dim]未检查[/dim]"),
}

PackageOption = Annotated[
    Path | None,
    typer.Option(
        "--package", metavar="FILE", help=say("with --guide: is it the right one?", "配合 --guide：固件包是否匹配")
    ),
]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait",
        metavar="S",
        show_default=False,
        help=say("with --guide: wait for a module, s", "配合 --guide：等待模组的秒数"),
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""

    @app.command(
        help=say(
            "The troubleshooting ladder, the same as doctor --guide: cable, driver, port, AT, download mode, package, "
            "NV. Example: moduline ladder --port virt:m1 --package stock.pac",
            "逐步排查，与 doctor --guide 相同：线缆、驱动、端口、AT、下载模式、固件包、NV。"
            "示例：moduline ladder --port virt:m1 --package stock.pac",
        )
    )
    def ladder(
        port: Annotated[
            str, typer.Option("--port", metavar="ADDR", help="auto, virt:NAME, usb:1-2.4, /dev/…")
        ] = "auto",
        package: PackageOption = None,
        wait: WaitOption = WAIT_S,
        as_json: Annotated[
            bool, typer.Option("--json", help=say("print one JSON object", "输出一个 JSON 对象"))
        ] = False,
    ) -> None:
        guide(port, package, wait, as_json=as_json)


def guide(address: str, package: Path | None, wait_s: float, *, as_json: bool) -> None:
    """Climb the ladder with the module at ``address``; exit 5 when a problem is left.

    Args:
        address: see ``port.address``.
        package: what is to be burnt, if that is known.
        wait_s: how long to wait for a module that is not there; :data:`WAIT_S`: as long as makes sense.
        as_json: print one object, ask nothing.
    """
    is_asking = sys.stdin.isatty() and not as_json
    patience_s = wait_s if wait_s >= 0 else PATIENT_S if is_asking else 0.0
    rungs = asyncio.run(_climb(address, package, patience_s, is_asking=is_asking, is_shown=not as_json))
    left = [rung for rung in rungs if rung.result == "problem"]
    if as_json:
        print_json(
            {
                "ok": not left,
                "rungs": [_facts(rung) for rung in rungs],
                "next": what_next(rungs, address).say(current()),
            }
        )
    else:
        out().print()
        out().print(what_next(rungs, address).say(current()), markup=False)
    if left:
        raise typer.Exit(PortBusy.exit_code)


async def _climb(
    address: str, package: Path | None, patience_s: float, *, is_asking: bool, is_shown: bool
) -> list[Rung]:
    rungs: list[Rung] = []
    async with Watch() as watch:
        climb = Climb(address, package, watch, patience_s, _tell if is_shown else lambda _: None)
        for number, check in enumerate(LADDER, 1):
            rung = await check(climb)
            if is_shown:
                _show(number, rung)
            while is_asking and rung.result == "problem" and await _is_mended():
                rung = await check(climb)
                _show(number, rung)
            climb.done[rung.slug] = rung
            rungs.append(rung)
    return rungs


async def _is_mended() -> bool:
    """Ask whether to look again; no: go on."""
    question = say("Done? Look again", "已处理？重新检查")
    return await asyncio.to_thread(typer.confirm, question, default=False, err=True)


def _show(number: int, rung: Rung) -> None:
    sign = say(*SIGNS[rung.result])
    out().print(f"{number:2}  {sign}  [bold]{rung.title.say(current())}[/bold]")
    if seen := rung.seen.say(current()):
        out().print(f"      {seen}", markup=False)
    if rung.result in {"hint", "problem"} and (remedy := rung.remedy.say(current())):
        out().print(f"      → {remedy}", markup=False)


def _tell(text: Text) -> None:
    err().print("      " + text.say(current()), markup=False)


def _facts(rung: Rung) -> dict[str, str]:
    lang = current()
    return {
        "slug": rung.slug,
        "title": rung.title.say(lang),
        "result": rung.result,
        "seen": rung.seen.say(lang),
        "remedy": rung.remedy.say(lang),
    }
