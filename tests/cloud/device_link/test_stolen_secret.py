"""A stolen device secret reaches only its own topics and files: tried on every topic and every address of the platform.

A thief has taken one device apart. Of the others he knows everything but their secrets: keys, action ids, the numbers
of artifacts, the form of every address.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sqlite3

import httpx
import pytest

from gateway_rig import PK, PS, DeviceEnd
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.quecthing.ota_messages import Report, Request
from moduline.wire.quecthing.sys_messages import DeviceInformation, ErrorNotice
from ota_site import OtaSite

FEEDBACK = {"id": "1", "status": {"execution": "closed", "result": {"finished": "failure"}, "details": []}}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = OtaSite(tmp_path_factory.mktemp("site") / "ota", jobs=0)
    site.post("/v1/products", name="meter", pk=PK, ps=PS)
    yield site
    site.stop()


@pytest.fixture
def keys(site):
    """Keys of a thief and of a victim that nobody has used."""
    count = len(site.get("/v1/devices", limit=1000)["items"])
    return f"86{2 * count:013}", f"86{2 * count + 1:013}"


def rows(site, query):
    with sqlite3.connect(site.settings.data / "ota.db") as db:
        return db.execute(query).fetchall()


def everything(site):
    """All that devices can change, but when they were heard."""
    return [
        rows(site, "SELECT dk, ds, is_enabled, facts FROM devices ORDER BY id"),
        rows(site, "SELECT device_id, type, component, version FROM device_versions ORDER BY 1, 2, 3"),
        rows(site, "SELECT id, status, phase, state FROM upgrades ORDER BY id"),
        rows(site, "SELECT id, part, downloads, lines, closed_at, cancel, denied_at FROM ddi_actions ORDER BY id"),
        rows(site, "SELECT device_id, auto_confirm FROM ddi_devices ORDER BY 1"),
        rows(site, "SELECT upgrade_id, code, message FROM upgrade_log ORDER BY id"),
    ]


# ---- MQTT -----------------------------------------------------------------------------------------------------------


async def reach(site, dk):
    """A connection that is gone when the story is over."""
    end = await DeviceEnd.reach(site.addresses.mqtt, dk)
    asyncio.current_task().add_done_callback(lambda _: end.reset())
    return end


async def first_contact(site, dk):
    """A device that comes for the first time; its end and its secret."""
    end = await reach(site, dk)
    found = await end.come_online(form=0)
    end.write(end.publish_packet(DeviceInformation("EC600U", "V1"), mqtt_id=9))
    assert await end.read() == mqtt.PubAck(9)
    return end, found.ds


async def told(end):
    """What a connection is told before it ends: the code of CONNACK, or of the error notice."""
    answer = await end.read()
    if answer is None or answer.code is not mqtt.ConnectCode.ACCEPTED:
        return answer
    end.write(end.subscribe_packet())
    with contextlib.suppress(AssertionError):
        while isinstance(await end.read(), mqtt.SubAck):
            return await end.next_message()
    return None


def foreign_topics(thief, victim):
    own, other = f"q/1/d/{thief}", f"q/1/d/{victim}"
    found = [f"{other}/{level}" for level in ("sys", "bus", "ota", "+", "#")]
    found += [
        "#",
        "+",
        "q/#",
        "q/1/#",
        "q/1/d/#",
        "q/1/d/+/ota",
        "q/1/d/+/+",
        "+/1/d/+/ota",
        "$SYS/#",
        "/",
        "q/2/d/+/ota",
    ]
    found += [f"{own}/../{victim}/ota", f"{own}/ota/#", f"{own}x/ota", own, f"{own.upper()}/ota", f"{own}\u200b/ota"]
    return [*found, f"$share/g/{other}/ota", f"q/2/d/{victim}/ota"]


def test_secret_when_stolen_then_no_topic_of_another_device_is_heard(site, keys):
    thief_key, victim_key = keys

    async def story():
        victim, _ = await first_contact(site, victim_key)
        thief, _ = await first_contact(site, thief_key)
        topics = foreign_topics(thief.client_id, victim.client_id)
        thief.write(mqtt.Subscribe(77, tuple((one, 1) for one in topics)))
        assert await thief.read() == mqtt.SubAck(77, (mqtt.SUBSCRIPTION_FAILED,) * len(topics))
        thief.write(mqtt.PingReq())
        assert await thief.read() == mqtt.PingResp()

    asyncio.run(story())


def test_secret_when_stolen_then_nothing_is_said_for_another_device(site, keys):
    thief_key, victim_key = keys

    async def story():
        victim, _ = await first_contact(site, victim_key)
        _, ds = await first_contact(site, thief_key)
        before = everything(site)
        for topic in ("sys", "bus", "ota"):
            for message in (Report(11, module_version="V9"), Request("V9"), DeviceInformation("EC600U", "V9")):
                thief = await reach(site, thief_key)
                await thief.come_online(ds=ds)
                packet = thief.publish_packet(message, 2, 5)
                foreign = packet.topic.replace(thief.client_id, victim.client_id).rsplit("/", 1)[0] + f"/{topic}"
                thief.write(mqtt.Publish(foreign, packet.payload, 2, 5))
                assert await thief.read() is None, "cut off"
        assert everything(site) == before
        victim.write(mqtt.PingReq())
        assert await victim.read() == mqtt.PingResp(), "the victim has noticed nothing"

    asyncio.run(story())


def test_secret_when_stolen_then_not_let_in_as_another_device(site, keys):
    thief_key, victim_key = keys

    async def story():
        victim, secret = await first_contact(site, victim_key)
        _, ds = await first_contact(site, thief_key)
        before = everything(site)
        end = await reach(site, victim_key)
        end.write(end.connect_packet(ds=ds))
        refused = await end.read()
        assert refused is None or refused.code is not mqtt.ConnectCode.ACCEPTED
        assert everything(site) == before
        victim.write(mqtt.PingReq())
        assert await victim.read() == mqtt.PingResp(), "not taken over"
        assert secret != ds

    asyncio.run(story())


@pytest.mark.parametrize("how", ["switched off", "deleted"])
def test_secret_when_its_device_is_switched_off_or_deleted_then_worth_nothing(site, keys, how):
    thief_key, _victim_key = keys

    async def story():
        end, ds = await first_contact(site, thief_key)
        (device,) = site.get("/v1/devices", dk=thief_key)["items"]
        place = f"/v1/devices/{device['id']}"
        answer = site.web.patch(place, json={"is_enabled": False}) if how == "switched off" else site.web.delete(place)
        assert answer.status_code == 200
        assert await end.read() is None, "its connection is cut off at once"
        again = await reach(site, thief_key)
        again.write(again.connect_packet(ds=ds))
        said = await told(again)
        assert said is None or isinstance(said, mqtt.ConnAck | ErrorNotice)
        gone = functools.partial(site.get, "/v1/devices", dk=thief_key, is_online=True)
        await asyncio.to_thread(site.until, lambda: not gone()["items"])

    asyncio.run(story())


# ---- HTTP -----------------------------------------------------------------------------------------------------------


class Linux:
    """A device that polls with a token of its own."""

    def __init__(self, site, product, dk):
        self.site = site
        self.id = site.post("/v1/devices", product=product["id"], dk=dk)["id"]
        self.token = site.post(f"/v1/devices/{self.id}/token", 201)["token"]
        self.place = f"{site.addresses.device_http}/{product['pk']}/controller/v1/{dk}"
        self.places = [self.place, f"{site.addresses.device_http}/DEFAULT/controller/v1/{dk}"]

    @property
    def headers(self):
        return {"Authorization": f"TargetToken {self.token}"}

    def get(self, path=""):
        return httpx.get(self.place + path if path.startswith("/") or not path else path, headers=self.headers)

    def begin(self, version="V1"):
        """Tell a version, and see what there is to do."""
        self.get()
        body = {"mode": "replace", "data": {"sw_version": version}}
        assert httpx.put(f"{self.place}/configData", json=body, headers=self.headers).status_code == 200
        return self.get().json()["_links"]


def requests_of(place, action, module, file):
    """Every request that the DDI knows, as method, address, body."""
    softly = f"{place}/softwaremodules/{module}/artifacts"
    yield "GET", place, None
    yield "PUT", f"{place}/configData", {"mode": "replace", "data": {"sw_version": "V2"}}
    yield "PUT", f"{place}/installedBase", {"name": "os", "version": "V2"}
    for resource in ("deploymentBase", "installedBase", "cancelAction", "confirmationBase"):
        yield "GET", f"{place}/{resource}/{action}", None
    for resource in ("deploymentBase", "cancelAction"):
        yield "POST", f"{place}/{resource}/{action}/feedback", FEEDBACK
    yield "POST", f"{place}/confirmationBase/{action}/feedback", {"confirmation": "confirmed"}
    yield "GET", f"{place}/confirmationBase", None
    yield "POST", f"{place}/confirmationBase/activateAutoConfirm", {}
    yield "POST", f"{place}/confirmationBase/deactivateAutoConfirm", {}
    yield "GET", softly, None
    yield "GET", f"{softly}/{file}", None
    yield "HEAD", f"{softly}/{file}", None
    yield "GET", f"{softly}/{file}.MD5SUM", None


def prepared(site):
    """A thief whose device no plan is for, a victim at work; action, artifact and file of the victim."""
    name = f"gateway {len(site.get('/v1/products')['items'])}"
    product = site.product(name)[0]
    thief, victim = Linux(site, product, "thief"), Linux(site, product, "victim")
    package = site.package(name)
    site.activate(site.plan(product, package, name, white=["victim"]))
    assert set(thief.begin()) == set()
    link = victim.begin()["deploymentBase"]["href"]
    found = victim.get(link).json()
    return thief, victim, int(found["id"]), package["id"], found["deployment"]["chunks"][0]["artifacts"][0]["filename"]


def wrong_tokens(site, thief):
    yield f"TargetToken {thief.token}"
    yield f"GatewayToken {thief.token}"
    yield f"Bearer {thief.token}"
    yield f"Bearer {site.token}"
    yield ""
    yield "TargetToken"
    yield f"TargetToken {thief.token}, TargetToken {thief.token}"


def test_token_when_stolen_then_every_address_of_another_device_is_shut(site):
    thief, victim, action, module, file = prepared(site)
    before = everything(site)
    seen = set()
    with httpx.Client() as web:
        for token in wrong_tokens(site, thief):
            for place in victim.places:
                for method, address, body in requests_of(place, action, module, file):
                    answer = web.request(method, address, json=body, headers={"Authorization": token})
                    assert answer.status_code == 401, (method, address, token, answer.text)
                    seen.add((method, address))
    assert len(seen) == 34
    assert everything(site) == before


def test_token_when_stolen_then_no_file_and_no_action_of_others_at_its_own_address(site):
    thief, _, action, module, file = prepared(site)
    before = everything(site)
    with httpx.Client(headers=thief.headers) as web:
        for method, address, body in requests_of(thief.place, action, module, file):
            shut = ("/softwaremodules/", f"/{action}")
            if any(part in address.removeprefix(thief.place) for part in shut):
                answer = web.request(method, address, json=body)
                assert answer.status_code == 404, (method, address, answer.text)
        for odd in (
            "..%2Fvictim",
            "%2e%2e/victim",
            "thief/../victim",
            "thief%00",
            "thief_key",
            "victim%20",
            "thief;victim",
        ):
            answer = web.get(f"{thief.place.rsplit('/', 1)[0]}/{odd}")
            assert answer.status_code in {400, 401, 404}, odd
    assert everything(site) == before


@pytest.mark.parametrize("how", ["renewed", "taken back", "switched off", "deleted"])
def test_token_when_ended_then_every_address_is_shut(site, how):
    thief, _, action, module, file = prepared(site)
    thief.get()
    place = f"/v1/devices/{thief.id}"
    call = {
        "renewed": lambda: site.web.post(f"{place}/token"),
        "taken back": lambda: site.web.delete(f"{place}/token"),
        "switched off": lambda: site.web.patch(place, json={"is_enabled": False}),
        "deleted": lambda: site.web.delete(place),
    }[how]
    if how == "deleted":  # it is in no plan: the white list is the victim's
        assert rows(site, f"SELECT count(*) FROM upgrades WHERE device_id = {thief.id}") == [(0,)]
    assert call().status_code in {200, 201}
    site.clock.advance(1.5)  # nodes look once a second
    before = everything(site)
    with httpx.Client(headers=thief.headers) as web:
        for method, address, body in requests_of(thief.place, action, module, file):
            answer = web.request(method, address, json=body)
            assert answer.status_code == (403 if how == "switched off" else 401), (method, address)
    assert everything(site) == before


def test_download_address_when_over_switched_off_or_guessed_then_shut(site, keys):
    thief_key = keys[0]

    async def offered():
        end, _ = await first_contact(site, thief_key)
        site.activate(site.plan({"id": 1}, site.package(), white=[thief_key]))
        end.write(end.publish_packet(Request("V1"), 1, 11))
        while not isinstance(await end.read(), mqtt.Publish):
            pass
        for number, code in enumerate((1, 2), 12):
            end.write(end.publish_packet(Report(code, "", 0, "mod"), 1, number))
        await asyncio.to_thread(site.until, lambda: rows(site, "SELECT token FROM downloads"))

    asyncio.run(offered())
    ((token,),) = rows(site, "SELECT token FROM downloads")
    place = f"{site.addresses.device_http}/f/"
    (device,) = site.get("/v1/devices", dk=thief_key)["items"]
    assert httpx.get(place + token).status_code == 200
    for guess in (
        token[:-1],
        token + "A",
        token.swapcase(),
        "A" * len(token),
        token[:-1] + "%00",
        f"{token}/..",
        f"../f/{token}x",
    ):
        assert httpx.get(place + guess).status_code in {400, 404}, guess
    assert httpx.post(place + token).status_code == 405
    site.web.patch(f"/v1/devices/{device['id']}", json={"is_enabled": False})
    assert httpx.get(place + token).status_code == 403
    site.web.patch(f"/v1/devices/{device['id']}", json={"is_enabled": True})
    assert httpx.get(place + token).status_code == 200
    site.clock.advance(4 * 24 * 3600.0)
    assert httpx.get(place + token).status_code in {403, 404}, "the plan is over, and a day more"
