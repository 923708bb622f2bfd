"""Downloads by address: what a module's own HTTP client can read, who may load what, and what the upgrade hears."""

from __future__ import annotations

import asyncio
import contextlib
import io
import random

import pytest

from device_http_rig import Site, run, sha1
from moduline.cloud.device_link.files import ADDRESS_LIMIT, address
from moduline.cloud.device_link.http_limits import HttpLimits
from moduline.cloud.devices import service as devices
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import people
from moduline.errors import StorageFailed

FIRMWARE = random.Random(4).randbytes(300_000)


@pytest.fixture
def site(file_rig, tmp_path):
    return Site(file_rig, tmp_path / "files")


def told(site, content=FIRMWARE):
    """A QuecThing device that was told where its file is: token, device, plan."""
    rig = site.rig
    product = rig.product()
    device = rig.device(product)
    plan = rig.activated(product, site.upload(content))
    rig.online(device)
    rig.request(device, "V1")
    (url,) = rig.status(device, 2)
    return url.files[0].token, device, plan


async def raw(site, text):
    """Bytes of an answer to a request as it is, on a connection that the server may keep open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(text.encode("latin-1"))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    body = await asyncio.wait_for(reader.readexactly(length), 30) if not text.startswith("HEAD") else b""
    writer.close()
    return head, body


def row(rig, plan):
    (shown,) = rig.see(people.page, plan.id).items
    return shown.row


def test_module_when_it_loads_as_recorded_then_its_own_client_can_read_the_answer(site):
    async def story():
        async with site:
            token, _, _ = told(site)
            asked = (
                f"GET /f/{token} HTTP/1.1\r\nHost:127.0.0.1\r\nAccept-Ranges: bytes\r\nRange: bytes=0-299999\r\n\r\n"
            )
            head, body = await raw(site, asked)
            assert head.startswith(b"HTTP/1.1 206 Partial Content\r\n")
            assert b"\r\nContent-Length: 300000\r\n" in head
            assert b"\r\nContent-Range: bytes 0-299999/300000\r\n" in head
            assert b"chunked" not in head.lower()
            assert b"content-encoding" not in head.lower()
            assert body == FIRMWARE
            head, body = await raw(site, f"GET /f/{token} HTTP/1.1\r\nHost:127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nContent-Length: 300000\r\n" in head
            assert (b"content-encoding" in head.lower(), body) == (False, FIRMWARE)

    run(story())


def test_file_when_loaded_in_pieces_or_looked_at_then_the_same_bytes_and_headers(site):
    async def story():
        async with site:
            token, _, _ = told(site)
            whole = b""
            for first in range(0, 300_000, 70_001):
                last = min(first + 70_000, 299_999)
                head, body = await raw(
                    site, f"GET /f/{token} HTTP/1.1\r\nHost: x\r\nRange: bytes={first}-{last}\r\n\r\n"
                )
                assert b" 206 " in head
                whole += body
            assert whole == FIRMWARE
            head, _ = await raw(site, f"HEAD /f/{token} HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"\r\nContent-Length: 300000\r\n" in head
            assert f'\r\nETag: "{sha1(FIRMWARE)}"\r\n'.encode() in head
            async with site.session.get(f"{site.url}/f/{token}", headers={"Range": "bytes=300000-"}) as got:
                assert (got.status, got.headers["Content-Range"], await got.read()) == (416, "bytes */300000", b"")
            async with site.session.get(
                f"{site.url}/f/{token}", headers={"If-None-Match": f'"{sha1(FIRMWARE)}"'}
            ) as got:
                assert (got.status, await got.read()) == (304, b"")
            async with site.session.post(f"{site.url}/f/{token}") as got:
                assert got.status == 405

    run(story())


def test_store_when_it_is_no_folder_then_streamed_the_same(site):
    class Elsewhere:
        def open_here(self, key):
            return None

        def open(self, key):
            with site.store.open(key) as file:
                return io.BytesIO(file.read())

    site.served = Elsewhere()

    async def story():
        async with site:
            token, _, _ = told(site)
            head, body = await raw(site, f"GET /f/{token} HTTP/1.1\r\nHost: x\r\nRange: bytes=7-\r\n\r\n")
            assert b"\r\nContent-Length: 299993\r\n" in head
            assert body == FIRMWARE[7:]

    run(story())


def test_download_when_the_store_fails_in_the_middle_then_cut_off_and_the_upgrade_knows(site):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 100_000:
                raise StorageFailed(path="far", reason="not what it was")
            return super().read(min(size, 60_000))

    class Elsewhere:
        def open_here(self, key):
            return None

        def open(self, key):
            with site.store.open(key) as file:
                return Failing(file.read())

    site.served = Elsewhere()

    async def story():
        async with site:
            token, _, plan = told(site)
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(f"GET /f/{token} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            assert b"\r\nContent-Length: 300000\r\n" in head
            body = b""
            with contextlib.suppress(ConnectionError):
                while got := await asyncio.wait_for(reader.read(65_536), 30):
                    body += got
            assert len(body) < 300_000
            assert FIRMWARE.startswith(body)
            writer.close()
            for _ in range(300):
                if row(site.rig, plan).state.components[0].broken is Reason.DOWNLOAD_TIMEOUT:
                    break
                await asyncio.sleep(0.1)
            assert row(site.rig, plan).state.components[0].broken is Reason.DOWNLOAD_TIMEOUT

    run(story())


def test_address_when_its_time_is_over_then_denied_and_the_upgrade_knows_why(site):
    async def story():
        async with site:
            token, _, plan = told(site)
            end = plan.plan.end_at + 24 * 3600
            site.rig.now = end - 1
            assert (await raw(site, f"GET /f/{token} HTTP/1.1\r\nHost: x\r\n\r\n"))[0].startswith(b"HTTP/1.1 200")
            site.rig.now = end + 1
            assert (await raw(site, f"GET /f/{token} HTTP/1.1\r\nHost: x\r\n\r\n"))[0].startswith(b"HTTP/1.1 403")
            (current,) = row(site.rig, plan).state.components
            assert current.broken is Reason.URL_EXPIRED

    run(story())


def test_device_when_it_is_switched_off_then_loads_no_more(site):
    async def story():
        async with site:
            token, device, _ = told(site)
            site.rig.act(devices.change, device, is_enabled=False)
            assert (await raw(site, f"GET /f/{token} HTTP/1.1\r\nHost: x\r\n\r\n"))[0].startswith(b"HTTP/1.1 403")

    run(story())


def test_download_when_the_device_goes_away_then_the_upgrade_knows(site):
    async def story():
        async with site:
            token, _, plan = told(site, FIRMWARE * 60)
            _, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(f"GET /f/{token} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await writer.drain()
            writer.transport.abort()
            for _ in range(300):
                if row(site.rig, plan).state.components[0].broken is Reason.DOWNLOAD_TIMEOUT:
                    break
                await asyncio.sleep(0.1)
            assert row(site.rig, plan).state.components[0].broken is Reason.DOWNLOAD_TIMEOUT

    run(story())


def test_peer_when_it_reads_nothing_then_cut_off(file_rig, tmp_path):
    site = Site(file_rig, tmp_path / "files", limits=HttpLimits(slice_s=0.3, least_bytes_per_s=1 << 30))

    async def story():
        async with site:
            token, _, plan = told(site, FIRMWARE * 60)
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1024)
            writer.write(f"GET /f/{token} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            for _ in range(600):
                if row(site.rig, plan).state.components[0].broken is Reason.DOWNLOAD_TIMEOUT:
                    break
                await asyncio.sleep(0.1)
            assert row(site.rig, plan).state.components[0].broken is Reason.DOWNLOAD_TIMEOUT
            writer.transport.abort()

    run(story())


def test_peer_when_it_never_ends_a_head_then_cut_off(file_rig, tmp_path):
    site = Site(file_rig, tmp_path / "files", limits=HttpLimits(header_s=0.3))

    async def story():
        async with site:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(b"GET /f/x HTTP/1.1\r\nX: ")
            assert await asyncio.wait_for(reader.read(), 30) == b""
            writer.close()

    run(story())


def test_address_when_one_peer_has_too_many_connections_then_no_more(file_rig, tmp_path):
    site = Site(file_rig, tmp_path / "files", limits=HttpLimits(per_address=2))

    async def story():
        async with site:
            first = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(2)]
            for _, writer in first:
                writer.write(b"GET /f/x HTTP/1.1\r\nHost: x\r\n\r\n")
            for reader, _ in first:
                assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 404")
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(b"GET /f/x HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await asyncio.wait_for(reader.readuntil(b"\r\n"), 30)
            for _, one in (*first, (reader, writer)):
                one.close()

    run(story())


def test_device_when_it_loads_five_times_at_once_then_the_fifth_waits(file_rig, tmp_path):
    site = Site(file_rig, tmp_path / "files", limits=HttpLimits(downloads_per_device=1))

    async def story():
        async with site:
            token, _, _ = told(site, FIRMWARE * 60)
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1024)
            writer.write(f"GET /f/{token} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            assert (await raw(site, f"GET /f/{token} HTTP/1.1\r\nHost: x\r\n\r\n"))[0].startswith(b"HTTP/1.1 429")
            writer.transport.abort()

    run(story())


def test_address_when_made_then_short_and_plain():
    made = address("https://ota.example.com", "a" * 32)
    assert made == "https://ota.example.com/f/" + "a" * 32
    assert len(made) <= ADDRESS_LIMIT
