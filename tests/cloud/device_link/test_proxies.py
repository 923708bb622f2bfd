"""Whose word on a request's origin is taken: of named proxies, and of what they wrote themselves."""

from __future__ import annotations

import asyncio

import pytest

from device_http_rig import Site, run
from moduline.cloud.device_link.http_limits import HttpLimits
from moduline.cloud.device_link.proxies import Proxies
from moduline.errors import BadField

NAMED = Proxies.of(["10.0.0.0/8", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("peer", "came_for", "came_by", "origin"),
    [
        ("198.51.100.7", ["203.0.113.9"], ["https"], ("198.51.100.7", "http")),
        ("10.0.0.1", ["203.0.113.9"], ["https"], ("203.0.113.9", "https")),
        ("10.0.0.1", ["1.2.3.4, 203.0.113.9, 10.0.0.2"], ["https, http"], ("203.0.113.9", "http")),
        ("10.0.0.1", ["1.2.3.4", "203.0.113.9"], ["http", "https"], ("203.0.113.9", "https")),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], [], ("10.0.0.3", "http")),
        ("10.0.0.1", [], [], ("10.0.0.1", "http")),
        ("10.0.0.1", [""], ["gopher"], ("10.0.0.1", "http")),
        ("10.0.0.1", ["203.0.113.9, unknown"], [], ("10.0.0.1", "http")),
        ("10.0.0.1", ["203.0.113.9, unknown, 10.0.0.2"], [], ("10.0.0.2", "http")),
        ("2001:db8::1", ["2001:db9::5"], [], ("2001:db9::5", "http")),
        ("::ffff:10.0.0.1", ["203.0.113.9"], [], ("203.0.113.9", "http")),
        ("", ["203.0.113.9"], [], ("", "http")),
        ("not an address", ["203.0.113.9"], [], ("not an address", "http")),
    ],
)
def test_origin_when_asked_for_then_the_first_from_the_end_that_is_no_named_proxy(peer, came_for, came_by, origin):
    assert NAMED.origin(peer, "http", came_for, came_by) == origin


def test_origin_when_no_proxy_is_named_then_the_peer():
    assert Proxies().origin("127.0.0.1", "http", ["203.0.113.9"], ["https"]) == ("127.0.0.1", "http")


@pytest.mark.parametrize("given", ["", "10.0.0.1/8", "proxy.example.com", "10.0.0.0/33"])
def test_proxies_when_one_is_no_network_then_refused(given):
    with pytest.raises(BadField, match="trusted_proxies"):
        Proxies.of([given])


@pytest.mark.parametrize(("named", "link"), [([], "http://"), (["127.0.0.0/8"], "https://")])
def test_links_when_a_proxy_ended_tls_then_as_it_says_only_if_it_is_named(file_rig, tmp_path, named, link):
    site = Site(file_rig, tmp_path / "files", proxies=Proxies.of(named))

    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            headers = client.headers | {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
            async with site.session.get(client.base, headers=headers) as got:
                assert got.status == 200
                return (await got.json())["_links"]["configData"]["href"]

    assert run(story()).startswith(link)


def test_downloads_when_they_come_by_one_named_proxy_then_counted_by_who_is_behind_it(file_rig, tmp_path):
    limits = HttpLimits(downloads_per_address=1, per_address=2)
    site = Site(file_rig, tmp_path / "files", proxies=Proxies.of(["127.0.0.1"]), limits=limits)
    content = bytes(30_000_000)

    async def story():
        async with site:
            product = site.rig.product()
            device = site.rig.device(product)
            site.rig.activated(product, site.upload(content))
            site.rig.online(device)
            site.rig.request(device, "V1")
            (said,) = site.rig.status(device, 2)
            answers, peers = [], []
            for origin in ("203.0.113.9", "203.0.113.9", "203.0.113.10", "203.0.113.11"):
                reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1024)
                asked = f"GET /f/{said.files[0].token} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {origin}\r\n\r\n"
                writer.write(asked.encode())
                answers.append((await asyncio.wait_for(reader.readuntil(b"\r\n"), 30))[9:12])
                peers.append(writer)
            for writer in peers:
                writer.transport.abort()
            return answers

    assert run(story()) == [b"200", b"429", b"200", b"200"]
