"""``doctor`` as typed: virtual modules are seen, nothing connected is a problem with its cure, both languages."""

from __future__ import annotations

import json
import os

import pytest

from moduline.cli import main

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")


def test_doctor_when_nothing_is_connected_then_problem_exit_5_and_what_to_check(capsys):
    assert main.run(["doctor", "--json"]) == 5
    facts = json.loads(capsys.readouterr().out)
    assert not facts["ok"]
    assert facts["findings"][-1]["subject"] == "USB"
    assert main.run(["--lang", "zh", "doctor"]) == 5
    assert "未发现模组" in capsys.readouterr().out


def test_doctor_when_virtual_modules_are_up_then_they_are_fine_and_one_in_download_mode_is_told(capsys):
    try:
        assert main.run(["virt", "up", "--count", "2"]) == 0
        assert main.run(["virt", "power", "m2", "boot-pin"]) == 0
        capsys.readouterr()
        code = main.run(["doctor", "--json"])
        facts = json.loads(capsys.readouterr().out)
        assert code == 0, facts
        seen = {(one["level"], one["subject"]): one["what"] for one in facts["findings"]}
        assert ("hint", "virt-default-2") in seen
        assert "download mode" in seen["hint", "virt-default-2"]
        assert any(level == "ok" and subject.endswith("/m1/at") for level, subject in seen)
    finally:
        main.run(["virt", "down", "--delete"])
