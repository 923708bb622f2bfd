"""Sessions and passwords of accounts, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from moduline.cloud import audit
from moduline.cloud.accounts import service as accounts
from moduline.cloud.accounts import sessions
from moduline.cloud.accounts.passwords import NOBODY, Cost, made
from moduline.cloud.edge import Actor
from moduline.errors import BadField, LoginRefused, NoSuchObject, RoleTooLow, StateForbids, TokenRefused

HOUR = 3600.0
DAY = 24 * HOUR
OLD, NEW = (made(word, bytes(16), Cost(4, 8, 1)) for word in ("correct horse", "battery staple"))
PLACE = ("a browser", "192.0.2.1")


def comes(rig, token):
    return rig.db.read(accounts.comer_of, token, now=rig.now)


def is_refused(rig, token):
    try:
        comes(rig, token)
    except TokenRefused:
        return True
    return False


def with_password(rig, name="mei", role="operator"):
    """A sub-account that has a password."""
    account = rig.act(accounts.create, name, role)
    rig.act(sessions.set_password, account.id, OLD)
    return account


def comes_in(rig, name="mei"):
    """A session by password, and its text."""
    session, token, _ = rig.tell(sessions.come_in, rig.db.read(sessions.kept_of, name), *PLACE)
    return session, token


def mine(rig, actor=None):
    return rig.see(sessions.page, at=rig.now, actor=actor).items


def test_session_when_begun_by_password_then_a_token_like_any_other_but_not_among_them(rig):
    account = with_password(rig)
    session, token = comes_in(rig)
    comer = comes(rig, token)
    assert comer.actor == Actor(account.id, rig.owner.account_id, "mei", "operator")
    assert (comer.is_session, comer.token_id, comer.origin_id) == (True, session.id, None)
    assert [one.name for one in rig.see(accounts.tokens).items] == ["first"]
    with pytest.raises(NoSuchObject):
        rig.act(accounts.revoke_token, session.id)
    assert mine(rig, comer.actor) == (session,)
    assert mine(rig) == ()
    kept = rig.db.read(lambda conn: str(conn.execute(text("SELECT * FROM tokens")).all()))
    assert token not in kept


def test_session_when_unused_for_half_a_day_or_two_weeks_old_then_over(rig):
    with_password(rig)
    began = rig.now
    (_, idle), (session, used) = comes_in(rig), comes_in(rig)
    while rig.now < began + 14 * DAY - 11 * HOUR:
        rig.now += 11 * HOUR
        comer = comes(rig, used)
        rig.tell(sessions.seen, session.id)
        assert is_refused(rig, idle) == (rig.now >= began + 12 * HOUR)
    assert [one.id for one in mine(rig, comer.actor)] == [session.id]
    rig.now = began + 14 * DAY - 1
    rig.tell(sessions.seen, session.id)
    assert not is_refused(rig, used)
    rig.now += 1
    assert is_refused(rig, used)
    assert mine(rig, comer.actor) == ()


@pytest.mark.parametrize("ended_by", ["logout", "off", "password", "own password", "role"])
def test_session_when_something_ends_it_then_at_once(rig, ended_by):
    account = with_password(rig)
    (session, token), (_, other) = comes_in(rig), comes_in(rig)
    comer = comes(rig, other)
    match ended_by:
        case "logout":
            rig.act(sessions.end, session.id, actor=comer.actor)
        case "off":
            rig.act(accounts.change, account.id, is_enabled=False)
        case "password":
            rig.act(sessions.set_password, account.id, NEW)
        case "own password":
            rig.act(sessions.change_password, comer, OLD, NEW, actor=comer.actor)
        case "role":
            rig.act(accounts.change, account.id, role="viewer")
            assert comes(rig, token).actor.role == "viewer"
            return
    assert is_refused(rig, token)
    assert is_refused(rig, other) == (ended_by in {"off", "password"})


def test_session_when_begun_with_a_token_then_has_its_role_and_ends_with_it(rig):
    made, text_ = rig.act(
        accounts.create_token, rig.owner.account_id, "screen", role="viewer", expires_at=rig.now + DAY
    )
    comer = comes(rig, text_)
    session, token = rig.act(sessions.begin, comer, *PLACE, actor=comer.actor)
    child = comes(rig, token)
    assert (child.actor.role, session.expires_at, session.origin_id) == ("viewer", rig.now + DAY, made.id)
    grandchild, further = rig.act(sessions.begin, child, *PLACE, actor=child.actor)
    assert (grandchild.origin_id, grandchild.expires_at) == (made.id, rig.now + DAY)
    rig.act(accounts.revoke_token, made.id)
    assert is_refused(rig, token)
    assert is_refused(rig, further)
    assert not is_refused(rig, rig.token)


def test_session_when_of_somebody_else_then_not_there(rig):
    with_password(rig)
    session, token = comes_in(rig)
    with pytest.raises(NoSuchObject):
        rig.act(sessions.end, session.id)
    assert not is_refused(rig, token)


def test_sessions_when_too_many_then_the_one_used_longest_ago_ends(rig):
    with_password(rig)
    texts = []
    for _ in range(sessions.MOST + 1):
        rig.now += 1
        texts.append(comes_in(rig)[1])
    assert [is_refused(rig, one) for one in texts] == [True] + [False] * sessions.MOST


def test_token_when_it_has_less_than_its_account_then_gives_it_no_password(rig):
    """A build server's token would come back with the rights of the admin."""
    _, text_ = rig.act(accounts.create_token, rig.owner.account_id, "ci", role="operator")
    comer = comes(rig, text_)
    with pytest.raises(RoleTooLow):
        rig.act(sessions.change_password, comer, None, NEW, actor=comer.actor)
    assert rig.db.read(sessions.kept_by, rig.owner.account_id) is None


def test_password_when_another_change_was_faster_then_refused(rig):
    """The old password was compared before the change of somebody else was kept."""
    with_password(rig)
    comer = comes(rig, comes_in(rig)[1])
    rig.act(sessions.change_password, comer, OLD, NEW, actor=comer.actor)
    with pytest.raises(BadField):
        rig.act(sessions.change_password, comer, OLD, NOBODY, actor=comer.actor)
    stale = sessions.Kept(comer.actor.account_id, OLD)
    with pytest.raises(LoginRefused):
        rig.tell(sessions.come_in, stale, *PLACE)


def test_password_when_one_s_own_is_there_then_the_admin_route_takes_a_token_and_no_browser(rig):
    rig.act(sessions.set_password, rig.owner.account_id, OLD, is_session=True)
    with pytest.raises(StateForbids):
        rig.act(sessions.set_password, rig.owner.account_id, NEW, is_session=True)
    rig.act(sessions.set_password, rig.owner.account_id, NEW)
    assert rig.db.read(sessions.kept_by, rig.owner.account_id) == NEW


def test_name_when_of_nobody_who_may_come_in_then_nothing_fits(rig):
    account = with_password(rig)
    rig.act(accounts.create, "no password", "viewer")
    rig.act(accounts.change, account.id, is_enabled=False)
    for name in ("mei", "no password", "nobody", "", "x" * 10_000, "a\0b", "\ud800", "' OR 1=1 --"):
        assert rig.db.read(sessions.kept_of, name) == sessions.Kept(None, NOBODY)
        with pytest.raises(LoginRefused):
            rig.tell(sessions.come_in, sessions.Kept(None, NOBODY), *PLACE)
    with pytest.raises(LoginRefused):
        rig.tell(sessions.come_in, sessions.Kept(account.id, OLD), *PLACE)


def test_first_start_when_a_main_account_has_a_password_then_over(rig):
    with_password(rig)
    assert not rig.db.read(sessions.has_admin_password)
    rig.act(sessions.set_password, rig.owner.account_id, OLD)
    assert rig.db.read(sessions.has_admin_password)


def test_audit_when_people_come_and_go_then_says_who_and_from_where_and_no_secret(rig):
    with_password(rig)
    session, token = comes_in(rig)
    actor = comes(rig, token).actor
    rig.act(sessions.end, session.id, actor=actor)
    rig.act(sessions.end, session.id, actor=actor)  # once is enough
    for name in ("mei", "correct horse\x1b[2J", ""):
        rig.tell(sessions.failed, name, "203.0.113.9")
    entries = [one for one in rig.see(audit.entries, limit=100).items if not one.verb.endswith(".create")]
    assert [(entry.verb, entry.account, entry.name) for entry in entries] == [
        ("password.set", "owner", "mei"), ("login", "mei", "mei"), ("logout", "mei", "a browser"),
        ("login.failed", "mei", "mei"), ("login.failed", "?", "?"), ("login.failed", "?", "?"),
    ]  # fmt: skip
    (login,) = [entry for entry in entries if entry.verb == "login"]
    assert login.after == {"client": "a browser", "address": "192.0.2.1", "role": "operator", "by": "password"}
    kept = rig.db.read(lambda conn: str(conn.execute(text("SELECT * FROM audit")).all()))
    assert token not in kept
    assert OLD not in kept
    assert "horse" not in kept, "typed into the wrong field"


@pytest.mark.parametrize("client", ["", "x" * 5000, "a\0b\nc", "\u202eevil", "\ud800"])
def test_client_when_odd_then_one_line_that_is_short(rig, client):
    with_password(rig)
    session, _, _ = rig.tell(sessions.come_in, rig.db.read(sessions.kept_of, "mei"), client, "x" * 500)
    assert len(session.client) <= 100
    assert session.client.isprintable()


def test_sessions_when_over_for_long_then_forgotten_and_tokens_stay(rig):
    with_password(rig)
    comes_in(rig)
    ended, _ = comes_in(rig)
    rig.act(sessions.end, ended.id, actor=Actor(ended.account_id, rig.owner.account_id, "mei", "operator"))
    assert rig.tell(lambda conn, *, now: sessions.forget(conn, now, 100)) == 0
    rig.now += 1
    assert rig.tell(lambda conn, *, now: sessions.forget(conn, now, 100)) == 1
    rig.now += 13 * HOUR
    assert rig.tell(lambda conn, *, now: sessions.forget(conn, now, 100)) == 1
    assert len(rig.see(accounts.tokens).items) == 1
