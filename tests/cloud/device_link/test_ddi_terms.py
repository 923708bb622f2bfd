"""Who speaks for a device, how often it polls, which attribute is its version, whose word counts, and what is believed."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Engine, event

from device_http_rig import Site, run
from moduline.cloud import tables
from moduline.cloud.device_link.ddi import DdiTerms, terms, tokens
from moduline.cloud.device_link.ddi.known import Client as Known
from moduline.cloud.device_link.ddi.memory import Memory
from moduline.cloud.device_link.ddi.polling import Polled
from moduline.cloud.device_link.http_limits import HttpLimits
from moduline.cloud.device_link.rates import Rates
from moduline.cloud.devices import contact
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.device import DeviceFilter
from moduline.cloud.plans.filters import parse_filter
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.upgrades import people
from moduline.errors import BadField, StateForbids

EVEN = DdiTerms(spread=0)
FIRMWARE = b"new firmware"


@pytest.fixture
def site(file_rig, tmp_path):
    return Site(file_rig, tmp_path / "files", terms=EVEN)


def number_of(rig, dk):
    (found,) = [one.id for one in rig.see(devices.page, DeviceFilter(dk=dk)).items if one.dk == dk]
    return found


def change(rig, product, **wanted):
    return rig.act(terms.change, product.id, wanted)


def status(rig, plan):
    (shown,) = rig.see(people.page, plan.id).items
    return shown.row.state.status


# ---- who speaks for a device ----------------------------------------------------------------------------------------


def test_gateway_token_when_a_device_has_proven_its_own_then_speaks_for_it_no_more(site):
    async def story():
        async with site:
            product = site.rig.product()
            by_gateway = site.client(product)
            await by_gateway.poll()
            token = site.rig.act(tokens.issue, number_of(site.rig, "dev1"))
            own = site.client(product, token=f"TargetToken {token}")
            assert (await by_gateway.call("GET"))[0] == 200, "until it has come with its own"
            await own.poll()
            site.http.ddi._memory.forget_all()  # as after a minute
            assert (await by_gateway.call("GET"))[0] == 401
            assert (await own.call("GET"))[0] == 200

    run(story())


def test_gateway_token_when_the_device_speaks_quecthing_then_refused(site):
    """The secret of a product is in every module of it: one that is taken apart opens none of the others."""

    async def story():
        async with site:
            product = site.rig.product()
            site.rig.device(product, "860000000000001")
            assert (await site.client(product, "860000000000001").call("GET"))[0] == 401

    run(story())


def test_token_when_issued_anew_or_taken_back_then_the_old_one_counts_no_more(site):
    async def story():
        async with site:
            product = site.rig.product()
            device = site.rig.act(devices.add, product.id, "dev1")
            old = site.client(product, token=f"TargetToken {site.rig.act(tokens.issue, device.id)}")
            assert (await old.call("GET"))[0] == 200
            await old.tell(sw_version="V1")
            new = site.client(product, token=f"TargetToken {site.rig.act(tokens.issue, device.id)}")
            assert (await old.call("GET"))[0] == 401
            assert (await new.call("GET"))[0] == 200
            site.rig.act(tokens.revoke, device.id)
            assert (await new.call("GET"))[0] == 401
            assert (await site.client(product).call("GET"))[0] == 200

    run(story())


def test_token_when_the_device_has_its_secret_by_quecthing_then_kept(file_rig):
    number = file_rig.device(file_rig.product())
    with pytest.raises(StateForbids):
        file_rig.act(tokens.issue, number)
    with pytest.raises(StateForbids):
        file_rig.act(tokens.revoke, number)


def test_device_when_deleted_or_switched_off_then_out_at_its_next_request(site):
    async def story():
        async with site:
            rig, product = site.rig, site.rig.product()
            off, gone = site.client(product, "off"), site.client(product, "gone")
            for client in (off, gone):
                device = rig.act(devices.add, product.id, client.base.rsplit("/", 1)[1])
                client.headers["Authorization"] = f"TargetToken {rig.act(tokens.issue, device.id)}"
                assert (await client.call("GET"))[0] == 200
            rig.act(devices.change, number_of(rig, "off"), is_enabled=False)
            rig.act(devices.delete, number_of(rig, "gone"))
            for path in ("", "/configData", "/deploymentBase/1", "/softwaremodules/1/artifacts", "/confirmationBase"):
                assert (await off.call("GET", path))[0] == 403, path
                assert (await gone.call("GET", path))[0] == 401, path

    run(story())


@pytest.mark.parametrize("dk", ["aa:bb:cc:dd:ee:ff", "gateway-7.example.com", "7f9c2ba4-e88f-827d-6160-455f9c3f1a3b"])
def test_controller_id_when_longer_than_a_quecthing_key_then_known(site, dk):
    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product, dk)
            await client.poll()
            assert number_of(site.rig, dk)
            assert (await site.client(product, "x" * 65).call("GET"))[0] == 400

    run(story())


# ---- polling --------------------------------------------------------------------------------------------------------


def test_interval_when_the_product_has_one_then_its_clients_are_told(site):
    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            await client.poll()
            change(site.rig, product, poll_s=3661, busy_poll_s=30)
            assert (await client.call("GET"))[1]["config"] == {"polling": {"sleep": "01:01:01"}}
            await client.tell(sw_version="V1")
            site.rig.activated(product, site.upload(FIRMWARE))
            assert (await client.call("GET"))[1]["config"] == {"polling": {"sleep": "00:00:30"}}

    run(story())


def test_device_when_it_polls_by_the_hour_then_online_for_an_hour_and_five_minutes(site):
    async def story():
        async with site:
            product = site.rig.product()
            change(site.rig, product, poll_s=3600)
            client = site.client(product)
            await client.poll()
            for seconds, is_online in ((3890, True), (20, False)):
                site.rig.now += seconds
                site.clock.tick += seconds
                await site.http.ddi.keep_seen()
                assert site.rig.look(number_of(site.rig, "dev1")).is_online is is_online
            await client.poll()
            assert site.rig.look(number_of(site.rig, "dev1")).is_online, "it is back"

    run(story())


@pytest.fixture
def statements():
    """A list that every statement to any database goes into."""
    seen = []

    def note(*args):
        seen.append(args[2])

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def test_poll_when_there_is_nothing_then_no_statement_even_after_five_minutes(site, statements):
    async def story():
        async with site:
            site.clock.step_s = 0.0
            client = site.client(site.rig.product())
            await client.poll()
            await client.tell(sw_version="V1")
            assert await client.poll() == {}
            assert statements
            statements.clear()
            assert await client.poll() == {}
            assert statements == []
            for _ in range(3):
                site.clock.tick += 300.0
                assert await client.poll() == {}
            writes = [text for text in statements if text.split(" ", 1)[0] in {"INSERT", "UPDATE", "DELETE"}]
            assert writes == []

    run(story())


def test_poll_when_somebody_changed_the_device_then_looked_up(site):
    """A tag brings the device into the plan of a filter: its next poll knows."""

    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            await client.poll()
            await client.tell(sw_version="V1")
            site.rig.activated(product, site.upload(FIRMWARE), filter=parse_filter("tag==pilot"))
            assert await client.poll() == {}
            site.rig.act(devices.tag, [number_of(site.rig, "dev1")], {"pilot": ""})
            assert set(await client.poll()) == {"deploymentBase"}

    run(story())


def test_memory_when_full_then_the_oldest_go(site):
    memory = Memory(most=2)
    clients = [Known(at, 1, f"d{at}", is_enabled=True, is_gateway=False) for at in range(3)]
    for client in clients:
        memory.keep_client(("t", client.dk, "h"), client, 0.0)
        memory.keep_answer(client, 7, Polled(), 0.0, 600.0)
    assert [memory.client(("t", one.dk, "h"), 1.0) for one in clients] == [None, *clients[1:]]
    assert [memory.answer(one.device_id, 7, 1.0, 600.0) for one in clients] == [None, Polled(), Polled()]
    assert memory.answer(1, 8, 1.0, 600.0) is None, "its plans have changed"
    assert memory.answer(2, 7, 601.5, 600.0) is None, "it was away"
    memory.forget([1], [])
    assert memory.client(("t", "d1", "h"), 1.0) is None
    memory.forget([], [1])
    assert memory.client(("t", "d2", "h"), 1.0) is None


# ---- versions, and whose word counts --------------------------------------------------------------------------------


def test_version_when_the_product_names_an_attribute_then_no_other_counts(site):
    async def story():
        async with site:
            rig, product = site.rig, site.rig.product()
            change(rig, product, version_attribute="version.os")
            client = site.client(product)
            await client.poll()
            await client.tell(sw_version="7", **{"version.os": "V1", "version.pump": "P1"})
            assert rig.look(number_of(rig, "dev1")).versions == {(0, ""): "V1", (1, "pump"): "P1"}

    run(story())


@pytest.mark.parametrize(
    ("trust", "attributes", "after"),
    [
        ("auto", {"hw": "1"}, DeviceStatus.UPGRADED),
        ("auto", {"sw_version": "V1"}, DeviceStatus.UPGRADING),
        ("always", {"sw_version": "V1"}, DeviceStatus.UPGRADED),
        ("never", {"hw": "1"}, DeviceStatus.UPGRADING),
    ],
)
def test_success_when_no_version_comes_then_counts_as_the_product_says(site, trust, attributes, after):
    async def story():
        async with site:
            rig, product = site.rig, site.rig.product()
            change(rig, product, trust=trust)
            client = site.client(product)
            await client.poll()
            await client.tell(**attributes)
            rig.tell(contact.report_versions, number_of(rig, "dev1"), "V1", None)
            plan = rig.activated(product, site.upload(FIRMWARE))
            action, _ = await client.action()
            assert await client.say(action, "closed", "failure") == 200
            rig.act(people.retry, rig.see(people.page, plan.id).items[0].row.id)
            action, _ = await client.action()
            assert await client.say(action, "proceeding") == 200
            assert await client.say(action, "closed", "success", "done") == 200
            assert status(rig, plan) is after
            assert set(await client.poll()) == {"installedBase", "configData"}
            rig.counts(plan)

    run(story())


def test_terms_when_they_cannot_be_then_refused(file_rig):
    product = file_rig.product()
    for wanted in ({"poll_s": 4}, {"poll_s": 86400}, {"busy_poll_s": -1}, {"version_attribute": "a b"}, {"trust": "x"}):
        with pytest.raises(BadField):
            file_rig.act(terms.change, product.id, wanted)
    assert file_rig.act(terms.change, product.id, {"poll_s": 5}) == terms.ProductTerms(poll_s=5)
    assert file_rig.act(terms.change, product.id, {"poll_s": 0}) == terms.USUAL
    assert file_rig.db.read(lambda conn: conn.execute(tables.ddi_products.select()).all()) == []


# ---- how often ------------------------------------------------------------------------------------------------------


def test_rates_when_spent_then_full_again_in_time():
    rates = Rates(2.0, 3, most=4)
    for _ in range(3):
        assert rates.wait_s("a", 10.0) == 0.0
        rates.spend("a", 10.0)
    assert rates.wait_s("a", 10.0) == pytest.approx(0.5)
    assert rates.wait_s("b", 10.0) == 0.0
    assert rates.wait_s("a", 10.5) == 0.0
    for at in range(100):
        rates.spend(at, 11.0)
    assert len(rates._kept) <= 4


def test_device_when_it_asks_too_often_then_told_when_to_come_again(file_rig, tmp_path):
    site = Site(file_rig, tmp_path / "files", terms=EVEN, limits=HttpLimits(requests_per_s=0.001, burst_requests=5))

    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            answers = [(await client.call("GET"))[0] for _ in range(6)]
            assert answers == [200] * 5 + [429]
            async with site.session.get(client.base, headers=client.headers) as got:
                assert got.status == 429
                assert 900 <= int(got.headers["Retry-After"]) <= 1000
            assert (await site.client(product, "dev2").call("GET"))[0] == 200, "nobody else is to suffer"

    run(story())


def test_address_when_it_guesses_tokens_then_only_who_was_right_before_is_heard(file_rig, tmp_path, monkeypatch):
    limits = HttpLimits(strangers_per_s=0.0001, burst_strangers=10)
    site = Site(file_rig, tmp_path / "files", terms=EVEN, limits=limits)
    monkeypatch.setattr("moduline.cloud.device_link.ddi.routes.is_near", lambda address: False)

    async def story():
        async with site:
            product = site.rig.product()
            good = site.client(product)
            await good.poll()
            guesses = [(await site.client(product, token=f"TargetToken {at}").call("GET"))[0] for at in range(12)]
            assert guesses == [401] * 10 + [429] * 2
            assert (await site.client(product, "new").call("GET"))[0] == 429
            site.clock.tick += 120.0  # who it is has to be looked up again
            assert (await good.call("GET"))[0] == 200

    run(story())


# ---- odd requests of clients that mean well -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", 200),
        ("GET", "?unknown=1&c=7", 200),
        ("GET", "?" + "&".join(f"p{at}=1" for at in range(40)), 200),
        ("GET", "/deploymentBase/1?" + "&".join(f"p{at}=1" for at in range(40)), 400),
        ("GET", "/deploymentBase/1?actionHistory=x", 400),
        ("GET", "/deploymentBase/1/", 404),
        ("GET", "/deploymentBase", 404),
        ("GET", "/nothing", 404),
        ("POST", "", 405),
        ("DELETE", "/configData", 405),
        ("POST", "/configData", 405),
        ("PUT", "/deploymentBase/1/feedback", 405),
        ("GET", "/deploymentBase/1/feedback/more", 404),
        ("GET", "/confirmationBase/activateAutoConfirm", 405),
    ],
)
def test_request_when_a_little_odd_then_answered_as_hawkbit_does(site, method, path, expected):
    async def story():
        async with site:
            client = site.client(site.rig.product())
            await client.poll()
            async with site.session.request(method, client.base + path, headers=client.headers) as got:
                assert got.status == expected
                assert ("Allow" in got.headers) == (expected == 405)

    run(story())


def test_feedback_when_the_action_waits_for_its_user_then_not_there(site):
    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            await client.poll()
            await client.tell(sw_version="V1")
            site.rig.activated(product, site.upload(FIRMWARE), is_silent=False, texts={"en": "new", "zh": "新"})
            (link,) = (await client.poll()).values()
            action = int(link.rsplit("/", 1)[1].split("?")[0])
            assert await client.say(action, "proceeding") == 404
            base = await client.call("GET", "/confirmationBase")
            assert base[1]["_links"]["confirmationBase"]["href"] == link

    run(story())


def test_texts_when_no_database_takes_them_then_kept_readable(rig, tmp_path):
    """NUL and halves of characters, in whatever a client says."""
    site = Site(rig, tmp_path / "files", terms=EVEN)
    odd = "a\0b\ud800"

    async def story():
        async with site:
            product = rig.product()
            client = site.client(product)
            await client.poll()
            assert (await client.call("PUT", "/configData", {"data": {"sw_version": "V1", odd: odd}}))[0] == 200
            assert (await client.call("POST", "/confirmationBase/activateAutoConfirm", {"remark": odd}))[0] == 200
            assert (await client.call("GET", "/confirmationBase"))[0] == 200
            plan = rig.activated(product, site.upload(FIRMWARE))
            action, _ = await client.action()
            assert await client.say(action, "proceeding", "none", odd) == 200
            assert (await client.call("GET", f"/deploymentBase/{action}?actionHistory=-1"))[0] == 200
            assert (await client.call("PUT", "/installedBase", {"name": odd, "version": odd}))[0] == 201
            lines = rig.see(people.log, rig.see(people.page, plan.id).items[0].row.id).items
            assert any("a\u2400b\\ud800" in line.message for line in lines)

    run(story())


def test_requests_when_one_client_sends_them_at_once_then_all_answered_and_counters_hold(site):
    """Trap 10: polls, feedback and attributes overlap."""

    async def story():
        async with site:
            rig, product = site.rig, site.rig.product()
            client = site.client(product)
            await client.poll()
            await client.tell(sw_version="V1")
            plan = rig.activated(product, site.upload(FIRMWARE))
            action, _ = await client.action()
            calls = [client.call("GET") for _ in range(8)]
            calls += [client.say(action, "proceeding", "none", f"{at}") for at in range(8)]
            calls += [
                client.tell(sw_version="V1"),
                client.say(action, "closed", "success"),
                client.tell(sw_version="V2"),
            ]
            await asyncio.gather(*calls, return_exceptions=False)
            await client.tell(sw_version="V2")
            assert rig.counts(plan) == {(0, 2): 1}

    run(story())
