"""``moduline demo``: the whole first path, each step checked, exit 0 only if every claim was true.

The demo types the same commands a user would (each is shown), so what it proves is what a user gets. The one thing
it does by itself is listening on the REPL ports for what ``main.py`` prints.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from moduline.cli.demo_fleet import upgrade_a_fleet
from moduline.cli.demo_typing import check, run
from moduline.cli.language import say
from moduline.cli.output import err, out, print_table
from moduline.errors import PortGone
from moduline.port import address
from moduline.release import shipped

COUNT = 8
RACK = "demo"
VICTIM = "m4"
EXPECTED_FILES = "['apn_cfg.json', 'main.py', 'user_file.py', 'system_config.json']"
LISTEN_S = 20.0
GANG_LIMIT_S = 100.0


def register(app: typer.Typer) -> None:
    """Add ``demo`` to the tree."""

    @app.command(
        help=say(
            "Build the seed example, gang-burn eight virtual modules, kill one on the way, see them all run; then make "
            "version 2, rehearse its patch, and upgrade a fleet over the air. Example: moduline demo --keep",
            "构建示例工程，同时烧录八个虚拟模组，中途让其中一个掉电，并确认全部运行；再制作新版本，演练差分包，"
            "并通过 OTA 升级一批设备。示例：moduline demo --keep",
        )
    )
    def demo(
        keep: Annotated[
            bool, typer.Option("--keep", help=say("leave the rack up afterwards", "结束后保留机架"))
        ] = False,
    ) -> None:
        started = time.monotonic()
        work = Path(tempfile.mkdtemp(prefix="moduline-demo-"))
        rack_is_up = False
        try:
            package = build_package(work)
            run("virt", "down", "--rack", RACK, must=False)
            run("virt", "up", "--rack", RACK, "--module", "ec600u", "--count", str(COUNT), "--fresh")
            rack_is_up = True
            run("virt", "fault", VICTIM, "cut@download:45%", "--rack", RACK)
            records = gang(package)
            printed = asyncio.run(listen_to_all())
            show_and_check(records, printed)
            upgrade_a_fleet(work)
            run("gang", "report", records[0]["order"])
        finally:
            shutil.rmtree(work, ignore_errors=True)
            if rack_is_up and not keep:
                run("virt", "down", "--rack", RACK, "--delete", must=False)
        out().print(
            say(
                "done in {seconds:.1f} s: all of it was true",
                "用时 {seconds:.1f} 秒：以上全部属实",
                seconds=time.monotonic() - started,
            )
        )
        if keep:
            out().print(
                say(
                    "the rack is up: moduline virt list · moduline ls :/usr --port virt:m1 · moduline virt down",
                    "机架仍在运行：moduline virt list · moduline ls :/usr --port virt:m1 · moduline virt down",
                )
            )


def build_package(work: Path) -> Path:
    """A stock package of the virtual EC600U and the seed's example merged into it, as the seed names it."""
    run("firmware", "build", "ec600u", "-o", str(work / "stock.zip"))
    project = shipped.folder("examples") / "quec_test"
    run("pack", "build", str(project), "--base", str(work / "stock.zip"), "-o", str(work / "out"))
    package = work / "out" / "QUEC_TEST_1.0.0.zip"
    check(package.is_file(), "QUEC_TEST_1.0.0.zip", sorted(p.name for p in (work / "out").iterdir()))
    return package


@dataclass
class GangWatch:
    """What the demo saw of the gang's event stream."""

    records: list[dict[str, Any]] = field(default_factory=list)
    repowered: bool = False


def gang(package: Path) -> list[dict[str, Any]]:
    """Burn all modules at once, give the victim its power back when it fails, and return the gang's records.

    Raises:
        DemoFailed: the gang did not end in PASS everywhere, or no power cut happened.
    """
    order = f"DEMO-{int(time.time())}"  # an order never changes its package, and burns no unit twice
    words = ["gang", "run", str(package), "--rack", RACK, "--count", str(COUNT), "--order", order, "--jsonl"]
    out().print(f"[bold]$ moduline {' '.join(words)}[/bold]")
    watch = GangWatch()
    with subprocess.Popen(
        [sys.executable, "-m", "moduline", *words], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        killer = threading.Timer(GANG_LIMIT_S, process.kill)
        killer.start()
        for line in process.stdout or ():
            follow(json.loads(line), watch)
        killer.cancel()
    check(process.returncode == 0, "moduline gang run", f"exit {process.returncode}")
    check(watch.repowered, say("one module lost its power", "有一个模组掉电"), say("none did", "没有"))
    return watch.records


def follow(event: dict[str, Any], watch: GangWatch) -> None:
    """Show one event of the gang; re-power the victim when its try has failed."""
    if event.get("event") == "record":
        watch.records.append(event)
        outcome, slot = event["outcome"], event["slot"]
        out().print(f"  {slot}: {outcome} {event.get('error_code') or ''}", markup=False)
        if outcome != "PASS" and not watch.repowered:
            watch.repowered = True
            out().print(say("  power is back in {slot}", "  {slot} 重新上电", slot=slot))
            run("virt", "power", VICTIM, "on", "--rack", RACK)


async def listen_to_all() -> dict[str, str]:
    """What every module's REPL port prints until main.py was heard, by module name."""
    names = [f"m{number}" for number in range(1, COUNT + 1)]
    heard = await asyncio.gather(*(listen(name) for name in names))
    return dict(zip(names, heard, strict=True))


async def listen(name: str) -> str:
    """The text one REPL port prints until the example's greeting and listing have passed, or time is up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LISTEN_S
    heard = ""
    while loop.time() < deadline and not ("Hello World !" in heard and EXPECTED_FILES in heard):
        try:
            stream = await address.open_address(f"virt:{RACK}/{name}", role="repl")
        except PortGone:
            await asyncio.sleep(0.2)
            continue
        try:
            async with asyncio.timeout_at(deadline):
                while not ("Hello World !" in heard and EXPECTED_FILES in heard):
                    heard += (await stream.read_some()).decode("utf-8", "replace")
        except (TimeoutError, PortGone) as gone:
            err().print(f"{name}: {type(gone).__name__}", markup=False)
        finally:
            await stream.close()
    return heard


def show_and_check(records: list[dict[str, Any]], printed: dict[str, str]) -> None:
    """The table of what happened, after every claim about it was checked.

    Raises:
        DemoFailed: a claim is false.
    """
    passed = {record["slot"]: record for record in records if record["outcome"] == "PASS"}
    check(len(passed) == COUNT, say("eight modules PASS", "八个模组 PASS"), len(passed))
    imeis = {record["imei"] for record in passed.values()}
    check(len(imeis) == COUNT and all(len(imei) == 15 for imei in imeis), "8 IMEI", sorted(imeis))
    for name, text in printed.items():
        check("Hello World !" in text, f"{name}: Hello World !", text[-200:])
        check(EXPECTED_FILES in text, f"{name}: {EXPECTED_FILES}", text[-200:])
    tries = {slot: sum(record["slot"] == slot for record in records) for slot in passed}
    check(max(tries.values()) == 2 and sum(tries.values()) == COUNT + 1, say("one retry", "一次重试"), tries)
    sample = printed[VICTIM][printed[VICTIM].index("Hello World !") :].splitlines()[:2]
    out().print(
        say("main.py of {name}, the re-powered one, prints:", "重新上电的 {name} 的 main.py 输出：", name=VICTIM)
    )
    out().print("\n".join(f"  {line}" for line in sample), markup=False)
    print_table(
        [say("slot", "通道"), "", "IMEI", say("bytes", "字节"), say("seconds", "秒"), say("tries", "次数")],
        [
            (slot, record["outcome"], record["imei"], record["bytes"], f"{record['seconds']:.2f}", tries[slot])
            for slot, record in sorted(passed.items())
        ],
    )
