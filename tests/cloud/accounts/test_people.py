"""Coming in over HTTP: one refusal for all, delays, sessions in the same place as tokens, and who means ill."""

from __future__ import annotations

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from moduline.cli.main import run
from ota_site import WAIT_S, OtaSite

WORD, OTHER = "correct horse battery", "staple of another kind"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = OtaSite(tmp_path_factory.mktemp("site") / "ota", jobs=0)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def mei(site):
    """An operator with a password; her number."""
    made = site.post("/v1/accounts", name="mei", role="operator")["id"]
    answer = site.web.put(f"/v1/accounts/{made}/password", json={"new": WORD})
    assert (answer.status_code, answer.json()) == (200, {"account": made, "has_password": True})
    return made


@pytest.fixture(autouse=True)
def patient(site):
    """Every test begins with nobody having to wait."""
    site.clock.advance(4000.0)


@pytest.fixture
def stranger(site):
    with httpx.Client(base_url=site.addresses.api, timeout=WAIT_S) as web:
        yield web


def comes_in(web, name="mei", word=WORD, **more):
    return web.post("/v1/login", json={"name": name, "password": word, **more})


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_login_when_right_then_a_session_that_works_until_it_is_ended(site, mei, stranger):
    made = comes_in(stranger, client="tablet").json()
    assert made["account"]["name"] == "mei"
    assert made["expires_at"] == site.clock.now_s() + 14 * 24 * 3600
    me = stranger.get("/v1/me", headers=bearer(made["token"])).json()
    assert (me["account_id"], me["role"], me["has_password"], me["session"]) == (mei, "operator", True, made["session"])
    other = comes_in(stranger, client="phone").json()
    listed = stranger.get("/v1/me/sessions", headers=bearer(made["token"])).json()["items"]
    assert {(one["client"], one["is_current"]) for one in listed} == {("tablet", True), ("phone", False)}
    ended = stranger.delete(f"/v1/me/sessions/{other['session']}", headers=bearer(made["token"]))
    assert (ended.status_code, ended.json()["client"]) == (200, "phone")
    assert stranger.get("/v1/me", headers=bearer(other["token"])).status_code == 401
    assert stranger.delete("/v1/me/sessions/current", headers=bearer(made["token"])).status_code == 200
    assert stranger.get("/v1/me", headers=bearer(made["token"])).json()["code"] == "ML-E1510"
    assert all(one["name"] not in {"tablet", "phone"} for one in site.get("/v1/tokens")["items"])


def test_session_when_used_all_day_then_stays_and_when_left_alone_then_over(site, mei, stranger):
    token = comes_in(stranger).json()["token"]
    for _ in range(5):
        site.clock.advance(11 * 3600.0)
        assert stranger.get("/v1/me", headers=bearer(token)).status_code == 200
    site.clock.advance(12 * 3600.0)
    assert stranger.get("/v1/me", headers=bearer(token)).status_code == 401


def test_login_when_anything_is_wrong_then_one_answer(site, mei, stranger):
    off = site.post("/v1/accounts", name="off", role="viewer")["id"]
    site.web.put(f"/v1/accounts/{off}/password", json={"new": WORD})
    site.web.patch(f"/v1/accounts/{off}", json={"is_enabled": False})
    said = {
        comes_in(stranger, name, word).content
        for name, word in (("mei", OTHER), ("nobody", WORD), ("off", WORD), ("admin", ""))
    }
    (answer,) = said
    assert json.loads(answer)["code"] == "ML-E1516"


def test_login_when_tried_again_and_again_then_told_when_to_come_and_nobody_is_locked(site, mei, stranger):
    said = [comes_in(stranger, word=f"guess number {at}") for at in range(8)]
    assert [one.status_code for one in said] == [401] * 5 + [429] * 3
    assert said[-1].headers["retry-after"] == "1"
    assert said[-1].json()["code"] == "ML-E1517"
    assert comes_in(stranger).status_code == 429, "also the right one has to wait, else guessing would go on"
    assert stranger.get("/v1/me").status_code == 401
    site.clock.advance(2.0)
    assert comes_in(stranger).status_code == 200


@pytest.mark.parametrize("many", [8, pytest.param(48, marks=pytest.mark.sweep)])
def test_login_when_a_flood_comes_at_once_then_refused_and_everybody_else_is_served(site, mei, stranger, many):
    def guess(at):
        return comes_in(stranger, f"nobody {at}", "x" * 900).status_code

    with ThreadPoolExecutor(many) as pool:
        guesses = [pool.submit(guess, at) for at in range(many)]
        assert all(site.get("/health")["ok"] for _ in range(20))
        said = {one.result() for one in guesses}
    assert said <= {401, 429}
    site.clock.advance(4000.0)
    assert comes_in(stranger).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b'{"name": "mei"}', b'{"name": 1, "password": []}', b'{"name": "mei", "password": null}',
        b'{"name": "mei", "password": "x", "role": "admin"}', b'{"name": "mei", "password": "' + b"x" * 5000 + b'"}',
        b'{"name": "mei", "password": "\\ud800"}', b'{"name": "\\u0000", "password": "\\u0000"}', b"{" * 10_000,
        b'{"name": "' + b"m" * 100_000 + b'", "password": "x"}', b'{"name": "mei", "password": "\xff"}',
        b'{"name": "mei", "password": "x", "client": "' + b"c" * 100_000 + b'"}',
    ],
)  # fmt: skip
def test_login_when_odd_then_refused_and_what_was_sent_is_not_said_back(mei, stranger, body):
    answer = stranger.post("/v1/login", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 401, 422}, answer.text
    assert len(answer.content) < 2000


def test_password_when_changed_then_needs_the_old_one_and_ends_the_other_sessions(site, mei, stranger):
    one, two = (comes_in(stranger).json()["token"] for _ in range(2))

    def change(**body):
        return stranger.put("/v1/me/password", json=body, headers=bearer(one))

    assert change(new=OTHER).json()["facts"]["field"] == "old"
    assert change(old="wrong", new=OTHER).json()["facts"]["field"] == "old"
    assert change(old=WORD, new="short").json()["facts"]["field"] == "password"
    assert change(old=WORD, new=OTHER).status_code == 200
    assert stranger.get("/v1/me", headers=bearer(one)).status_code == 200
    assert stranger.get("/v1/me", headers=bearer(two)).status_code == 401
    assert comes_in(stranger).status_code == 401
    assert comes_in(stranger, word=OTHER).status_code == 200
    assert change(old=OTHER, new=WORD).status_code == 200


def test_password_when_a_session_guesses_the_old_one_then_it_waits(site, mei, stranger):
    token = comes_in(stranger).json()["token"]
    said = [
        stranger.put("/v1/me/password", json={"old": f"no {at}", "new": OTHER}, headers=bearer(token)).status_code
        for at in range(7)
    ]
    assert said[-2:] == [429, 429]


def test_role_when_lower_than_the_admin_s_then_sets_nobody_s_password(site, mei, stranger):
    token = comes_in(stranger).json()["token"]
    for account in (1, mei, 999):
        answer = stranger.put(f"/v1/accounts/{account}/password", json={"new": OTHER}, headers=bearer(token))
        assert answer.json()["code"] == "ML-E1511"


def test_session_when_begun_with_a_token_of_any_role_then_no_more_than_it(site, stranger):
    token = site.post("/v1/tokens", name="screen", role="viewer", lifetime_s=3600)["token"]
    made = stranger.post("/v1/me/sessions", headers=bearer(token))
    assert made.status_code == 201
    session = made.json()["token"]
    assert stranger.get("/v1/me", headers=bearer(session)).json()["role"] == "viewer"
    answer = stranger.post("/v1/products", json={"name": "x"}, headers=bearer(session))
    assert answer.json()["code"] == "ML-E1511"
    answer = stranger.put("/v1/me/password", json={"new": OTHER}, headers=bearer(session))
    assert answer.json()["code"] == "ML-E1511"
    site.clock.advance(3600.0)
    assert stranger.get("/v1/me", headers=bearer(session)).status_code == 401


def test_address_when_told_by_a_console_on_this_machine_then_in_the_audit_log(site, mei, stranger):
    comes_in(stranger, address="203.0.113.77")
    comes_in(stranger, word=OTHER, address="203.0.113.78")
    found = {one["verb"]: one["after"]["address"] for one in site.get("/v1/audit", kind="login", limit=1000)["items"]}
    assert found == {"login": "203.0.113.77", "login.failed": "203.0.113.78"}


def test_first_start_when_asked_by_anybody_then_whether_it_is_done_and_nothing_else(site, stranger, tmp_path, capsys):
    assert stranger.get("/v1/first-start").json() == {"has_password": False}
    token = tmp_path / "token"
    token.write_text(site.token)
    word = tmp_path / "word"
    word.write_text(WORD + "\n密码第二行\n")
    place = ("--server", site.addresses.api, "--token-file", str(token))
    assert run(["ota", "account", "password", "admin", "--password-file", str(word), *place, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["has_password"] is True
    assert stranger.get("/v1/first-start").json() == {"has_password": True}
    assert comes_in(stranger, "admin").status_code == 200
    assert site.get("/v1/me")["session"] is None


def test_command_when_the_password_comes_by_stdin_or_is_too_easy_then_set_or_refused(
    site, mei, stranger, monkeypatch, capsys
):
    monkeypatch.setenv("MODULINE_OTA_TOKEN", site.token)
    for typed, code in ((b"1234567890\n", 2), (WORD.encode() + b"\r\n", 0)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))
        assert run(["ota", "account", "password", "mei", "--server", site.addresses.api]) == code, capsys.readouterr()
    assert comes_in(stranger).status_code == 200


def test_platform_when_somebody_who_may_come_in_asks_then_says_what_it_keeps(site, stranger):
    told = site.get("/v1/platform")
    assert told["kept"] == {
        "log_kept_s": 180 * 24 * 3600.0, "events_kept_s": 30 * 24 * 3600.0, "jobs_kept_s": 30 * 24 * 3600.0,
        "grace_s": 24 * 3600.0, "history_kept": 20,
    }  # fmt: skip
    assert told["device_url"].startswith("http://127.0.0.1:")
    assert stranger.get("/v1/platform").status_code == 401
