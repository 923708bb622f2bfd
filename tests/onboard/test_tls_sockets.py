"""``ussl`` and ``https`` against a TLS server of the standard library with certificates made here.

Source: device-api 12.1; micropython-runtime 9.
"""

import asyncio
import ssl
import time

import pytest

from moduline.vmodule.world.network import NetworkPlan
from transcripts.online import Server, echo, eventually, online

trustme = pytest.importorskip("trustme", reason="certificates of these tests are made by trustme")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


def server_context(authority, **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("www.example.com").configure_cert(context)
    for name, value in options.items():
        setattr(context, name, value)
    return context


def with_tls(authority, story, talk=echo, **options):
    """Run ``story(client, server)`` on a module whose www.example.com:443 is a TLS server; ``ca`` and ``s`` are set."""

    async def whole(client, board, network):
        async with Server(talk, ssl=server_context(authority, **options)) as server:
            network.plan.aliases["www.example.com"] = f"127.0.0.1:{server.port}"
            await client.raw(
                f"ca = {authority.cert_pem.bytes().decode()!r}\n"
                "import usocket, ussl, utime\n"
                "def connected():\n"
                "    s = usocket.socket()\n"
                "    s.connect(usocket.getaddrinfo('www.example.com', 443)[0][-1])\n"
                "    return s\n"
            )
            await story(client, server)

    online(whole, NetworkPlan(aliases={}))


def test_wrap_socket_without_certificates_checks_nobody_and_has_the_methods_of_a_socket(authority):
    async def story(client, server):
        await client.ask("s = ussl.wrap_socket(connected(), server_hostname='anything.at.all')")
        assert await client.ask("s.send('one\\ntwo')") == "7\n"
        assert await client.ask("s.readline(), s.read(2), s.recv(5)") == "(b'one\\n', b'tw', b'o')\n"
        assert await client.ask("s.getsocketsta()") == "4\n"
        await client.ask("s.settimeout(0.1)")
        assert "ETIMEDOUT" in await client.ask("s.recv(1)")
        await client.ask("s.setblocking(False)")
        assert "EAGAIN" in await client.ask("s.recv(1)")
        assert await client.ask("s.read(1)") == ""
        await client.ask("s.close()")
        assert await client.ask("s.getsocketsta()") == "-1\n"
        async with asyncio.timeout(30):
            await server.ended.wait()

    with_tls(authority, story)


def test_certificate_when_it_fits_is_accepted_and_the_name_is_checked(authority):
    async def story(client, server):
        await client.ask("s = ussl.wrap_socket(connected(), server_hostname='www.example.com', ca=ca)")
        assert await client.ask("s.write('x'), s.read(1)") == "(1, b'x')\n"
        said = await client.ask("ussl.wrap_socket(connected(), server_hostname='www.example.org', ca=ca)")
        assert said.rstrip().rpartition("\n")[2].startswith("OSError")

    with_tls(authority, story)


@pytest.mark.parametrize("option", ["ca", "cert", "ca_certs"])
def test_certificate_of_somebody_else_when_asked_for_is_refused(authority, option):
    other = trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes().decode()

    async def story(client, server):
        await client.raw(f"other = {other!r}")
        said = await client.ask(f"ussl.wrap_socket(connected(), server_hostname='www.example.com', {option}=other)")
        assert said.rstrip().rpartition("\n")[2].startswith("OSError"), said
        assert "-9984" in said  # MBEDTLS_ERR_X509_CERT_VERIFY_FAILED

    with_tls(authority, story)


def test_client_certificate_when_the_server_wants_one_is_shown(authority):
    shown = []

    async def talk(reader, writer):
        shown.append(writer.get_extra_info("peercert"))
        await echo(reader, writer)

    async def whole(client, board, network):
        context = server_context(authority, verify_mode=ssl.CERT_REQUIRED)
        authority.configure_trust(context)
        own = authority.issue_cert("meter-1.example.com")
        chain, key = own.cert_chain_pems[0].bytes().decode(), own.private_key_pem.bytes().decode()
        async with Server(talk, ssl=context) as server:
            await client.raw(f"cert = {chain!r}\nkey = {key!r}\nimport usocket, ussl\n")
            await client.raw(f"s = usocket.socket()\ns.connect(('127.0.0.1', {server.port}))\n")
            await client.ask("s = ussl.wrap_socket(s, cert=cert, key=key, server_hostname='www.example.com')")
            assert await client.ask("s.write('x'), s.read(1)") == "(1, b'x')\n"
        assert ("DNS", "meter-1.example.com") in shown[0]["subjectAltName"]

    online(whole)


def test_broken_certificates_and_keys_are_value_errors(authority):
    async def story(client, server):
        for text in (
            "'nonsense'",
            "'-----BEGIN CERTIFICATE-----\\nQUJD\\n-----END CERTIFICATE-----'",
            "b'\\x30\\x03abc'",
        ):
            said = await client.ask(f"ussl.wrap_socket(connected(), ca={text})")
            assert said.endswith("ValueError: invalid cert\n"), said
        said = await client.ask("ussl.wrap_socket(connected(), cert=ca, key='-----BEGIN PRIVATE KEY-----\\n!!\\n')")
        assert said.endswith("ValueError: invalid key\n"), said

    with_tls(authority, story)


def test_handshake_when_the_server_stays_silent_ends_with_the_time_out():
    async def never(reader, writer):
        await reader.read(-1)

    async def story(client, board, network):
        async with Server(never) as server:
            await client.raw(
                f"import usocket, ussl\ns = usocket.socket()\ns.settimeout(0.5)\ns.connect(('127.0.0.1', {server.port}))\n"
            )
            began = time.monotonic()
            assert "ETIMEDOUT" in await client.ask("ussl.wrap_socket(s)")
            assert 0.5 <= time.monotonic() - began < 20

    online(story)


def test_handshake_when_the_server_stays_silent_is_interrupted_by_ctrl_c():
    async def never(reader, writer):
        await reader.read(-1)

    async def story(client, board, network):
        async with Server(never) as server:
            await client.ask(f"import usocket, ussl; s = usocket.socket(); s.connect(('127.0.0.1', {server.port}))")
            client.write("ussl.wrap_socket(s)\r")
            await eventually(lambda: network.traffic.sent_bytes > 0)  # the first message of the handshake
            began = time.monotonic()
            client.write(b"\x03")
            assert b"KeyboardInterrupt" in await client.until(b">>> ")
            assert time.monotonic() - began < 20

    online(story)


def test_server_side_of_the_module_serves_a_tls_client_of_the_bench(authority):
    own = authority.issue_cert("module.example.com")

    async def story(client, board, network):
        chain, key = own.cert_chain_pems[0].bytes().decode(), own.private_key_pem.bytes().decode()
        client.write(b"\x01")
        await client.until(b">")
        await client.send(
            f"import usocket, ussl\nl = usocket.socket()\nl.bind(('', 443))\nl.listen()\nc, _ = l.accept()\n"
            f"t = ussl.wrap_socket(c, server_side=True, cert={chain!r}, key={key!r})\n"
            "t.write(t.readline().upper())\nt.close()\n\x04".encode()
        )
        await eventually(lambda: network.listening.get(443))
        context = ssl.create_default_context()
        authority.configure_trust(context)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", network.listening[443], ssl=context, server_hostname="module.example.com"
        )
        writer.write(b"hello\n")
        assert await reader.readline() == b"HELLO\n"
        writer.close()

    online(story)


def test_poll_when_decrypted_bytes_wait_says_so(authority):
    async def talk(reader, writer):
        await reader.readline()
        writer.write(b"x" * 1000)

    async def story(client, server):
        await client.ask("s = ussl.wrap_socket(connected()); s.write('go\\n'); import uselect; p = uselect.poll()")
        await client.ask("p.register(s, uselect.POLLIN)")
        assert await client.ask("p.poll(5000)[0][1], len(s.read(10))") == "(1, 10)\n"
        assert await client.ask("p.poll(0)[0][1], len(s.read(990))") == "(1, 990)\n"
        assert await client.ask("p.poll(50)") == "[]\n"

    with_tls(authority, story, talk)


def test_request_over_https_checks_only_when_ssl_params_are_given(authority):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nsecret")
        await writer.drain()
        writer.write_eof() if writer.can_write_eof() else writer.close()

    other = trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes().decode()

    async def story(client, server):
        await client.raw(f"import request\nother = {other!r}")
        assert await client.ask("''.join(request.get('https://www.example.com/').text)") == "'secret'\n"
        assert await client.ask("request.get('https://www.example.com/', ssl_params={'ca': ca}).status_code") == "200\n"
        said = await client.ask("request.get('https://www.example.com/', ssl_params={'ca': other})")
        assert said.rstrip().rpartition("\n")[2].startswith("OSError"), said

    with_tls(authority, story, talk)


def test_bulk_over_tls_arrives_whole(authority):
    async def story(client, server):
        out = await client.raw(
            "s = ussl.wrap_socket(connected())\nok = True\n"
            "for n in range(50):\n    block = bytes([n]) * 20000\n    s.write(block)\n    ok = ok and s.read(20000) == block\n"
            "print(ok)\n",
            30,
        )
        assert out == "True\r\n"

    with_tls(authority, story)


def test_uasyncio_with_tls(authority):
    async def story(client, server):
        out = await client.raw(
            "import uasyncio\n"
            "async def main():\n"
            "    r, w = await uasyncio.open_connection('www.example.com', 443, ssl=True, server_hostname='www.example.com')\n"
            "    w.write(b'over tls\\n')\n    await w.drain()\n    print(await r.readline())\n"
            "uasyncio.run(main())\n"
        )
        assert out == "b'over tls\\n'\r\n"

    with_tls(authority, story)
