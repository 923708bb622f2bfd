"""The certificate of all ports: what is refused at the start, and how it is replaced while connections go on."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import threading

import pytest
import trustme

from hand_clock import HandClock
from moduline.cloud.certificate import Certificate
from moduline.errors import BadOption

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def issued(authority):
    """Two certificates of one authority."""
    return [authority.issue_cert(f"{name}.example.com") for name in ("one", "two")]


def written(folder, pair, *, key=None):
    cert, place = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(b"".join(one.bytes() for one in pair.cert_chain_pems))
    place.write_bytes((key or pair).private_key_pem.bytes())
    return cert, place


def name_shown(context, authority):
    """The name in the certificate that a server with this context shows, and the version of TLS."""
    here, there = socket.socketpair()
    trust = ssl.create_default_context()
    trust.check_hostname = False
    authority.configure_trust(trust)
    server = threading.Thread(target=lambda: context.wrap_socket(here, server_side=True).close())
    server.start()
    with trust.wrap_socket(there) as client:
        shown = client.getpeercert()["subjectAltName"][0][1], client.version()
    server.join(60)
    return shown


def test_certificate_when_its_files_change_then_new_connections_see_the_new_one(tmp_path, authority, issued):
    cert, key = written(tmp_path, issued[0])
    told = []
    certificate = Certificate(cert, key, clock=HandClock(NOW), report=told.append)
    assert name_shown(certificate.context, authority) == ("one.example.com", "TLSv1.3")
    assert not certificate.renew()
    written(tmp_path, issued[1])
    assert certificate.renew()
    assert name_shown(certificate.context, authority)[0] == "two.example.com"
    assert [one.slug for one in told] == ["tls.renewed"]


def test_certificate_when_its_key_comes_later_then_the_old_pair_until_then_and_told_once(tmp_path, authority, issued):
    cert, key = written(tmp_path, issued[0])
    told = []
    certificate = Certificate(cert, key, clock=HandClock(NOW), report=told.append)
    written(tmp_path, issued[1], key=issued[0])
    assert [certificate.renew() for _ in range(3)] == [False] * 3
    assert name_shown(certificate.context, authority)[0] == "one.example.com"
    cert.unlink()
    assert not certificate.renew()
    written(tmp_path, issued[1])
    assert certificate.renew()
    assert name_shown(certificate.context, authority)[0] == "two.example.com"
    assert [one.slug for one in told] == ["tls.not-renewed", "tls.not-renewed", "tls.renewed"]


def test_certificate_and_key_when_in_one_file_then_taken(tmp_path, authority, issued):
    (tmp_path / "both.pem").write_bytes(issued[0].private_key_and_cert_chain_pem.bytes())
    certificate = Certificate(tmp_path / "both.pem", None, clock=HandClock(NOW))
    assert name_shown(certificate.context, authority)[0] == "one.example.com"


def broken(folder, issued):
    """Certificate, key and what is said, by what is wrong."""
    from cryptography.hazmat.primitives import serialization

    cert, key = written(folder, issued[0])
    (folder / "other.pem").write_bytes(issued[1].private_key_pem.bytes())
    (folder / "text.pem").write_text("no certificate")
    (folder / "cut.pem").write_bytes(cert.read_bytes()[:300])
    locked = serialization.load_pem_private_key(key.read_bytes(), None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (folder / "locked.pem").write_bytes(locked)
    return [
        (cert, folder / "other.pem", "--tls-key: the key in .*other.pem does not belong"),
        (cert, folder / "text.pem", "--tls-key: .*text.pem holds no private key"),
        (cert, cert, "--tls-key: .*cert.pem holds no private key"),
        (cert, folder / "locked.pem", "--tls-key: the key in .*locked.pem has a passphrase"),
        (cert, folder / "absent.pem", "--tls-key: .*absent.pem: No such file"),
        (folder / "text.pem", key, "--tls-cert: .*text.pem holds no certificate"),
        (folder / "cut.pem", key, "--tls-cert: .*cut.pem holds no certificate"),
        (key, key, "--tls-cert: .*key.pem holds no certificate"),
        (folder / "absent.pem", key, "--tls-cert: .*absent.pem: No such file"),
        (folder, key, "--tls-cert: "),
    ]


def test_certificate_when_it_is_none_or_has_another_key_then_said_which_file(tmp_path, issued):
    for cert, key, said in broken(tmp_path, issued):
        with pytest.raises(BadOption, match=said):
            Certificate(cert, key, clock=HandClock(NOW))


def test_context_when_made_then_nothing_below_tls_1_2_and_ciphers_as_asked_for(tmp_path, authority, issued):
    cert, key = written(tmp_path, issued[0])
    usual = Certificate(cert, key, clock=HandClock(NOW)).context
    assert usual.minimum_version is ssl.TLSVersion.TLSv1_2
    old = Certificate(cert, key, clock=HandClock(NOW), ciphers="ECDHE+AESGCM:AES128-SHA").context
    names = [{one["name"] for one in context.get_ciphers()} for context in (usual, old)]
    assert ["AES128-SHA" in one for one in names] == [False, True]
    with pytest.raises(BadOption, match="--tls-ciphers"):
        Certificate(cert, key, clock=HandClock(NOW), ciphers="NO-SUCH")


def test_module_when_it_knows_only_the_oldest_suite_then_let_in_if_it_was_named(tmp_path, authority):
    pair = authority.issue_cert("old.example.com", key_type=trustme.KeyType.RSA)
    cert, key = written(tmp_path, pair)
    module = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    module.maximum_version = ssl.TLSVersion.TLSv1_2
    module.set_ciphers("AES128-SHA")
    for ciphers, cipher in (("", None), ("ECDHE+AESGCM:ECDHE+AES:AES128-SHA", "AES128-SHA")):
        context = Certificate(cert, key, clock=HandClock(NOW), ciphers=ciphers).context
        assert agreed(context, module) == cipher


def agreed(context, module):
    """The suite that both ends agree on, or None; all in memory."""
    module.check_hostname, module.verify_mode = False, ssl.CERT_NONE
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [module.wrap_bio(down, up), context.wrap_bio(up, down, server_side=True)]
    for _ in range(10):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return None
    return ends[0].cipher()[0]


def test_certificate_when_it_ends_soon_then_told_while_it_is_watched(tmp_path, authority):
    pair = authority.issue_cert("short.example.com", not_after=dt.datetime(2027, 1, 20, tzinfo=dt.UTC))
    told = asyncio.Queue()
    clock = HandClock(NOW)  # 2027-01-15 08:00:00 UTC

    async def story():
        certificate = Certificate(*written(tmp_path, pair), clock=clock, report=told.put_nowait)
        watching = asyncio.create_task(certificate.watch())
        said = await asyncio.wait_for(told.get(), 60)
        watching.cancel()
        return said

    said = asyncio.run(story())
    assert (said.slug, said.facts) == ("tls.ends-soon", {"seconds": 4 * 86400 + 16 * 3600})
