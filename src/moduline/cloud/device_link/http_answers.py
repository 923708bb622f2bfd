"""Answers of the devices' HTTP port: always with a length, names of headers in their usual case, never compressed.

The vendor's HTTP client compares ``Content-Length: `` and ``HTTP/1.1 `` byte by byte; servers that write names in
lower case cannot update those modules.

Source: ota-semantics 12, trap 4; hawkbit-ddi 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

SERVER: Final = "moduline"
JSON_TYPE: Final = "application/json"
_WRITTEN: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Refusal(Exception):  # noqa: N818  an answer, raised where it is known
    """A request is refused.

    Args:
        status: of HTTP.
        code: a word that stays, for programs.
        message: a sentence, for people.
        retry_s: when to come again, told with 429 and 503.
        headers: further ones of the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, *, retry_s: float = 30.0, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_s = retry_s
        self.headers = dict(headers or {})


def answer(body: bytes, kind: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer with a body."""
    return web.Response(body=body, status=status, headers={"Server": SERVER, "Content-Type": kind, **(headers or {})})


def as_json(value: Any) -> bytes:
    """A value as compact JSON, members in their order: some clients have small buffers."""
    return _WRITTEN(value).encode("utf-8", "backslashreplace")


def refusal(said: Refusal) -> web.Response:
    """What a refused request gets."""
    body = as_json({"errorCode": f"moduline.{said.code}", "message": said.message})
    more = {"Retry-After": str(max(1, math.ceil(said.retry_s)))} if said.status in {429, 503} else {}
    return answer(body, JSON_TYPE, said.status, more | said.headers)


def empty(status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status, headers={"Server": SERVER, **(headers or {})})
