"""What stands between the friendly prompt and whoever types there; sans-I/O.

::

    open ── replSetEnable(1) ─────────────▶ refused: every line and key answers "REPL refuse"
    open ── replSetEnable(1, password) ───▶ locked: the next line or key asks for the password
    locked ── a line or key ──▶ asking ── the password ──▶ open, with the password kept
                                  ▲────── anything else ──▶ asked again

While the password is asked for, what is typed is echoed as stars, and there is no editing but the backspace.

Source: device-api 3.6; the public page of ``system``. What an empty line or a control key does while the password is
asked for is documented nowhere: it is asked for again.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

REFUSE: Final = b"REPL refuse\r\n"
ASK: Final = b"Please enter password:\r\n"
WRONG: Final = b"Incorrect password, please try again:\r\n"
OPENED: Final = b"REPL enable\r\n"
MAX_TYPED: Final = 64

OPEN, OPEN_WITH_PASSWORD, REFUSED, LOCKED = 1, 2, 3, 4

_CR: Final = 0x0D
_ESC: Final = 0x1B
_ERASING: Final = frozenset((0x08, 0x7F))
_KEYS: Final = frozenset((1, 2, 3, 4, 5))


class Guard:
    """One prompt's protection.

    Attributes:
        is_on: nothing that is typed is run.
        password: SHA-256 of the password in hex; empty for none.
        is_asking: what is typed now is meant to be the password.
    """

    def __init__(self) -> None:
        self.is_on = False
        self.password = ""
        self.is_asking = False
        self._typed = bytearray()
        self._is_escaping = False

    @property
    def status(self) -> int:
        """What ``system.replSetEnable(2)`` says: 1 open, 2 open with a password, 3 refused, 4 locked."""
        if self.is_on:
            return LOCKED if self.password else REFUSED
        return OPEN_WITH_PASSWORD if self.password else OPEN

    def protect(self, is_on: bool, password: str = "") -> None:
        """Switch the protection.

        Args:
            is_on: refuse what is typed.
            password: SHA-256 of what opens the prompt again, in hex; empty for nothing.
        """
        self.is_on = is_on
        self.password = password
        self._restart(is_asking=False)

    def refuse(self) -> bytes:
        """The answer to a line or a control key while ``is_on``."""
        if not self.password:
            return REFUSE
        self._restart(is_asking=True)
        return ASK

    def feed(self, byte: int) -> tuple[bytes, bool]:
        """Take one byte while ``is_asking``; gives what to send and whether a new prompt is due."""
        if self._is_escaping:
            self._is_escaping = not (0x40 <= byte <= 0x7E and byte not in b"[O")
            return b"", False
        if byte == _CR:
            return b"\r\n" + self._judge(), True
        if byte in _KEYS:
            return b"\r\n" + self.refuse(), True
        if byte == _ESC:
            self._is_escaping = True
        elif byte in _ERASING and self._typed:
            self._typed.pop()
            return b"\b \b", False
        elif 32 <= byte <= 126 and len(self._typed) < MAX_TYPED:
            self._typed.append(byte)
            return b"*", False
        return b"", False

    def _judge(self) -> bytes:
        typed = hashlib.sha256(self._typed).hexdigest()
        if not self._typed:
            return self.refuse()
        self._restart(is_asking=True)
        if not hmac.compare_digest(typed, self.password):
            return WRONG
        self.is_on = self.is_asking = False
        return OPENED

    def _restart(self, *, is_asking: bool) -> None:
        self.is_asking = is_asking
        self._typed.clear()
        self._is_escaping = False
