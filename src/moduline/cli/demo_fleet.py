"""The second half of ``moduline demo``: version 2, a patch, its rehearsal, a plan, and a fleet that upgrades itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from moduline.cli.demo_typing import check, run
from moduline.cli.language import say
from moduline.cli.ota_client import SERVER_VARIABLE, TOKEN_VARIABLE
from moduline.cli.output import out, print_table
from moduline.errors import DemoFailed

MODEL: Final = "ec600n"
V1: Final = "EC600NCNLCR03A01M08_OCPU_PY_MODULINE1"
V2: Final = "EC600NCNLCR03A01M08_OCPU_PY_MODULINE2"
PRODUCT: Final = ("p111xt", "V2VUei9ZVWt2SnpL")
"""Key and secret of the seed's sample script, which the full modules run."""
DEVICES: Final = 20
MODULES: Final = 2
FLEET_S: Final = 120
END_S: Final = 20


def upgrade_a_fleet(work: Path) -> None:
    """Make version 2 and its patch, cut its power everywhere, and have a platform upgrade a fleet with it.

    Args:
        work: folder for what is made.

    Raises:
        DemoFailed: something was not as claimed.
    """
    v1, v2, patch = work / "v1.zip", work / "v2.zip", work / "v2.bin"
    run("firmware", "build", MODEL, "-o", str(v1))
    run("firmware", "build", MODEL, "-o", str(v2), "--version", V2)
    run("delta", "make", str(v1), str(v2), "-o", str(patch), "--store", "fs")
    check(patch.stat().st_size * 10 < v2.stat().st_size, say("patch < 10 %", "差分包小于 10 %"), patch.stat().st_size)
    proof = json.loads(run("delta", "rehearse", str(v1), str(patch), "--store", "fs", "--cuts", "all", "--json"))
    check(proof["cuts"] >= proof["operations"] > 0, say("a cut at each operation", "每步操作均断电"), proof)
    check(proof["failures"] == 0, say("every cut survived", "每次断电后均能恢复"), proof["failures"])
    with platform(work / "ota") as mqtt:
        run("ota", "product", "create", "demo", "--pk", PRODUCT[0], "--ps", PRODUCT[1])
        run("ota", "package", "add", "fw-v2", str(patch), "--source", V1, "--target", V2)
        run("ota", "plan", "create", "demo", "--product", "demo", "--package", "mod=fw-v2", "--zone", "UTC")
        run("ota", "plan", "activate", "demo")
        fleet = ["--server", "127.0.0.1", "--mqtt-port", str(mqtt), "--product", PRODUCT[0], "--secret", PRODUCT[1]]
        fleet += ["--count", str(DEVICES), "--virtual", str(MODULES), "--package", str(v1), "--seed", "1"]
        done = json.loads(run("fleet", "run", *fleet, "--until-done", "--for", str(FLEET_S), "--json"))
        show_and_check(done, json.loads(run("ota", "plan", "show", "demo", "--json")))


@contextmanager
def platform(data: Path) -> Iterator[int]:
    """A platform of its own; gives the port of its devices, and has the commands ask it meanwhile.

    Raises:
        DemoFailed: it did not start.
    """
    words = ["ota", "serve", "--data", str(data), "--http-port", "0", "--device-http-port", "0", "--mqtt-port", "0"]
    out().print(f"[bold]$ moduline {' '.join(words)} &[/bold]")
    before = {name: os.environ.get(name) for name in (SERVER_VARIABLE, TOKEN_VARIABLE)}
    with subprocess.Popen(
        [sys.executable, "-m", "moduline", *words, "--jsonl"], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            ready = _ready(process)
            os.environ[SERVER_VARIABLE] = ready["api"]
            os.environ[TOKEN_VARIABLE] = Path(ready["token_file"]).read_text("utf-8").strip()
            yield int(ready["mqtt"])
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    for line in process.stdout or ():
        told: dict[str, Any] = json.loads(line)
        if told.get("event") == "ready":
            return told
    raise DemoFailed(claim="moduline ota serve", found=f"exit {process.wait()}")


def show_and_check(fleet: dict[str, Any], plan: dict[str, Any]) -> None:
    """What became of the fleet, after both ends were compared.

    Raises:
        DemoFailed: a claim is false.
    """
    full = fleet["virtual"]
    check(fleet["devices"] + full["devices"] == DEVICES, say("devices", "设备"), fleet["devices"])
    check(fleet["versions"] == {V2: DEVICES - MODULES}, V2, fleet["versions"])
    check(full["versions"] == {V2: MODULES}, say("full modules run V2", "虚拟模组运行 V2"), full["versions"])
    told = plan["counters"]["by_status"]
    check(told["upgraded"] == DEVICES and sum(told.values()) == DEVICES, say("upgraded", "升级成功"), told)
    print_table(
        [say("version", "版本"), say("simulated devices", "模拟设备"), say("full virtual modules", "完整虚拟模组")],
        [(V2, fleet["versions"][V2], full["versions"][V2])],
    )
