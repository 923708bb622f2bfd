"""A protected, backed-up package on a virtual module: twins run in place of version 5, and lost files come back (T04)."""

from __future__ import annotations

from pathlib import Path

import pytest

from samples import sample

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "quec_test"
EG915U = "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac"


def listed(terminal, folder):
    return [entry["name"] for entry in terminal.ask("ls", f":{folder}", "--port", "virt:m1")["entries"]]


@pytest.mark.timeout(240)
def test_protected_package_of_a_real_module_when_burnt_then_its_twins_run(terminal):
    """Decision 13b: the bytes in flash are the real ones, and can still be tried."""
    base = sample(EG915U)
    terminal.type("pack", "build", EXAMPLE, "--base", base, "--encrypt", "-o", "out.pac")
    terminal.type("virt", "up", "--module", "eg915u", "--count", "1")
    terminal.type("burn", "out.pac", "--port", "virt:m1")
    assert listed(terminal, "/usr") == ["apn_cfg.json", "main.py", "user_file.mpy", "system_config.json"]
    terminal.type("stop", "--port", "virt:m1")
    code = "print(open('/usr/user_file.mpy', 'rb').read(4)); from usr import user_file; user_file.Qprint()"
    printed = terminal.type("exec", code, "--port", "virt:m1").splitlines()
    assert printed == ["b'M\\x05\\x00\\x1f'", "Hello World !"]


@pytest.mark.timeout(240)
def test_backed_up_file_when_deleted_then_back_after_the_next_boot(terminal):
    """T04 (a) and (d): a ticked file is restored, one that was not ticked is not."""
    terminal.type("firmware", "build", "ec600u", "-o", "stock.zip")
    terminal.type(
        "pack",
        "build",
        EXAMPLE,
        "--base",
        "stock.zip",
        "--backup",
        "user_file.py",
        "--profile",
        "sha256-2020",
        "-o",
        "out/",
    )
    terminal.type("virt", "up", "--module", "ec600u", "--count", "1")
    terminal.type("burn", "out/QUEC_TEST_1.0.0.zip", "--port", "virt:m1")
    assert listed(terminal, "/bak/usr") == ["user_file.py"]
    terminal.type("stop", "--port", "virt:m1")
    terminal.type("rm", ":/usr/user_file.py", ":/usr/main.py", "--port", "virt:m1")
    terminal.type("virt", "power", "m1", "reset")
    assert "user_file.py" in listed(terminal, "/usr")
    assert "main.py" not in listed(terminal, "/usr")
    checked = "import checksum; print(checksum.retrieve('/usr/user_file.py') is not None)"
    assert terminal.type("exec", checked, "--port", "virt:m1").strip() == "True"
