"""A request of a DDI client, taken apart: who, what is after the device key, parameters; what it may and must be.

Source: hawkbit-ddi 1, 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

from aiohttp import web

from moduline.cloud.device_link.ddi.known import Client
from moduline.cloud.device_link.http_answers import Refusal

MOST_PARAMETERS: Final = 16
"""Parameters of a query that are read; clients send one or two."""


@dataclass(slots=True)
class Call:
    """One request, taken apart.

    Args:
        request: as it came.
        client: who.
        base: what addresses of this client begin with.
        rest: parts of the path after the device key.
        query: last value of each parameter.
    """

    request: web.BaseRequest
    client: Client
    base: str
    rest: Sequence[str]
    query: Mapping[str, str] = field(default_factory=dict)


def parameters(query: str) -> Mapping[str, str]:
    """Last value of each parameter.

    Raises:
        Refusal: there are too many.
    """
    if not query:
        return {}
    try:
        found = parse_qs(query, max_num_fields=MOST_PARAMETERS)
    except ValueError as wrong:
        raise Refusal(400, "query", "too many parameters") from wrong
    return {name: values[-1] for name, values in found.items()}


def there(found: Any) -> Any:
    """What was found.

    Raises:
        Refusal: nothing was.
    """
    if found is None:
        raise Refusal(404, "unknown", "not there, or not for this device")
    return found


def require(request: web.BaseRequest, *methods: str) -> None:
    """Take only these methods.

    Raises:
        Refusal: it is another one.
    """
    if request.method not in methods:
        allowed = ", ".join(methods)
        raise Refusal(405, "method", f"only {allowed}", headers={"Allow": allowed})


def require_end(call: Call, method: str) -> None:
    """Take only this method, and nothing behind the number of the action.

    Raises:
        Refusal: it is not so.
    """
    if len(call.rest) != 2:
        raise Refusal(404, "unknown", "no such resource")
    require(call.request, method)


def action(call: Call) -> int:
    """Number of the action that a path names.

    Raises:
        Refusal: it names none.
    """
    if len(call.rest) < 2:
        raise Refusal(404, "unknown", "no such resource")
    return number(call.rest[1])


def number(text: str) -> int:
    """A number in a path.

    Raises:
        Refusal: it is none that anything here could have.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**31):
        raise Refusal(404, "unknown", "not there, or not for this device")
    return int(text)


def history(call: Call) -> int:
    """How many lines of its history a client asks for with an action; below zero: all.

    Raises:
        Refusal: it asks for no number.
    """
    text = call.query.get("actionHistory", "0")
    is_number = text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 10
    if not is_number:
        raise Refusal(400, "actionHistory", "a number")
    return int(text)
