"""The whole first path, command by command: scripts -> package -> burn over the wire -> boot -> answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from samples import sample

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "quec_test"
EG915U = "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac"
IN_USR = ["apn_cfg.json", "main.py", "user_file.py", "system_config.json"]


def names(listing):
    return [entry["name"] for entry in listing["entries"]]


@pytest.mark.timeout(240)
def test_own_package_when_merged_and_burnt_then_main_runs_and_usr_holds_the_files(terminal):
    """S0: scripts merged into the firmware are there after one burn, and main.py runs."""
    terminal.type("firmware", "build", "ec600u", "-o", "stock.zip")
    terminal.type("pack", "build", EXAMPLE, "--base", "stock.zip", "-o", "out/")
    terminal.type("virt", "up", "--module", "ec600u", "--count", "1")
    record = terminal.ask("burn", "out/QUEC_TEST_1.0.0.zip", "--port", "virt:m1", "--yes")
    assert record["outcome"] == "PASS"
    assert names(terminal.ask("ls", ":/usr", "--port", "virt:m1")) == IN_USR
    assert (
        terminal.type("exec", "import modem; print(modem.getDevImei())", "--port", "virt:m1").strip() == record["imei"]
    )


@pytest.mark.timeout(240)
def test_real_package_when_merged_then_burns_into_a_virtual_module_that_boots_it(terminal):
    """The vendor's own EG915U package: merged without a module, burnt over the wire, /usr holds the files."""
    base = sample(EG915U)
    terminal.type("pack", "build", EXAMPLE, "--base", base, "--module", "eg915u", "-o", "out.pac")
    terminal.type("virt", "up", "--module", "eg915u", "--count", "1")
    record = terminal.ask("burn", "out.pac", "--port", "virt:m1", "--yes", timeout=200)
    assert record["outcome"] == "PASS"
    assert names(terminal.ask("ls", ":/usr", "--port", "virt:m1")) == IN_USR
    version = terminal.type("exec", "import modem; print(modem.getDevFwVersion())", "--port", "virt:m1").strip()
    assert version == "EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300"


@pytest.mark.timeout(240)
def test_package_of_another_model_when_burnt_then_refused_before_anything_is_erased(terminal):
    """T31: never half-applied; the module still runs what it ran."""
    base = sample(EG915U)
    terminal.type("virt", "up", "--module", "ec600u", "--count", "1")
    terminal.type("burn", base, "--port", "virt:m1", "--yes", exit_code=7)
    assert terminal.type("exec", "print(6*7)", "--port", "virt:m1").strip() == "42"


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("demo")
def test_demo_when_run_then_every_claim_is_true(moduline_home):
    done = subprocess.run(
        [sys.executable, "-m", "moduline", "demo"], capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASS") >= 16
    assert "Hello World !" in done.stdout
