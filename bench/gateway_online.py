"""How many QuecThing devices does one gateway hold, what does each cost, and how fast are they told?

    python bench/gateway_online.py [DEVICES] [ROUNDS]

The gateway runs in a process of its own, with a platform that lets everybody in and keeps nothing. The devices are
light ends in this process: each connects (password form 1), subscribes, and then does nothing. Taken, median of the
rounds:

* ``online_s``: until all are online, and devices per second;
* ``memory_mb``: of the gateway's process with all of them, and ``bytes_per_device`` beyond the process without any
  (what the kernel keeps for sockets is not in it);
* ``dispatch_s``: an offer to each of them, until the last device has it;
* ``..._cpu_us``: processor time of the gateway per device for each of these, little changed by a busy machine;
* ``reports_per_s``: each device reports one status with QoS 2, complete with PUBREC, PUBREL and PUBCOMP.

As many devices as the process may open files are the limit; fewer than asked for are said so.
"""

import asyncio
import json
import os
import resource
import statistics
import struct
import sys
import time
from pathlib import Path

from load.crowd import Crowd, Server

from moduline.cloud.device_link.gateway import Gateway
from moduline.cloud.device_link.limits import GatewayLimits
from moduline.cloud.device_link.platform import Admitted, CameOnline
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import credentials, frame, messages
from moduline.wire.quecthing.ota_messages import Offer, OfferedComponent, Report

SPARE_FILES = 100
OFFER = Offer((OfferedComponent("mod", "V2", 0, "V1", 30, 19656, -113),))
PASSWORD = credentials.later_password("d" * 32, "0123456789abcdef", "A1b2C3d4E5f6G7h8")


# ---- the gateway's process ------------------------------------------------------------------------------------------


class OpenHouse:
    """Lets everybody in, keeps nothing, counts who is online."""

    def __init__(self):
        self.devices = 0
        self.online = 0

    async def authenticate(self, contact):
        assert contact.password.flag == "0000"
        self.devices += 1
        return Admitted(self.devices)

    async def uplink(self, uplink):
        self.online += isinstance(uplink.event, CameOnline)


def memory_mb():
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def serve():
    """Answers one word per line: memory, online, dispatch."""
    house = OpenHouse()
    gateway = Gateway(
        house, limits=GatewayLimits(connections=100_000, per_address=100_000, strangers_per_address=10_000)
    )
    say({"port": await gateway.listen("127.0.0.1", 0), "memory_mb": memory_mb(), "cpu_s": time.process_time()})
    loop = asyncio.get_running_loop()
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        if word == "dispatch":
            begin = time.perf_counter()
            sent = sum(gateway.send(device, OFFER) for device in range(1, house.devices + 1))
            say({"sent": sent, "seconds": time.perf_counter() - begin})
        else:
            cpu_s = time.process_time()
            say({"memory_mb": memory_mb(), "cpu_s": cpu_s, "online": house.online, "here": gateway.devices_here})


def say(facts):
    print(json.dumps(facts), flush=True)


# ---- the devices' process -------------------------------------------------------------------------------------------


class Light(asyncio.Protocol):
    """One device: counts what it needs to hear, acknowledges, and otherwise sleeps."""

    __slots__ = ("crowd", "number", "transport")

    def __init__(self, crowd, number):
        self.crowd = crowd
        self.number = number

    def connection_made(self, transport):
        self.transport = transport
        client_id = f"qdp000aa{self.number:015}"
        transport.write(
            encode(mqtt.Connect(client_id, 600, password=PASSWORD))
            + encode(mqtt.Subscribe(1, ((f"q/1/d/{client_id}/+", 1),)))
        )

    def data_received(self, data):
        at = 0
        while at < len(data):  # every packet here is short and comes whole
            size = 2 + data[at + 1]
            self.heard(data[at] >> 4, data[at : at + size])
            at += size

    def heard(self, kind, packet):
        if kind == mqtt.SUBACK:
            self.crowd.done()
        elif kind == mqtt.PUBLISH:
            topic = struct.unpack_from(">H", packet, 2)[0]
            self.transport.write(b"\x40\x02" + packet[4 + topic : 6 + topic])
            self.crowd.done()
        elif kind == mqtt.PUBREC:
            self.transport.write(b"\x62\x02" + packet[2:])
        elif kind == mqtt.PUBCOMP:
            self.crowd.done()

    def report(self):
        payload = frame.encode(messages.encode(Report(5, "DOWNLOADING", 0, "mod"), 1))
        self.transport.write(encode(mqtt.Publish(f"q/2/d/qdp000aa{self.number:015}/ota", payload, 2, 1)))

    def connection_lost(self, error):
        self.crowd.lost += 1
        self.crowd.error = error


async def measure(server, count):
    loop = asyncio.get_running_loop()
    crowd = Crowd()
    crowd.expect(count)
    begin = time.perf_counter()
    lights = []
    for first in range(0, count, 500):
        made = await asyncio.gather(
            *(
                loop.create_connection(lambda number=number: Light(crowd, number), "127.0.0.1", server.first["port"])
                for number in range(first, min(first + 500, count))
            )
        )
        lights += [light for _, light in made]
    await crowd.wait()
    online_s = time.perf_counter() - begin
    await asyncio.sleep(1.0)  # the gateway's last answers to itself
    facts = await server.ask("facts")
    assert facts["here"] == facts["online"] == count, facts

    crowd.expect(count)
    begin = time.perf_counter()
    sent = await server.ask("dispatch")
    await crowd.wait()
    dispatch_s = time.perf_counter() - begin
    assert sent["sent"] == count
    told = await server.ask("facts")

    crowd.expect(count)
    begin = time.perf_counter()
    for light in lights:
        light.report()
    await crowd.wait()
    reports_s = time.perf_counter() - begin
    after = await server.ask("facts")
    assert crowd.lost == 0, crowd.error
    for light in lights:
        light.transport.abort()
    return {
        "online_s": round(online_s, 2),
        "online_per_s": round(count / online_s),
        "memory_mb": round(facts["memory_mb"], 1),
        "memory_after_talk_mb": round(after["memory_mb"], 1),
        "bytes_per_device": round((facts["memory_mb"] - server.first["memory_mb"]) * 1e6 / count),
        "dispatch_s": round(dispatch_s, 2),
        "online_cpu_us": round((facts["cpu_s"] - server.first["cpu_s"]) * 1e6 / count),
        "dispatch_cpu_us": round((told["cpu_s"] - facts["cpu_s"]) * 1e6 / count),
        "report_cpu_us": round((after["cpu_s"] - told["cpu_s"]) * 1e6 / count),
        "reports_per_s": round(count / reports_s),
    }


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 15_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = wanted + SPARE_FILES if hard == resource.RLIM_INFINITY else min(hard, wanted + SPARE_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    count = files - SPARE_FILES
    taken = []
    for _ in range(rounds):
        server = Server(__file__, "--serve")
        taken.append(asyncio.run(measure(server, count)))
        server.end()
    facts = {name: statistics.median(one[name] for one in taken) for name in taken[0]}
    print(json.dumps({"gateway_online": {"devices": count, "asked": wanted, "rounds": rounds, **facts}}, indent=1))


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(serve())
    else:
        main()
