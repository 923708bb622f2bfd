"""A file of 100 MB from the devices' port against nginx, same machine, same run, same client, in turns; the median.

Both servers have the first core and the client has the others: a download takes thirty milliseconds, and where the
system happens to put its two ends would be all that is seen. The ratio is the median of the ratios of each turn.

One download at a time, then four at once (as many as a device may have), after one of each that does not count; with
the processor time that each server takes for a download. nginx is Debian's and is compared where it is installed
(`apt-get install nginx-light`); both send with sendfile, and the very same file: how the system happens to keep two
copies in memory makes more of a difference than who sends. Nobody looks at nginx's token or writes down what it did.

`--tls` does the same over TLS 1.2, as modules speak it, with one certificate made here (`trustme`); then neither has
sendfile, and the client, which decrypts on the same machine, is part of the time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MEGABYTES, RUNS = 100, 31
AT_ONCE = (1, 4)
TICKS = os.sysconf("SC_CLK_TCK")
CORES = os.sched_getaffinity(0)
SERVE = """
import asyncio, ssl, sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from cloud_rig import Rig
from device_http_rig import Site
async def main():
    rig = Rig(Path({folder!r}) / "ota.db")
    async with Site(rig, Path({folder!r}) / "files") as site:
        product = rig.product()
        device = rig.device(product)
        rig.activated(product, site.upload((Path({folder!r}) / "file.bin").read_bytes()))
        rig.online(device)
        rig.request(device, "V1")
        (url,) = rig.status(device, 2)
        port = site.port
        if {tls!r}:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain({folder!r} + "/cert.pem")
            port = await site.http.listen("127.0.0.1", 0, context)
        print(port, "/f/" + url.files[0].token, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{ access_log off; sendfile on; tcp_nopush on; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
server {{ listen 127.0.0.1:{port}{tls}; root {folder}; }} }}
"""
NGINX_TLS = " ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/cert.pem"


def seconds(port, path, trust):
    """How long one whole download takes; the handshake is not counted."""
    buffer = bytearray(1 << 20)
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(socket.create_connection(("127.0.0.1", port), 60))
        if trust is not None:
            peer = stack.enter_context(trust.wrap_socket(peer, server_hostname="localhost"))
        began = time.perf_counter()
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        count = 0
        while got := peer.recv_into(buffer):
            count += got
        assert count > MEGABYTES << 20
        return time.perf_counter() - began


def pinned(cores):
    """Keep this process on some cores; a machine with one has no choice."""
    if len(CORES) > 1:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def started(command, **more):
    pinned({min(CORES)})  # what is started here stays there
    server = subprocess.Popen(command, **more)
    pinned(CORES - {min(CORES)})
    try:
        yield server
    finally:
        server.terminate()
        server.wait(20)
        if server.stdout:
            server.stdout.close()


def rate(port, path, count, trust):
    """Megabytes per second of some downloads at once."""
    with ThreadPoolExecutor(count) as people:
        began = time.perf_counter()
        list(people.map(lambda _: seconds(port, path, trust), range(count)))
        return count * MEGABYTES / (time.perf_counter() - began)


def cpu_s(server):
    """Processor time of a process, all its threads."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measured(servers, count, trust):
    """Of each server: median rate, processor time per download, median of its rate by that of the last server."""
    rates, spent = {name: [] for name in servers}, dict.fromkeys(servers, 0.0)
    for turn in range(RUNS + 1):
        for name, (server, port, path) in servers.items():
            before = cpu_s(server)
            found = rate(port, path, count, trust)
            if turn:
                rates[name].append(found)
                spent[name] += cpu_s(server) - before
    *_, last = servers
    return {
        name: (
            statistics.median(rates[name]),
            1000 * spent[name] / RUNS / count,
            statistics.median(a / b for a, b in zip(rates[name], rates[last], strict=True)),
        )
        for name in servers
    }


def told(servers, trust):
    for count in AT_ONCE:
        found = measured(servers, count, trust)
        said = "; ".join(f"{name} {rate:,.0f} MB/s, {cpu:.0f} ms of CPU each" for name, (rate, cpu, _) in found.items())
        ratio = f"; ratio {found['ours'][2]:.2f} (aim 0.9)" if "nginx" in found else ""
        print(f"download{' over TLS' if trust else ''}, {count} at once: {said}{ratio}", flush=True)


def certified(folder):
    """A certificate with its key in a file; what a client is to trust."""
    import trustme

    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "cert.pem")
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    return trust


def main():
    pinned(CORES - {min(CORES)})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "file.bin").write_bytes(bytes(range(256)) * (MEGABYTES << 12))
        tests = str(Path(__file__).parent.parent / "tests")
        trust = certified(folder) if "--tls" in sys.argv[1:] else None
        serve = SERVE.format(tests=tests, folder=name, tls=trust is not None)
        with started([sys.executable, "-c", serve], stdout=subprocess.PIPE) as ours:
            port, path = ours.stdout.readline().decode().split()
            servers = {"ours": (ours, int(port), path)}
            nginx = shutil.which("nginx")
            if nginx is None:
                told(servers, trust)
                print("nginx is not installed, not compared")
                return
            (stored,) = (one for one in (folder / "files").rglob("*") if one.is_file() and one.stat().st_size >> 20)
            (folder / "same.bin").hardlink_to(stored)
            stored.chmod(0o644)
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                other = free.getsockname()[1]
            secure = NGINX_TLS.format(folder=name) if trust else ""
            (folder / "nginx.conf").write_text(NGINX.format(folder=name, port=other, tls=secure))
            with started([nginx, "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL) as theirs:
                for _ in range(100):
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", other), 1):
                        break
                    time.sleep(0.1)
                told(servers | {"nginx": (theirs, other, "/same.bin")}, trust)


if __name__ == "__main__":
    main()
