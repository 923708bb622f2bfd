"""``gang label``, ``gang webhook``, ``gang serve`` as commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from line.records.mes import Mes
from moduline.burn import BurnRecord, book
from moduline.burn.books import open_store
from moduline.cli.main import run

UNIT = BurnRecord(id="abc1", outcome="PASS", imei="861234567890123", unit="SN-1", model="EC600U", started=1.0)


def said(capsys, *words, code=0):
    assert run([*words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_label_when_printed_again_then_in_the_folder_and_noted(tmp_path, capsys):
    book("A-17").write(UNIT)
    template, folder = tmp_path / "unit.zpl", tmp_path / "测试 目录 (1)"
    template.write_text("^XA^FD{imei} {serial} {order}^FS^XZ")
    for given in ("861234567890123", "SN-1", "abc"):
        found = said(capsys, "gang", "label", given, "--template", str(template), "--to", str(folder))
        assert found["record"] == "abc1"
    (file,) = folder.iterdir()
    assert file.read_text() == "^XA^FH_^FD861234567890123 SN-1 A-17^FS^XZ"
    assert [one.is_ok for one in open_store().select()[0].remarks] == [True] * 3


def test_label_when_the_printer_is_off_then_14_and_noted_and_the_outcome_stays(capsys):
    book("A-17").write(UNIT)
    failed = said(capsys, "gang", "label", "abc1", "--qr", "{imei}", "--to", "tcp:127.0.0.1:1", code=14)
    assert failed["code"] == "ML-E1401"
    (kept,) = open_store().select()
    assert kept.record.is_pass
    assert [one.is_ok for one in kept.remarks] == [False]


def test_label_when_tried_dry_then_on_stdout_and_nothing_is_noted(capfdbinary):
    book("A-17").write(UNIT)
    assert run(["gang", "label", "abc1", "--qr", "{imei}", "--png", "--dry-run"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"\x89PNG")
    assert open_store().select()[0].remarks == ()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nobody", "--qr", "x", "--to", "x"], "ML-E0206"),
        (["", "--qr", "x", "--to", "x"], "ML-E0206"),
        (["abc1", "--to", "x"], "ML-E0201"),
        (["abc1", "--qr", "{imie}", "--to", "x"], "ML-E0201"),
        (["abc1", "--qr", "x", "--to", "tcp:"], "ML-E0201"),
        (["abc1", "--template", "/no/such", "--to", "x"], "ML-E0204"),
    ],
)
def test_label_when_it_cannot_be_meant_then_2(words, code, capsys):
    book("A-17").write(UNIT)
    assert said(capsys, "gang", "label", *words, code=2)["code"] == code


def test_webhook_when_added_then_told_listed_and_removed(capsys):
    with Mes() as mes:
        said(capsys, "gang", "webhook", "add", mes.url)
        book("A-17").write(UNIT)
        assert said(capsys, "gang", "webhook", "send")["told"] == 1
        assert mes.taken == ["abc1"]
        (hook,) = said(capsys, "gang", "webhook", "list")["hooks"]
        assert (hook["url"], hook["waiting"], hook["told"], hook["refused"]) == (mes.url, 0, 1, 0)
        assert run(["gang", "webhook", "list"]) == 0
        assert mes.url in capsys.readouterr().out
        said(capsys, "gang", "webhook", "remove", mes.url)
        assert said(capsys, "gang", "webhook", "remove", mes.url, code=2)["code"] == "ML-E0201"


def test_webhook_when_the_mes_is_down_then_14_says_what_waits(capsys):
    said(capsys, "gang", "webhook", "add", "http://127.0.0.1:1/x")
    book("A-17").write(UNIT)
    failed = said(capsys, "gang", "webhook", "send", code=14)
    assert (failed["code"], failed["facts"]["waiting"]) == ("ML-E1402", 1)


@pytest.mark.parametrize("words", [["add", "ftp://x"], ["add", "http://x", "--secret", "plain"]])
def test_webhook_when_it_cannot_be_meant_then_2(words, capsys):
    assert said(capsys, "gang", "webhook", *words, code=2)["code"] == "ML-E0201"


def test_server_when_started_then_answers_with_the_token_it_made_and_ends_with_ctrl_c(moduline_home, capsys):
    book("A-17").write(UNIT)
    words = [sys.executable, "-m", "moduline", "gang", "serve", "--port", "0"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        page = server.stdout.readline().strip()
        assert page.endswith("/docs")
        token_file = moduline_home / "records" / "token"
        assert os.name == "nt" or token_file.stat().st_mode & 0o077 == 0
        request = urllib.request.Request(page.replace("/docs", "/v1/records"))
        request.add_header("Authorization", f"Bearer {token_file.read_text().strip()}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert [one["id"] for one in json.load(answer)["records"]] == ["abc1"]
        port = page.split(":")[2].split("/")[0]
        assert run(["gang", "serve", "--port", port]) == 5, "the port is taken"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
        server.stdout.close()
    assert server.returncode in {0, 130}


@pytest.mark.parametrize(
    "words", [["label"], ["serve"], ["webhook", "add"], ["webhook", "list"], ["webhook", "remove"], ["webhook", "send"]]
)
@pytest.mark.parametrize(("lang", "example"), [("en", "Example"), ("zh", "示例")])
def test_help_when_asked_then_has_an_example(words, lang, example, capsys):
    assert run(["gang", *words, "--help", "--lang", lang]) == 0
    assert example in capsys.readouterr().out
