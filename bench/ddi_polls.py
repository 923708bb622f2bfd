"""DDI polls per second of one process against goosebit (PyPI, extra `bench`), same machine, same run, same client.

Eight connections poll sixteen devices that have registered and for which nothing is to be done, as most polls of a
fleet are; three runs of each, the median counts (the aim is thirty times as many). Ours believes for a minute at most
that nothing has changed and looks each second whether plans have; goosebit asks its database at every poll and writes
that the device was there, so the disk decides how fast it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

CONNECTIONS, DEVICES, RUNS, SECONDS = 8, 16, 3, 3.0
SERVE = """
import asyncio, sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from cloud_rig import Rig
from moduline.cloud.blob import FolderStore
from moduline.cloud.device_link.device_http import DeviceHttp
from moduline.cloud.device_link.http_limits import HttpLimits
from moduline.cloud.products import service as products
async def main():
    rig = Rig(Path({folder!r}) / "ota.db")
    product = rig.product()
    limits = HttpLimits(requests_per_s=1e6, burst_requests=10**6)  # so few devices never poll so often
    http = DeviceHttp(rig.db, FolderStore(Path({folder!r}) / "files"), limits=limits)
    port = await http.listen("127.0.0.1", 0)
    print(port, product.pk, rig.act(products.secret, product.id), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def rate(port, path, token, seconds):
    """Answers with 200 per second."""
    until = time.perf_counter() + seconds
    began = time.perf_counter()

    async def one(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        asked = [
            (
                f"GET {path.format(device=f'dev{at}')} HTTP/1.1\r\nHost: x\r\n{token}Accept: application/json\r\n\r\n"
            ).encode()
            for at in range(number, DEVICES, CONNECTIONS)
        ]
        count = 0
        while time.perf_counter() < until:
            writer.write(asked[count % len(asked)])
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(length_of(head))
            count += 1
        writer.close()
        return count

    counts = await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return sum(counts) / (time.perf_counter() - began)


async def register(port, path, token):
    """Every device says what it is: from then on there is nothing to be done for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b'{"data":{"sw_version":"1"}}'
    for at in range(DEVICES):
        head = (
            f"PUT {path.format(device=f'dev{at}')}/configData HTTP/1.1\r\nHost: x\r\n{token}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        await reader.readexactly(length_of(answer))
    writer.close()


def length_of(head):
    """Bytes of the body behind the head of an answer."""
    return int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])


async def measured(port, path, token):
    await register(port, path, token)
    await rate(port, path, token, 1.0)
    return statistics.median([await rate(port, path, token, SECONDS) for _ in range(RUNS)])


def ours(folder):
    tests = str(Path(__file__).parent.parent / "tests")
    script = SERVE.format(tests=tests, folder=str(folder))
    with started([sys.executable, "-c", script], stdout=subprocess.PIPE) as server:
        port, pk, secret = server.stdout.readline().decode().split()
        token = f"Authorization: GatewayToken {secret}\r\n"

        return asyncio.run(measured(int(port), f"/{pk}/controller/v1/{{device}}", token))


def goosebit(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "GOOSEBIT_PORT": str(port),
        "GOOSEBIT_DB_URI": f"sqlite:///{folder}/goosebit.db",
        "GOOSEBIT_ARTIFACTS_DIR": str(folder),
    }
    command = [sys.executable, "-c", GOOSEBIT.format(port=port)]
    with started(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        wait_for(port)
        return asyncio.run(measured(port, "/DEFAULT/controller/v1/{device}", ""))


GOOSEBIT = """
import asyncio, uvicorn
from goosebit.db import config
from tortoise import Tortoise
async def prepare():
    await Tortoise.init(config=config.TORTOISE_CONF)
    await Tortoise.generate_schemas()
    await Tortoise.close_connections()
asyncio.run(prepare())
import goosebit
uvicorn.run(goosebit.app, host="127.0.0.1", port={port}, log_level="error", access_log=False)
"""


def wait_for(port):
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit("goosebit did not start")


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


def main():
    with tempfile.TemporaryDirectory() as folder:
        mine = ours(Path(folder))
        facts = {"polls_per_s": round(mine)}
        if find_spec("goosebit") is None:
            print("goosebit is not installed (extra `bench`): not compared", file=sys.stderr)
        else:
            theirs = goosebit(Path(folder))
            facts |= {"goosebit_per_s": round(theirs, 1), "times": round(mine / theirs, 1)}
        print(json.dumps({"ddi_polls": facts}, indent=1))


if __name__ == "__main__":
    main()
