"""One attempt to tell a webhook: a signed POST to an address that was checked, and what came of it.

::

    POST /your/path                          JSON: {"id": 17, "at": 1800000000.0, "event": "plan.ended", "data": {…}}
    Idempotency-Key: 17                      the event; the same in every repetition
    X-Moduline-Event: plan.ended
    X-Moduline-Timestamp: 1800000003         Unix time of this attempt
    X-Moduline-Signature: sha256=9d5e…       HMAC-SHA256 with the secret over timestamp, ".", body

Taken is a status of 2xx and nothing else. Only the status is believed: an answer is read up to a limit, in a limited
time over all, whatever the peer says about its length.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import re
import ssl
from dataclasses import dataclass
from typing import Final

import moduline
from moduline.cloud.outbox.events import Event
from moduline.cloud.outbox.reach import Peer, Reach, peer_of
from moduline.errors import ModulineError

ANSWER_LIMIT_S: Final = 10.0
"""How long an attempt takes at most, from looking up the name to the answer's head."""
HEAD_LIMIT: Final = 16 * 1024
SAID_LIMIT: Final = 200
GONE: Final = 410
"""The receiver wants no more, ever.  Source: RFC 9110 15.5.11."""
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")


@dataclass(frozen=True, slots=True)
class Told:
    """How one attempt went.

    Args:
        status: HTTP status; 0 without an answer.
        said: what was wrong, in English; empty when it was taken.
    """

    status: int
    said: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it."""
        return 200 <= self.status < 300


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What ``X-Moduline-Signature`` is."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def body_of(event: Event) -> bytes:
    """What is posted: the same bytes in every repetition."""
    return json.dumps(event.shown(), ensure_ascii=False, sort_keys=True).encode()


async def post(
    url: str,
    secret: str,
    event: Event,
    reach: Reach,
    *,
    now: float,
    limit_s: float = ANSWER_LIMIT_S,
    trust: ssl.SSLContext | None = None,
) -> Told:
    """One attempt; an expected "no" is a value.

    Args:
        url: to whom.
        secret: key of the signature.
        event: what.
        reach: addresses that are allowed.
        now: UTC seconds.
        limit_s: over all.
        trust: certificates; None: those of the system.
    """
    try:
        async with asyncio.timeout(limit_s):
            peer = peer_of(url)
            address = await reach.resolve(peer)
            return await _exchange(peer, address, _request(peer, secret, event, now), trust)
    except TimeoutError:
        return Told(0, f"no answer within {limit_s:g} s")
    except ModulineError as refused:
        return Told(0, refused.message("en")[:SAID_LIMIT])
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as failed:
        return Told(0, (str(failed) or type(failed).__name__)[:SAID_LIMIT])


def _request(peer: Peer, secret: str, event: Event, now: float) -> bytes:
    body, timestamp = body_of(event), str(int(now))
    headers = {
        "Host": peer.authority,
        "User-Agent": f"moduline/{moduline.__version__}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        "Idempotency-Key": str(event.seq),
        "X-Moduline-Event": event.kind,
        "X-Moduline-Timestamp": timestamp,
        "X-Moduline-Signature": signature(secret, timestamp, body),
    }
    lines = [f"POST {peer.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + body


async def _exchange(peer: Peer, address: str, request: bytes, trust: ssl.SSLContext | None) -> Told:
    secure = (trust or ssl.create_default_context()) if peer.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        address, peer.port, ssl=secure, server_hostname=peer.host if secure else None, limit=HEAD_LIMIT
    )
    try:
        writer.write(request)
        with contextlib.suppress(ConnectionError):  # a peer may answer without having read all
            await writer.drain()
        status = await _status(reader)
        return Told(status, "" if 200 <= status < 300 else f"status {status}")
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _status(reader: asyncio.StreamReader) -> int:
    """The final status; answers 1xx before it are passed over.

    Raises:
        ValueError: that is no HTTP.
    """
    taken = 0
    while taken < HEAD_LIMIT:
        line = await reader.readline()
        found = _STATUS.fullmatch(line)
        if found is None:
            raise ValueError("the answer is no HTTP" if line else "no answer")
        status = int(found[1])
        if status >= 200:
            return status
        taken += len(line)
        while line.strip():
            line = await reader.readline()
            taken += len(line)
            if taken > HEAD_LIMIT or not line:
                break
    raise ValueError("the answer never ends")
