"""DDI polls per second of one process against goosebit (PyPI, extra `bench`), same machine, same run, same client.

Eight connections poll sixteen known devices for which nothing is to be done, as most polls of a fleet are; three runs
of each, the median counts (the aim is thirty times as many). Ours believes for a minute at most that nothing has
changed and looks each second whether plans have; goosebit asks its database at every poll.
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
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            count += 1
        writer.close()
        return count

    counts = await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return sum(counts) / (time.perf_counter() - began)


async def measured(port, path, token):
    await rate(port, path, token, 1.0)
    return statistics.median([await rate(port, path, token, SECONDS) for _ in range(RUNS)])


def ours(folder):
    tests = str(Path(__file__).parent.parent / "tests")
    script = SERVE.format(tests=tests, folder=str(folder))
    with started([sys.executable, "-c", script], stdout=subprocess.PIPE) as server:
        port, pk, secret = server.stdout.readline().decode().split()
        token = f"Authorization: GatewayToken {secret}\r\n"

        async def story():
            def told(at):
                body = b'{"data":{"sw_version":"1"}}'
                return (
                    f"PUT /{pk}/controller/v1/dev{at}/configData HTTP/1.1\r\nHost: x\r\n{token}"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                ).encode() + body

            reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
            for at in range(DEVICES):
                writer.write(told(at))
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            writer.close()
            return await measured(int(port), f"/{pk}/controller/v1/{{device}}", token)

        return asyncio.run(story())


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

        async def story():
            return await measured(port, "/DEFAULT/controller/v1/{device}", "")

        return asyncio.run(story())


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
