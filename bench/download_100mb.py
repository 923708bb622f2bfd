"""A file of 100 MB from the devices' port against nginx, same machine, same run, same client, in turns; the median.

One download at a time, then four at once (as many as a device may have), after one of each that does not count; with
the processor time that each server takes for a download. nginx is Debian's and is compared where it is installed
(`apt-get install nginx-light`); both send with sendfile. Nobody looks at nginx's token or writes down what it did.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MEGABYTES, RUNS = 100, 11
AT_ONCE = (1, 4)
TICKS = os.sysconf("SC_CLK_TCK")
SERVE = """
import asyncio, sys
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
        print(site.port, "/f/" + url.files[0].token, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{ access_log off; sendfile on; tcp_nopush on; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
server {{ listen 127.0.0.1:{port}; root {folder}; }} }}
"""


def seconds(port, path):
    """How long one whole download takes."""
    buffer = bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", port), 60) as peer:
        began = time.perf_counter()
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        count = 0
        while got := peer.recv_into(buffer):
            count += got
        assert count > MEGABYTES << 20
        return time.perf_counter() - began


@contextlib.contextmanager
def started(command, **more):
    server = subprocess.Popen(command, **more)
    try:
        yield server
    finally:
        server.terminate()
        server.wait(20)
        if server.stdout:
            server.stdout.close()


def rate(port, path, count):
    """Megabytes per second of some downloads at once."""
    with ThreadPoolExecutor(count) as people:
        began = time.perf_counter()
        list(people.map(lambda _: seconds(port, path), range(count)))
        return count * MEGABYTES / (time.perf_counter() - began)


def cpu_s(server):
    """Processor time of a process, all its threads."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measured(servers, count):
    """Median rate of each server, and processor time per download."""
    rates, spent = {name: [] for name in servers}, dict.fromkeys(servers, 0.0)
    for turn in range(RUNS + 1):
        for name, (server, port, path) in servers.items():
            before = cpu_s(server)
            found = rate(port, path, count)
            if turn:
                rates[name].append(found)
                spent[name] += cpu_s(server) - before
    return {name: (statistics.median(rates[name]), 1000 * spent[name] / RUNS / count) for name in servers}


def told(servers):
    for count in AT_ONCE:
        found = measured(servers, count)
        said = "; ".join(f"{name} {rate:,.0f} MB/s, {cpu:.0f} ms of CPU each" for name, (rate, cpu) in found.items())
        ratio = f"; ratio {found['ours'][0] / found['nginx'][0]:.2f} (aim 0.9)" if "nginx" in found else ""
        print(f"download, {count} at once: {said}{ratio}", flush=True)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "file.bin").write_bytes(bytes(range(256)) * (MEGABYTES << 12))
        tests = str(Path(__file__).parent.parent / "tests")
        with started([sys.executable, "-c", SERVE.format(tests=tests, folder=name)], stdout=subprocess.PIPE) as ours:
            port, path = ours.stdout.readline().decode().split()
            servers = {"ours": (ours, int(port), path)}
            nginx = shutil.which("nginx")
            if nginx is None:
                told(servers)
                print("nginx is not installed, not compared")
                return
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                other = free.getsockname()[1]
            (folder / "nginx.conf").write_text(NGINX.format(folder=name, port=other))
            with started([nginx, "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL) as theirs:
                for _ in range(100):
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", other), 1):
                        break
                    time.sleep(0.1)
                told(servers | {"nginx": (theirs, other, "/file.bin")})


if __name__ == "__main__":
    main()
