"""Clients that are not ours update themselves from the platform on loopback: SWUpdate, and the class of rauc-hawkbit."""

from __future__ import annotations

import sys

import pytest

import swupdate_client
from device_http_rig import Site, md5, run
from moduline.cloud.device_link.ddi import DdiTerms
from moduline.cloud.devices import contact
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import people
from swupdate_client import SwUpdate

QUICK = DdiTerms(sleep_s=1, busy_s=1, spread=0)
PAYLOAD = b"the new root file system\n" * 4000


@pytest.fixture
def site(file_rig, tmp_path):
    return Site(file_rig, tmp_path / "files", terms=QUICK)


@pytest.fixture
def signed_by(tmp_path):
    if sys.platform != "linux":
        pytest.skip("SWUpdate is for Linux")
    swupdate_client.found()
    return swupdate_client.signer(tmp_path)


def state(rig, plan):
    items = rig.see(people.page, plan.id).items
    return items[0].row.state if items else None


def words(rig, plan):
    (shown,) = rig.see(people.page, plan.id).items
    return [line.message for line in rig.see(people.log, shown.row.id, limit=500).items]


def test_swupdate_when_a_plan_is_for_it_then_installs_restarts_and_is_upgraded(site, signed_by, tmp_path):
    async def story():
        async with site:
            rig = site.rig
            product = rig.product()
            secret = site.secret_of(product)
            installed = tmp_path / "installed.bin"
            swu = swupdate_client.image(signed_by, PAYLOAD, installed)
            plan = rig.activated(product, site.upload(swu, file="os.swu", target="2.0.0"))
            more = {"tenant": product.pk, "token": secret}
            async with SwUpdate(tmp_path, site.port, **more) as client:
                await client.until(lambda: "All Chunks Installed." in " ".join(words_or_none(rig, plan)), "installed")
            assert installed.read_bytes() == PAYLOAD
            assert state(rig, plan).status is DeviceStatus.UPGRADING, "it restarts before it says a last word"
            async with SwUpdate(tmp_path, site.port, version="2.0.0", confirm=2, **more) as client:
                await client.until(lambda: state(rig, plan).status is DeviceStatus.UPGRADED, "upgraded")
            assert rig.counts(plan) == {(0, 2): 1}

    run(story())


def words_or_none(rig, plan):
    return words(rig, plan) if rig.see(people.page, plan.id).items else []


def test_swupdate_when_it_says_that_the_update_failed_then_failed(site, signed_by, tmp_path):
    async def story():
        async with site:
            rig = site.rig
            product = rig.product()
            secret = site.secret_of(product)
            swu = swupdate_client.image(signed_by, PAYLOAD, tmp_path / "installed.bin")
            damaged = swu[:-700] + bytes([swu[-700] ^ 1]) + swu[-699:]
            plan = rig.activated(product, site.upload(damaged, file="os.swu", target="2.0.0"))
            async with SwUpdate(tmp_path, site.port, tenant="DEFAULT", token=secret) as client:
                await client.until(lambda: failed(state(rig, plan)), "failed")
            assert state(rig, plan).reason is Reason.INSTALL_FAILED

    run(story())


def failed(found):
    return found is not None and found.status is DeviceStatus.FAILED


def test_rauc_hawkbit_when_a_plan_is_for_it_then_one_whole_round(site, tmp_path):
    deployment_module = pytest.importorskip("rauc_hawkbit.ddi.deployment_base", reason="rauc-hawkbit is not installed")
    client_module = pytest.importorskip("rauc_hawkbit.ddi.client", reason="rauc-hawkbit is not installed")

    async def story():
        async with site:
            rig = site.rig
            product = rig.product()
            host = f"127.0.0.1:{site.port}"
            secret = rig.tell(contact.authenticate, product.id, "dev2", is_first_only=False).ds
            client = client_module.DDIClient(site.session, host, False, secret, product.pk, "dev2")
            done, ok = client_module.ConfigStatusExecution.closed, client_module.ConfigStatusResult.success
            base, result = deployment_module.DeploymentStatusExecution, deployment_module.DeploymentStatusResult
            assert "configData" in (await client())["_links"]
            await client.configData(done, ok, sw_version="V1")
            plan = rig.activated(product, site.upload(PAYLOAD, file="bundle.raucb"))
            link = (await client())["_links"]["deploymentBase"]["href"]
            action, resource = link.split("/")[-1].split("?c=")
            job = await client.deploymentBase[action](resource)
            (file,) = job["deployment"]["chunks"][0]["artifacts"]
            where = tmp_path / "bundle.raucb"
            assert await client.get_binary(file["_links"]["download-http"]["href"], where) == md5(PAYLOAD)
            assert where.read_bytes() == PAYLOAD
            await client.deploymentBase[action].feedback(base.closed, result.success, ["installed"])
            await client.configData(done, ok, sw_version="V2")
            assert rig.counts(plan) == {(0, 2): 1}

    run(story())
