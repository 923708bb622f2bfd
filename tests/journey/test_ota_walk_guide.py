"""Everything docs/guide/ota-walk.md says, typed as it stands there; only the ports are free ones."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from journey.test_develop import commands, environment, moduline_home, one_home, run
from ota_process import OtaProcess

__all__ = ["environment", "moduline_home", "one_home"]

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux"),
    pytest.mark.timeout(900),
]
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240
V2 = "EC600NCNLCR03A01M08_OCPU_PY_MODULINE2"


def until(folder, environment, is_so, *words):
    """Type a command until its JSON is so."""
    end = time.monotonic() + PATIENCE_S
    while True:
        done = subprocess.run(
            [*words, "--json"], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        with contextlib.suppress(ValueError, KeyError):
            if is_so(json.loads(done.stdout)):
                return
        assert time.monotonic() < end, f"{words}\n{done.stdout}\n{done.stderr}"
        time.sleep(1)


@pytest.mark.sweep  # forty seconds of computing
def test_page_when_followed_then_eight_modules_and_a_thousand_devices_are_upgraded(tmp_path, environment):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    platform = OtaProcess(tmp_path / "ota")
    environment["MODULINE_OTA_SERVER"] = platform.ready["api"]
    port = str(platform.ready["mqtt"])
    scenario = tmp_path / "examples/ota/eight-modules.toml"
    scenario.write_text(scenario.read_text(encoding="utf-8").replace("1883", port), encoding="utf-8")
    shown = []
    try:
        for line in commands("ota-walk.md"):
            words = shlex.split(line)
            if words[:3] == ["moduline", "ota", "serve"]:
                continue  # it runs, on other ports
            if words[0] == "export":
                environment["MODULINE_OTA_TOKEN"] = (tmp_path / "ota/admin.token").read_text().strip()
                continue
            if words[1:4] == ["ota", "device", "list"]:
                until(tmp_path, environment, lambda told: len(told["devices"]) == 8, *words)
            if words[1:] == ["ota", "verify", "fw-v2"]:
                until(tmp_path, environment, lambda told: told["state"] == "passed", *words)
            if words[1:4] == ["ota", "plan", "log"]:
                until(tmp_path, environment, lambda told: "upgrade succeeded" in json.dumps(told["log"]), *words)
            if words[1] == "info":
                until(tmp_path, environment, lambda told: told["version"] == V2, *words)
            if words[1:3] == ["fleet", "run"]:
                words += ["--mqtt-port", port]
            shown.append(run(words, tmp_path, environment))
            if words[1] == "exec":
                assert shown[-1] == "True\n"
        (fleet,) = [text for text in shown if "full virtual modules: 4" in text]
        assert "devices_by_outcome  upgraded 996" in fleet
        assert fleet.count(f"-> {V2}") == 4
        (log,) = [text for text in shown if "plan received" in text]
        assert "upgrade succeeded" in log
    finally:
        subprocess.run(["moduline", "virt", "down"], cwd=tmp_path, env=environment, check=False, capture_output=True)
        platform.end()


def test_pages_when_compared_then_name_the_same_commands():
    assert commands("ota-walk.md") == commands("ota-walk.zh.md")
