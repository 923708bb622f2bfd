"""A Studio with something on every page: a project, packages, a patch, line records, a product, a plan that has run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from web.studio_process import StudioProcess

EXAMPLE = Path(__file__).parents[2] / "examples" / "quec_test"
V2 = "EC600NCNLCR03A01M08_OCPU_PY_MODULINE2"
PRODUCT = ("p111xt", "V2VUei9ZVWt2SnpL")
DEVICES = 40


def furnish(studio: StudioProcess, *, devices: int = DEVICES) -> dict[str, int]:
    """Fill a Studio that has virtual modules in the rack ``studio``; numbers of what pages with a ``{name}`` show."""
    build(studio)
    run_the_line(studio)
    return upgrade_a_fleet(studio, devices)


def build(studio: StudioProcess) -> None:
    """A project, a stock and a production package, and a patch between two versions."""
    if not (studio.root / "quec_test").exists():
        shutil.copytree(EXAMPLE, studio.root / "quec_test")
    studio.moduline("firmware", "build", "ec600u", "-o", "stock.zip")
    studio.moduline("pack", "build", "quec_test", "--base", "stock.zip", "-o", "out")
    studio.moduline("firmware", "build", "ec600n", "-o", "v1.zip")
    studio.moduline("firmware", "build", "ec600n", "-o", "v2.zip", "--version", V2)
    studio.moduline("delta", "make", "v1.zip", "v2.zip", "-o", "v2.bin", "--store", "fs")


def run_the_line(studio: StudioProcess) -> None:
    """An order that every module of the rack has passed."""
    count = str(len(json.loads(studio.moduline("virt", "list", "--json"))["modules"]))
    words = ["gang", "run", "out/QUEC_TEST_1.0.0.zip", "--rack", "studio", "--order", "A-17", "--count", count]
    studio.moduline(*words, "--operator", "li")


def upgrade_a_fleet(studio: StudioProcess, devices: int) -> dict[str, int]:
    """A product whose devices have gone through one plan, and a plan that waits for approval."""
    product = studio.api("POST", "/v1/products", {"name": "aroma", "pk": PRODUCT[0], "ps": PRODUCT[1]})["id"]
    facts = json.loads((studio.data / "studio.json").read_text())
    server = ["--server", facts["api"], "--token-file", str(studio.data / "admin.token")]
    studio.moduline("ota", "package", "add", "fw-v2", "v2.bin", "--source", "V1", "--target", "V2", *server)
    plan = ["--product", "aroma", "--package", "mod=fw-v2"]
    studio.moduline("ota", "plan", "create", "march", *plan, "--zone", "Asia/Shanghai", *server)
    studio.moduline("ota", "plan", "activate", "march", *server)
    fleet = ["fleet", "run", "--server", "127.0.0.1", "--mqtt-port", facts["mqtt"].rpartition(":")[2]]
    fleet += ["--product", PRODUCT[0], "--secret", PRODUCT[1], "--count", str(devices), "--seed", "1"]
    studio.moduline(*fleet, "--until-done", "--for", "100")
    studio.moduline("ota", "plan", "create", "april", *plan, "--zone", "Asia/Shanghai", *server)
    first = {name: studio.api("GET", f"/v1/{name}?limit=1")["items"][0]["id"] for name in ("devices", "artifacts")}
    plans = {one["name"]: one["id"] for one in studio.api("GET", "/v1/plans")["items"]}
    return {"product": product, "device": first["devices"], "artifact": first["artifacts"], "plan": plans["march"]}
