"""The seed's script on a virtual module against the whole platform, over loopback: two halves by two authors meet.

Source: seed 003; ota-semantics 13.1.
"""

import asyncio
import json
from functools import partial

import pytest

from onboard.sdk.sdk_bench import MAIN, bench, restart, start
from ota_site import OtaSite
from transcripts.board import run

PACKAGE = bytes(range(256)) * 100


class Served:
    """The platform as ``sdk_bench.bench`` wants one."""

    def __init__(self, site):
        self.url = f"mqtt://127.0.0.1:{site.addresses.mqtt}"


@pytest.fixture
def site(tmp_path):
    site = OtaSite(tmp_path / "ota")
    yield site
    site.stop()


def script_for(product, ps, action=1):
    text = MAIN.replace("'p111xt','V2VUei9ZVWt2SnpL'", f"'{product['pk']}', '{ps}'")
    assert text != MAIN
    return text.replace("otaAction(1)", f"otaAction({action})")


async def aside(work, *arguments, **names):
    """Something that waits, beside the module."""
    return await asyncio.get_running_loop().run_in_executor(None, partial(work, *arguments, **names))


async def online(site, product):
    def is_known():
        found = site.get("/v1/devices", product=product["id"], is_online=True)["items"]
        return len(found) == 1 and bool(found[0]["versions"])

    await aside(site.until, is_known)


def test_seed_when_the_platform_is_the_real_one_then_upgraded(site):
    async def story():
        product, ps = await aside(site.product)
        script = script_for(product, ps)
        async with bench(Served(site)) as board:
            await start(board, script)
            await online(site, product)
            package = await aside(site.package, content=PACKAGE)
            plan = await aside(site.plan, product, package)
            await aside(site.activate, plan)
            assert await board.client.ask("Qth.otaRequest()") == "True\n"
            await board.client.until(b"otaPlan: [(0, 'mod', ")
            async with asyncio.timeout(60):
                await board.dead.wait()
            assert board.unit.packages == [PACKAGE]
            await restart(board, "V2", script)
            await board.client.until(b"fotaResult: mod True\r\n")
            await aside(site.until, lambda: site.counters(plan) == {"upgraded": 1})

    run(story, 200)


def test_device_when_sent_to_another_platform_that_adopted_it_then_it_comes_in_with_the_secret_it_has(site, tmp_path):
    """From one platform to another, each by its own word: export, import, 0x00B4, password form 1, an upgrade there."""
    other = OtaSite(tmp_path / "other")

    def adopted(product, ps):
        got = site.web.get("/v1/devices/export/secrets", params={"product": product["id"], "form": "jsonl"})
        (line,) = got.text.splitlines()
        there = other.post("/v1/products", name="meter", pk=product["pk"], ps=ps)
        done = other.post("/v1/devices/adopt", product=there["id"], devices=[json.loads(line)])
        assert (done["new"], done["secrets"]) == (1, 1)
        return there

    def secret(where):
        (found,) = where.platform.db.read(lambda conn: conn.exec_driver_sql("SELECT ds FROM devices").all())
        return found[0]

    async def story():
        product, ps = await aside(site.product)
        async with bench(Served(site)) as board:
            await start(board, script_for(product, ps))
            await online(site, product)
            there = await aside(adopted, product, ps)
            before = secret(site)
            (device,) = (await aside(site.get, "/v1/devices"))["items"]
            to = {"devices": [device["id"]], "host": "127.0.0.1", "port": other.addresses.mqtt}
            trial = await aside(site.post, "/v1/devices/move", is_trial=True, **to)
            assert trial == {"told": [device["id"]], "offline": [], "busy": []}
            assert await aside(site.post, "/v1/devices/move", **to) == trial
            await online(other, there)
            assert (secret(other), secret(site)) == (before, before)
            assert site.get("/v1/devices", is_online=True)["items"] == []
            again = await aside(site.post, "/v1/devices/move", **to)
            assert again == {"told": [], "offline": [device["id"]], "busy": []}
            plan = await aside(other.plan, there, await aside(other.package, content=PACKAGE))
            await aside(other.activate, plan)
            assert await board.client.ask("Qth.otaRequest()") == "True\n"
            async with asyncio.timeout(60):
                await board.dead.wait()
            assert board.unit.packages == [PACKAGE]

    try:
        run(story, 200)
    finally:
        other.stop()


def test_seed_when_it_refuses_then_the_platform_says_so(site):
    async def story():
        product, ps = await aside(site.product)
        async with bench(Served(site)) as board:
            await start(board, script_for(product, ps, 0))
            await online(site, product)
            plan = await aside(site.plan, product, await aside(site.package, content=PACKAGE))
            await aside(site.activate, plan)
            await board.client.ask("Qth.otaRequest()")
            await board.client.until(b"otaPlan: ")

            def is_refused():
                (upgrade,) = site.upgrades(plan).values()
                return any("refused" in line.lower() for line in site.log(upgrade))

            await aside(site.until, is_refused)
            assert await aside(site.counters, plan) == {"not_upgraded": 1}

    run(story, 200)


def test_package_of_three_files_when_planned_then_the_module_gets_them_in_their_order(site):
    """A list (id 20) from one half to the other."""
    parts = [bytes([number]) * (4000 + number) for number in (3, 1, 2)]

    def artifact():
        files = []
        for number, part in enumerate(parts, 1):
            sent = site._answer(site.web.put(f"/v1/artifacts/files/fw.mini_{number}.bin", content=part), 201)
            files.append({"name": f"fw.mini_{number}.bin", "sha256": sent["sha256"]})
        return site.post("/v1/artifacts", name="three", target="V2", files=files)

    async def story():
        product, ps = await aside(site.product)
        script = script_for(product, ps)
        async with bench(Served(site)) as board:
            await start(board, script)
            await online(site, product)
            plan = await aside(site.plan, product, await aside(artifact))
            await aside(site.activate, plan)
            await board.client.ask("Qth.otaRequest()")
            async with asyncio.timeout(60):
                await board.dead.wait()
            assert board.unit.packages == [b"".join(parts)]
            await restart(board, "V2", script)
            await board.client.until(b"fotaResult: mod True\r\n")
            await aside(site.until, lambda: site.counters(plan) == {"upgraded": 1})

    run(story, 200)


@pytest.mark.parametrize("is_trusted", [True, False])
def test_seed_when_the_platform_speaks_tls_alone_then_upgraded_by_who_trusts_it(tmp_path, monkeypatch, is_trusted):
    trustme = pytest.importorskip("trustme", reason="certificates of these tests are made by trustme")
    authority, other = trustme.CA(), trustme.CA()
    pair = authority.issue_cert("localhost", "127.0.0.1")
    (tmp_path / "cert.pem").write_bytes(b"".join(one.bytes() for one in pair.cert_chain_pems))
    (tmp_path / "key.pem").write_bytes(pair.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    trusted = (authority if is_trusted else other).cert_pem.bytes().decode()
    files = {"tls_cert": tmp_path / "cert.pem", "tls_key": tmp_path / "key.pem"}
    site = OtaSite(
        tmp_path / "ota", has_plain=False, mqtts_port=0, device_https_port=0, public_url="http://localhost", **files
    )

    class Secured:
        url = f"mqtts://localhost:{site.addresses.mqtts}"

    async def story():
        product, ps = await aside(site.product)
        script = script_for(product, ps)
        async with bench(Secured()) as board:
            await board.client.raw(f"with open('/usr/qth_ca.pem', 'w') as file:\n    file.write({trusted!r})\n")
            if not is_trusted:
                watch = script.replace(
                    "Qth.start()", "seen = []\nQth.setEventCb({'devEvent': lambda *a: seen.append(a)})"
                )
                await start(board, watch + "\nQth.start()\n")
                await board.client.raw("import utime\nwhile not seen:\n    utime.sleep_ms(20)\n", 60)
                assert await board.client.ask("seen[0]") == "(1, -17921)\n"
                assert (await aside(site.get, "/v1/devices", product=product["id"]))["items"] == []
                return
            await start(board, script)
            await online(site, product)
            settings = {"scheme": "https"}
            change = {"json": {"settings": settings}}
            site._answer(await aside(site.web.patch, f"/v1/products/{product['id']}", **change), 200)
            plan = await aside(site.plan, product, await aside(site.package, content=PACKAGE))
            await aside(site.activate, plan)
            await board.client.ask("Qth.otaRequest()")
            async with asyncio.timeout(60):
                await board.dead.wait()
            assert board.unit.packages == [PACKAGE]
            await restart(board, "V2", script)
            await aside(site.until, lambda: site.counters(plan) == {"upgraded": 1})

    try:
        run(story, 200)
    finally:
        site.stop()
