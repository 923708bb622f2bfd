"""The host's table of the raw REPL: every state reachable, every other pair refused, each variant of the module."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from moduline.errors import BadAnswer, NoAnswer, ReplProtected
from moduline.remote.raw_session import START, TABLE, Entered, Left, Noise, RawReplSession, State
from moduline.wire.rawrepl import Finished, Output

BANNER = b"raw REPL; CTRL-B to exit\r\n>"


def sent(session) -> bytes:
    return b"".join(piece.data for piece in session.pieces())


def ready(**options) -> RawReplSession:
    session = RawReplSession(**options)
    session.enter()
    sent(session)
    session.receive(b"\r\n" + BANNER)
    return session


def test_table_when_walked_then_every_state_is_reached_and_left():
    reached = {START}
    while grown := {to for (state, _), to in TABLE.items() if state in reached} - reached:
        reached |= grown
    assert reached == set(State)
    assert {state for state, _ in TABLE} == set(State)


def test_table_when_a_verb_is_not_listed_then_is_a_bug():
    verbs = {"SEND": lambda s: s.execute(b"1", plainly=True), "ASK": lambda s: s.execute(b"1"),
             "RESET": RawReplSession.soft_reset, "LEAVE": RawReplSession.leave, "ENTER": RawReplSession.enter}  # fmt: skip
    for state, (event, verb) in itertools.product(State, verbs.items()):
        session = RawReplSession()
        session.state = state
        if (state, event) in TABLE:
            verb(session)
        else:
            with pytest.raises(AssertionError):
                verb(session)


def test_enter_when_typed_then_interrupts_and_asks_for_raw():
    session = RawReplSession()
    session.enter()
    assert sent(session) == b"\x03\x03\x01"
    assert session.receive(b"noise\r\n>>> \r\n" + BANNER) == [Entered(b"noise\r\n>>> \r\n")]
    assert session.state is State.READY


@pytest.mark.parametrize("answer", [b"\r\nREPL refuse\r\n>>> ", b"Please enter password:"])
def test_enter_when_the_repl_is_locked_then_says_so(answer):
    session = RawReplSession()
    session.enter()
    with pytest.raises(ReplProtected):
        session.receive(answer)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_paste_when_offered_then_exact_bytes_both_ways(size):
    session = ready()
    session.execute(b"print(1)" * 30)  # 240 bytes, two windows of 128
    assert sent(session) == b"\x05A\x01"
    talk = [
        (b"R\x01\x80\x00", b"print(1)" * 16),
        (b"\x01", b"print(1)" * 14 + b"\x04"),
        (b"\x01\x041\r\n\x04\x04>", b""),
    ]
    events, answered = [], b""
    for answer, expected in talk:
        for at in range(0, len(answer), size):
            events += session.receive(answer[at : at + size])
            answered += sent(session)
        assert answered == expected
        answered = b""
    assert b"".join(e.data for e in events if isinstance(e, Output)) == b"1\r\n"
    assert events[-1] == Finished(b"", b"")
    assert session.state is State.READY
    assert session.offers_paste is True


def test_paste_when_the_module_stops_it_then_host_ends_and_reads_why():
    session = ready()
    session.execute(b"x" * 1000)
    sent(session)
    session.receive(b"R\x01\x80\x00")
    assert sent(session) == b"x" * 128
    events = session.receive(b"\x04\x04SyntaxError: \r\n\x04>")
    assert sent(session) == b"\x04"
    assert events == [Finished(b"SyntaxError: \r\n", b"")]


@pytest.mark.parametrize("refusal", [b"R\x00", BANNER])
def test_paste_when_not_offered_then_plain_pieces_from_then_on(refusal):
    session = ready()
    session.execute(b"y" * 300)
    sent(session)
    session.receive(refusal)
    pieces = list(session.pieces())
    assert [len(p.data) for p in pieces] == [256, 44, 1]
    assert [p.pause_s for p in pieces] == [0.01, 0.01, 0.0]
    assert session.receive(b"OK3\x04\x04>") == [Output(b"3"), Finished(b"", b"")]
    session.execute(b"z")
    assert sent(session) == b"z\x04"


def test_paste_when_the_request_is_swallowed_then_recovers_to_plain():
    session = ready()
    session.execute(b"z")
    sent(session)
    session.expired()
    assert sent(session) == b"\x03\x01"
    session.receive(BANNER)
    assert sent(session) == b"z\x04"
    assert session.offers_paste is False


def test_plain_when_banners_of_earlier_attempts_come_late_then_are_skipped():
    session = ready()
    session.execute(b"1", plainly=True)
    assert session.receive(BANNER + b"\r\n" + BANNER + b"OK7\x04\x04>") == [Output(b"7"), Finished(b"", b"")]


def test_plain_when_a_thread_prints_before_ok_then_is_noise_not_output():
    session = ready()
    session.execute(b"1", plainly=True)
    assert session.receive(b"INFO:log\r\nOK7\x04\x04>") == [Noise(b"INFO:log\r\n"), Output(b"7"), Finished(b"", b"")]


@pytest.mark.parametrize("answer", [b"\x04", b"KO\x04\x04>", b"O\x04K"])
def test_plain_when_the_answer_lacks_ok_then_bad_answer(answer):
    session = ready()
    session.execute(b"1", plainly=True)
    with pytest.raises(BadAnswer):
        session.receive(answer)


def test_soft_reset_when_done_then_boot_noise_is_given():
    session = ready()
    session.soft_reset()
    assert sent(session) == b"\x04"
    assert session.receive(b"OK\r\nMPY: soft reboot\r\nmount.\r\n" + BANNER) == [Entered(b"mount.\r\n")]


def test_leave_when_done_then_shut():
    session = ready()
    session.leave()
    assert sent(session) == b"\x02"
    assert session.receive(b"\r\nQuecpython v1.12\r\n>>> ") == [Left()]
    assert session.state is State.SHUT


@pytest.mark.parametrize("state", [State.ENTERING, State.PASTING, State.SENDING, State.RECOVERING, State.LEAVING])
def test_limit_when_it_passes_then_no_answer_names_the_state(state):
    session = RawReplSession()
    session.state = state
    assert session.limit_s
    with pytest.raises(NoAnswer) as failure:
        session.expired()
    assert state.value in failure.value.facts["what"]


def test_limit_when_code_runs_then_there_is_none_but_its_end_has_one():
    session = ready()
    session.execute(b"1", plainly=True)
    session.receive(b"OK")
    assert session.limit_s is None
    session.receive(b"\x04")
    assert session.limit_s is not None


def test_interrupt_when_code_is_on_its_way_then_nothing_of_it_runs():
    session = ready()
    session.execute(b"q" * 600, plainly=True)
    next(iter(session.pieces()))
    session.interrupt()
    assert sent(session) == b"\x03\n\x04"
    session.receive(b"OK\x04\x04>")
    session.execute(b"q" * 600)
    session.interrupt()
    sent(session)
    session.receive(b"R\x01\x80\x00")
    assert sent(session) == b"\n\x04"


def test_table_when_shown_in_the_specification_then_is_this_one():
    rows = ["| State | Event | Next |", "|---|---|---|"]
    rows += [f"| {state.value} | {event} | {to.value} |" for (state, event), to in TABLE.items()]
    page = Path(__file__).resolve().parents[2] / "docs/spec/repl.md"
    assert "\n".join(rows) in page.read_text(encoding="utf-8")
