"""What clients of the DDI are answered: polls, actions and their marks, in the words of ``words``.

An answer carries a mark of its content, and a client that has it gets 304; the interval of a poll differs a little
every time and is not part of that.

Source: hawkbit-ddi 3.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from moduline.cloud.device_link.ddi import words
from moduline.cloud.device_link.ddi.polling import Deployment, Polled
from moduline.cloud.device_link.http_answers import Refusal, answer, empty

LONGEST_ACCEPT: Final = 256
"""So much of the types that a client takes is looked at in a poll."""


def poll(request: web.BaseRequest, found: Polled, every_s: float, base: Callable[[], str]) -> web.Response:
    """The answer to a poll.

    Args:
        request: what is answered.
        found: where to look.
        every_s: the interval until the next poll.
        base: gives what addresses of this client begin with.
    """
    if found.has_links:
        links = _links(found, base())
        return said(request, _polled(every_s, links), links)
    tag, body, kind = _idle(int(every_s), request.headers.get("Accept", "")[:LONGEST_ACCEPT])
    return empty(304, {"ETag": tag}) if _has(request, tag) else answer(body, kind, headers={"ETag": tag})


def _links(found: Polled, base: str) -> dict[str, Any]:
    """Where a client that polled has to look."""
    links = {}
    if found.kind == "cancelAction":
        links[found.kind] = {"href": f"{base}/cancelAction/{found.action_id}"}
    elif found.kind:
        links[found.kind] = {"href": f"{base}/{found.kind}/{found.action_id}?c={found.content}"}
    if found.installed_id is not None:
        links["installedBase"] = {"href": f"{base}/installedBase/{found.installed_id}"}
    if found.wants_config:
        links["configData"] = {"href": f"{base}/configData"}
    return links


def shown(found: Deployment, base: str, member: str) -> dict[str, Any]:
    """An action as a client reads it."""
    how = "forced" if found.is_forced else "attempt"
    body: dict[str, Any] = {"download": how, "update": how}
    if found.has_windows:
        body["maintenanceWindow"] = "available"  # a closed window shows no action at all
    body["chunks"] = [
        {
            "part": one.part,
            "version": one.version,
            "name": one.name,
            "artifacts": [words.artifact(file, href(base, one.module_id, file.name)) for file in one.files],
        }
        for one in found.chunks
    ]
    made: dict[str, Any] = {"id": str(found.action_id), member: body}
    if found.history is not None:
        made["actionHistory"] = {"status": found.history[0], "messages": list(found.history[1])}
    return made


def href(base: str, module_id: int, name: str) -> str:
    """Where a file of an artifact is."""
    return f"{base}/softwaremodules/{module_id}/artifacts/{quote(name, safe='')}"


def _polled(every_s: float, links: dict[str, Any]) -> dict[str, Any]:
    """The answer to a poll."""
    return {"config": {"polling": {"sleep": words.sleep_text(every_s)}}, "_links": links}


@functools.lru_cache(maxsize=1024)
def _idle(every_s: int, accept: str) -> tuple[str, bytes, str]:
    """Mark, body and type of the answer to most polls: there is nothing to look at, and only the interval differs."""
    links: dict[str, Any] = {}
    return words.mark(links), *words.written(_polled(every_s, links), accept)


def _has(request: web.BaseRequest, tag: str) -> bool:
    """Whether a client says that it has the content of that mark."""
    known_tags = request.headers.get("If-None-Match")
    return known_tags is not None and tag in (one.strip().removeprefix("W/") for one in known_tags.split(","))


def said(request: web.BaseRequest, value: Any, same: Any = None) -> web.Response:
    """An answer with a mark of its content, or 304 to a client that has it.

    Args:
        request: what is answered.
        value: what is said.
        same: the part of it that the mark is for; None: all.
    """
    tag = words.mark(value if same is None else same)
    if _has(request, tag):
        return empty(304, {"ETag": tag})
    body, kind = words.written(value, request.headers.get("Accept", ""))
    return answer(body, kind, headers={"ETag": tag})


def done(status: int) -> web.Response:
    """The answer to feedback.

    Raises:
        Refusal: it could not be taken.
    """
    texts = {
        404: ("unknown", "no such action"),
        405: ("not-cancelling", "the action is not being cancelled"),
        410: ("closed", "the action is not active"),
    }
    if status in texts:
        raise Refusal(status, *texts[status])
    return empty(status)
