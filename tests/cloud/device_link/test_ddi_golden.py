"""Requests as real clients send them, field for field; typed, not made by our code.

SWUpdate prints its bodies by format strings (``suricatta/server_hawkbit.c``), with blanks in odd places and numbers for
ids; rauc-hawkbit-updater and the Zephyr client send ids as texts, or none; hara-ddiclient asks with ``If-None-Match``.

SWUpdate's feedback and cancel bodies follow its source; the headers and bodies of the others are what the reference
tells of them, and have not been compared with their sources line by line.

Source: hawkbit-ddi 3.2, 3.4, 3.5, 7, 8; SWUpdate 2023.12, suricatta/server_hawkbit.c.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from device_http_rig import Site, run
from moduline.cloud.device_link.ddi import DdiTerms, tokens
from moduline.cloud.devices import service as devices
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.upgrades import people

FIRMWARE = bytes(range(256)) * 40
EVEN = DdiTerms(spread=0)
SWUPDATE = "Content-Type: application/json\r\nAccept: application/json\r\ncharsets: utf-8\r\n"
UPDATER = "Accept: application/json;charset=UTF-8\r\nContent-Type: application/json;charset=UTF-8\r\n"
ZEPHYR = "Content-Type: application/json;charset=UTF-8\r\n"
TIME = "20260821T101530"


@pytest.fixture
def site(file_rig, tmp_path):
    return Site(file_rig, tmp_path / "files", terms=EVEN)


class Wire:
    """A connection that says exactly what it is given."""

    def __init__(self, site, product, token, headers):
        self.site = site
        self.place = f"/{product.pk}/controller/v1/dev1"
        self.headers = f"Host: ota.example.com\r\nAuthorization: TargetToken {token}\r\n{headers}"

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.site.port)
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    async def ask(self, method, path="", body=None, more=""):
        """Status, head and body of the answer; a body waits for its 100 Continue, as curl's does."""
        raw = None if body is None else body.encode()
        if raw is not None:
            more += f"Content-Length: {len(raw)}\r\nExpect: 100-continue\r\n"
        self.writer.write(f"{method} {self.place}{path} HTTP/1.1\r\n{self.headers}{more}\r\n".encode())
        if raw is not None:
            assert (await self._head()).startswith("HTTP/1.1 100 Continue\r\n")
            self.writer.write(raw)
        head = await self._head()
        assert head.startswith("HTTP/1.1 ")
        length = 0
        if method != "HEAD" and "\r\nContent-Length: " in head:
            length = int(head.split("\r\nContent-Length: ")[1].split("\r\n")[0])
        return int(head.split(" ")[1]), head, await asyncio.wait_for(self.reader.readexactly(length), 30)

    async def _head(self):
        return (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 30)).decode()

    def path_of(self, href):
        assert href.startswith(f"http://ota.example.com{self.place}")
        return href.removeprefix(f"http://ota.example.com{self.place}")


def prepared(site, **more):
    """A product with one device that has its own token, and a plan that waits for its version."""
    product = site.rig.product()
    device = site.rig.act(devices.add, product.id, "dev1")
    token = site.rig.act(tokens.issue, device.id)
    plan = site.rig.activated(product, site.upload(FIRMWARE, file="os.swu"), **more)
    return product, token, plan


def state(site, plan):
    (shown,) = site.rig.see(people.page, plan.id).items
    return shown.row.state


def swupdate_feedback(action, finished, execution, details, count=0, of=0):
    return (
        f'{{ "id": {action}, "time": "{TIME}", "status": {{ "result": {{ "progress": {{ "cnt" : {count}, "of" : {of} }}, '
        f'"finished": "{finished}" }}, "execution": "{execution}", "details" : [ {details} ] }} }}'
    )


def swupdate_config(version):
    return (
        f'{{ "id": "", "time": "{TIME}", "status": {{ "result": {{ "finished": "success" }}, "execution": "closed", '
        f'"details" : [ "" ] }}, "data" : {{ "sw_version": "{version}", "hw_revision": "1.0" }} }}'
    )


def test_swupdate_when_it_goes_its_whole_way_then_upgraded(site):
    async def story():
        async with site:
            product, token, plan = prepared(site)
            async with Wire(site, product, token, SWUPDATE) as wire:
                status, _, body = await wire.ask("GET")
                links = json.loads(body)["_links"]
                assert (status, set(links)) == (200, {"configData"})
                assert json.loads(body)["config"]["polling"]["sleep"] == "00:05:00", "strptime %H:%M:%S"
                assert (await wire.ask("PUT", "/configData", swupdate_config("V1")))[0] == 200
                for _ in range(2):  # it polls twice in a row
                    links = json.loads((await wire.ask("GET"))[2])["_links"]
                    status, _, body = await wire.ask("GET", wire.path_of(links["deploymentBase"]["href"]))
                found = json.loads(body)
                action = int(found["id"])
                (chunk,) = found["deployment"]["chunks"]
                (file,) = chunk["artifacts"]
                assert type(file["size"]) is int
                assert file["size"] == len(FIRMWARE)
                assert {type(file[name]) for name in ("filename",)} == {str}
                assert file["_links"]["download-http"]["href"] == file["_links"]["download"]["href"]
                place = f"/deploymentBase/{action}/feedback"
                begun = '"Installing Update Chunk Artifacts."'
                assert (await wire.ask("POST", place, swupdate_feedback(action, "none", "proceeding", begun)))[0] == 200
                assert state(site, plan).status is DeviceStatus.UPGRADING
                where = wire.path_of(file["_links"]["download"]["href"])
                status, head, body = await wire.ask("HEAD", where)
                assert (status, body) == (200, b"")
                assert f"\r\nContent-Length: {len(FIRMWARE)}\r\n" in head
                assert (await wire.ask("GET", where))[2] == FIRMWARE
                tabs = '"[TRACE] : a\tline with a tab", "Installed Chunk."'  # its log lines, not escaped
                told = swupdate_feedback(action, "none", "proceeding", tabs, 1, 1)
                assert (await wire.ask("POST", place, told))[0] == 200
                told = swupdate_feedback(action, "none", "proceeding", " ")
                assert (await wire.ask("POST", place, told))[0] == 200
            async with Wire(site, product, token, SWUPDATE) as wire:  # it has restarted, with -c 2
                told = swupdate_feedback(action, "success", "closed", '"Update Installed."')
                assert (await wire.ask("POST", place, told))[0] == 200
                links = json.loads((await wire.ask("GET"))[2])["_links"]
                assert set(links) == {"installedBase", "configData"}
                assert (await wire.ask("PUT", "/configData", swupdate_config("V2")))[0] == 200
            assert site.rig.counts(plan) == {(0, 2): 1}

    run(story())


def test_swupdate_when_the_plan_is_terminated_then_its_acknowledgement_ends_it(site):
    async def story():
        async with site:
            product, token, plan = prepared(site)
            async with Wire(site, product, token, SWUPDATE) as wire:
                await wire.ask("PUT", "/configData", swupdate_config("V1"))
                links = json.loads((await wire.ask("GET"))[2])["_links"]
                await wire.ask("GET", wire.path_of(links["deploymentBase"]["href"]))
                told = swupdate_feedback(1, "none", "proceeding", '"working"')
                assert (await wire.ask("POST", "/deploymentBase/1/feedback", told))[0] == 200
                site.rig.act(plans.terminate, plan.id)
                links = json.loads((await wire.ask("GET"))[2])["_links"]
                where = wire.path_of(links["cancelAction"]["href"])
                stop = json.loads((await wire.ask("GET", where))[2])
                assert int(stop["cancelAction"]["stopId"]) == int(stop["id"]) == 1
                # it appends /feedback to the link itself
                told = (
                    f'{{ "id": 1, "time": "{TIME}", "status": {{ "result": {{ "finished": "success" }}, '
                    '"execution": "closed", "details" : [ "cancellation acknowledged." ] } }'
                )
                assert (await wire.ask("POST", f"{where}/feedback", told))[0] == 200
                assert json.loads((await wire.ask("GET"))[2])["_links"] == {}
            assert not state(site, plan).is_open

    run(story())


def test_rauc_hawkbit_updater_when_it_goes_its_whole_way_then_upgraded(site):
    async def story():
        async with site:
            product, token, plan = prepared(site)
            async with Wire(site, product, token, UPDATER) as wire:
                attributes = '{"mode":"merge","data":{"product":"Gateway","sw_version":"V1"}}'
                status, head, body = await wire.ask("PUT", "/configData", attributes)
                assert (status, body) == (200, b""), "201 and 204 are failures to it"
                status, head, body = await wire.ask("GET")
                assert "\r\nContent-Type: application/json\r\n" in head
                status, _, body = await wire.ask(
                    "GET", wire.path_of(json.loads(body)["_links"]["deploymentBase"]["href"])
                )
                action = json.loads(body)["id"]
                (file,) = json.loads(body)["deployment"]["chunks"][0]["artifacts"]
                where = wire.path_of(file["_links"]["download-http"]["href"])
                status, head, body = await wire.ask("GET", where, more="Range: bytes=4096-\r\n")
                assert (status, body) == (206, FIRMWARE[4096:])
                for finished, execution, text in [
                    ("none", "proceeding", "Download complete. 1.25 MB/s"),
                    ("none", "proceeding", "File checksum OK."),
                    ("success", "closed", "Software bundle installed successfully."),
                ]:
                    told = (
                        f'{{"id":"{action}","time":"{TIME}","status":{{"result":{{"finished":"{finished}"}},'
                        f'"execution":"{execution}","details":["{text}"]}}}}'
                    )
                    assert (await wire.ask("POST", f"/deploymentBase/{action}/feedback", told))[0] == 200
                assert state(site, plan).status is DeviceStatus.UPGRADING
                await wire.ask("PUT", "/configData", attributes.replace("V1", "V2"))
            assert site.rig.counts(plan) == {(0, 2): 1}

    run(story())


def test_zephyr_when_its_buffers_are_small_then_the_answers_fit(site):
    """640 bytes are received at once, 1,100 kept of an answer; ids end in 0 now and then; no ``time``."""

    async def story():
        async with site:
            product, token, _plan = prepared(site)
            async with Wire(site, product, token, ZEPHYR) as wire:
                attributes = '{"mode":"merge","data":{"VIN":"JH4TB2H26CC000000","hwRevision":"3","sw_version":"V1"}}'
                assert (await wire.ask("PUT", "/configData", attributes))[0] == 200
                _status, _head, body = await wire.ask("GET")
                assert len(body) <= 512
                _status, _, body = await wire.ask(
                    "GET", wire.path_of(json.loads(body)["_links"]["deploymentBase"]["href"])
                )
                assert len(body) <= 1100
                told = '{"id":"1","status":{"execution":"closed","result":{"finished":"success"}}}'
                assert (await wire.ask("POST", "/deploymentBase/1/feedback", told))[0] == 200

    run(story())


def test_hara_ddiclient_when_nothing_has_changed_then_told_so(site):
    async def story():
        async with site:
            product, token, _ = prepared(site)
            async with Wire(site, product, token, "Accept: application/hal+json\r\n") as wire:
                json_type = "Content-Type: application/json; charset=UTF-8\r\n"
                told = '{"data":{"sw_version":"V1"},"id":null,"status":{"execution":"closed","result":{"finished":"success"}}}'
                assert (await wire.ask("PUT", "/configData", told, json_type))[0] == 200
                status, head, body = await wire.ask("GET", more='If-None-Match: ""\r\n')
                assert status == 200
                tag = head.split("\r\nETag: ")[1].split("\r\n")[0]
                status, head, nothing = await wire.ask("GET", more=f"If-None-Match: {tag}\r\n")
                assert (status, nothing) == (304, b"")
                where = wire.path_of(json.loads(body)["_links"]["deploymentBase"]["href"]) + "&actionHistory=-1"
                status, head, body = await wire.ask("GET", where)
                assert json.loads(body)["actionHistory"]["status"] == "RETRIEVED"
                told = (
                    f'{{"id":"1","time":"{TIME}","status":{{"execution":"download","result":{{"progress":{{"of":1,"cnt":0}},'
                    '"finished":"none"},"details":[]}}'
                )
                assert (await wire.ask("POST", "/deploymentBase/1/feedback", told, json_type))[0] == 200
                status, _, _ = await wire.ask("GET", more=f"If-None-Match: W/{tag}\r\n")
                assert status == 304, "the same link as before"

    run(story())


def test_hawkbit_crate_when_it_reads_an_offer_then_every_member_it_insists_on_is_there(site):
    """Rust's types: members that are missing, or of another type, end the client."""

    async def story():
        async with site:
            product, token, _ = prepared(site)
            async with Wire(site, product, token, "Accept: */*\r\n") as wire:
                told = '{"mode":"replace","data":{"sw_version":"V1"}}'
                assert (await wire.ask("PUT", "/configData", told, "Content-Type: application/json\r\n"))[0] == 200
                body = json.loads((await wire.ask("GET"))[2])
                found = json.loads((await wire.ask("GET", wire.path_of(body["_links"]["deploymentBase"]["href"])))[2])
                assert set(found) == {"id", "deployment"}
                assert set(found["deployment"]) == {"download", "update", "chunks"}
                (chunk,) = found["deployment"]["chunks"]
                assert set(chunk) == {"part", "version", "name", "artifacts"}
                (file,) = chunk["artifacts"]
                assert set(file) == {"filename", "hashes", "size", "_links"}
                assert set(file["hashes"]) == {"sha1", "md5", "sha256"}
                assert set(file["_links"]) == {"download", "md5sum", "download-http", "md5sum-http"}
                status, head, sums = await wire.ask("GET", wire.path_of(file["_links"]["md5sum-http"]["href"]))
                assert (status, sums) == (200, f"{file['hashes']['md5']}  os.swu".encode())
                assert "\r\nContent-Disposition: attachment" in head
                told = '{"id":"1","status":{"execution":"proceeding","result":{"finished":"none","progress":{"of":100}},"details":[]}}'
                assert (
                    await wire.ask("POST", "/deploymentBase/1/feedback", told, "Content-Type: application/json\r\n")
                )[0] == 200

    run(story())


def test_client_when_it_speaks_http_1_0_then_links_lead_to_where_it_came(site):
    """Small stacks send no ``Host`` and read until the end."""

    async def story():
        async with site:
            product, token, _ = prepared(site)
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            place = f"/{product.pk}/controller/v1/dev1"
            writer.write(f"GET {place} HTTP/1.0\r\nAuthorization: TargetToken {token}\r\n\r\n".encode())
            head, _, body = (await asyncio.wait_for(reader.read(), 30)).partition(b"\r\n\r\n")
            assert head.split(b" ")[1] == b"200"
            (link,) = json.loads(body)["_links"].values()
            assert link["href"] == f"{site.url}{place}/configData"
            writer.close()

    run(story())
