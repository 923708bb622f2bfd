"""What stands between the prompt and whoever types there, byte by byte.

Source: device-api 3.6; the public page of ``system``.
"""

import hashlib
import random

import pytest

from moduline.vmodule.interpreter.repl_guard import MAX_TYPED, Guard

# The texts of the page, typed.
REFUSE = b"REPL refuse\r\n"
ASK = b"Please enter password:\r\n"
WRONG = b"Incorrect password, please try again:\r\n"
OPENED = b"REPL enable\r\n"
HASH = hashlib.sha256(b"miamia123").hexdigest()


def locked():
    guard = Guard()
    guard.protect(is_on=True, password=HASH)
    assert guard.refuse() == ASK
    return guard


def type_in(guard, data):
    """(everything sent, whether the last byte asked for a new prompt)."""
    answers = [guard.feed(byte) for byte in data]
    assert not any(is_due for _, is_due in answers[:-1])
    return b"".join(sent for sent, _ in answers), answers[-1][1]


def test_status_follows_what_was_switched():
    guard = Guard()
    assert guard.status == 1
    guard.protect(is_on=True)
    assert (guard.status, guard.refuse(), guard.is_asking) == (3, REFUSE, False)
    guard.protect(is_on=True, password=HASH)
    assert (guard.status, guard.is_asking) == (4, False)
    assert (guard.refuse(), guard.is_asking) == (ASK, True)
    assert type_in(guard, b"miamia123\r") == (b"*" * 9 + b"\r\n" + OPENED, True)
    assert (guard.status, guard.is_on, guard.is_asking) == (2, False, False)
    guard.protect(is_on=False)
    assert guard.status == 1


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (b"miamia124\r", b"*********\r\n" + WRONG),
        (b"\r", b"\r\n" + ASK),
        (b"\x03", b"\r\n" + ASK),
        (b"mia\x04", b"***\r\n" + ASK),
        (b"x" * (MAX_TYPED + 9) + b"\r", b"*" * MAX_TYPED + b"\r\n" + WRONG),
        (b"\x08\x7f\r", b"\r\n" + ASK),
    ],
    ids=["wrong", "nothing", "ctrl-c", "ctrl-d", "too-much", "backspace-at-the-start"],
)
def test_anything_but_the_password_keeps_it_locked_and_asks_again(typed, shown):
    guard = locked()
    assert type_in(guard, typed) == (shown, True)
    assert (guard.status, guard.is_asking) == (4, True)
    assert type_in(guard, b"miamia123\r")[0].endswith(OPENED)


def test_editing_is_the_backspace_and_escape_sequences_are_swallowed():
    guard = locked()
    sent, is_due = type_in(guard, b"miaX\x08mia\x1b[A\x1b[3~\x1bOP\n\t\xe4\xbd\xa0123\r")
    assert (sent, is_due) == (b"****\b \b******\r\n" + OPENED, True)


def test_what_was_typed_before_a_key_does_not_count_afterwards():
    guard = locked()
    type_in(guard, b"miamia\x03")
    assert type_in(guard, b"123\r") == (b"***\r\n" + WRONG, True)


def test_hostile_bytes_never_open_it():
    chance = random.Random(36)
    guard = locked()
    for _ in range(20000):
        guard.feed(chance.randrange(256))
    assert guard.status == 4
