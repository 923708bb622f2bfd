"""The queue of what has to be told, on SQLite and on PostgreSQL: in order, claimed by one, never lost."""

from __future__ import annotations

from dataclasses import replace

from moduline.burn.books import outbox
from moduline.burn.record import BurnRecord, CheckResult

NOW = 1700000000.0
ENDED = BurnRecord(id="a", outcome="PASS", operator="王芳 🧪", checks=(CheckResult("sim", "pass"),))
MES, OTHER = outbox.Hook("http://mes/x", "env:KEY"), outbox.Hook("http://other/")


def test_outbox_when_tries_end_then_each_hook_gets_each_once_in_order_with_the_whole_record(opened):
    store, database = opened(), opened().database
    store.write(replace(ENDED, id="before"))
    outbox.add_hook(database, MES)
    outbox.add_hook(database, OTHER)
    store.write(replace(ENDED, outcome="RUNNING"))
    store.write(ENDED)
    store.write(replace(ENDED, id="b"))
    letters = outbox.claim(database, NOW)
    assert [(one.hook, one.record.id) for one in letters] == [(MES, "a"), (OTHER, "a"), (MES, "b"), (OTHER, "b")]
    assert letters[0].record == ENDED
    assert outbox.claim(opened().database, NOW) == [], "claimed by the other"
    for letter in letters:
        outbox.settle(database, letter, "told")
    assert outbox.claim(database, NOW + 1e6) == []
    assert [(one.hook, one.waiting, one.told) for one in outbox.hook_states(database)] == [(MES, 0, 2), (OTHER, 0, 2)]


def test_claim_when_its_program_died_then_free_again_after_a_while(opened):
    database = opened().database
    outbox.add_hook(database, MES)
    opened().write(ENDED)
    assert len(outbox.claim(database, NOW)) == 1
    assert outbox.claim(database, NOW + outbox.CLAIM_S - 1) == []
    assert len(outbox.claim(database, NOW + outbox.CLAIM_S)) == 1


def test_letter_when_an_older_one_waits_then_it_waits_too_and_other_hooks_do_not(opened):
    store, database = opened(), opened().database
    outbox.add_hook(database, MES)
    outbox.add_hook(database, OTHER)
    store.write(ENDED)
    first, other = outbox.claim(database, NOW)
    outbox.settle(database, first, "waiting", NOW + 60.0, "503 busy")
    outbox.settle(database, other, "refused", detail="422 no")
    store.write(replace(ENDED, id="b"))
    assert [(one.hook, one.record.id) for one in outbox.claim(database, NOW + 1)] == [(OTHER, "b")]
    assert [(one.record.id, one.attempts) for one in outbox.claim(database, NOW + 60) if one.hook == MES] == [
        ("a", 1),
        ("b", 0),
    ]
    states = [(one.waiting, one.told, one.refused, one.detail) for one in outbox.hook_states(database)]
    assert states == [(2, 0, 0, "503 busy"), (1, 0, 1, "422 no")]


def test_hook_when_removed_then_nothing_is_due_and_added_again_with_another_key_it_goes_on(opened):
    store, database = opened(), opened().database
    outbox.add_hook(database, MES)
    store.write(ENDED)
    assert outbox.remove_hook(database, MES.url)
    assert not outbox.remove_hook(database, MES.url)
    assert outbox.claim(database, NOW) == []
    assert outbox.hook_states(database) == []
    outbox.add_hook(database, replace(MES, secret=""))
    (letter,) = outbox.claim(database, NOW)
    assert (letter.hook.secret, letter.record.id) == ("", "a")
    outbox.put_back(database, [letter])
    assert len(outbox.claim(database, NOW)) == 1
