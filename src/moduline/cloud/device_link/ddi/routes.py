"""The DDI over HTTP: who asks, what for, and the answer; every decision is made in ``polling`` and ``telling``.

::

    /TENANT/controller/v1/DEVICE
        GET .                                  poll
        PUT ./configData                       attributes
        GET ./deploymentBase/ID                what to do       POST ./deploymentBase/ID/feedback
        GET ./cancelAction/ID                  what to stop     POST ./cancelAction/ID/feedback
        GET ./installedBase/ID                 what was done    PUT  ./installedBase
        GET ./confirmationBase[/ID]            what to ask      POST ./confirmationBase/ID/feedback ...AutoConfirm
        GET ./softwaremodules/M/artifacts[/FILE[.MD5SUM]]

A poll of a device for which nothing is to be done costs no statement: what it gave last holds until the device, its
product or a plan of it changes (see ``memory`` and ``news``). Signs of life are gathered and written every few seconds.

Source: hawkbit-ddi 1 to 5.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from moduline.clock import Clock
from moduline.cloud.db import Database
from moduline.cloud.device_link.ddi import actions, answers, known, polling, telling, words
from moduline.cloud.device_link.ddi.actions import Held
from moduline.cloud.device_link.ddi.calls import (
    Call,
    action,
    history,
    number,
    parameters,
    require,
    require_end,
    there,
)
from moduline.cloud.device_link.ddi.known import GATEWAY, Client
from moduline.cloud.device_link.ddi.memory import Key, Memory
from moduline.cloud.device_link.ddi.news import News, news
from moduline.cloud.device_link.ddi.reached import reached
from moduline.cloud.device_link.ddi.terms import USUAL
from moduline.cloud.device_link.files import Downloads
from moduline.cloud.device_link.http_answers import Refusal, answer, empty
from moduline.cloud.device_link.http_limits import HttpLimits
from moduline.cloud.device_link.rates import Rates
from moduline.cloud.devices import contact
from moduline.cloud.devices.device import POLLING_KEY
from moduline.cloud.edge import clean_text
from moduline.errors import NoSuchObject

OVERDUE_S: Final = 300.0
"""A client that is so much later than its interval is offline."""
LOOK_S: Final = 1.0
"""How often it is looked what others have changed."""


@dataclass(frozen=True, slots=True)
class DdiTerms:
    """How clients are to poll.

    Attributes:
        sleep_s: between two polls.
        busy_s: while there is an action.
        spread: part of the interval that it may be shorter or longer, so that fleets do not poll in step.
    """

    sleep_s: float = 300.0
    busy_s: float = 300.0
    spread: float = 0.1


class Ddi:
    """The DDI of one node.

    Args:
        db: of the platform.
        downloads: sends files.
        clock: wall clock of events.
        limits: of one peer.
        terms: how clients are to poll.
        public_url: what links begin with; "": what the client called us (``reached``).
    """

    def __init__(
        self,
        db: Database,
        downloads: Downloads,
        *,
        clock: Clock,
        limits: HttpLimits,
        terms: DdiTerms,
        public_url: str,
    ) -> None:
        self._db = db
        self._downloads = downloads
        self._clock = clock
        self._limits = limits
        self._terms = terms
        self._public_url = public_url.rstrip("/")
        self._memory = Memory()
        self._news = News()
        self._asked = Rates(limits.requests_per_s, limits.burst_requests)
        self._refused = Rates(limits.strangers_per_s, limits.burst_strangers)
        self._seen: dict[int, float] = {}
        self._looked = -LOOK_S
        self._looking: asyncio.Task[None] | None = None
        self._spread = random.Random()  # noqa: S311  keeps fleets out of step, decides nothing

    async def keep_seen(self) -> None:
        """Write signs of life, and note who is overdue."""
        seen, self._seen = self._seen, {}
        now = self._clock.now_s()
        if seen:
            await self._db.write_soon(contact.seen, seen)
        others = {product: now - self._away_s(product) for product in self._news.terms}
        await self._db.write_soon(polling.sweep, now - self._away_s(0), others)

    async def handle(self, request: web.BaseRequest, parts: Sequence[str], query: str) -> web.StreamResponse:
        """Answer a request to ``/TENANT/controller/v1/DEVICE...``.

        Raises:
            Refusal: the request cannot be granted.
        """
        tenant, dk, rest = parts[0], parts[3], parts[4:]
        if self._clock.tick_s() - self._looked >= LOOK_S:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            await asyncio.shield(self._looking)
        client = await self._client((tenant, dk, request.headers.get("Authorization", "")), request.remote or "")
        self._require_patience(client)
        if not rest:
            require(request, "GET")
            return await self._poll(request, tenant, client)
        call = Call(request, client, self._base(request, tenant, dk), rest, parameters(query))
        resource = _RESOURCES.get(rest[0])
        if resource is None:
            raise Refusal(404, "unknown", "no such resource")
        self._seen[client.device_id] = self._clock.now_s()
        made: web.StreamResponse = await resource(self, call)
        if request.method not in {"GET", "HEAD"}:
            self._memory.ask_again(client.device_id)
        return made

    # ---- who -------------------------------------------------------------------------------------------------------

    async def _client(self, key: Key, address: str) -> Client:
        """Who comes with these words."""
        tick = self._clock.tick_s()
        client = self._memory.client(key, tick)
        if client is None:
            client = await self._looked_up(key, address)
            self._memory.keep_client(key, client, tick)
        if not client.is_enabled:
            raise Refusal(403, "disabled", "the device is disabled")
        return client

    async def _looked_up(self, key: Key, address: str) -> Client:
        tenant, dk, header = key
        kind, token = known.authorization(header)
        if not kind:
            raise Refusal(401, "token", "a token is needed")
        if not POLLING_KEY.fullmatch(dk):
            raise Refusal(400, "controller-id", "1 to 64 letters, digits, '_', '-', '.' or ':'")
        wait_s = self._refused.wait_s(address, self._clock.tick_s())
        if wait_s and not self._memory.was_right(key):  # who was right before shares the address, not the blame
            raise Refusal(429, "token", "too many wrong tokens from this address", retry_s=wait_s)
        now = self._clock.now_s()
        client = await self._db.read_soon(known.find, tenant, dk, kind, token)
        if client is None and kind == GATEWAY:
            client = await self._db.write_soon(known.welcome, tenant, dk, token, now=now)
        if client is None:
            if not is_near(address):
                self._refused.spend(address, self._clock.tick_s())
            raise Refusal(401, "token", "the token is not right")
        if not client.is_gateway and not client.is_proven and client.is_enabled:
            await self._db.write_soon(known.prove, client.device_id, now=now)
        return client

    def _require_patience(self, client: Client) -> None:
        tick = self._clock.tick_s()
        wait_s = self._asked.wait_s(client.device_id, tick)
        if wait_s:
            raise Refusal(429, "rate", "too many requests of this device", retry_s=wait_s)
        self._asked.spend(client.device_id, tick)

    def _base(self, request: web.BaseRequest, tenant: str, dk: str) -> str:
        return f"{reached(request, self._public_url)}/{quote(tenant, safe='')}/controller/v1/{quote(dk, safe='')}"

    # ---- poll ------------------------------------------------------------------------------------------------------

    async def _poll(self, request: web.BaseRequest, tenant: str, client: Client) -> web.Response:
        plans = self._news.plans.get(client.product_id, 0)
        device_id, now, tick = client.device_id, self._clock.now_s(), self._clock.tick_s()
        away_s = self._away_s(client.product_id)
        found = self._memory.answer(device_id, plans, tick, away_s)
        if found is None:
            found = await self._db.write_soon(polling.polled, device_id, now=now)
            if not found.may_change:
                self._memory.keep_answer(client, plans, found, tick, away_s)
        else:
            self._seen[device_id] = now
        every = self._every_s(client.product_id, is_busy=bool(found.kind))
        every *= 1 + self._terms.spread * (2 * self._spread.random() - 1)
        return answers.poll(request, found, every, lambda: self._base(request, tenant, client.dk))

    def _every_s(self, product_id: int, *, is_busy: bool) -> float:
        """How often clients of a product poll."""
        wanted = self._news.terms.get(product_id, USUAL)
        if is_busy:
            return wanted.busy_poll_s or min(self._terms.busy_s, wanted.poll_s or self._terms.busy_s)
        return wanted.poll_s or self._terms.sleep_s

    def _away_s(self, product_id: int) -> float:
        """After which time without a poll a client is gone."""
        every = max(self._every_s(product_id, is_busy=False), self._every_s(product_id, is_busy=True))
        return every * (1 + self._terms.spread) + OVERDUE_S

    async def _look(self) -> None:
        found = await self._db.read_soon(news, self._news)
        self._looked = self._clock.tick_s()
        if found.is_all:
            self._memory.forget_all()
        else:
            self._memory.forget(found.devices, found.products)
        self._news = found

    # ---- resources -------------------------------------------------------------------------------------------------

    async def config_data(self, call: Call) -> web.Response:
        """PUT configData."""
        require(call.request, "PUT")
        said = words.config_of(await self._body(call))
        if not await self._db.write_soon(telling.config, call.client.device_id, said, now=self._clock.now_s()):
            raise Refusal(403, "quota", "too many attributes")
        return empty()

    async def deployment_base(self, call: Call) -> web.Response:
        """GET deploymentBase/ID; POST deploymentBase/ID/feedback."""
        device_id, action_id, now = call.client.device_id, action(call), self._clock.now_s()
        if call.rest[2:] == ["feedback"]:
            said = words.feedback_of(await self._posted(call))
            return answers.done(await self._db.write_soon(telling.feedback, device_id, action_id, said, now=now))
        require_end(call, "GET")
        found = await self._db.write_soon(polling.deployment, device_id, action_id, history(call), now=now)
        return answers.said(call.request, answers.shown(there(found), call.base, "deployment"))

    async def installed_base(self, call: Call) -> web.Response:
        """GET installedBase/ID; PUT installedBase."""
        device_id = call.client.device_id
        if len(call.rest) == 1:
            require(call.request, "PUT")
            body = await self._body(call)
            name, version = body.get("name"), body.get("version")
            if not isinstance(name, str) or not isinstance(version, str) or not (0 < len(name) <= 128 and version):
                raise Refusal(400, "body", "name and version are needed")
            now = self._clock.now_s()
            is_news = await self._db.write_soon(telling.has_installed, device_id, name, version[:64], now=now)
            return empty(201 if is_news else 200)
        action_id = action(call)
        require_end(call, "GET")
        found = await self._db.read_soon(polling.installed, device_id, action_id, history(call))
        return answers.said(call.request, answers.shown(there(found), call.base, "deployment"))

    async def cancel_action(self, call: Call) -> web.Response:
        """GET cancelAction/ID; POST cancelAction/ID/feedback."""
        device_id, action_id = call.client.device_id, action(call)
        if call.rest[2:] == ["feedback"]:
            said = words.feedback_of(await self._posted(call))
            now = self._clock.now_s()
            return answers.done(await self._db.write_soon(telling.cancel_feedback, device_id, action_id, said, now=now))
        require_end(call, "GET")
        held = await self._db.read_soon(actions.by_id, device_id, action_id)
        if held is None or not (held.is_cancelling or held.action.cancel == "done"):
            raise Refusal(404, "unknown", "nothing is to be cancelled")
        return answers.said(call.request, {"id": str(action_id), "cancelAction": {"stopId": str(action_id)}})

    async def confirmation_base(self, call: Call) -> web.Response:
        """GET confirmationBase, GET confirmationBase/ID, and the three POSTs below it."""
        device_id, now = call.client.device_id, self._clock.now_s()
        verb = call.rest[1] if len(call.rest) == 2 else ""
        if len(call.rest) == 1:
            require(call.request, "GET")
            return answers.said(call.request, await self._confirmation(call))
        if verb in {"activateAutoConfirm", "deactivateAutoConfirm"}:
            body = await self._posted(call, is_optional=True)
            on: dict[str, Any] | None = None
            if verb == "activateAutoConfirm":
                on = {name: clean_text(str(body[name]), 512) for name in ("initiator", "remark") if body.get(name)}
                on["activatedAt"] = int(now * 1000)
            await self._db.write_soon(polling.confirm_by_itself, device_id, on)
            return empty()
        action_id = action(call)
        if call.rest[2:] == ["feedback"]:
            said = words.consent_of(await self._posted(call))
            return answers.done(await self._db.write_soon(telling.consent, device_id, action_id, said, now=now))
        require_end(call, "GET")
        found = await self._db.write_soon(polling.confirmation, device_id, action_id)
        return answers.said(call.request, answers.shown(there(found), call.base, "confirmation"))

    async def _confirmation(self, call: Call) -> dict[str, Any]:
        device_id = call.client.device_id
        auto = await self._db.read_soon(polling.about, device_id)
        waits = await self._db.write_soon(polling.asked, device_id)
        links = {}
        if waits is not None:
            content = Held(waits[0], waits[1]).content
            links["confirmationBase"] = {"href": f"{call.base}/confirmationBase/{waits[0].id}?c={content}"}
        verb = "deactivateAutoConfirm" if auto else "activateAutoConfirm"
        links[verb] = {"href": f"{call.base}/confirmationBase/{verb}"}
        return {"autoConfirm": {"active": bool(auto), **(auto or {})}, "_links": links}

    async def software_modules(self, call: Call) -> web.StreamResponse:
        """GET softwaremodules/M/artifacts, and the files below it."""
        device_id, rest = call.client.device_id, call.rest
        if len(rest) not in {3, 4} or rest[2] != "artifacts":
            raise Refusal(404, "unknown", "no such resource")
        module_id = number(rest[1])
        if len(rest) == 3:
            require(call.request, "GET")
            chunk = await self._db.read_soon(polling.chunk_of, device_id, module_id)
            files = [words.artifact(one, answers.href(call.base, module_id, one.name)) for one in there(chunk).files]
            return answers.said(call.request, files)
        require(call.request, "GET", "HEAD")
        return await self._file(call, module_id, rest[3])

    async def _file(self, call: Call, module_id: int, name: str) -> web.StreamResponse:
        device_id, now = call.client.device_id, self._clock.now_s()
        found = await self._db.read_soon(polling.file_of, device_id, module_id, name)
        if found is None and name.endswith(".MD5SUM"):
            plain = name.removesuffix(".MD5SUM")
            file, md5 = there(await self._db.read_soon(polling.file_of, device_id, module_id, plain))
            more = {"Content-Disposition": f"attachment;filename={quote(file.name)}.MD5SUM"}
            return answer(f"{md5}  {file.name}".encode(), "text/plain", headers=more)
        file, _ = there(found)
        is_whole = call.request.method == "GET" and "Range" not in call.request.headers

        async def begins() -> None:
            told = is_whole and not await self._db.write_soon(polling.loads, device_id, module_id, 200, now=now)
            if told:
                raise Refusal(404, "loop", polling.LOOP_TEXT)

        try:
            sent, is_complete = await self._downloads.send(call.request, file, begins)
        except NoSuchObject as gone:
            raise Refusal(404, "gone", "no such file") from gone
        if sent.status in {200, 206} and call.request.method == "GET" and (is_whole or not is_complete):
            now = self._clock.now_s()
            await self._db.write_soon(polling.loaded, device_id, module_id, now=now, is_whole=is_complete)
        return sent

    # ---- bodies ----------------------------------------------------------------------------------------------------

    async def _posted(self, call: Call, *, is_optional: bool = False) -> Mapping[str, Any]:
        require(call.request, "POST")
        return await self._body(call, is_optional=is_optional)

    async def _body(self, call: Call, *, is_optional: bool = False) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(self._limits.body_s):
                raw = await call.request.read()
        except TimeoutError as slow:
            raise Refusal(408, "slow", "the body did not come in time") from slow
        if is_optional and not raw:
            return {}
        return words.read_body(raw, call.request.headers.get("Content-Type", ""))


_RESOURCES: Final = {
    "configData": Ddi.config_data,
    "deploymentBase": Ddi.deployment_base,
    "installedBase": Ddi.installed_base,
    "cancelAction": Ddi.cancel_action,
    "confirmationBase": Ddi.confirmation_base,
    "softwaremodules": Ddi.software_modules,
}


def is_near(address: str) -> bool:
    """Whether a peer is on this machine, perhaps a proxy for all the others."""
    return address.startswith("127.") or address in {"", "::1", "::ffff:127.0.0.1"}
