"""The guides of the platform are true: commands exist, filters are filters, the receiver checks what it says."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import typer

from cloud_hand import CloudHand
from moduline.cli.main import build_app
from moduline.clock import SystemClock
from moduline.cloud.outbox import events
from moduline.cloud.plans.filters import parse_filter
from ota_site import OtaSite

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"
PAGES = [f"{name}{lang}.md" for name in ("ota", "ota-storage", "events", "filters", "exports") for lang in ("", ".zh")]
WAIT_S = 60.0


@pytest.fixture(scope="module")
def commands():
    return typer.main.get_command(build_app("ota")).commands["ota"]


def said(page):
    return (GUIDE / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_command_when_in_a_guide_then_there_is_one_with_these_options(page, commands):
    """Every ``moduline ota ...`` of code blocks and code words is parsed, not run."""
    found = re.findall(r"(?:^|`)(moduline ota [^`\n]+)", said(page), re.MULTILINE)
    assert found
    for line in found:
        words = shlex.split(line)[2:]
        names = [words.pop(0)]
        command = commands.commands[names[0]]
        while hasattr(command, "commands") and words:
            names.append(words.pop(0))
            command = command.commands[names[-1]]
        if hasattr(command, "commands"):
            continue  # a noun alone
        command.make_context(" ".join(names), words)


@pytest.mark.parametrize("page", ["filters.md", "filters.zh.md"])
def test_filter_when_in_the_guide_then_read(page):
    found = re.findall(r"^\| ((?:`[^`]+`)) \|", said(page), re.MULTILINE)
    assert len(found) > 8
    for one in found:
        parse_filter(one.strip("`"))


@pytest.mark.parametrize("page", ["events.md", "events.zh.md"])
def test_event_when_told_then_in_the_guide(page):
    text = said(page)
    assert [kind for kind in events.KINDS if f"`{kind}`" not in text] == []


def receiver(page):
    """The program of the guide."""
    (program,) = re.findall(r"```python\n(.*?)```", said(page), re.DOTALL)
    return program


def test_receiver_when_in_both_languages_then_the_same_program():
    programs = [re.sub(r"#.*", "", receiver(page)) for page in ("events.md", "events.zh.md")]
    assert programs[0] == programs[1]


def test_receiver_when_run_then_takes_what_the_platform_says_and_nothing_else(tmp_path):
    site = OtaSite(tmp_path / "ota", clock=SystemClock(), webhook_networks=("127.0.0.0/8",), jobs=0)
    program = None
    try:
        hook = site.post("/v1/webhooks", 201, name="guide", url="http://127.0.0.1:9/ota", kinds=["device.created"])
        program = subprocess.Popen(
            [sys.executable, "-u", "-c", receiver("events.md")],
            env=os.environ | {"WEBHOOK_SECRET": hook["secret"], "PORT": "0", "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        port = int(program.stdout.readline().rpartition(" ")[2])
        url = f"http://127.0.0.1:{port}/ota"
        answer = site.web.patch(f"/v1/webhooks/{hook['id']}", json={"url": url})
        assert answer.status_code == 200, answer.text
        assert site.post(f"/v1/webhooks/{hook['id']}/test", 200)["status"] == 204
        assert json.loads(program.stdout.readline())["event"] == "webhook.test"
        site.product()
        CloudHand(site).online("heard", "V1")
        assert json.loads(program.stdout.readline())["data"]["dk"] == "heard"
        now = int(time.time())
        for timestamp, secret, status in (
            (now, "guessed", 401), (now - 3600, hook["secret"], 401), (now, hook["secret"], 204),
        ):  # fmt: skip
            assert posted(url, str(timestamp), secret) == status
    finally:
        if program is not None:
            program.kill()
            program.wait(WAIT_S)
            program.stdout.close()
        site.stop()


def posted(url, timestamp, secret):
    """The status of a POST signed so."""
    body = b'{"event": "forged"}'
    signature = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"X-Moduline-Timestamp": timestamp, "X-Moduline-Signature": f"sha256={signature}", "Idempotency-Key": "9"}
    return httpx.post(url, content=body, headers=headers, timeout=WAIT_S).status_code
