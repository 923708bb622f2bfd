"""A whole virtual module, its firmware v1 and v2 as patches, and a plain HTTP server: the bench of T12 to T14 and T50 to T54."""

import asyncio
import contextlib
import datetime as dt
import functools
import http.server
import ssl
import sys
import threading
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from moduline.delta import make, read_side
from moduline.formats import littlefs
from moduline.profiles import catalog
from moduline.release.firmware import build, stock_package
from moduline.release.firmware_recipe import find_recipe
from moduline.vmodule import ModuleOptions, open_module
from transcripts.board import Client


@functools.cache
def firmware(module, suffix="", **changes):
    """Stock firmware of a module; ``suffix`` ends its version."""
    recipe = find_recipe(module)
    return (
        build(replace(recipe, version=recipe.version + suffix, **changes))
        if suffix or changes
        else stock_package(module)
    )


def version_of(module, suffix=""):
    return find_recipe(module).version + suffix


def user_image(module, files):
    """A ``customer_fs.bin`` for a module."""
    profile = catalog.module(module)
    size = profile.partition("user_fs").size_bytes
    return littlefs.write_image(list(files.items()), profile.fs.geometry(size))


@functools.cache
def diff(module, old="", new="2"):
    """The patch file from one firmware of a module to another; as a whole, so that downloading it takes a while."""
    changes = {"build_date": "2026-01-02", "qpy_version": "V0009"} if new == "2" else {}
    sides = read_side(firmware(module, old)), read_side(firmware(module, new, **changes))
    return make(*sides, codec="whole").files[0]


@functools.cache
def small_diff(module):
    """The same patch by what changed, as small as it gets."""
    sides = read_side(firmware(module)), read_side(firmware(module, "2", build_date="2026-01-02", qpy_version="V0009"))
    return make(*sides, codec="mapped").files[0]


class Served(http.server.BaseHTTPRequestHandler):
    """Serves the bytes of ``server.files``; an integer is a status, a pair a length that is promised and what comes."""

    def do_GET(self):
        content = self.server.files.get(self.path, 404)
        self.server.asked.append(self.path)
        if isinstance(content, int):
            self.send_response(content)
            self.send_header("Location", "/v2.bin")
            self.end_headers()
            return
        promised, data = content if isinstance(content, tuple) else (len(content), content)
        self.send_response(200)
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.server.hold.wait()
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    def log_message(self, *_):
        pass


def own_certificate(folder):
    """A TLS context with a certificate nobody trusts, made in that folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "updates.example")])
    began = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, began, began + dt.timedelta(days=3650))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + key.private_bytes(*private)
    (folder / "server.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


@contextlib.contextmanager
def serving(files, tls=None):
    """(base URL, server) of an HTTP server with those files."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Served)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.files, server.asked, server.hold = files, [], threading.Event()
    server.hold.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}", server
    finally:
        server.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Updated:
    """A running module and a client on its REPL, reconnected after each restart."""

    def __init__(self, module, notices, states):
        self.module, self.notices, self.states, self.client = module, notices, states, None
        self.on_state = lambda state: None

    async def up(self):
        """Wait until it runs and has its prompt; what the client sees up to that.

        A power cut that was armed may still come while it boots: then power comes again, and the next boot counts.
        """
        while True:
            async with asyncio.timeout(30):
                if self.module.state == "off":
                    await self.module.power_on()
                await self.module.wait_until(lambda: self.module.state == "running" and self.module.has_ports)
            self.drop()
            self.client = Client(self.module.port_path("repl"))
            prompt = asyncio.ensure_future(self.client.until(b">>> "))
            is_off = asyncio.ensure_future(self.module.wait_until(lambda: self.module.state == "off"))
            await asyncio.wait((prompt, is_off), return_when=asyncio.FIRST_COMPLETED)
            is_off.cancel()
            if prompt.done():
                return prompt.result()
            prompt.cancel()

    async def online(self):
        """Wait for the data call that the module makes by itself after a boot."""
        radio, arrived = self.module.world.radio, asyncio.Event()
        leave = radio.subscribe(lambda _: arrived.set())
        try:
            async with asyncio.timeout(20):
                while not radio.has_data:
                    arrived.clear()
                    await arrived.wait()
        finally:
            leave()

    async def up_again(self, former):
        """Wait for the life after the one whose runtime was ``former``."""
        async with asyncio.timeout(30):
            await self.module.wait_until(lambda: self.module.runtime is not former and self.module.has_ports)
        return await self.up()

    async def put(self, path, data):
        """Write a file, as a tool does."""
        for at in range(0, max(len(data), 1), 8192):
            mode = "ab" if at else "wb"
            await self.client.raw(f"f=open({path!r},{mode!r})\nf.write({data[at : at + 8192]!r})\nf.close()\n")

    async def run(self, source):
        """Type a script in paste mode, as QPYcom's run button does with ``example.exec``; gives nothing."""
        await self.put("/usr/sample.py", source.encode())
        self.client.write(b"import example\r")
        await self.client.until(b">>> ")
        self.client.write(b"example.exec('/usr/sample.py')\r")
        await self.client.until(b"\r\n")

    async def rest(self):
        """What still comes until the port vanishes."""
        async with asyncio.timeout(20):
            await self.module.wait_until(lambda: not self.module.has_ports)
        return self.client.seen.replace(b"\r\n", b"\n").decode()

    def slugs(self):
        return [notice.slug for notice in self.notices]

    def drop(self):
        if self.client is not None:
            self.client.close()
            self.client = None


@contextlib.asynccontextmanager
async def updating(module, folder, package=None, **options):
    """A module of that kind, running, with its first prompt seen."""
    notices, states, benches = [], [], []

    def changed(entry):
        states.append(entry.state)
        for one in benches:
            one.on_state(entry.state)

    options = ModuleOptions(report=notices.append, on_change=changed, **options)
    async with open_module(module, package or firmware(module), folder, options) as opened:
        bench = Updated(opened, notices, states)
        benches.append(bench)
        try:
            await bench.up()
            await bench.online()
            yield bench
        finally:
            bench.drop()


def lines(data):
    text = data if isinstance(data, str) else data.decode()
    return text.replace("\r\n", "\n").split("\n")


needs_linux = not sys.platform.startswith("linux")
