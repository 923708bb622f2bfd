"""Routes of events and webhooks: a page of what happened, a stream of what happens, and who else is told.

The stream is ``text/event-stream``: ``id`` is the event's place, ``event`` its kind, ``data`` the same JSON that a
webhook gets. Who comes back with ``Last-Event-ID`` has missed nothing that is still kept, or is told ``events.lost``.
While nothing happens there is a comment every fifteen seconds. A token that is revoked ends its streams.

Source: WHATWG HTML, Server-sent events.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field
from sqlalchemy import Connection

from moduline.cloud.accounts.door import After, Door, Id, Limit, Open, Still, StillThere, Who, needs, shown
from moduline.cloud.edge import PAGE_LIMIT, Page, page_limit
from moduline.cloud.given import Given
from moduline.cloud.outbox import events
from moduline.cloud.outbox import service as webhooks
from moduline.cloud.outbox.events import Event
from moduline.cloud.outbox.posting import post
from moduline.cloud.outbox.reach import URL_LIMIT, Reach
from moduline.cloud.outbox.service import Webhook
from moduline.cloud.outbox.stream import BEAT_S, Feed
from moduline.errors import BadField, ModulineError, StateForbids, Text, TokenRefused

router: Final = APIRouter(prefix="/v1", tags=["events"])
MOST_STREAMS: Final = 200
"""Streams of one process: each looks at the database twice a second."""
LOOK_AGAIN_S: Final = 15.0
"""How often a stream's token is looked at."""
RETRY_MS: Final = 2000
TRIAL: Final = "webhook.test"
"""Kind of the event that never happened."""
_MANY: Final = Text("{most} streams are open", "事件流已达 {most} 个")
_PLACE: Final = Text("the id of an event", "须为事件编号")


class NewWebhook(Given):
    """A program that is to be told."""

    name: str
    url: str = Field(max_length=URL_LIMIT)
    kinds: list[str] = Field([], max_length=100, description="events it wants; none: all")


class WebhookChange(Given):
    """What is to be different; what is left out stays."""

    url: str | None = Field(None, max_length=URL_LIMIT)
    kinds: list[str] | None = Field(None, max_length=100)
    is_enabled: bool | None = Field(None, description="true also revives one that was given up")


def feed_of(request: Request) -> Feed:
    """The streams of the application that a request came to."""
    found = request.app.state.feed
    assert isinstance(found, Feed)
    return found


Streams = Annotated[Feed, Depends(feed_of)]
Kinds = Annotated[list[str] | None, Query(description="only these; may repeat", max_length=100)]


def webhook_json(one: Webhook) -> dict[str, Any]:
    """A webhook as JSON, never its secret."""
    return asdict(one) | {"state": one.state}


@router.get("/events")
async def list_events(
    door: Open, who: Who, kind: Kinds = None, after: After = 0, limit: Limit = None
) -> dict[str, Any]:
    """What happened, oldest first, as far as it is kept; `first` and `last`: places of the oldest and newest one.

    The newest events get their places within a second.
    """
    return await door.see(_page, who.main_id, _known(kind), after, limit)


@router.get("/events/stream", response_class=StreamingResponse)
async def stream_events(
    who: Who,
    feed: Streams,
    still: StillThere,
    request: Request,
    kind: Kinds = None,
    after: Annotated[int | None, Query(ge=0, description="place of the last one seen; none: from now on")] = None,
    last_event_id: Annotated[str | None, Header(description="wins over `after`")] = None,
) -> StreamingResponse:
    """What happens, as `text/event-stream`, until the client goes or the platform ends."""
    place = after if last_event_id is None else _place(last_event_id)
    running: set[object] = request.app.state.streams
    if len(running) >= MOST_STREAMS:
        raise StateForbids(kind=Text("event stream", "事件流"), name=who.name, reason=_MANY, most=MOST_STREAMS)
    lines = told(feed, who.main_id, place, _known(kind), still, running)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)


@router.get("/webhooks")
async def list_webhooks(door: Open, who: Who, after: After = 0, limit: Limit = None) -> dict[str, Any]:
    """Webhooks, oldest first, each with what is wrong with it."""
    return shown(await door.see(webhooks.page, actor=who, after=after, limit=limit), webhook_json)


@router.post("/webhooks", status_code=201, **needs("webhook.create"))
async def create_webhook(door: Open, who: Who, new: NewWebhook) -> dict[str, Any]:
    """Tell a program of everything from now on; the secret of the signatures is in this answer and nowhere else."""
    made, secret = await door.act(webhooks.create, new.name, new.url, new.kinds, reach=_reach(door), actor=who)
    return webhook_json(made) | {"secret": secret}


@router.get("/webhooks/{webhook}")
async def show_webhook(door: Open, who: Who, webhook: Id) -> dict[str, Any]:
    """One webhook."""
    return webhook_json(await door.see(webhooks.by_id, webhook, actor=who))


@router.patch("/webhooks/{webhook}", **needs("webhook.change"))
async def change_webhook(door: Open, who: Who, webhook: Id, to: WebhookChange) -> dict[str, Any]:
    """Another address, other events, off or on; on, one that was given up is tried again."""
    made = await door.act(
        webhooks.change, webhook, reach=_reach(door), actor=who, url=to.url, kinds=to.kinds, is_enabled=to.is_enabled
    )
    return webhook_json(made)


@router.delete("/webhooks/{webhook}", **needs("webhook.delete"))
async def delete_webhook(door: Open, who: Who, webhook: Id) -> dict[str, Any]:
    """Tell it nothing any more."""
    await door.act(webhooks.delete, webhook, actor=who)
    return {"ok": True}


@router.post("/webhooks/{webhook}/secret", **needs("webhook.secret"))
async def renew_secret(door: Open, who: Who, webhook: Id) -> dict[str, Any]:
    """Sign with another secret from the next attempt on; it is in this answer and nowhere else."""
    one, secret = await door.act(webhooks.renew_secret, webhook, actor=who)
    return webhook_json(one) | {"secret": secret}


@router.post("/webhooks/{webhook}/test", **needs("webhook.test"))
async def test_webhook(door: Open, who: Who, webhook: Id) -> dict[str, Any]:
    """Post an event that never happened, `webhook.test`, once and now; what the receiver made of it."""
    one, secret = await door.act(webhooks.try_out, webhook, actor=who)
    now = door.clock.now_s()
    event = Event(-max(int(now), 1), who.main_id, now, TRIAL, {"webhook_id": one.id, "name": one.name, "by": who.name})
    told = await post(one.url, secret, event, _reach(door), now=now)
    return {"is_taken": told.is_taken, "status": told.status, "said": told.said}


def _page(conn: Connection, main_id: int, kinds: Sequence[str], after: int, limit: int | None) -> dict[str, Any]:
    size = page_limit(limit)
    found = events.page(conn, main_id, after=after, kinds=kinds, limit=min(size, PAGE_LIMIT) + 1)
    page = Page(found[:size], found[size - 1].seq if len(found) > size else None)
    places = {"first": events.first_place(conn), "last": events.last_place(conn)}
    return shown(page, Event.shown) | places


async def told(
    feed: Feed,
    main_id: int,
    after: int | None,
    kinds: Sequence[str],
    still: Still,
    running: set[object],
    *,
    beat_s: float = BEAT_S,
    look_s: float = LOOK_AGAIN_S,
) -> AsyncIterator[str]:
    """The lines of a stream, until the platform ends or the token is refused.

    Args:
        feed: events as they happen.
        main_id: whose.
        after: place of the last one seen; None: from now on.
        kinds: only these; empty: all.
        still: asks whether the token is accepted.
        running: has a mark of this stream while it runs.
        beat_s: so long it is silent at most.
        look_s: how often the token is looked at.
    """
    mark, loop = object(), asyncio.get_running_loop()
    running.add(mark)
    look_at = loop.time() + look_s
    try:
        yield f"retry: {RETRY_MS}\n\n"
        async with contextlib.aclosing(feed.blocks(main_id, after=after, kinds=kinds, beat_s=beat_s)) as blocks:
            async for found in blocks:
                if loop.time() >= look_at:
                    look_at = loop.time() + look_s
                    await still()
                yield "".join(_lines(event) for event in found) or ": nothing new\n\n"
    except TokenRefused as refused:
        yield f"event: token.refused\ndata: {json.dumps({'code': refused.code})}\n\n"
    except ModulineError:  # a database that is away: the client comes back with the last place it has
        return
    finally:
        running.discard(mark)


def _lines(event: Event) -> str:
    data = json.dumps(event.shown(), ensure_ascii=False)
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {data}\n\n"


def _known(kinds: Sequence[str] | None) -> tuple[str, ...]:
    """Kinds of events that were asked for.

    Raises:
        BadField: there is none such.
    """
    return tuple(webhooks.known_kinds(kinds or ()))


def _place(text: str) -> int:
    """What ``Last-Event-ID`` says.

    Raises:
        BadField: no place.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadField(field="Last-Event-ID", reason=_PLACE)
    return int(text)


def _reach(door: Door) -> Reach:
    return Reach.of(door.settings.webhook_networks)
