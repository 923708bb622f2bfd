"""A platform whose files are in a bucket: upload, plan, download by a device, patch jobs' store, collector."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from cloud_job_rig import Shop
from moduline.cloud.app import make_platform
from moduline.cloud.artifacts import making
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.settings import Settings
from moduline.cloud.stores import open_store
from moduline.delta import apply, read_side
from moduline.errors import NoSuchObject, StoreUnusable
from moduline.formats import patch
from moduline.package.stock import read_stock
from ota_fleet import Fleet
from ota_site import OtaSite
from quecthing_device import Flash
from update_rig import NEW, OLD, firmware

pytestmark = pytest.mark.xdist_group("s3")
FIRMWARE = random.Random(5).randbytes(1_200_000)
DAY_S = 86400.0


@pytest.mark.parametrize("near", [64, pytest.param(0, marks=pytest.mark.sweep)])
def test_platform_when_its_files_are_in_a_bucket_then_devices_are_upgraded_and_the_collector_clears_up(
    s3, tmp_path, near
):
    data = tmp_path / "ota"
    site = OtaSite(data, store=s3.url(near=near))
    fleet = Fleet(site.addresses.mqtt)
    try:
        product, secret = site.product()
        package = site.package(content=FIRMWARE)
        unused = site.package("fw-v3", "V3", content=b"never wanted")
        site._answer(site.web.delete(f"/v1/artifacts/{unused['id']}"), 200)
        plan = site.activate(site.plan(product, package))
        devices = [fleet.add(Flash(product["pk"], secret, f"dev{number}")) for number in range(3)]
        site.until(lambda: site.counters(plan) == {"upgraded": 3})
        assert [one.flash.installs for one in devices] == [["V2"]] * 3
        store = site.platform.store
        key, lost = package["files"][0]["sha256"], unused["files"][0]["sha256"]
        assert {one.key for one in store.stored()} == {key, lost}
        assert not (data / "files").exists()
        newest = max(one.written_at for one in store.stored())
        site.turn(max(newest + DAY_S + 5 - site.clock.now_s(), DAY_S + 5))
        site.until(lambda: [one.key for one in store.stored()] == [key])
        with pytest.raises(NoSuchObject):
            store.open(lost)
        assert "schedule.failed" not in {one.slug for one in site.notices}
    finally:
        fleet.stop()
        site.stop()


def test_patch_when_its_packages_are_in_a_bucket_then_made_and_kept_there(s3, file_rig, tmp_path):
    shop = Shop(file_rig, tmp_path, store=open_store(s3.url(near=0), tmp_path / "data"))
    old, new = (shop.package(name, version, firmware(version)) for name, version in (("v1", OLD), ("v2", NEW)))
    job = shop.done(shop.rig.act(making.start, old.id, new.id))
    assert (job.state, job.reason) == ("done", None)
    made = shop.rig.see(artifacts.by_id, job.result["artifact_id"])
    keys = {one.artifact.files[0].digests.sha256 for one in (old, new, made)}
    assert {one.key for one in shop.store.stored()} == keys
    applied = apply(read_side(firmware(OLD)), patch.read(shop.data(made)))
    assert read_stock(applied).images == read_stock(firmware(NEW)).images


def test_platform_when_its_bucket_is_not_there_then_it_does_not_start(s3, tmp_path):
    settings = Settings(tmp_path / "ota", http_port=0, device_http_port=0, mqtt_port=0)
    wrong = make_platform(replace(settings, store=f"s3://not-there?endpoint={s3.endpoint}"))
    with pytest.raises(StoreUnusable, match="no such bucket"):
        asyncio.run(wrong.start())
