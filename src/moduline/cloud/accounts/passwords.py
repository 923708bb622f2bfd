"""Passwords: what one may be, and what is kept of it.

::

    $scrypt$ln=15,r=8,p=3$SALT$KEY        salt of 16 bytes, key of 32, both base64

What is kept says how it was made, so the cost can grow: an old hash is still understood. A password is brought to
NFKC first, for the same letters are sent differently by different keyboards. Whoever compares spends the same time for
a name that nobody has: ``NOBODY`` is the hash of a password that nobody knows, at today's cost.

Source: RFC 7914 (scrypt); NIST SP 800-63B, 5.1.1.2 (length and a list instead of rules of composition).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadField, Text

LEAST_CHARACTERS: Final = 10
MOST_BYTES: Final = 1024
SALT_BYTES: Final = 16
KEY_BYTES: Final = 32
DIFFERENT: Final = 4
"""So many different characters a password has at least."""
COMMON: Final = frozenset(
    """
    0123456789 01234567890 1234567890 12345678910 123456789a 123456789q 0987654321 9876543210 1122334455 1234512345
    147258369a 1qaz2wsx3edc 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4t5 qwertyuiop qwerty1234 qwerty12345 qwerty123456
    qwertyuiop123 asdfghjkl1 zxcvbnm123 qazwsxedcrfv password12 password123 password1234 passw0rd123 p@ssw0rd123
    passwordpassword administrator administrator1 admin12345 admin123456 admin@12345 root123456 letmein123 welcome123
    changeme123 changeit123 iloveyou123 abcd123456 abc1234567 a123456789 aa12345678 woaini1314 woaini5201314 5201314520
    quectel123 quecpython quecpython1 moduline123 modulinemoduline
    """.split()  # noqa: SIM905  a list of sixty quoted words is not easier to read
)
"""The commonest ones that are long enough; ``quecpython`` and our own name are the first that come to mind here."""
_KEPT: Final = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/]{22})\$([\w+/]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one comparison costs.

    Args:
        log_n: of scrypt; memory is ``128 * r * 2**log_n`` bytes.
        r: of scrypt.
        p: of scrypt; time grows with it, memory does not.
    """

    log_n: int = 15
    r: int = 8
    p: int = 3


COST: Final = Cost()
"""32 MB and a quarter of a second of one processor."""
NOBODY: Final = "$scrypt$ln=15,r=8,p=3$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43
"""Looked at for names that nobody has: no password is known that gives it."""


def require_fit(password: str, name: str) -> None:
    """See that a text may be the password of an account.

    Args:
        password: as it was typed.
        name: of the account.

    Raises:
        BadField: it may not.
    """
    raw = _plain(password)
    reason: Text | None = None
    text = unicodedata.normalize("NFKC", password).casefold()
    if raw is None:
        reason = Text("characters that cannot be written", "包含无法表示的字符")
    elif len(raw) > MOST_BYTES:
        reason = Text("at most {most} bytes", "最长 {most} 字节")
    elif len(password) < LEAST_CHARACTERS:
        reason = Text("at least {least} characters", "至少 {least} 个字符")
    elif text == unicodedata.normalize("NFKC", name).casefold():
        reason = Text("not the name of the account", "不可与账号名称相同")
    elif text in COMMON or len(set(text)) < DIFFERENT:
        reason = Text("one of the first that anybody would try", "过于常见，容易被猜中")
    if reason is not None:
        raise BadField(field="password", reason=reason, most=MOST_BYTES, least=LEAST_CHARACTERS)


def made(password: str, salt: bytes, cost: Cost = COST) -> str:
    """What is kept of a password; takes a quarter of a second.

    Args:
        password: one that ``require_fit`` has passed.
        salt: ``SALT_BYTES`` random bytes.
        cost: of every comparison from now on.
    """
    raw = _plain(password)
    assert raw is not None
    assert len(salt) == SALT_BYTES
    return f"$scrypt$ln={cost.log_n},r={cost.r},p={cost.p}${_text(salt)}${_text(_key(raw, salt, cost))}"


def is_right(password: str, kept: str) -> bool:
    """Whether a password is the one of which ``kept`` was made; takes the same time for right and wrong ones."""
    understood = _KEPT.fullmatch(kept)
    raw = _plain(password)
    if understood is None or raw is None or len(raw) > MOST_BYTES:
        understood, raw = _KEPT.fullmatch(NOBODY), b""
    assert understood is not None
    log_n, r, p = (int(understood[at]) for at in (1, 2, 3))
    salt, key = (_bytes(understood[at]) for at in (4, 5))
    return hmac.compare_digest(_key(raw, salt, Cost(log_n, r, p)), key)


def _key(raw: bytes, salt: bytes, cost: Cost) -> bytes:
    need = 128 * cost.r * ((1 << cost.log_n) + cost.p + 2)
    n = 1 << cost.log_n
    return hashlib.scrypt(raw, salt=salt, n=n, r=cost.r, p=cost.p, maxmem=need + (1 << 20), dklen=KEY_BYTES)


def _plain(password: str) -> bytes | None:
    """A password as bytes; None: half of a character stands in it."""
    try:
        return unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        return None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return binascii.a2b_base64(text + "=" * (-len(text) % 4))
