"""The DDI as clients use it: orders of requests, tables of feedback, links that come and go."""

from __future__ import annotations

import pytest

from device_http_rig import Site, md5, run, sha1
from moduline.cloud.upgrades import people

FIRMWARE = bytes(range(256)) * 40


@pytest.fixture
def site(file_rig, tmp_path):
    return Site(file_rig, tmp_path / "files")


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
