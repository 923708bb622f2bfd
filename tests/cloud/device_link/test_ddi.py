"""The DDI as clients use it: orders of requests, tables of feedback, links that come and go."""

from __future__ import annotations

import asyncio

import cbor2
import pytest

from device_http_rig import Site, md5, run, sha1
from moduline.cloud.device_link.ddi import DdiTerms
from moduline.cloud.devices import contact
from moduline.cloud.devices import service as devices
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.plans.zone import Window
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import people, service

EVEN = DdiTerms(spread=0)
FIRMWARE = bytes(range(256)) * 40


@pytest.fixture
def site(file_rig, tmp_path):
    return Site(file_rig, tmp_path / "files", terms=EVEN)


def row(rig, plan):
    (shown,) = rig.see(people.page, plan.id).items
    return shown.row


def states(rig, plan):
    return {shown.dk: shown.row.state for shown in rig.see(people.page, plan.id).items}


async def offered(site, **more):
    """A known client with a plan for it; its action."""
    product = site.rig.product()
    client = site.client(product)
    await client.poll()
    await client.tell(sw_version="V1")
    plan = site.rig.activated(product, site.upload(FIRMWARE), **more)
    action, deployment = await client.action()
    return client, plan, action, deployment


def test_client_when_all_goes_well_then_upgraded_by_its_version(site):
    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            assert set(await client.poll()) == {"configData"}
            await client.tell(sw_version="V1", hw_revision="1.0")
            assert await client.poll() == {}
            plan = site.rig.activated(product, site.upload(FIRMWARE))

            links = await client.poll()
            assert set(links) == {"deploymentBase"}
            assert links["deploymentBase"].startswith(f"{client.base}/deploymentBase/1?c=")
            _, body = await client.call("GET", links["deploymentBase"])
            (chunk,) = body["deployment"]["chunks"]
            (file,) = chunk["artifacts"]
            assert (body["id"], chunk["part"], chunk["version"]) == ("1", "os", "V2")
            assert (body["deployment"]["download"], body["deployment"]["update"]) == ("forced", "forced")
            assert (file["size"], file["hashes"]["sha1"], file["hashes"]["md5"]) == (
                10240,
                sha1(FIRMWARE),
                md5(FIRMWARE),
            )
            assert set(file["_links"]) == {"download", "download-http", "md5sum", "md5sum-http"}

            assert await client.say(1, "proceeding", "none", "Installation started.") == 200
            assert await client.call("GET", file["_links"]["download-http"]["href"]) == (200, FIRMWARE)
            status, sums = await client.call("GET", file["_links"]["md5sum"]["href"])
            assert (status, sums) == (200, f"{md5(FIRMWARE)}  v2.bin".encode())
            assert site.rig.counts(plan) == {(0, 1): 1}
            assert await client.say(1, "closed", "success", "Update Installed.") == 200
            assert site.rig.counts(plan) == {(0, 1): 1}, "success is the reported version"
            assert set(await client.poll()) == {"configData", "installedBase"}
            await client.tell(sw_version="V2")
            assert site.rig.counts(plan) == {(0, 2): 1}
            assert set(await client.poll()) == {"installedBase"}

    run(story())


# ---- feedback -------------------------------------------------------------------------------------------------------

TABLE = [
    ("closed", "success", DeviceStatus.UPGRADING, None, 410),
    ("closed", "none", DeviceStatus.UPGRADING, None, 410),
    ("closed", "failure", DeviceStatus.FAILED, Reason.INSTALL_FAILED, 410),
    ("canceled", "none", DeviceStatus.FAILED, Reason.CANCELLED, 410),
    ("rejected", "none", DeviceStatus.NOT_UPGRADED, Reason.REFUSED, 410),
    ("download", "none", DeviceStatus.UPGRADING, None, 200),
    ("downloaded", "none", DeviceStatus.UPGRADING, None, 200),
    ("scheduled", "none", DeviceStatus.UPGRADING, None, 200),
    ("resumed", "none", DeviceStatus.UPGRADING, None, 200),
    ("proceeding", "none", DeviceStatus.UPGRADING, None, 200),
]


@pytest.mark.parametrize(("execution", "finished", "status", "reason", "then"), TABLE)
def test_feedback_when_given_then_as_the_table_says(site, execution, finished, status, reason, then):
    async def story():
        async with site:
            client, plan, action, _ = await offered(site)
            assert await client.say(action, execution, finished) == 200
            found = row(site.rig, plan).state
            assert (found.status, found.reason) == (status, reason)
            assert await client.say(action, "proceeding") == then
            assert site.rig.counts(plan) == {(0, int(status)): 1}

    run(story())


def test_feedback_when_the_last_word_comes_twice_then_answered_alike_for_ten_minutes(site):
    async def story():
        async with site:
            client, _, action, _ = await offered(site)
            assert await client.say(action, "closed", "failure", "no space") == 200
            assert await client.say(action, "closed", "failure", "no space") == 200
            assert await client.say(action, "closed", "failure", "other") == 410
            site.rig.now += 601
            assert await client.say(action, "closed", "failure", "no space") == 410

    run(story())


def test_feedback_when_of_another_device_or_no_action_then_not_there(site):
    async def story():
        async with site:
            client, plan, action, _ = await offered(site)
            other = Site.client(site, _Product(client), "dev2", client.headers["Authorization"])
            await other.poll()
            assert await other.say(action, "closed", "failure") == 404
            assert (await other.call("GET", f"/deploymentBase/{action}"))[0] == 404
            assert await client.say(action + 9, "closed", "failure") == 404
            assert states(site.rig, plan)["dev1"].status is DeviceStatus.NOT_UPGRADED

    run(story())


class _Product:
    """The product of a client, as far as its address goes."""

    def __init__(self, client):
        self.pk = client.base.split("/")[3]


def test_feedback_when_the_version_was_told_first_then_still_taken(site):
    async def story():
        async with site:
            client, plan, action, _ = await offered(site)
            assert await client.say(action, "proceeding") == 200
            await client.tell(sw_version="V2")
            assert site.rig.counts(plan) == {(0, 2): 1}
            assert await client.say(action, "closed", "success") == 200
            assert set(await client.poll()) == {"installedBase"}
            status, body = await client.call("GET", f"/installedBase/{action}?actionHistory=-1")
            assert (status, body["actionHistory"]["status"]) == (200, "FINISHED")

    run(story())


def test_feedback_when_the_device_was_told_to_skip_then_nothing_is_installed(site):
    async def story():
        async with site:
            client, plan, action, _ = await offered(site)
            assert await client.say(action, "closed", "success", "Skipped Update.") == 200
            assert row(site.rig, plan).state.status is DeviceStatus.NOT_UPGRADED
            assert (await client.action())[0] == action, "offered again"

    run(story())


def test_feedback_when_hundreds_of_lines_come_then_some_are_kept(site):
    async def story():
        async with site:
            client, plan, action, _ = await offered(site)
            for number in range(230):
                assert await client.say(action, "proceeding", "none", f"line {number}") == 200
            kept = site.rig.see(people.log, row(site.rig, plan).id, limit=1000).items
            assert 200 <= len(kept) <= 206

    run(story())


# ---- offers that come and go ----------------------------------------------------------------------------------------


def test_poll_when_the_push_window_is_closed_then_no_link_at_all(site):
    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            await client.poll()
            await client.tell(sw_version="V1")
            # NOW is 08:00 UTC
            plan = site.rig.activated(product, site.upload(FIRMWARE), windows=(Window(10, 12),))
            assert await client.poll() == {}
            assert row(site.rig, plan).state.reason is Reason.OUTSIDE_WINDOW
            site.rig.now += 2 * 3600
            _, deployment = await client.action()
            assert deployment["maintenanceWindow"] == "available"

    run(story())


def test_offer_when_nobody_takes_it_then_withdrawn_and_the_same_action_comes_again(site):
    async def story():
        async with site:
            client, plan, action, _ = await offered(site)
            site.rig.now += 700
            site.rig.tell(service.due)
            assert not row(site.rig, plan).state.is_open
            assert await client.say(action, "proceeding") == 200, "a late word takes it up again"
            assert row(site.rig, plan).state.status is DeviceStatus.UPGRADING

    run(story())


def test_failed_upgrade_when_tried_again_then_another_action(site):
    async def story():
        async with site:
            client, plan, action, _ = await offered(site)
            assert await client.say(action, "closed", "failure") == 200
            site.rig.act(people.retry, row(site.rig, plan).id)
            again, _ = await client.action()
            assert again == action + 1
            assert await client.say(action, "closed", "success") == 410
            assert await client.say(again, "closed", "success") == 200

    run(story())


def test_plan_when_terminated_before_the_device_read_it_then_over_without_a_word(site):
    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            await client.poll()
            await client.tell(sw_version="V1")
            plan = site.rig.activated(product, site.upload(FIRMWARE))
            assert set(await client.poll()) == {"deploymentBase"}
            site.rig.act(plans.terminate, plan.id)
            assert await client.poll() == {}
            assert row(site.rig, plan).state.reason is Reason.TERMINATED

    run(story())


CANCELS = [
    ("closed", "success", Reason.CANCELLED, set()),
    ("closed", "failure", Reason.INSTALL_FAILED, set()),
    ("rejected", "none", None, {"deploymentBase"}),
    ("proceeding", "none", None, {"cancelAction"}),
]


@pytest.mark.parametrize(("execution", "finished", "reason", "links"), CANCELS)
def test_plan_when_terminated_at_work_then_the_device_is_asked_to_stop(site, execution, finished, reason, links):
    async def story():
        async with site:
            client, plan, action, _ = await offered(site)
            assert await client.say(action, "proceeding") == 200
            assert await client.say(action, "closed", "none", kind="cancelAction") == 405
            site.rig.act(plans.terminate, plan.id)
            asked = await client.poll()
            assert set(asked) == {"cancelAction"}
            expected = {"id": str(action), "cancelAction": {"stopId": str(action)}}
            assert await client.call("GET", asked["cancelAction"]) == (200, expected)
            assert (await client.call("GET", f"/deploymentBase/{action}"))[0] == 404
            assert await client.say(action, "closed", "success", "Skipped Update.") == 200, "SWUpdate does that"
            assert row(site.rig, plan).state.status is DeviceStatus.UPGRADING
            assert await client.say(action, execution, finished, kind="cancelAction") == 200
            assert set(await client.poll()) == links
            if reason is not None:
                assert row(site.rig, plan).state.reason is reason

    run(story())


def test_client_when_it_loads_again_and_again_then_failed_with_a_hint(site):
    async def story():
        async with site:
            client, plan, action, deployment = await offered(site)
            href = deployment["chunks"][0]["artifacts"][0]["_links"]["download"]["href"]
            for _ in range(3):
                assert (await client.call("GET", href))[0] == 200
            assert (await client.call("GET", href))[0] == 404
            found = row(site.rig, plan)
            assert found.state.status is DeviceStatus.FAILED
            assert "3 times" in site.rig.see(people.log, found.id).items[-1].message
            assert await client.say(action, "proceeding") == 410

    run(story())


# ---- the user -------------------------------------------------------------------------------------------------------


async def asked_for_consent(site):
    product = site.rig.product()
    client = site.client(product)
    await client.poll()
    await client.tell(sw_version="V1")
    plan = site.rig.activated(product, site.upload(FIRMWARE), is_silent=False, texts={"en": "new", "zh": "新"})
    links = await client.poll()
    assert set(links) == {"confirmationBase"}
    status, body = await client.call("GET", links["confirmationBase"])
    assert (status, len(body["confirmation"]["chunks"])) == (200, 1)
    return client, plan, int(body["id"])


def test_user_when_saying_yes_on_the_device_then_offered(site):
    async def story():
        async with site:
            client, _, action = await asked_for_consent(site)
            assert (await client.call("GET", f"/deploymentBase/{action}"))[0] == 404
            assert (await client.call("POST", f"/confirmationBase/{action}/feedback", {"confirmation": "confirmed"}))[
                0
            ] == 200
            assert (await client.action())[0] == action

    run(story())


def test_user_when_saying_no_on_the_device_then_asked_again_after_an_hour(site):
    async def story():
        async with site:
            client, _, action = await asked_for_consent(site)
            assert (await client.call("POST", f"/confirmationBase/{action}/feedback", {"confirmation": "denied"}))[
                0
            ] == 200
            assert await client.poll() == {}
            site.rig.now += 3601
            assert set(await client.poll()) == {"confirmationBase"}

    run(story())


def test_user_when_confirming_by_itself_is_on_then_offered_at_the_next_poll(site):
    async def story():
        async with site:
            client, _, action = await asked_for_consent(site)
            assert (await client.call("POST", "/confirmationBase/activateAutoConfirm", {"initiator": "me"}))[0] == 200
            status, body = await client.call("GET", "/confirmationBase")
            assert (status, body["autoConfirm"]["active"], body["autoConfirm"]["initiator"]) == (200, True, "me")
            assert set(body["_links"]) == {"confirmationBase", "deactivateAutoConfirm"}
            assert (await client.action())[0] == action

    run(story())


# ---- who --------------------------------------------------------------------------------------------------------------


def test_token_when_wrong_or_missing_then_refused(site):
    async def story():
        async with site:
            product = site.rig.product()
            other = site.rig.product("other")
            issued = site.rig.tell(contact.authenticate, product.id, "dev1", is_first_only=False)
            for token, status in [
                ("", 401),
                ("GatewayToken wrong", 401),
                (f"GatewayToken {site.secret_of(other)}", 401),
                ("TargetToken", 401),
                (f"TargetToken {site.secret_of(product)}", 401),
                (f"GatewayToken {issued.ds}", 401),
                (f"Basic {issued.ds}", 401),
                (f"TargetToken {issued.ds}", 200),
                (f"targettoken  {issued.ds}", 200),
                (f"GatewayToken {site.secret_of(product)}", 401),  # it has a secret of its own
            ]:
                assert (await site.client(product, "dev1", token or "none").call("GET"))[0] == status, token
            assert (await site.client(product, "new", f"gatewaytoken  {site.secret_of(product)}").call("GET"))[0] == 200
            assert (await site.client(product, "dev2", f"TargetToken {issued.ds}").call("GET"))[0] == 401
            assert (await site.client(other, "dev1", f"TargetToken {issued.ds}").call("GET"))[0] == 401

    run(story())


def test_new_device_when_it_polls_eight_times_at_once_then_known_once(rig, tmp_path):
    site = Site(rig, tmp_path / "files")

    async def story():
        async with site:
            product = rig.product()
            client = site.client(product)
            answers = await asyncio.gather(*(client.call("GET") for _ in range(8)))
            assert [status for status, _ in answers] == [200] * 8
            assert len(rig.see(devices.page).items) == 1

    run(story())


def test_device_when_switched_off_then_stays_out(site):
    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            await client.poll()
            (device,) = site.rig.see(devices.page).items
            site.rig.act(devices.change, device.id, is_enabled=False)
            assert (await client.call("GET"))[0] == 403

    run(story())


def test_file_when_asked_for_by_another_device_of_the_product_then_not_there(site):
    async def story():
        async with site:
            client, _, _, deployment = await offered(site)
            href = deployment["chunks"][0]["artifacts"][0]["_links"]["download"]["href"]
            other = Site.client(site, _Product(client), "dev2", client.headers["Authorization"])
            await other.poll()
            assert (await other.call("GET", href.replace("/dev1/", "/dev2/")))[0] == 404
            assert (await other.call("GET", href.replace("/dev1/", "/dev2/").rsplit("/", 1)[0]))[0] == 404
            assert (await client.call("GET", href, Authorization="none"))[0] == 401
            assert (await client.call("GET", href.rsplit("/", 1)[0]))[1][0]["size"] == len(FIRMWARE)

    run(story())


# ---- what it says of itself -----------------------------------------------------------------------------------------


def test_attributes_when_merged_replaced_and_removed_then_kept_so(site):
    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            await client.poll()
            (device,) = site.rig.see(devices.page).items
            for mode, data, after in [
                ("merge", {"a": "1", "sw_version": "V1"}, {"a": "1", "sw_version": "V1"}),
                ("merge", {"b": "2"}, {"a": "1", "sw_version": "V1", "b": "2"}),
                ("remove", {"a": ""}, {"sw_version": "V1", "b": "2"}),
                ("replace", {"c": "3", "version.pump": "P1"}, {"c": "3", "version.pump": "P1"}),
            ]:
                assert (await client.call("PUT", "/configData", {"mode": mode, "data": data}))[0] == 200
                assert site.rig.look(device.id).facts == after
            assert site.rig.look(device.id).versions == {(0, ""): "V1", (1, "pump"): "P1"}
            many = {f"k{number}": "x" for number in range(101)}
            assert (await client.call("PUT", "/configData", {"data": many}))[0] == 403
            assert (await client.call("PUT", "/configData", {"data": {"x" * 129: "y"}}))[0] == 400

    run(story())


def test_client_when_it_speaks_cbor_then_answered_in_it(site):
    async def story():
        async with site:
            client = site.client(site.rig.product())
            body = cbor2.dumps({"data": {"sw_version": "V1"}})
            kind = {"Content-Type": "application/cbor", **client.headers}
            async with site.session.put(f"{client.base}/configData", data=body, headers=kind) as got:
                assert got.status == 200
            async with site.session.get(client.base, headers={"Accept": "application/cbor", **client.headers}) as got:
                assert got.headers["Content-Type"] == "application/cbor"
                assert cbor2.loads(await got.read())["config"] == {"polling": {"sleep": "00:05:00"}}
            async with site.session.get(
                client.base, headers={"Accept": "application/json;charset=UTF-8", **client.headers}
            ) as got:
                assert got.headers["Content-Type"] == "application/json"

    run(story())


def test_installed_base_when_told_then_created_once(site):
    async def story():
        async with site:
            client = site.client(site.rig.product())
            assert (await client.call("PUT", "/installedBase", {"name": "os", "version": "V7"}))[0] == 201
            assert (await client.call("PUT", "/installedBase", {"name": "os", "version": "V7"}))[0] == 200
            (device,) = site.rig.see(devices.page).items
            assert site.rig.look(device.id).versions == {(0, ""): "V7"}

    run(story())


def test_links_when_a_public_url_is_set_then_begin_with_it(file_rig, tmp_path):
    site = Site(file_rig, tmp_path / "files", public_url="https://ota.example.com/")

    async def story():
        async with site:
            links = await site.client(file_rig.product()).poll()
            assert links["configData"].startswith("https://ota.example.com/p")

    run(story())


def test_device_when_it_polls_no_more_then_offline(site):
    async def story():
        async with site:
            await site.client(site.rig.product()).poll()
            (device,) = site.rig.see(devices.page).items
            assert device.is_online
            await site.http.ddi.keep_seen()
            assert site.rig.look(device.id).is_online
            site.rig.now += 700
            await site.http.ddi.keep_seen()
            assert not site.rig.look(device.id).is_online

    run(story())


def test_rauc_hawkbit_updater_when_it_goes_its_recorded_way_then_upgraded(site):
    """One poll does configData, then deploymentBase; no HEAD; closed right after installing, before the restart."""

    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            client.headers |= {"Accept": "application/json;charset=UTF-8"}
            await client.poll()
            attributes = {"mode": "merge", "data": {"product": "gateway", "sw_version": "V1"}}
            assert await client.call("PUT", "/configData", attributes) == (200, b"")
            plan = site.rig.activated(product, site.upload(FIRMWARE, file="b.raucb"))
            action, deployment = await client.action()
            assert [len(chunk["artifacts"]) for chunk in deployment["chunks"]] == [1], "it takes no more"
            href = deployment["chunks"][0]["artifacts"][0]["_links"]["download-http"]["href"]
            assert (await client.call("GET", href, Range="bytes=4000-"))[0] == 206, "resumed after a loss"
            for text in ("Download complete", "File checksum OK.", "0% Installing"):
                assert await client.say(action, "proceeding", "none", text) == 200
            assert await client.say(action, "closed", "success", "Software bundle installed successfully.") == 200
            assert row(site.rig, plan).state.status is DeviceStatus.UPGRADING
            assert (await client.call("PUT", "/configData", {"data": {"sw_version": "V2"}}))[0] == 200
            assert row(site.rig, plan).state.status is DeviceStatus.UPGRADED

    run(story())
