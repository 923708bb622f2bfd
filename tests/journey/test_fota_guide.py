"""Everything docs/guide/fota.md says, typed as it stands there: two packages become an update, on a virtual module."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from journey.test_develop import commands, environment, moduline_home, one_home, run

__all__ = ["environment", "moduline_home", "one_home"]

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux"),
    pytest.mark.timeout(900),
    pytest.mark.sweep,  # forty seconds of computing
]
ROOT = Path(__file__).resolve().parents[2]
V1, V2 = (f"EC600NCNLCR03A01M08_OCPU_PY_MODULINE{number}" for number in (1, 2))
PATIENCE_S = 240


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@contextlib.contextmanager
def a_folder(tmp_path, environment):
    """The folder of the guide's reader, with the examples in it; its server and its modules end with it."""
    port, servers = free_port(), []
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    script = tmp_path / "examples/fota/download.py"
    script.write_text(script.read_text(encoding="utf-8").replace("8123", port), encoding="utf-8")
    try:
        yield port, servers
    finally:
        for server in servers:
            server.kill()
            server.wait()
        subprocess.run(["moduline", "virt", "down"], cwd=tmp_path, env=environment, check=False, capture_output=True)


def version_of(folder, environment):
    done = subprocess.run(
        ["moduline", "info", "--port", "virt:m1", "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    with contextlib.suppress(ValueError):
        return json.loads(done.stdout).get("version")
    return None


def wait_for(version, folder, environment, again=()):
    """Wait until the module runs a version; a download that was cut off is begun again, as a user does it."""
    begun = time.monotonic()
    tries = 1
    while version_of(folder, environment) != version:
        waited = time.monotonic() - begun
        assert waited < PATIENCE_S, f"the module never came to {version}:\n{update_notices(environment)}"
        if again and waited > tries * PATIENCE_S / 4:
            tries += 1
            subprocess.run(again, cwd=folder, env=environment, check=False, capture_output=True)
        time.sleep(1)


def update_notices(environment):
    """What the rack noted of updates."""
    log = Path(environment["MODULINE_HOME"]) / "racks/default/rack.log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    return "\n".join([line for line in lines if "update" in line or "network" in line][-20:])


def serve(port, folder):
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", port],
        cwd=folder,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), timeout=5):
            return server
        assert time.monotonic() < end, "the server never listened"
        time.sleep(0.1)


def test_guide_when_followed_then_the_module_goes_up_down_and_up_with_its_scripts(tmp_path, environment):
    typed = [line for line in commands("fota.md") if not line.startswith("moduline delta scripts")]
    awaited = iter([V2, V1])
    with a_folder(tmp_path, environment) as (port, servers):
        for line in typed:
            if "http.server" in line:
                servers.append(serve(port, tmp_path))
                continue
            out = run(shlex.split(line), tmp_path, environment)
            if "virt power m1 reset" in line:
                wait_for(next(awaited), tmp_path, environment)
            if "fota/download.py" in line:
                wait_for(V2, tmp_path, environment, again=shlex.split(line))
                assert "user_file.py" in run(["moduline", "ls", ":/usr", "--port", "virt:m1"], tmp_path, environment)
            if line.startswith("moduline delta make v1.zip v2.zip -o up.bin"):
                assert f"upgrade: {V1} -> {V2}" in out
                assert f"downgrade: {V2} -> {V1}" in out
        for name in ("up.bin", "down.bin", "both_1.bin", "both_2.bin", "b_a.bin", "a_b.bin", "v1-updated.zip"):
            assert (tmp_path / name).is_file(), name
