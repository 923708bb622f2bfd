"""Findings about ports: made-up process tables and rule folders, real files, nothing opened."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from moduline.port.diagnosis import holders_of, judge_ports, meddlers, nothing_found, udev_rule_for
from moduline.port.listing import PortInfo


@pytest.fixture
def port(tmp_path):
    path = tmp_path / "ttyUSB2"
    path.touch()
    return PortInfo(str(path), "at", "1-2.4", 0x2C7C, 0x0901)


@pytest.fixture
def processes(tmp_path):
    """A process table; ``add(pid, name, files)``."""
    root = tmp_path / "proc"
    root.mkdir()

    def add(pid, name, files=()):
        (root / str(pid) / "fd").mkdir(parents=True)
        (root / str(pid) / "comm").write_text(name + "\n")
        for number, file in enumerate(files):
            (root / str(pid) / "fd" / str(number)).symlink_to(file)

    root_add = add
    root_add.root = root
    return root_add


def levels(findings):
    return [(one.level, one.subject) for one in findings]


def test_port_when_free_then_ok(port, processes):
    findings = judge_ports([port, replace(port, role="repl")], processes.root, [])
    assert levels(findings) == [("ok", port.path), ("ok", port.path)]


def test_port_when_another_program_has_it_then_named(port, processes):
    processes(41, "minicom", ["/dev/null", port.path])
    processes(7, "bash", ["/dev/null"])
    assert holders_of(port.path, processes.root) == ("minicom (41)",)
    (finding,) = judge_ports([port], processes.root, [])
    assert finding.level == "problem"
    assert "minicom (41)" in finding.what.en
    assert "minicom (41)" in finding.what.zh


def test_port_when_not_permitted_then_rule_or_group(port, processes, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (finding,) = judge_ports([port], processes.root, [])
    said = finding.remedy.say("en")
    assert "moduline doctor --udev | sudo tee /etc/udev/rules.d/70-moduline.rules" in said
    assert "dialout" in said
    rules = tmp_path / "rules.d"
    rules.mkdir()
    (rules / "70-x.rules").write_text('ATTRS{idVendor}=="2C7C", MODE="0666"\n')
    assert udev_rule_for(0x2C7C, [str(rules)]) == rules / "70-x.rules"
    (finding,) = judge_ports([port], processes.root, [str(rules)])
    assert "70-x.rules" in finding.remedy.say("zh")


@pytest.mark.parametrize(
    ("vid", "pid", "chip"),
    [
        (0x0525, 0xA4A7, "unisoc8910"),
        (0x1782, 0x4D16, "unisoc8850"),
        (0x2ECC, 0x3017, "asr"),
        (0x17D1, 0x0001, "eigen"),
    ],
)
def test_silent_module_when_in_download_mode_then_says_of_which_chip(port, processes, vid, pid, chip):
    findings = judge_ports([replace(port, role="download", vid=vid, pid=pid)], processes.root, [])
    assert ("hint", "1-2.4") in levels(findings)
    assert chip in findings[-1].what.en


def test_module_when_only_a_log_port_shows_then_driver(port, processes):
    findings = judge_ports([replace(port, role="diag")], processes.root, [])
    assert findings[-1].level == "problem"
    assert "diag" in findings[-1].what.en


def test_port_when_gone_meanwhile_then_said(port, processes):
    Path(port.path).unlink()
    (finding,) = judge_ports([port], processes.root, [])
    assert finding.level == "hint"


def test_services_that_meddle_when_running_then_listed(processes):
    processes(12, "ModemManager")
    processes(13, "sshd")
    assert meddlers(processes.root) == ("ModemManager",)


def test_nothing_connected_when_asked_then_names_the_ids():
    assert "2c7c" in nothing_found().remedy.say("en")
