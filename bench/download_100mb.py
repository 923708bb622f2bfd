"""A file of 100 MB from the devices' port against nginx, same machine, same run, same client; the median of five.

nginx is Debian's and is compared where it is installed (`apt-get install nginx-light`); both send with sendfile.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEGABYTES, RUNS = 100, 5
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


def rates(port, path, other=None):
    """Megabytes per second of one or two servers, in turns."""
    ours, theirs = [], []
    for _ in range(RUNS):
        ours.append(MEGABYTES / seconds(port, path))
        if other is not None:
            theirs.append(MEGABYTES / seconds(*other))
    return statistics.median(ours), statistics.median(theirs) if theirs else None


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "file.bin").write_bytes(bytes(range(256)) * (MEGABYTES << 12))
        tests = str(Path(__file__).parent.parent / "tests")
        with started([sys.executable, "-c", SERVE.format(tests=tests, folder=name)], stdout=subprocess.PIPE) as ours:
            port, path = ours.stdout.readline().decode().split()
            nginx = shutil.which("nginx")
            if nginx is None:
                print(f"download: {rates(int(port), path)[0]:,.0f} MB/s; nginx is not installed, not compared")
                return
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                other = free.getsockname()[1]
            (folder / "nginx.conf").write_text(NGINX.format(folder=name, port=other))
            with started([nginx, "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL):
                for _ in range(100):
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", other), 1):
                        break
                    time.sleep(0.1)
                mine, theirs = rates(int(port), path, (other, "/file.bin"))
            print(f"download: {mine:,.0f} MB/s; nginx {theirs:,.0f} MB/s; ours {mine / theirs:.2f} of it (aim 0.9)")


if __name__ == "__main__":
    main()
