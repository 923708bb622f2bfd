"""What a password may be and what is kept of it."""

from __future__ import annotations

import time

import pytest

from moduline.cloud.accounts import passwords
from moduline.cloud.accounts.passwords import NOBODY, Cost, is_right, made, require_fit
from moduline.errors import BadField

CHEAP = Cost(4, 8, 1)
SALT = bytes(range(16))
RFC_KEPT = "$scrypt$ln=10,r=8,p=16$TmFDbAAAAAAAAAAAAAAAAA$" + "A" * 43


def test_hash_when_made_then_says_how_and_never_the_password():
    kept = made("correct horse", SALT, CHEAP)
    assert kept.startswith("$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$")
    assert "correct" not in kept
    assert made("correct horse", bytes(16), CHEAP) != kept


def test_key_when_of_the_rfc_then_the_same():
    """RFC 7914, section 12: scrypt("password", "NaCl", N=1024, r=8, p=16); its first 32 bytes."""
    key = passwords._key(b"password", b"NaCl", Cost(10, 8, 16))
    assert key.hex() == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"


@pytest.mark.parametrize("text", ["correct horse", "密码 很长 的 句子 呀", "a\0bcdefghijkl", "x" * 1024])
def test_password_when_the_same_then_right_and_nothing_else_is(text):
    kept = made(text, SALT, CHEAP)
    assert is_right(text, kept)
    for other in (text + " ", text[:-1], text.swapcase() + "!", ""):
        assert not is_right(other, kept)


def test_password_when_typed_on_another_keyboard_then_still_right():
    """One letter or a letter and its accent; full width or half width."""
    kept = made("caf\u00e9 au lait 1", SALT, CHEAP)
    assert is_right("cafe\u0301 au lait 1", kept)
    assert is_right("caf\u00e9 au lait \uff11", kept)


@pytest.mark.parametrize("kept", ["", "plain", "$scrypt$", "$2b$12$" + "a" * 53, NOBODY[:-1], NOBODY + "\n", RFC_KEPT])
@pytest.mark.parametrize("text", ["", "password", "\ud800" * 10, "x" * 5000])
def test_password_when_what_is_kept_is_odd_then_wrong_and_no_failure(kept, text):
    assert not is_right(text, kept)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "10 characters"), ("short", "10 characters"), ("123456789", "10 characters"), ("x" * 1025, "1024 bytes"),
        ("密" * 400, "1024 bytes"), ("1234567890", "first"), ("QwertyUiop", "first"), ("Password123", "first"),
        ("\uff11234567890", "first"), ("aaaaaaaaaaaa", "first"), ("ababababab", "first"), ("operator-mei", "name"),
        ("Operator-MEI", "name"), ("\ud800bcdefghij", "written"),
    ],
)  # fmt: skip
def test_new_password_when_too_easy_then_refused_with_the_reason(text, said):
    with pytest.raises(BadField) as refused:
        require_fit(text, "operator-mei")
    assert said in refused.value.message("en")
    assert text not in refused.value.message("zh") or len(text) < 3


@pytest.mark.parametrize("text", ["correct horse", "四个字的密码也可以呀", "0123456789x", "          a b c"])
def test_new_password_when_long_enough_then_taken(text):
    require_fit(text, "mei")


def test_comparison_when_nobody_has_the_name_then_takes_as_long():
    """Same cost in the hash, so the same work; measured as a ratio with much room, for machines are busy."""
    kept = made("correct horse", SALT)
    assert kept.split("$")[2] == NOBODY.split("$")[2]

    def took(against):
        begun = time.process_time()
        is_right("a wrong password", against)
        return time.process_time() - begun

    assert 0.2 < took(kept) / took(NOBODY) < 5
