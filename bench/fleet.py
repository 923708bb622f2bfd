"""What does a simulated fleet cost: memory and processor time per device, connects per second, upgrades per second?

    python bench/fleet.py [DEVICES] [ROUNDS]

The gateway runs in a process of its own, with a platform that lets everybody in and keeps nothing; beside it a file
server of a few lines. The fleet runs in this process. Taken, median of the rounds:

* ``online_s``: until all are online after a burst, with 0x0115, 0x0034 and 0x0044 said, and devices per second;
* ``memory_mb``: of this process with all of them online, ``bytes_per_device`` beyond the process before (what the
  kernel keeps for sockets is not in it);
* ``online_cpu_us``: processor time of this process per device, little changed by a busy machine;
* ``idle_cpu_share``: of one core, while nothing happens, with keep-alives of 120 s;
* ``upgrade_s``: the same number of devices through a whole upgrade: offer, download of 30 kB, reboot, result, at a time
  scale of 20.

As many devices as the process may open files are the limit; fewer than asked for are said so.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import fastcrc

from moduline.cloud.device_link.gateway import Gateway
from moduline.cloud.device_link.limits import GatewayLimits
from moduline.cloud.device_link.platform import Admitted, Received
from moduline.fleet import Fleet, FleetOptions, FleetPlan
from moduline.fleet.description import Arrival
from moduline.wire.quecthing import ota_messages as ota
from moduline.wire.quecthing.credentials import FirstPassword

PK = "p000aa"
PS = "0123456789abcdef"
DS = "00112233445566778899aabbccddeeff"
SPARE_FILES = 400
FILE = bytes(range(256)) * 120
IDLE_S = 10.0


# ---- the platform's process -----------------------------------------------------------------------------------------


class OpenHouse:
    """Lets everybody in, keeps nothing, offers V2 to those who ask with V1 if it is told to upgrade."""

    def __init__(self, is_upgrading):
        self.is_upgrading = is_upgrading
        self.ids = {}
        self.gateway = None
        self.firmware = None

    async def authenticate(self, contact):
        number = self.ids.setdefault(contact.client_id, len(self.ids) + 1)
        return Admitted(number, DS if isinstance(contact.password, FirstPassword) else None)

    async def uplink(self, uplink):
        if not self.is_upgrading or not isinstance(uplink.event, Received):
            return
        match uplink.event.message:
            case ota.Request(module_version="V1"):
                self.say(uplink.device, ota.Offer((ota.OfferedComponent("mod", "V2", 0, "V1", 30, 19656, -113),)))
            case ota.Report(code=2 | 6):
                self.say(uplink.device, self.firmware)

    def say(self, device, message):
        asyncio.get_running_loop().call_soon(self.gateway.send, device, message)


async def answer(reader, writer):
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await reader.readuntil(b"\r\n\r\n")
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(FILE)}\r\n\r\n".encode() + FILE)
    writer.close()


async def serve(is_upgrading):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # connections of before a reboot linger
    house = OpenHouse(is_upgrading)
    limits = GatewayLimits(connections=100_000, per_address=100_000, strangers_per_address=100_000)
    house.gateway = Gateway(house, limits=limits)
    files = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    url = f"http://127.0.0.1:{files.sockets[0].getsockname()[1]}/f"
    digests = hashlib.md5(FILE, usedforsecurity=False).hexdigest(), f"{fastcrc.crc32.mpeg_2(FILE):08x}"
    house.firmware = ota.Firmware("mod", "V2", 0, url, len(FILE), *digests)
    print(await house.gateway.listen("127.0.0.1", 0), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


class Server:
    """The platform's process."""

    def __init__(self, *, is_upgrading):
        command = [sys.executable, __file__, "--serve", str(int(is_upgrading))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


# ---- the fleet's process --------------------------------------------------------------------------------------------


def memory_mb():
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def hold(count):
    """All online, then nothing."""
    server = Server(is_upgrading=False)
    before_mb, begin, cpu = memory_mb(), time.perf_counter(), time.process_time()
    options = FleetOptions("127.0.0.1", count, PK, PS, server.port)
    fleet = Fleet(FleetPlan(arrival=Arrival.BURST), options)
    stop = asyncio.Event()
    run = asyncio.create_task(fleet.run(stop))
    while fleet.tally.messages_up < 3 * count:
        await asyncio.sleep(0.05)
        assert time.perf_counter() - begin < 300, fleet.summary().to_json()
    online_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
    await asyncio.sleep(2.0)  # the gateway's last answers
    held_mb, cpu = memory_mb(), time.process_time()
    await asyncio.sleep(IDLE_S)
    idle = (time.process_time() - cpu) / IDLE_S
    assert fleet.summary().reach == {"up": count}, fleet.summary().to_json()
    stop.set()
    await run
    server.end()
    return {
        "online_s": round(online_s, 2),
        "online_per_s": round(count / online_s),
        "online_cpu_us": round(cpu_s * 1e6 / count),
        "memory_mb": round(held_mb, 1),
        "bytes_per_device": round((held_mb - before_mb) * 1e6 / count),
        "idle_cpu_share": round(idle, 4),
    }


async def upgrade(count):
    """All through one upgrade."""
    server = Server(is_upgrading=True)
    options = FleetOptions("127.0.0.1", count, PK, PS, server.port, is_until_done=True, limit_s=500.0)
    cpu = time.process_time()
    plan = FleetPlan(arrival=Arrival.RANDOM, rate=count / 5, time_scale=20.0)
    summary = await Fleet(plan, options).run()
    server.end()
    assert summary.versions == {"V2": count}, summary.to_json()
    return {
        "upgrade_s": round(summary.seconds, 2),
        "upgrades_per_s": round(count / summary.seconds),
        "upgrade_cpu_us": round((time.process_time() - cpu) * 1e6 / count),
    }


def one_round(count):
    """A round in a process of its own, for its memory."""
    done = subprocess.run(
        [sys.executable, __file__, "--round", str(count)], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = wanted + SPARE_FILES if hard == resource.RLIM_INFINITY else min(hard, wanted + SPARE_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    count = files - SPARE_FILES
    taken = [one_round(count) for _ in range(rounds)]
    facts = {name: statistics.median(one[name] for one in taken) for name in taken[0]}
    print(json.dumps({"fleet": {"devices": count, "asked": wanted, "rounds": rounds, **facts}}, indent=1))


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(serve(sys.argv[-1] == "1"))
    elif "--round" in sys.argv:
        print(json.dumps(asyncio.run(hold(int(sys.argv[-1]))) | asyncio.run(upgrade(int(sys.argv[-1])))))
    else:
        main()
