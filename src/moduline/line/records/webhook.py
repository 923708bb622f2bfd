"""Telling an MES of every try that ended: JSON by POST, signed, as often as it takes, in the order of the ends.

::

    POST /your/path                                    JSON: {"event": "record.ended", "seq": …, "record": {…}}
    Content-Type: application/json
    Idempotency-Key: 3f0c….5127                        the try's id and the event's number; the same in every repetition
    X-Moduline-Timestamp: 1700049600                   Unix time of this attempt
    X-Moduline-Signature: sha256=9d5e…                 HMAC-SHA256 with the secret over timestamp, ".", body

2xx: taken. 408, 425, 429, 3xx, 5xx and no answer: tried again after 1, 2, 4 … seconds, at last every 10 minutes, for
ever; those behind it wait. Any other 4xx: refused; repeating the same would change nothing, so it is noted and the next
one follows. Redirects are not followed: the signature is for this address.

What is to be told lies in the same database as the records, written in the same transaction (``burn.books.outbox``); a
slot never waits for an MES. A receiver must expect the same key twice: an answer can be lost.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import moduline
from moduline.errors import BadOption, ModulineError, NoSuchFile, Text

if TYPE_CHECKING:
    from moduline.burn.books.outbox import Letter
    from moduline.burn.books.store import RecordStore

ANSWER_LIMIT_S: Final = 10.0
"""How long an MES may take to answer."""
LOOK_EVERY_S: Final = 1.0
"""How often the sender looks for what is due."""
END_LIMIT_S: Final = 10.0
"""How long the end of a gang waits for what is being told; the rest waits for the next sender."""
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 600.0
TRY_AGAIN: Final = frozenset({408, 425, 429})
"""Refusals that another time may not be.  Source: RFC 9110 15.5.9, RFC 8470, RFC 6585."""
LONGEST_SAID: Final = 200


@dataclass(frozen=True, slots=True)
class Told:
    """How one attempt went.

    Args:
        status: HTTP status; 0 without an answer.
        said: beginning of the answer, or why there was none, in English.
    """

    status: int
    said: str

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it."""
        return 200 <= self.status < 300

    @property
    def is_refused(self) -> bool:
        """Whether repeating the same would change nothing."""
        return 400 <= self.status < 500 and self.status not in TRY_AGAIN


def check_url(url: str) -> None:
    """See to it that an address can be posted to.

    Raises:
        BadOption: it cannot.
    """
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_good = False
    if not is_good or not url.isascii() or any(one.isspace() for one in url):
        reason = Text("'{given}' is not http://… or https://…", "“{given}” 不是 http:// 或 https:// 地址")
        raise BadOption(name="URL", reason=reason, given=url)


def read_secret(where: str) -> bytes:
    """The key of the signatures; empty where none is wanted.

    Args:
        where: ``file:PATH``, ``env:NAME`` or "".

    Raises:
        BadOption: neither of them, or the variable is not set.
        NoSuchFile: the file cannot be read.
    """
    if not where:
        return b""
    kind, _, name = where.partition(":")
    if kind == "file" and name:
        try:
            return Path(name).expanduser().read_bytes().strip()
        except OSError as cause:
            raise NoSuchFile(path=name, reason=cause.strerror or str(cause)) from cause
    if kind == "env" and name in os.environ:
        return os.environ[name].encode()
    reason = Text(
        "'{given}' is neither file:PATH nor env:NAME of a variable that is set",
        "“{given}” 应为 file:路径 或已设置的 env:变量名",
    )
    raise BadOption(name="--secret", reason=reason, given=where)


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What ``X-Moduline-Signature`` is."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def body_of(letter: Letter) -> bytes:
    """What is posted: the same bytes in every repetition."""
    said = {"event": "record.ended", "seq": letter.seq, "record": letter.record.as_json()}
    return json.dumps(said, ensure_ascii=False, sort_keys=True).encode()


def wait_s(attempts: int) -> float:
    """How long after so many attempts the next one follows; seconds."""
    return min(FIRST_WAIT_S * 2.0 ** min(attempts - 1, 30), LONGEST_WAIT_S)


def post(letter: Letter, now_s: float) -> Told:
    """One attempt; an expected "no" is a value.

    Args:
        letter: what and to whom.
        now_s: Unix time, seconds.
    """
    body, timestamp = body_of(letter), str(int(now_s))
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": f"{letter.record.id}.{letter.seq}",
        "User-Agent": f"moduline/{moduline.__version__}",
        "X-Moduline-Timestamp": timestamp,
    }
    try:
        if secret := read_secret(letter.hook.secret):
            headers["X-Moduline-Signature"] = signature(secret, timestamp, body)
        check_url(letter.hook.url)
        request = urllib.request.Request(letter.hook.url, body, headers, method="POST")  # noqa: S310  checked above
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=ANSWER_LIMIT_S) as answer:
            return Told(answer.status, "")
    except urllib.error.HTTPError as no:
        with no:
            return Told(no.code, _begin_of(no, no.reason))
    except (OSError, HTTPException) as failed:  # URLError is an OSError
        return Told(0, str(getattr(failed, "reason", failed))[:LONGEST_SAID] or type(failed).__name__)
    except ModulineError as failed:
        return Told(0, failed.message("en"))


def send_due(store: RecordStore, now_s: Callable[[], float] = time.time) -> tuple[int, int]:
    """Tell everything that is due now, oldest first; gives how many were taken and how many were not.

    Args:
        store: whose outbox.
        now_s: Unix time, seconds.

    Raises:
        StorageFailed: the outbox cannot be read or written.
    """
    from moduline.burn.books import outbox

    taken = failed = 0
    while letters := outbox.claim(store.database, now_s()):
        down: set[str] = set()
        for letter in letters:
            if letter.hook.url in down:
                continue
            told = post(letter, now_s())
            said = "" if told.is_taken else f"{told.status or ''} {told.said}".strip()
            if told.is_taken or told.is_refused:
                outbox.settle(store.database, letter, "told" if told.is_taken else "refused", detail=said)
            else:
                down.add(letter.hook.url)
                outbox.settle(store.database, letter, "waiting", now_s() + wait_s(letter.attempts + 1), said)
            taken, failed = taken + told.is_taken, failed + (not told.is_taken)
            if letter.hook.url in down:  # the order is kept: behind one that waits, all wait
                outbox.put_back(
                    store.database, [one for one in letters if one.hook == letter.hook and one.id > letter.id]
                )
    return taken, failed


class WebhookSender:
    """Tells what is due beside a gang or a server, in a thread of its own; a context.

    Args:
        store: whose outbox.
    """

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join(END_LIMIT_S)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._is_over.is_set()  # once more after the end, for what ended last
            try:
                send_due(self._store)
            except ModulineError:  # the store speaks of its own failures to those who write; what waits, waits
                self._is_over.wait(LOOK_EVERY_S)
            self._is_over.wait(LOOK_EVERY_S)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves redirects as the answers they are."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message[Any, Any], newurl: str
    ) -> None:
        """No other request in place of this one."""


def _begin_of(answer: urllib.error.HTTPError, reason: str) -> str:
    try:
        said = answer.read(LONGEST_SAID).decode("utf-8", "replace")
    except (OSError, HTTPException):
        said = ""
    return (" ".join(said.split()) or reason)[:LONGEST_SAID]
