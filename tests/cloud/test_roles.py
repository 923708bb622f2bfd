"""Roles and the audit log, over every public verb that changes something: no verb is forgotten by either."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import replace

import pytest
from sqlalchemy import text

import moduline.cloud
from cloud_rig import Rig
from moduline.cloud import audit
from moduline.cloud.accounts import passwords, sessions
from moduline.cloud.accounts import service as accounts
from moduline.cloud.artifacts import making
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.device_link.ddi import tokens
from moduline.cloud.devices import moving
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.fleet_list import Newcomer
from moduline.cloud.devices.handover import Unit
from moduline.cloud.edge import OF_ONESELF, PERMISSIONS, ROLES, Actor
from moduline.cloud.jobs import queue
from moduline.cloud.outbox import service as webhooks
from moduline.cloud.outbox.reach import Reach
from moduline.cloud.plans import service as plans
from moduline.cloud.plans import waiving
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.products import service as products
from moduline.cloud.rehearsals import service as rehearsals
from moduline.cloud.upgrades import leaving, people, verification
from moduline.cloud.upgrades.confirm import Operation
from moduline.errors import NoSuchObject, RoleTooLow, StateForbids, StorageFailed

TEXTS = {"zh": "升级", "en": "update"}


def public_verbs():
    """Every function of the platform that takes an actor and a time: what people use to change something."""
    found = {}
    for info in pkgutil.walk_packages(moduline.cloud.__path__, "moduline.cloud."):
        if ".migrations" in info.name:
            continue
        module = importlib.import_module(info.name)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != info.name or name.startswith("_"):
                continue
            names = set(inspect.signature(function).parameters)
            if {"conn", "actor", "now"} <= names:
                found[f"{info.name}.{name}"] = function
    found.pop("moduline.cloud.audit.service.note")  # is what the others write with
    return found


def upgrade_of(rig, plan, dk):
    return next(shown.row.id for shown in rig.see(people.page, plan.id).items if shown.dk == dk)


def acts(rig):
    """Calls every verb that changes something once; gives the permissions that were used, in order."""
    product = rig.product()
    rig.act(products.change, product.id, products.ProductSettings(grid_s=300))
    rig.act(products.secret, product.id)
    rig.act(products.delete, rig.product("other").id)
    device = rig.act(devices.add, product.id, "a")
    rig.act(devices.change, device.id, is_enabled=False)
    rig.act(devices.change_many, [device.id], is_enabled=True)
    rig.act(devices.tag, [device.id], {"pilot": ""})
    rig.act(tokens.issue, device.id)
    rig.act(tokens.revoke, device.id)
    rig.act(devices.delete, rig.act(devices.add, product.id, "b").id)
    rig.act(devices.import_line, product.id, [Unit("c", "V1", {"line.order": "7"})])
    rig.act(moving.adopt, product.id, [Newcomer("m", "0011")])
    rig.act(moving.open_secrets, None)
    sub = rig.act(accounts.create, "sub", "viewer")
    rig.act(accounts.change, sub.id, role="releaser")
    token, _ = rig.act(accounts.create_token, sub.id, "ci")
    rig.act(accounts.revoke_token, token.id)
    comer = rig.db.read(accounts.comer_of, rig.token, now=rig.now)
    session, _ = rig.act(sessions.begin, comer, "a browser", "192.0.2.1")
    rig.act(sessions.end, session.id)
    rig.act(sessions.change_password, comer, None, passwords.NOBODY)
    rig.act(sessions.set_password, sub.id, passwords.NOBODY)
    artifact = rig.artifact()
    rig.act(artifacts.change, artifact.id, "for the north")
    rig.act(artifacts.delete, rig.artifact("gone").id)
    hook, _ = rig.act(webhooks.create, "erp", "https://erp.example.com/ota", reach=Reach())
    rig.act(webhooks.change, hook.id, is_enabled=False, reach=Reach())
    rig.act(webhooks.renew_secret, hook.id)
    rig.act(webhooks.try_out, hook.id)
    rig.act(webhooks.delete, hook.id)
    wholes = [rig.artifact(name, content=name.encode()) for name in ("old", "new")]
    job = rig.act(making.start, *(one.id for one in wholes))
    rig.act(queue.cancel, job.id)
    delta = rig.artifact("delta", source="V1", content=b"patch")
    rig.act(rehearsals.start, delta.id, wholes[0].id)
    draft = rig.draft(product, artifact)
    rig.act(plans.change, draft.id, replace(draft.plan, is_windows_strict=True))
    rig.act(plans.approve, draft.id, actor=Actor(sub.id, rig.owner.main_id, "sub", "releaser"))
    rig.act(plans.delete, rig.draft(product, artifact, name="gone").id)
    rig.act(waiving.waive, draft.id, "rehearsal", "a pilot of three devices")
    for verb in (plans.activate, plans.suspend, plans.resume):
        rig.act(verb, draft.id)
    number = rig.device(product, "a")
    rig.online(number)
    rig.request(number, "V1")
    upgrade = upgrade_of(rig, draft, "a")
    rig.act(people.cancel, upgrade)
    rig.act(plans.terminate, draft.id)
    asks = rig.activated(product, artifact, name="asks", is_silent=False, texts=TEXTS)
    upgrade = upgrade_of(rig, asks, "a")
    rig.act(people.confirm, upgrade, Operation.NOW)
    for code in (1, 2, 4, 8, 9, 12):
        rig.status(number, code)
    rig.act(people.retry, upgrade)
    other = rig.device(product, "trial")
    rig.online(other)
    rig.act(leaving.move, [other], "ota.example.com", 1883)
    rig.act(verification.start, artifact.id, other, "fw")


def test_verb_when_it_changes_something_then_its_right_is_asked_for():
    unmarked = {name for name, verb in public_verbs().items() if not hasattr(verb, "permission")}
    assert unmarked == set()
    marked = {verb.permission for verb in public_verbs().values()}
    assert marked == set(PERMISSIONS), "a right that nothing asks for, or the reverse"


def test_audit_when_every_verb_was_used_then_has_them_all_with_who_and_what(rig):
    acts(rig)
    entries, after = [], 0
    while after is not None:
        page = rig.see(audit.entries, after=after, limit=7)
        entries += page.items
        after = page.next_after
    assert {entry.verb for entry in entries} == set(PERMISSIONS)
    assert all(entry.account and entry.at == rig.now and entry.object_id and entry.name for entry in entries)
    for entry in entries:
        if entry.verb not in {"product.secret", "verification.start"}:
            assert entry.before or entry.after, entry
    (changed,) = [entry for entry in entries if entry.verb == "product.change"]
    assert (changed.before, changed.after) == ({"grid_s": 600}, {"grid_s": 300})


def test_audit_when_read_then_no_secret_is_in_it(rig):
    product = rig.product()
    secret = rig.act(products.secret, product.id)
    _, token = rig.act(accounts.create_token, rig.owner.account_id, "ci")
    kept = rig.db.read(lambda conn: str(conn.execute(text("SELECT * FROM audit")).all()))
    assert secret not in kept
    assert token not in kept
    assert "***" in kept


@pytest.mark.parametrize(
    "change", ["UPDATE audit SET account = 'me'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"]
)
def test_audit_when_somebody_changes_it_then_the_database_refuses(rig, change):
    rig.product()
    with pytest.raises(StorageFailed, match="append-only"):
        rig.db.write(lambda conn: conn.execute(text(change)))
    assert rig.see(audit.entries).items


def test_audit_when_filtered_then_only_those(rig):
    one, two = rig.product("a"), rig.product("b")
    found = rig.see(audit.entries, audit.Wanted("product", two.id)).items
    assert [(entry.verb, entry.name) for entry in found] == [("product.create", "b")]
    assert rig.see(audit.entries, audit.Wanted(account="nobody")).items == ()
    assert one.id != two.id
    rig.now += 10
    three = rig.product("b%")

    def found_by(**asked):
        page = rig.see(audit.entries, audit.Wanted(kind="product", **asked), is_newest_first=True)
        return [entry.object_id for entry in page.items]

    assert found_by() == [three.id, two.id, one.id]
    assert found_by(name="b") == [three.id, two.id]
    assert found_by(name="b%") == [three.id]
    assert found_by(since=rig.now) == [three.id]
    assert found_by(until=rig.now) == [two.id, one.id]
    assert found_by(verb="product.delete") == []


def test_audit_when_paged_from_the_newest_then_all_and_once(rig):
    for at in range(5):
        rig.product(f"p{at}")
    found, after = [], 0
    while after is not None:
        page = rig.see(audit.entries, after=after, limit=2, is_newest_first=True)
        found += [entry.id for entry in page.items]
        after = page.next_after
    assert found == [entry.id for entry in reversed(rig.see(audit.entries).items)]


@pytest.mark.parametrize("name", sorted(public_verbs()))
def test_verb_when_the_role_is_too_low_then_refused_before_anything_is_looked_at(name):
    verb = public_verbs()[name]
    needed = PERMISSIONS[verb.permission]
    assert (needed == "viewer") == (verb.permission in OF_ONESELF)
    for role in ROLES[: ROLES.index(needed)]:
        with pytest.raises(RoleTooLow) as refused:
            verb(None, actor=Actor(1, 1, "sub", role), now=0.0)
        assert refused.value.facts["needed"] == needed


def test_approval_when_two_persons_are_needed_then_only_others_count_and_an_edit_voids_it(rig):
    product = rig.product()
    other = rig.act(accounts.create, "other", "releaser")
    somebody = Actor(other.id, rig.owner.main_id, "other", "releaser")
    draft = rig.draft(product, rig.artifact(), strategy=Strategy(approvals=1))
    with pytest.raises(StateForbids):
        rig.act(plans.approve, draft.id)
    with pytest.raises(Exception, match="approval"):
        rig.act(plans.activate, draft.id)
    rig.act(plans.approve, draft.id, actor=somebody)
    rig.act(plans.change, draft.id, replace(draft.plan, name="renamed"))
    with pytest.raises(Exception, match="approval"):
        rig.act(plans.activate, draft.id)
    rig.act(plans.approve, draft.id, actor=somebody)
    assert rig.act(plans.activate, draft.id).state == "running"


def test_object_when_of_another_main_account_then_not_there(quick_folder):
    rig = Rig(quick_folder / "ota.db")
    acts(rig)
    account, _ = rig.db.write(accounts.found, "stranger", now=rig.now)
    stranger = Actor(account.id, account.id, "stranger", "admin")
    assert not rig.see(audit.entries, audit.Wanted("product"), actor=stranger).items
    for verb, more in (
        (products.by_id, (1,)), (devices.by_id, (1,)), (artifacts.by_id, (1,)), (plans.by_id, (1,)), (people.log, (1,)),
        (people.page, (1,)), (accounts.by_id, (1,)),
    ):  # fmt: skip
        with pytest.raises(NoSuchObject):
            rig.see(verb, *more, actor=stranger)
    rig.close()
