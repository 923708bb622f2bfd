"""A platform with a certificate: devices, downloads and people over TLS, other people's clients, a new certificate."""

from __future__ import annotations

import http.client
import json
import queue
import shutil
import signal
import ssl
import subprocess
import sys

import pytest
import trustme
from paho.mqtt import client as paho
from sqlalchemy import select

from moduline.cli import main
from moduline.cloud import tables
from moduline.cloud.settings import Settings
from moduline.errors import BadField
from moduline.wire.quecthing import credentials
from moduline.wire.quecthing.credentials import DeviceName
from ota_site import OtaSite

WAIT_S = 60.0
FLEET = "[fleet]\ntime_scale = 30.0\nrate = 500.0\n[[kind]]\nname = 'meter'\nboot_s = 1\ndecide_s = 0.2\n"
CONTENT = bytes(range(256)) * 800


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def trust(authority, tmp_path, monkeypatch):
    """What clients trust; httpx reads it from the environment."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return ssl.create_default_context(cafile=tmp_path / "ca.pem")


@pytest.fixture
def files(authority, tmp_path):
    """Options of a platform with a certificate for loopback."""
    return written(authority, tmp_path)


def written(authority, folder, *more):
    pair = authority.issue_cert("127.0.0.1", *more)
    (folder / "cert.pem").write_bytes(b"".join(one.bytes() for one in pair.cert_chain_pems))
    (folder / "key.pem").write_bytes(pair.private_key_pem.bytes())
    return {"tls_cert": folder / "cert.pem", "tls_key": folder / "key.pem", "mqtts_port": 0, "device_https_port": 0}


def names_of(trust, port):
    """Names in the certificate that a port shows."""
    peer = http.client.HTTPSConnection("127.0.0.1", port, timeout=WAIT_S, context=trust)
    peer.connect()
    shown = {name for _, name in peer.sock.getpeercert()["subjectAltName"]}
    peer.close()
    return shown


def port_of(url):
    return int(url.rpartition(":")[2])


class Paho:
    """A device by somebody else's MQTT client over TLS."""

    def __init__(self, product, secret, ca):
        name = DeviceName(product["pk"], "860000000000009")
        self.name = credentials.client_id(name)
        self.happened = queue.Queue()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, self.name, protocol=paho.MQTTv311)
        self.client.username_pw_set("device", credentials.first_password(name, secret, "A1b2C3d4E5f6G7h8").decode())
        trust = ssl.create_default_context(cafile=ca)
        trust.maximum_version = ssl.TLSVersion.TLSv1_2  # as modules have it
        self.client.tls_set_context(trust)
        self.client.on_connect = lambda c, u, flags, reason, p: self.happened.put(str(reason))
        self.client.on_subscribe = lambda c, u, mid, codes, p: self.happened.put([str(one) for one in codes])

    def reach(self, port):
        self.client.connect("127.0.0.1", port, 60)
        self.client.loop_start()
        return self.happened.get(timeout=WAIT_S)

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


def test_fleet_when_all_is_tls_then_upgraded_by_https_and_other_clients_load_the_same(tmp_path, trust, files):
    site = OtaSite(tmp_path / "ota", has_plain=False, **files)
    try:
        assert site.addresses.api.startswith("https://")
        assert (site.addresses.mqtt, site.addresses.device_http) == (0, "")
        assert site.addresses.public_url == site.addresses.device_https
        product, secret = site.product()
        site._answer(site.web.patch(f"/v1/products/{product['id']}", json={"settings": {"scheme": "https"}}), 200)
        plan = site.activate(site.plan(product, site.package(content=CONTENT)))
        (tmp_path / "fleet.toml").write_text(FLEET)
        words = ["--server", f"mqtts://127.0.0.1:{site.addresses.mqtts}", "--ca", str(tmp_path / "ca.pem")]
        words += ["--fleet", str(tmp_path / "fleet.toml"), "--count", "5", "--until-done", "--for", "100"]
        assert main.run(["fleet", "run", *words, "--product", product["pk"], "--secret", secret]) == 0
        site.until(lambda: site.counters(plan) == {"upgraded": 5})
        token = site.platform.db.read(lambda conn: conn.execute(select(tables.downloads.c.token)).scalars().first())
        port = port_of(site.addresses.device_https)
        peer = http.client.HTTPSConnection("127.0.0.1", port, timeout=WAIT_S, context=trust)
        peer.request("GET", f"/f/{token}", headers={"Range": "bytes=1000-"})
        answer = peer.getresponse()
        assert (answer.status, answer.read()) == (206, CONTENT[1000:])
        peer.close()
        curl = shutil.which("curl")
        if curl is None:
            pytest.skip("curl is not installed; the rest was tried")
        words = [curl, "-sS", "--max-time", "60", "--tls-max", "1.2", "--cacert", str(tmp_path / "ca.pem")]
        loaded = subprocess.run(
            [*words, f"https://127.0.0.1:{port}/f/{token}"], capture_output=True, timeout=WAIT_S, check=False
        )
        assert (loaded.returncode, loaded.stdout) == (0, CONTENT), loaded.stderr
        assert [one.slug for one in site.notices] == []
    finally:
        site.stop()


def test_certificate_when_it_is_renewed_then_new_connections_have_it_and_old_ones_go_on(
    tmp_path, authority, trust, files
):
    site = OtaSite(tmp_path / "ota", **files)
    device = None
    try:
        assert site.addresses.mqtt > 0
        product, secret = site.product()
        device = Paho(product, secret, tmp_path / "ca.pem")
        assert device.reach(site.addresses.mqtts) == "Success"
        ports = [site.addresses.mqtts, port_of(site.addresses.device_https), port_of(site.addresses.api)]
        assert [names_of(trust, port) for port in ports] == [{"127.0.0.1"}] * 3
        written(authority, tmp_path, "new.example.com")
        assert site.platform.certificate.renew()
        assert [names_of(trust, port) for port in ports] == [{"127.0.0.1", "new.example.com"}] * 3
        device.client.subscribe(f"q/1/d/{device.name}/+", 1)
        assert device.happened.get(timeout=WAIT_S) == ["Granted QoS 1"]
        assert "tls.renewed" in {one.slug for one in site.notices}
    finally:
        if device is not None:
            device.leave()
        site.stop()


def test_device_when_it_speaks_plain_to_the_tls_port_or_an_old_tls_then_turned_away(tmp_path, trust, files):
    site = OtaSite(tmp_path / "ota", **files)
    try:
        for port in (site.addresses.mqtts, port_of(site.addresses.device_https)):
            peer = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
            peer.request("GET", "/")
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                peer.getresponse()
            peer.close()
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.set_ciphers("AES128-SHA@SECLEVEL=0")
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises((ssl.SSLError, ConnectionError)):
                names_of(old, port)
        assert names_of(trust, port) == {"127.0.0.1"}
    finally:
        site.stop()


def test_process_when_told_by_sighup_then_it_reads_its_certificate_anew(tmp_path, authority, trust, files):
    words = ["--http-port", "0", "--device-http-port", "0", "--mqtt-port", "0", "--mqtts-port", "0", "--jsonl"]
    words += ["--device-https-port", "0", "--tls-cert", str(files["tls_cert"]), "--tls-key", str(files["tls_key"])]
    serve = subprocess.Popen(
        [sys.executable, "-m", "moduline", "ota", "serve", "--data", str(tmp_path / "ota"), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        ready = json.loads(serve.stdout.readline())
        assert names_of(trust, ready["mqtts"]) == {"127.0.0.1"}
        written(authority, tmp_path, "new.example.com")
        serve.send_signal(signal.SIGHUP)
        told = b""
        while b"tls.renewed" not in told:
            told = serve.stdout.readline()
            assert told, "ended"
        assert names_of(trust, ready["mqtts"]) == {"127.0.0.1", "new.example.com"}
    finally:
        serve.terminate()
        serve.communicate(timeout=WAIT_S)
    assert serve.returncode == 0


@pytest.mark.parametrize(
    ("settings", "plain", "secure"),
    [
        ({}, "http://127.0.0.1:8311", "https://127.0.0.1:8311"),
        ({"host": "::1"}, "http://[::1]:8311", "https://[::1]:8311"),
        ({"tls_cert": "c"}, "http://127.0.0.1:8311", "https://127.0.0.1:8443"),
        ({"tls_cert": "c", "has_plain": False}, "https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ({"public_url": "http://ota.example.com/"}, "http://ota.example.com", "https://ota.example.com"),
        ({"public_url": "https://ota.example.com"}, "https://ota.example.com", "https://ota.example.com"),
        (
            {"public_url": "http://ota.example.com:8311", "tls_cert": "c"},
            "http://ota.example.com:8311",
            "https://ota.example.com:8443",
        ),
        (
            {"public_url": "https://ota.example.com:8443", "tls_cert": "c", "has_plain": False},
            "https://ota.example.com:8443",
            "https://ota.example.com:8443",
        ),
    ],
)
def test_address_of_downloads_when_asked_for_then_where_devices_of_each_scheme_get_it(
    tmp_path, settings, plain, secure
):
    known = Settings(tmp_path, **settings)
    assert (known.device_url, known.device_https_url) == (plain, secure)


def test_settings_when_tls_alone_is_wanted_without_a_certificate_then_refused(tmp_path):
    with pytest.raises(BadField, match="certificate"):
        Settings(tmp_path, has_plain=False)
