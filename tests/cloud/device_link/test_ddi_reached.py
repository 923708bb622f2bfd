"""What links of the DDI begin with: by HTTP, by TLS here, by TLS that a proxy ended, with and without a public URL."""

from __future__ import annotations

import ssl

import pytest
import trustme

from device_http_rig import Site, run
from moduline.cloud.device_link.proxies import Proxies

NAMED = Proxies.of(["127.0.0.0/8"])


def link(file_rig, folder, *, port_of_tls=False, **asked):
    """The beginning of a link in an answer, with PORT for the port that was called."""
    public_url, proxies, headers = (asked.get(name) for name in ("public_url", "proxies", "headers"))
    site = Site(file_rig, folder / "files", public_url=public_url or "", proxies=proxies)
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    async def story():
        async with site:
            secure = await site.http.listen("127.0.0.1", 0, context)
            client = site.client(site.rig.product())
            port, url = site.port, client.base
            if port_of_tls:
                port, url = secure, url.replace(f"http://127.0.0.1:{port}", f"https://localhost:{secure}")
            words = {name: value.replace("PORT", str(port)) for name, value in (headers or {}).items()}
            async with site.session.get(url, headers=client.headers | words, ssl=trust) as got:
                assert got.status == 200
                found = (await got.json())["_links"]["configData"]["href"]
            assert "/controller/v1/" in found
            return "/".join(found.split("/")[:3]).replace(str(port), "PORT")

    return run(story())


@pytest.mark.parametrize(
    ("public_url", "headers", "expected"),
    [
        ("", {}, "https://localhost:PORT"),
        ("", {"Host": "gate.example:8443"}, "https://gate.example:8443"),
        ("http://ota.example.com", {}, "https://ota.example.com:PORT"),
        ("http://ota.example.com/", {"Host": "OTA.example.com:8443"}, "https://ota.example.com:8443"),
        ("http://ota.example.com:8311", {"Host": "ota.example.com"}, "https://ota.example.com"),
        ("http://[2001:db8::1]:8311", {"Host": "[2001:db8::1]:PORT"}, "https://[2001:db8::1]:PORT"),
        ("http://ota.example.com", {"Host": "ota.example.com:nonsense"}, "https://ota.example.com:PORT"),
        ("https://ota.example.com", {}, "https://ota.example.com"),
        ("https://ota.example.com:9443/", {"Host": "ota.example.com:8443"}, "https://ota.example.com:9443"),
    ],
)
def test_links_when_the_client_came_by_tls_then_it_stays_with_it(file_rig, tmp_path, public_url, headers, expected):
    assert link(file_rig, tmp_path, port_of_tls=True, public_url=public_url, headers=headers) == expected


@pytest.mark.parametrize(
    ("public_url", "headers", "expected"),
    [
        ("http://ota.example.com", {"Host": "ota.example.com"}, "https://ota.example.com"),
        ("http://ota.example.com:8311", {"Host": "ota.example.com:8443"}, "https://ota.example.com:8443"),
        ("http://ota.example.com:8311", {"Host": "127.0.0.1:PORT"}, "https://ota.example.com"),
        ("https://ota.example.com:9443", {"Host": "127.0.0.1:PORT"}, "https://ota.example.com:9443"),
    ],
)
def test_links_when_a_named_proxy_ended_tls_then_https(file_rig, tmp_path, public_url, headers, expected):
    headers = headers | {"X-Forwarded-Proto": "https"}
    assert link(file_rig, tmp_path, public_url=public_url, headers=headers, proxies=NAMED) == expected


@pytest.mark.parametrize("public_url", ["http://ota.example.com:8311", "https://ota.example.com"])
def test_links_when_somebody_else_says_that_tls_was_ended_then_as_the_operator_said(file_rig, tmp_path, public_url):
    headers = {"X-Forwarded-Proto": "https", "Host": "ota.example.com:1"}
    assert link(file_rig, tmp_path, public_url=public_url, headers=headers) == public_url
