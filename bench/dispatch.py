"""How long until a plan has reached everybody who is connected, and what does the whole platform keep per second?

    python bench/dispatch.py [DEVICES] [ROUNDS]

The whole platform runs in a process of its own: gateway, desk, schedule, SQLite on the disk, with a clock in the hand.
The devices are light ends in this process, each with a connection of its own: authenticated with its secret (password
form 1), subscribed, silent. A plan for all of them is active; then the clock is moved to the next mark of the grid.
Taken, median of the rounds (in each the offers lapse and the next mark comes):

* ``dispatch_s``: from the mark until the last device has its plan notice (0x0111); ``cpu_us``: processor time of the
  platform per device for it;
* ``answered_s``: the same, but each device answers at once that it has received the plan (0x0114, code 1, QoS 2), until
  the last answer is kept and acknowledged (as many rounds; what was answered lapses like what was not);
* ``reports_per_s``: each device reports "downloading" (0x0114, code 5, QoS 2) ``REPORTS`` times, each as soon as the
  one before is kept; ``report_cpu_us``: processor time of the platform for one;
* ``memory_mb``: of the platform's process with all of them online.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import statistics
import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from load.crowd import LIMIT_S, Crowd, Server
from sqlalchemy import insert, select, text

from cloud_rig import NOW, Rig
from moduline.cloud import tables
from moduline.cloud.app import make_platform
from moduline.cloud.device_link import GatewayLimits, SessionLimits
from moduline.cloud.devices import contact
from moduline.cloud.long_life import settle_in
from moduline.cloud.products import service as products
from moduline.cloud.settings import Settings
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import credentials, frame, messages
from moduline.wire.quecthing.ota_messages import Report

SPARE_FILES = 200
REPORTS = 4
STEP_S = 600.0
LAPSE_S = 700.0  # whoever has said that it has the plan is given ten minutes to agree
SECRET = "d" * 32


# ---- the platform's process -----------------------------------------------------------------------------------------


class Hand:
    """A wall clock that is moved by hand; deadlines of connections go by the real one."""

    def __init__(self):
        self.now = NOW + 1

    def now_s(self):
        return self.now

    def tick_s(self):
        return time.monotonic()


def furnish(folder, count):
    """A product with devices that have reported V1, and an active plan to V2; key and secret of the product."""
    rig = Rig(folder / "ota.db")
    product = rig.product()
    row = contact.new_row(product.id, "", origin="contact", now=1.0) | {"ds": SECRET}
    made = [row | {"dk": f"{number:015d}"} for number in range(count)]

    def fill(conn):
        conn.execute(insert(tables.devices), made)
        numbers = conn.execute(select(tables.devices.c.id)).scalars()
        contact.keep_versions(conn, [(number, 0, "", "V1") for number in numbers], now=1.0)

    rig.db.write(fill)
    rig.activated(product, rig.artifact(), hours=(-1, 24 * 365))
    secret = rig.act(products.secret, product.id)
    rig.close()
    return product.pk, secret


async def serve(folder, count):
    """Answers a word per line. facts; mark: the clock moves to the next mark of the grid; lapse: to the end of all."""
    pk, secret = furnish(folder, count)
    clock = Hand()
    platform = make_platform(
        Settings(folder, http_port=0, device_http_port=0, mqtt_port=0, jobs=0),
        clock=clock,
        limits=GatewayLimits(connections=100_000, per_address=100_000, strangers_per_address=100_000),
        session_limits=SessionLimits(connect_s=120.0, ask_s=120.0),
        report=lambda notice: print(notice, file=sys.stderr),
    )
    addresses = await platform.start()
    settle_in()
    say({"port": addresses.mqtt, "pk": pk, "ps": secret})
    loop = asyncio.get_running_loop()
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        if word == "mark":
            clock.now = (clock.now // STEP_S + 1) * STEP_S
            platform.schedule.wake()
        elif word == "lapse":
            clock.now += LAPSE_S
            platform.schedule.wake()
        say({
            "cpu_s": time.process_time(), "here": platform.gateway.devices_here, "memory_mb": memory_mb(),
            **await platform.db.read_soon(counted),
        })  # fmt: skip
    await platform.stop()


def counted(conn):
    """Devices that are online and upgrades that are offered, by the rows."""
    queries = {
        "online": "SELECT count(*) FROM devices WHERE node IS NOT NULL",
        "open": "SELECT count(*) FROM upgrades WHERE is_open",
    }
    return {name: conn.execute(text(query)).scalar_one() for name, query in queries.items()}


def memory_mb():
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def say(facts):
    print(json.dumps(facts), flush=True)


# ---- the devices' process -------------------------------------------------------------------------------------------


class Light(asyncio.Protocol):
    """One device: acknowledges what it hears, and says what it is told to."""

    __slots__ = ("answers", "client_id", "crowd", "left", "packet_id", "password", "transport")

    def __init__(self, crowd, number, server):
        self.crowd = crowd
        self.client_id = f"qd{server['pk']}{number:015d}"
        self.password = credentials.later_password(SECRET, server["ps"], "0123456789abcdef")
        self.answers = False
        self.left = 0
        self.packet_id = 1

    def connection_made(self, transport):
        self.transport = transport
        transport.write(
            encode(mqtt.Connect(self.client_id, 600, password=self.password))
            + encode(mqtt.Subscribe(1, ((f"q/1/d/{self.client_id}/+", 1),)))
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
            if self.answers:
                self.answers = False
                self.report(1)
            else:
                self.crowd.done()
        elif kind == mqtt.PUBREC:
            self.transport.write(b"\x62\x02" + packet[2:])
        elif kind == mqtt.PUBCOMP:
            if self.left:
                self.left -= 1
                self.report(5)
            else:
                self.crowd.done()

    def report(self, code):
        self.packet_id = self.packet_id % 60000 + 1
        payload = frame.encode(messages.encode(Report(code, "", 0, "c0"), self.packet_id))
        self.transport.write(encode(mqtt.Publish(f"q/2/d/{self.client_id}/ota", payload, 2, self.packet_id)))

    def connection_lost(self, error):
        self.crowd.lost += 1
        self.crowd.error = error


class Platform(Server):
    """The platform's process."""

    async def until(self, word, **wanted):
        """Ask until the facts are these."""
        until = time.monotonic() + LIMIT_S
        facts = await self.ask(word)
        while any(facts[name] != value for name, value in wanted.items()):
            assert time.monotonic() < until, facts
            await asyncio.sleep(0.2)
            facts = await self.ask("facts")
        return facts


async def connect(server, crowd, count):
    """All devices online, one window of connections after the other."""
    loop = asyncio.get_running_loop()
    lights = []
    for first in range(0, count, 250):
        numbers = range(first, min(first + 250, count))
        crowd.expect(len(numbers))
        made = await asyncio.gather(
            *(
                loop.create_connection(
                    lambda number=number: Light(crowd, number, server.first), "127.0.0.1", server.first["port"]
                )
                for number in numbers
            )
        )
        lights += [light for _, light in made]
        await crowd.wait()
    return lights


async def timed(crowd, count, act):
    """Seconds from an act until the crowd has done what it expects."""
    crowd.expect(count)
    began = time.perf_counter()
    await act()
    await crowd.wait()
    return time.perf_counter() - began


async def measure(server, count, rounds):
    crowd = Crowd()
    lights = await connect(server, crowd, count)
    facts = await server.until("facts", here=count, online=count)
    memory, dispatch, cpu, answered = facts["memory_mb"], [], [], []
    for number in range(2 * rounds):
        before = await server.until("lapse" if number else "facts", open=0)
        for light in lights:
            light.answers = number >= rounds
        seconds = await timed(crowd, count, lambda: server.ask("mark"))
        after = await server.until("facts", open=count)
        if number < rounds:
            dispatch.append(seconds)
            cpu.append((after["cpu_s"] - before["cpu_s"]) / count)
        else:
            answered.append(seconds)
    before = await server.ask("facts")

    async def report():
        order = list(lights)
        random.Random(1).shuffle(order)
        for light in order:
            light.left = REPORTS - 1
            light.report(5)

    seconds = await timed(crowd, count, report)
    after = await server.ask("facts")
    assert crowd.lost == 0, crowd.error
    for light in lights:
        light.transport.abort()
    return {
        "dispatch_s": round(statistics.median(dispatch), 2),
        "dispatch_cpu_us": round(statistics.median(cpu) * 1e6),
        "answered_s": round(statistics.median(answered), 2),
        "reports_per_s": round(count * REPORTS / seconds),
        "report_cpu_us": round((after["cpu_s"] - before["cpu_s"]) / count / REPORTS * 1e6),
        "memory_mb": round(memory, 1),
    }


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = wanted + SPARE_FILES if hard == resource.RLIM_INFINITY else min(hard, wanted + SPARE_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    count = files - SPARE_FILES
    with tempfile.TemporaryDirectory() as folder:
        server = Platform(__file__, "--serve", str(folder), str(count))
        facts = asyncio.run(measure(server, count, rounds))
        server.end()
    print(json.dumps({"dispatch": {"devices": count, "asked": wanted, "rounds": rounds, **facts}}, indent=1))


if __name__ == "__main__":
    if "--serve" in sys.argv:
        asyncio.run(serve(Path(sys.argv[2]), int(sys.argv[3])))
    else:
        main()
