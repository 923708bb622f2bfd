"""``moduline ota``: the console's work from a terminal, against a platform that runs."""

from __future__ import annotations

import json
import stat
import sys

import pytest

from moduline.cli.main import run
from ota_process import OtaProcess
from ota_site import OtaSite


@pytest.fixture
def site(tmp_path):
    site = OtaSite(tmp_path / "ota")
    yield site
    site.stop()


@pytest.fixture
def ask(site, tmp_path, capsys):
    """Types an ``ota`` command with ``--json``; gives the object, asserts the exit code."""

    def asked(*words, exit_code=0):
        place = ("--server", site.addresses.api, "--token-file", str(tmp_path / "ota" / "admin.token"))
        code = run(["ota", *words, *place, "--json"])
        printed = capsys.readouterr()
        assert code == exit_code, printed
        return json.loads(printed.out)

    return asked


def test_console_when_worked_from_a_terminal_then_as_in_the_seed(site, ask, tmp_path):
    """Product, package, plan, activation, monitoring."""
    product = ask("product", "create", "meter")
    assert (len(product["pk"]), len(product["ps"])) == (6, 16)
    assert [one["name"] for one in ask("product", "list")["products"]] == ["meter"]
    file = tmp_path / "v2.bin"
    file.write_bytes(b"123456789")
    package = ask("package", "add", "fw-v2", str(file), "--target", "V2")
    assert package["files"][0]["crc32_mpeg2"] == "0376e6e7"
    assert package["files"][0]["md5"] == "25f9e794323b453885f5181f1b624d0b"

    words = ("--product", "meter", "--package", "mod=fw-v2", "--zone", "Asia/Shanghai")
    words += ("--start", "2027-01-15T08:00", "--end", "2027-01-20T08:00", "--window", "9-18", "--black", "1")
    shown = ask("plan", "create", "march", *words, "--strategy", "min_battery=30", "--dry-run")
    assert shown["plan"]["strategy"] == {"min_battery": 30}
    assert ask("plan", "list")["plans"] == []
    made = ask("plan", "create", "march", *words, "--strategy", "min_battery=30")
    assert (made["state"], made["windows"], made["strategy"]["min_battery"]) == ("draft", [[9, 18]], 30)
    assert ask("plan", "activate", "march")["state"] == "running"
    watched = ask("plan", "show", "march")
    assert (watched["devices"], watched["black"], watched["counters"]["devices"]) == ([], ["1"], 0)
    assert ask("plan", "suspend", "march")["state"] == "suspended"
    assert ask("plan", "resume", "march")["state"] == "running"
    refused = ask("plan", "delete", "march", "--yes", exit_code=15)
    assert refused["code"] == "ML-E1513"
    assert ask("plan", "terminate", "march")["state"] == "terminated"


def test_error_when_the_server_says_no_then_its_code_and_exit_code(ask, tmp_path):
    ask("product", "create", "meter")
    again = ask("product", "create", "meter", exit_code=15)
    assert again["code"] == "ML-E1512"
    assert again["message"] == "product 'meter' exists already"
    long = ask("product", "create", "x" * 101, exit_code=2)
    assert long["message"] == "name: at most 100 characters"
    file = tmp_path / "v2.exe"
    file.write_bytes(b"1")
    assert ask("package", "add", "fw", str(file), "--target", "V2", exit_code=2)["code"] == "ML-E0208"
    assert ask("plan", "show", "nothing", exit_code=2)["code"] == "ML-E0207"
    assert ask("verify", "nothing", exit_code=2)["code"] == "ML-E0207"


def test_token_when_of_a_low_role_then_looks_and_changes_nothing(site, ask, tmp_path, capsys):
    made = ask("token", "create", "screen", "--role", "viewer")
    other = tmp_path / "screen.token"
    other.write_text(made["token"])
    place = ["--server", site.addresses.api, "--token-file", str(other), "--json"]
    assert run(["ota", "product", "list", *place]) == 0
    assert run(["ota", "product", "create", "meter", *place]) == 15
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["code"] == "ML-E1511"
    ask("token", "revoke", str(made["id"]))
    assert run(["ota", "product", "list", *place]) == 15
    assert json.loads(capsys.readouterr().out)["code"] == "ML-E1510"


def test_server_when_none_answers_then_exit_code_14(tmp_path, capsys):
    file = tmp_path / "token"
    file.write_text("mdl_x")
    assert run(["ota", "plan", "list", "--server", "http://127.0.0.1:9", "--token-file", str(file), "--json"]) == 14
    assert json.loads(capsys.readouterr().out)["code"] == "ML-E1404"
    assert run(["ota", "plan", "list", "--server", "127.0.0.1:9", "--token-file", str(file), "--json"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals and modes of files are a matter of Unix")
def test_serve_when_told_to_end_then_ends_well_and_starts_again_with_the_same_token(tmp_path):
    server = OtaProcess(tmp_path / "ota")
    try:
        token = tmp_path / "ota" / "admin.token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        with server.web() as web:
            assert web.post("/v1/products", json={"name": "meter"}).status_code == 201
            assert web.get("/openapi.json").json()["info"]["title"] == "Moduline OTA"
            assert web.get("/v1/products", headers={"Authorization": "Bearer mdl_guessed"}).status_code == 401
        text = token.read_text()
        assert text.strip().encode() not in (tmp_path / "ota" / "ota.db").read_bytes()
        assert server.end() == 0
        server.start()
        assert token.read_text() == text
        with server.web() as web:
            assert [one["name"] for one in web.get("/v1/products").json()["items"]] == ["meter"]
    finally:
        assert server.end() == 0
    assert "Traceback" not in server.complaints


def test_serve_when_a_port_is_taken_then_says_so(site, tmp_path, capsys):
    words = ["--http-port", "0", "--device-http-port", "0", "--mqtt-port", str(site.addresses.mqtt)]
    assert run(["ota", "serve", "--data", str(tmp_path / "other"), *words, "--jsonl"]) == 5
    assert json.loads(capsys.readouterr().out)["ok"] is False
