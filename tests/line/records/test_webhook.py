"""Telling an MES: signed, in order, again after a failure, never lost, never twice under another key."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import subprocess
import sys

import pytest

from line.records.mes import Mes
from moduline.burn import BurnRecord
from moduline.burn.books import outbox
from moduline.burn.books.database import Database
from moduline.burn.books.store import RecordStore
from moduline.errors import BadOption, NoSuchFile
from moduline.line.records.webhook import WebhookSender, check_url, read_secret, send_due, signature, wait_s

NOW = 1700000000.0


@pytest.fixture
def store(tmp_path):
    return RecordStore(Database(tmp_path / "line.db"))


def ended(name, outcome="PASS", **facts):
    return BurnRecord(id=name, outcome=outcome, started=NOW, **facts)


def states(store):
    return [(one.waiting, one.told, one.refused) for one in outbox.hook_states(store.database)]


def test_try_when_it_ends_then_posted_once_with_its_signature_and_key(store, tmp_path):
    (tmp_path / "key").write_text("s3cret\n")
    with Mes() as mes:
        outbox.add_hook(store.database, outbox.Hook(mes.url, f"file:{tmp_path / 'key'}"))
        store.write(ended("a", "RUNNING"))
        assert send_due(store, lambda: NOW) == (0, 0)
        store.write(ended("a", operator="王芳 🧪"))
        assert send_due(store, lambda: NOW) == (1, 0)
        assert send_due(store, lambda: NOW) == (0, 0)
    ((headers, body, _),) = mes.got
    said = json.loads(body)
    assert (said["event"], said["record"]["id"], said["record"]["operator"]) == ("record.ended", "a", "王芳 🧪")
    assert headers["Idempotency-Key"] == f"a.{said['seq']}"
    assert headers["X-Moduline-Timestamp"] == "1700000000"
    wanted = hmac.new(b"s3cret", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Moduline-Signature"] == f"sha256={wanted}"
    assert states(store) == [(0, 1, 0)]


def test_signature_when_reckoned_then_as_typed():
    """Reckoned with ``printf '1700000000.{}' | openssl dgst -sha256 -hmac key``."""
    assert (
        signature(b"key", "1700000000", b"{}")
        == "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
    )


@pytest.mark.parametrize("trouble", [500, 503, 429, 408, 302, "hang up"])
def test_mes_when_in_trouble_then_asked_again_later_with_the_same_key_and_the_order_is_kept(store, trouble):
    with Mes(trouble, trouble) as mes:
        outbox.add_hook(store.database, outbox.Hook(mes.url))
        for name in "abc":
            store.write(ended(name))
        assert send_due(store, lambda: NOW) == (0, 1)
        assert states(store) == [(3, 0, 0)]
        store.write(ended("d"))
        assert send_due(store, lambda: NOW + 0.5) == (0, 0), "not before its time, and nobody overtakes"
        assert send_due(store, lambda: NOW + 1.0) == (0, 1)
        assert send_due(store, lambda: NOW + 2.9) == (0, 0)
        assert send_due(store, lambda: NOW + 3.0) == (4, 0)
    assert mes.taken == ["a", "b", "c", "d"]
    assert len({headers["Idempotency-Key"] for headers, *_ in mes.got[:3]}) == 1
    assert len({body for _, body, _ in mes.got[:3]}) == 1
    assert all("elsewhere" not in str(headers) for headers, *_ in mes.got)


def test_mes_when_it_refuses_one_then_noted_and_the_next_follow(store):
    with Mes(422) as mes:
        outbox.add_hook(store.database, outbox.Hook(mes.url))
        store.write(ended("a"))
        store.write(ended("b"))
        assert send_due(store, lambda: NOW) == (1, 1)
    assert mes.taken == ["b"]
    (state,) = outbox.hook_states(store.database)
    assert (state.waiting, state.told, state.refused, state.detail) == (0, 1, 1, "422 because 422")


def test_hook_when_one_of_two_is_down_then_the_other_hears(store):
    with Mes() as mes:
        outbox.add_hook(store.database, outbox.Hook("http://127.0.0.1:1/"))
        outbox.add_hook(store.database, outbox.Hook(mes.url))
        store.write(ended("a"))
        store.write(ended("b"))
        assert send_due(store, lambda: NOW) == (2, 1)
    assert mes.taken == ["a", "b"]
    assert states(store) == [(2, 0, 0), (0, 2, 0)]


def test_clock_when_set_back_then_what_waits_is_not_forgotten(store):
    with Mes(500) as mes:
        outbox.add_hook(store.database, outbox.Hook(mes.url))
        store.write(ended("a"))
        send_due(store, lambda: NOW)
        assert send_due(store, lambda: NOW - 86400.0) == (1, 0)


def test_hook_when_removed_then_nothing_more_is_posted_and_added_again_it_hears_of_what_follows(store):
    with Mes() as mes:
        outbox.add_hook(store.database, outbox.Hook(mes.url))
        store.write(ended("a"))
        assert outbox.remove_hook(store.database, mes.url)
        assert not outbox.remove_hook(store.database, mes.url)
        store.write(ended("b"))
        assert send_due(store, lambda: NOW) == (0, 0)
        outbox.add_hook(store.database, outbox.Hook(mes.url))
        store.write(ended("c"))
        send_due(store, lambda: NOW)
    assert mes.taken == ["a", "c"], "what waited when it was removed waits on; what ended in between is not told"


SENDER = """
import sys
from moduline.burn.books.database import Database
from moduline.burn.books.store import RecordStore
from moduline.line.records.webhook import send_due
while True:
    send_due(RecordStore(Database(sys.argv[1])))
"""


def test_sender_when_killed_in_the_middle_then_the_next_one_tells_the_rest(store):
    """kill -9 while it posts: every record arrives; what arrives twice has the same key."""
    names = [f"r{number}" for number in range(30)]
    with Mes() as mes:
        outbox.add_hook(store.database, outbox.Hook(mes.url))
        for name in names:
            store.write(ended(name))
        program = subprocess.Popen([sys.executable, "-c", SENDER, store.database.name])
        mes.wait_taken(7)
        program.send_signal(signal.SIGKILL)
        program.wait(60)
        later = NOW * 2
        send_due(store, lambda: later)
        assert set(mes.taken) == set(names)
        keys = {}
        for headers, body, _ in mes.got:
            keys.setdefault(json.loads(body)["record"]["id"], set()).add(headers["Idempotency-Key"])
        assert all(len(one) == 1 for one in keys.values())
    assert states(store) == [(0, 30, 0)]


def test_try_when_its_program_was_killed_then_the_mes_hears_aborted(store):
    with Mes() as mes:
        outbox.add_hook(store.database, outbox.Hook(mes.url))
        store.write(ended("a", "RUNNING", process=0))
        store.settle_interrupted()
        send_due(store, lambda: NOW)
    assert [json.loads(body)["record"]["outcome"] for _, body, _ in mes.got] == ["ABORTED"]


def test_sender_when_beside_a_line_then_tells_without_being_asked_and_what_ended_last_too(store):
    with Mes() as mes:
        outbox.add_hook(store.database, outbox.Hook(mes.url))
        with WebhookSender(store):
            store.write(ended("a"))
            mes.wait_taken(1)
            store.write(ended("b"))
        assert mes.taken == ["a", "b"]


def test_wait_when_it_fails_on_then_longer_and_longer_up_to_ten_minutes():
    assert [wait_s(attempts) for attempts in (1, 2, 3, 10, 11, 5000)] == [1.0, 2.0, 4.0, 512.0, 600.0, 600.0]


@pytest.mark.parametrize(
    "url", ["", "mes", "ftp://x/", "file:///etc/passwd", "http://", "http://x:99999/", "http://a b/", "http://é/"]
)
def test_url_when_it_cannot_be_posted_to_then_refused(url):
    with pytest.raises(BadOption):
        check_url(url)


def test_secret_when_named_then_read_and_never_in_the_database(store, tmp_path, monkeypatch):
    (tmp_path / "key").write_bytes(b" k1 \n")
    monkeypatch.setenv("MES_KEY", "k2")
    assert (read_secret(f"file:{tmp_path / 'key'}"), read_secret("env:MES_KEY"), read_secret("")) == (b"k1", b"k2", b"")
    for words in ("k3", "env:NOT_THERE", "file:"):
        with pytest.raises(BadOption):
            read_secret(words)
    with pytest.raises(NoSuchFile):
        read_secret(f"file:{tmp_path / 'none'}")
    outbox.add_hook(store.database, outbox.Hook("http://x/", "env:MES_KEY"))
    assert b"k2" not in b"".join(one.read_bytes() for one in tmp_path.glob("line.db*"))


def test_secret_when_it_has_gone_then_nothing_is_posted_unsigned(store, tmp_path):
    with Mes() as mes:
        outbox.add_hook(store.database, outbox.Hook(mes.url, f"file:{tmp_path / 'gone'}"))
        store.write(ended("a"))
        assert send_due(store, lambda: NOW) == (0, 1)
        assert mes.got == []
    assert states(store) == [(1, 0, 0)]
