"""Hostile peers at the devices' HTTP port: whatever comes, a refusal with a length goes out, and nothing is changed."""

from __future__ import annotations

import asyncio
import json
import random
import string

import cbor2
import pytest

from cloud_rig import Rig
from device_http_rig import Site, run
from moduline.cloud.device_link.ddi import words
from moduline.cloud.device_link.http_answers import Refusal
from moduline.cloud.devices import service as devices
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.plans.states import PlanState
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import people, service

FIRMWARE = b"new firmware"
ODD = ["", ".", "..", "%00", "%2F", "%2e%2e", "%ff", "%25", "é", "\\", "'", '"', ";", "?", "#", "f", "dev1", "DEFAULT"]
ODD += ["controller", "v1", "deploymentBase", "cancelAction", "confirmationBase", "installedBase", "configData", "-1"]
ODD += ["softwaremodules", "artifacts", "feedback", "1", "0", "2147483648", "9" * 40, "1e3", "x" * 300, "v2.bin", "%20"]


@pytest.fixture
def site(file_rig, tmp_path):
    return Site(file_rig, tmp_path / "files")


async def answered(reader, *, has_body=True):
    """Status of one answer; its body has the length that it says."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    assert b"chunked" not in head.lower()
    is_told = has_body and b"Content-Length: " in head
    length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]) if is_told else 0
    await asyncio.wait_for(reader.readexactly(length), 30)
    return int(head.split(b" ")[1])


async def ask(site, raw):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(raw)
    try:
        return await answered(reader, has_body=not raw.startswith(b"HEAD"))
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0  # cut off, as good as a refusal
    finally:
        writer.close()


def path_of(lot, product):
    parts = [lot.choice([*ODD, product.pk]) for _ in range(lot.randrange(1, 9))]
    if lot.random() < 0.7:
        parts = [lot.choice([product.pk, "DEFAULT", lot.choice(ODD)]), "controller", "v1", "dev1", *parts[4:]]
    return "/" + "/".join(parts)


def body_of(lot):
    words_ = [
        "closed",
        "success",
        "none",
        "failure",
        "proceeding",
        "canceled",
        "rejected",
        None,
        1,
        [],
        {},
        True,
        1.5,
        "x",
    ]

    def value(depth):
        kind = lot.randrange(6 if depth < 4 else 3)
        if kind < 3:
            return lot.choice([*words_, "€" * lot.randrange(50), 2**70, -1])
        if kind == 3:
            return [value(depth + 1) for _ in range(lot.randrange(4))]
        names = [
            "status",
            "execution",
            "result",
            "finished",
            "details",
            "data",
            "mode",
            "confirmation",
            "name",
            "version",
        ]
        return {lot.choice(names): value(depth + 1) for _ in range(lot.randrange(5))}

    raw = lot.choice([json.dumps, lambda one: cbor2.dumps(one).decode("latin-1")])(value(0)).encode(
        "latin-1", "replace"
    )
    if lot.random() < 0.4:
        at = lot.randrange(len(raw) + 1)
        raw = raw[:at] + lot.randbytes(lot.randrange(6)) + raw[at + lot.randrange(4) :]
    return raw


def test_port_when_two_thousand_odd_requests_come_then_refused_and_nothing_changes(site):
    lot = random.Random(20260821)

    async def story():
        async with site:
            rig = site.rig
            product = rig.product()
            client = site.client(product)
            await client.poll()
            await client.tell(sw_version="V1")
            rig.activated(product, site.upload(FIRMWARE))
            good = client.headers["Authorization"]
            seen = set()
            for number in range(2000):
                method = lot.choice(["GET", "GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "BREW"])
                token = lot.choice(
                    ["", "Basic x", good[:-1], "GatewayToken " + "".join(lot.choices(string.printable[:94], k=9))]
                )
                body = body_of(lot) if method in {"PUT", "POST"} else b""
                kind = lot.choice(["application/json", "application/cbor", "text/plain", ""])
                range_ = lot.choice(
                    ["", "Range: bytes=0-\r\n", f"Range: {lot.choice(ODD)}\r\n", "Range: bytes=9-1,2-3\r\n"]
                )
                raw = (
                    f"{method} {path_of(lot, product)} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n{range_}"
                    f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
                ).encode() + body
                status = await ask(site, raw)
                seen.add(status)
                assert status == 0 or 400 <= status < 500, (number, raw, status)
            assert {400, 401, 404} <= seen
            (device,) = rig.see(devices.page).items
            assert rig.look(device.id).versions == {(0, ""): "V1"}
            assert (await client.action())[0] == 1

    run(story())


def test_body_when_it_is_anything_then_a_value_or_one_kind_of_refusal():
    lot = random.Random(7)
    statuses = []
    for _ in range(2000):
        raw, kind = body_of(lot), lot.choice([words.JSON, words.CBOR])
        try:
            body = words.read_body(raw, kind)
            lot.choice([words.feedback_of, words.config_of, words.consent_of])(body)
        except Refusal as said:
            statuses.append(said.status)
    assert set(statuses) <= {400, 403}
    assert 1000 < len(statuses) < 2000


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 60_000,
        b'{"data":' * 8000,
        b'{"data":NaN}',
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b"{}{}",
        b"[]",
        b"",
    ],
)
def test_json_when_broken_or_deep_then_refused(raw):
    with pytest.raises(Refusal):
        words.config_of(words.read_body(raw, words.JSON))


@pytest.mark.parametrize(
    "raw",
    [
        b"\x81" * 60_000,
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\xd8\x1d\x18\x63",
        b"\xd8\x23\x62\x28\x28",
        b"\xa1\x80\x00",
        b"\xa1\xa0\x00",
        b"\xa0\xa0",
        b"\xff",
        b"",
    ],
)
def test_cbor_when_broken_or_deep_then_refused(raw):
    with pytest.raises(Refusal):
        words.config_of(words.read_body(raw, words.CBOR))


def test_body_when_too_large_or_never_sent_then_refused(site):
    async def story():
        async with site:
            client = site.client(site.rig.product())
            await client.poll()
            auth = client.headers["Authorization"]
            path = client.base.split("/", 3)[3]
            head = f"PUT /{path}/configData HTTP/1.1\r\nHost: x\r\nAuthorization: {auth}\r\nContent-Type: application/json\r\n"
            assert await ask(site, (head + "Content-Length: 200000\r\n\r\n").encode() + b" " * 200_000) in {0, 413}
            assert await ask(site, head.encode() + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}   \r\n0\r\n\r\n") == 400
            assert await ask(site, b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n") in {0, 400, 414}

    run(story())


def test_client_when_it_expects_to_be_told_to_go_on_then_told(site):
    async def story():
        async with site:
            client = site.client(site.rig.product())
            await client.poll()
            auth, body = client.headers["Authorization"], b'{"data": {"sw_version": "V1"}}'
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(
                f"PUT /{client.base.split('/', 3)[3]}/configData HTTP/1.1\r\nHost: x\r\nAuthorization: {auth}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).startswith(b"HTTP/1.1 100 Continue\r\n")
            writer.write(body)
            assert await answered(reader) == 200
            writer.close()

    run(story())


ACTS = [
    "poll",
    "read",
    "proceeding",
    "load",
    "success",
    "failure",
    "rejected",
    "canceled",
    "stop",
    "refuse",
    "new",
    "old",
]
ACTS += ["terminate", "suspend", "resume", "later", "much later", "retry"]


@pytest.mark.parametrize("seed", range(8))
def test_upgrade_when_anything_happens_in_any_order_then_it_comes_to_an_end(tmp_path_factory, seed):
    lot = random.Random(seed)
    acts = [lot.choice(ACTS) for _ in range(14)]
    folder = tmp_path_factory.mktemp("any")
    rig = Rig(folder / "ota.db")
    site = Site(rig, folder / "files")

    async def story():
        async with site:
            product = rig.product()
            client = site.client(product)
            await client.poll()
            await client.tell(sw_version="V1")
            plan = rig.activated(product, site.upload(FIRMWARE))
            before = DeviceStatus.NOT_UPGRADED
            for act in acts:
                await happen(site, client, plan, act)
                before = held(rig, plan, before)
            if rig.see(plans.by_id, plan.id).state in {PlanState.RUNNING, PlanState.SUSPENDED}:
                rig.act(plans.terminate, plan.id)
            for _ in range(6):  # nobody says a word any more
                rig.now += 3600
                rig.tell(service.due)
                before = held(rig, plan, before)
            (shown,) = rig.see(people.page, plan.id).items
            assert not shown.row.state.is_open, acts
            if shown.row.state.status is DeviceStatus.FAILED:
                assert isinstance(shown.row.state.reason, Reason)

    try:
        run(story())
    finally:
        rig.close()


async def happen(site, client, plan, act):
    rig = site.rig
    (shown,) = rig.see(people.page, plan.id).items
    state = rig.see(plans.by_id, plan.id).state.name
    sayings = {"proceeding": ("proceeding", "none"), "success": ("closed", "success"), "failure": ("closed", "failure")}
    sayings |= {"rejected": ("rejected", "none"), "canceled": ("canceled", "none")}
    if act == "poll":
        await client.poll()
    elif act == "read":
        assert (await client.call("GET", "/deploymentBase/1"))[0] in {200, 404}
    elif act == "load":
        listed = await client.call("GET", "/softwaremodules/1/artifacts")
        if listed[0] == 200:
            await client.call("GET", listed[1][0]["_links"]["download"]["href"])
    elif act in sayings:
        assert await client.say(1, *sayings[act]) in {200, 404, 410}
    elif act in {"stop", "refuse"}:
        said = ("closed", "success") if act == "stop" else ("rejected", "none")
        assert await client.say(1, *said, kind="cancelAction") in {200, 404, 405, 410}
    elif act in {"new", "old"}:
        await client.tell(sw_version="V2" if act == "new" else "V1")
    elif act in {"later", "much later"}:
        rig.now += 61 if act == "later" else 1900
        rig.tell(service.due)
    elif act == "retry":
        if shown.row.state.status is DeviceStatus.FAILED and shown.row.state.over is None and state == "RUNNING":
            rig.act(people.retry, shown.row.id)
    elif (act, state) in {("suspend", "RUNNING"), ("resume", "SUSPENDED"), ("terminate", "RUNNING")}:
        rig.act({"suspend": plans.suspend, "resume": plans.resume, "terminate": plans.terminate}[act], plan.id)


def held(rig, plan, before):
    """Invariants 5 and 10, and a deadline for everything that is open."""
    rig.counts(plan)
    (shown,) = rig.see(people.page, plan.id).items
    state = shown.row.state
    assert not state.is_open or state.deadline is not None
    if state.status is DeviceStatus.UPGRADED and before is not DeviceStatus.UPGRADED:
        assert state.versions.module == "V2"
    return state.status
