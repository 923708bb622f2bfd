"""How fast does each driver burn, compared with nothing but the wire and with ectool? 1, 8 and 16 channels.

    python bench/burn_channels.py [DRIVER ...] [--rounds N] [--channels N ...] [--save]

*Bare* is the floor: the very exchange of the burn - as many frames and answers, of the same sizes, in the same order -
over pseudo-terminals, without any sense in them. Its sizes come from one burn in memory; one process speaks, another
answers, each with one selector loop. *Burn* is one job per module, all in one process, over a rack of virtual
modules in another that check every frame, program strict NOR flash and verify: from the first loader byte to the
reset's answer, with the pauses of the protocol (8910: 0.1 s for FDL1 to start; ASR: 1 s before its goodbye). *Write*
is the time of loads and
writes alone. CPU seconds are those of the host's process; in a bare run, of the process that speaks. Every burn is
compared with the mean of a bare run before and one after it; what is printed and kept are medians of the rounds.

*ectool*, where it is installed, burns the same binpkg into the same virtual EC600E; from its start to its end without
the time that it takes to begin.
"""

import argparse
import asyncio
import io
import json
import multiprocessing
import os
import random
import selectors
import statistics
import subprocess
import sys
import tempfile
import time
import tty
import zipfile
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from moduline import burn
from moduline.burn.drivers import session_for
from moduline.burn.enter import find_module
from moduline.burn.job import Job
from moduline.burn.session import NvRead
from moduline.events import Step
from moduline.nor.memory import MemoryFlash
from moduline.package import read_package, write_package
from moduline.package.containers import container_of
from moduline.port import registry
from moduline.port.watch import Watch
from moduline.release.firmware import stock_package
from moduline.vmodule import download_sessions, rack_client
from moduline.vmodule.download.events import DownloadFaults
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block

BASELINE = Path(__file__).with_name("baseline.json")
KEY = "burn_channels"
CONTENT_BYTES = 3 << 20
CHANNELS = (1, 8, 16)
READ_BYTES = 65536
ECTOOL = (
    "from serial import serialposix as s; s.Serial._update_dtr_state = lambda self: None; import ectool; ectool.main()"
)
"""Pseudo-terminals have no DTR line, which ectool sets."""


@dataclass(frozen=True)
class Driver:
    """What is burnt: the stock package of a module, one part of it enlarged."""

    module: str
    role: str = ""


DRIVERS = {
    "unisoc8910": Driver("ec600u", "modem"),
    "unisoc8850": Driver("ec600g", "system"),
    "asr-smux": Driver("ec600n"),
    "asr-ethos": Driver("ec600s"),
    "eigen618": Driver("ec600e", "eigen"),
}
EIGEN_PARTS = (("ap_at_command", 0x1DFD14), ("cp-demo-flash", 0x65EBE))
"""The images of the real EC600E package are as large."""


def content(size=CONTENT_BYTES):
    """Half noise, half pattern, with as many bytes to escape as a real package (16 in 4096); always the same."""
    dice = random.Random(7)
    return b"".join(dice.randbytes(2048) + bytes(range(64)) * 32 for _ in range(size // 4096))


def package_of(driver):
    """The package file."""
    data = stock_package(driver.module)
    if driver.role != "eigen":
        return data
    dice, made = random.Random(618), read_package(data)
    for name, size in EIGEN_PARTS:
        own = made.part(name).data
        made = container_of(made).substitute(made, name, own + dice.randbytes(size - len(own)))
    return write_package(made)


def order_of(driver, package):
    """What is burnt, without reading back."""
    order = burn.make_order(package, "bench", verify="device", is_checked=False)
    if driver.role not in {"modem", "system"}:
        return order
    large = content()
    actions = tuple(
        replace(action, data=large, size_bytes=len(large)) if action.role == driver.role else action
        for action in order.plan.actions
    )
    return replace(order, plan=replace(order.plan, actions=actions))


# ---- bare ------------------------------------------------------------------------------------------------------------


def exchange_of(driver, plan):
    """(bytes said, bytes answered) of every exchange of a burn, from both ends in memory."""
    identity = identity_of(driver.module, "m1")
    flash = MemoryFlash(identity.geometry)
    identity.storage(flash).nv.write_block(factory_block(identity.factory_imei, "m1"))
    module = download_sessions.session_for(identity, identity.storage(flash), DownloadFaults())
    session, now, sizes = session_for(plan), 0.0, []

    def told(events):
        for event in events:
            if isinstance(event, NvRead):
                told(session.stored(now))

    told(session.start(now))
    while not session.is_over:
        data = session.bytes_to_send()
        if not data and getattr(session, "is_streaming", False):
            data, events = session.more_to_send(now)
            told(events)
        session.prepare()
        module.advance(now)
        if data:
            module.receive(data)
        if said := module.bytes_to_send():
            told(session.receive(said, now))
        elif not data:
            now = min(due for due in (session.wake_at, module.wake_at_s) if due is not None)
            told(session.wake(now))
        if data and sizes and not sizes[-1][1]:
            sizes[-1] = (sizes[-1][0] + len(data), len(said))
        elif data:
            sizes.append((len(data), len(said)))
    return sizes


def answer(descriptors, sizes):
    """The far side: as many bytes back as the burn's module gives."""
    state = {one: [0, 0] for one in descriptors}
    answers = {size: bytes(size) for _, size in sizes}
    with selectors.DefaultSelector() as ready:
        for one in descriptors:
            ready.register(one, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                at = state[key.fd]
                at[1] += len(os.read(key.fd, READ_BYTES))
                while at[0] < len(sizes) and at[1] >= sizes[at[0]][0]:
                    said, wanted = sizes[at[0]]
                    at[1] -= said
                    at[0] += 1
                    if wanted:
                        os.write(key.fd, answers[wanted])


class Speaker:
    """The near side of one channel."""

    def __init__(self, descriptor, sizes, zeros):
        self.descriptor, self.sizes, self.zeros = descriptor, sizes, zeros
        self.number, self.unsent, self.missing = -1, 0, 0
        self.next()

    def next(self):
        """The next exchange; whether there is one."""
        self.number += 1
        if self.number < len(self.sizes):
            self.unsent, self.missing = self.sizes[self.number]
        return self.number < len(self.sizes)

    def go_on(self, events):
        """Write and read what can be; what to wait for, 0 at the end."""
        if events & selectors.EVENT_READ:
            self.missing -= len(os.read(self.descriptor, READ_BYTES))
        if self.unsent and events & selectors.EVENT_WRITE:
            self.unsent -= os.write(self.descriptor, self.zeros[: self.unsent])
        while not self.unsent and self.missing <= 0:
            if not self.next():
                return 0
            try:
                self.unsent -= os.write(self.descriptor, self.zeros[: self.unsent])
            except BlockingIOError:
                break
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self.unsent else 0)


def bare(channels, sizes):
    """(seconds, CPU seconds of the near side) that the exchanges take on every channel."""
    pairs = [os.openpty() for _ in range(channels)]
    for _, slave in pairs:
        tty.setraw(slave)
        os.set_blocking(slave, False)
    masters = [master for master, _ in pairs]
    far = multiprocessing.get_context("fork").Process(target=answer, args=(masters, sizes), daemon=True)
    far.start()
    zeros = memoryview(bytes(max(said for said, _ in sizes)))
    began, cpu = time.perf_counter(), time.process_time()
    with selectors.DefaultSelector() as ready:
        for _, slave in pairs:
            ready.register(slave, selectors.EVENT_READ | selectors.EVENT_WRITE, Speaker(slave, sizes, zeros))
        while ready.get_map():
            for key, events in ready.select():
                wanted = key.data.go_on(events)
                if not wanted:
                    ready.unregister(key.fd)
                elif wanted != key.events:
                    ready.modify(key.fd, wanted, key.data)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    far.terminate()
    far.join()
    for pair in pairs:
        for one in pair:
            os.close(one)
    return seconds, cpu


# ---- burn ------------------------------------------------------------------------------------------------------------


class Times:
    """When the download stage of each slot began and ended, and how long its loads and writes took."""

    def __init__(self):
        self.begun, self.ended, self.part, self.write = {}, {}, {}, {}

    def __call__(self, event):
        if not isinstance(event, Step):
            return
        now = time.perf_counter()
        if event.name == "burn.enter" and event.state == "done":
            self.begun[event.where] = now
        elif event.name == "burn.reset" and event.state == "done":
            self.ended[event.where] = now
        if event.facts.get("verb") in {"write", "keep_nv", "load"}:
            if event.state == "begin":
                self.part[event.where] = now
            else:
                self.write[event.where] = self.write.get(event.where, 0.0) + now - self.part[event.where]


def up(rack, driver, count, package):
    """A rack of so many modules; gives their names."""
    rack_client.start(rack)
    with tempfile.NamedTemporaryFile() as file:
        file.write(package)
        file.flush()
        rows = [
            {"name": f"m{n}", "module": driver.module, "number": n, "package": file.name} for n in range(1, count + 1)
        ]
        rack_client.ask(rack, "add", 240.0, modules=rows)
    return [row["name"] for row in rows]


async def burn_each(order, rack, names, report):
    """One job per module, all at once, as a gang runs them; a unit that has booted is not burnt again."""
    async with Watch(rack) as watch:
        jobs = [Job(order, find_module(f"virt:{name}", watch), watch, None, report) for name in names]
        return await asyncio.gather(*[job.run() for job in jobs])


def burn_all(order, rack, names):
    """(content bytes, seconds of the stage, mean seconds of loads and writes, CPU seconds of this process)."""
    for name in names:
        rack_client.ask(rack, "power", 60.0, name=name, action="boot-pin")
    times, cpu = Times(), time.process_time()
    records = asyncio.run(burn_each(order, rack, names, times))
    cpu = time.process_time() - cpu
    bad = [record for record in records if not record.is_pass]
    if bad:
        raise SystemExit(f"a burn failed: {bad[0].error_message}")
    stage = max(times.ended.values()) - min(times.begun.values())
    return sum(record.bytes for record in records), stage, statistics.mean(times.write.values()), cpu


def measure(order, rack, names, sizes, rounds):
    """Bare, burn, bare, in turn, after one burn that does not count; the medians."""
    channels, found = len(names), []
    burn_all(order, rack, names)  # loads what is loaded once, and makes the records
    for _ in range(rounds):
        before = bare(channels, sizes)
        size, stage, write, cpu = burn_all(order, rack, names)
        after = bare(channels, sizes)
        bare_s, bare_cpu = ((one + other) / 2 for one, other in zip(before, after, strict=True))
        megabytes = size / 1e6
        found.append(
            {
                "mb_per_s_per_channel": megabytes / stage / channels,
                "throughput_ratio": bare_s / stage,
                "write_ratio": bare_s / write,
                "cpu_s_per_mb": cpu / megabytes,
                "cpu_ratio": cpu / bare_cpu,
                "bare_mb_per_s_per_channel": megabytes / bare_s / channels,
                "seconds": stage,
            }
        )
    return {name: round(statistics.median(one[name] for one in found), 4) for name in found[0]}


def ectool_seconds(rack, package):
    """Seconds that ectool takes for the binpkg of the package."""
    rack_client.ask(rack, "power", 60.0, name="m1", action="boot-pin")
    (module,) = registry.modules(rack)
    with zipfile.ZipFile(io.BytesIO(package)) as zipped, tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "at_command.binpkg")
        file.write_bytes(zipped.read(next(one for one in zipped.namelist() if one.endswith(".binpkg"))))
        idle = time.perf_counter()
        subprocess.run([sys.executable, "-c", ECTOOL, "--help"], check=True, capture_output=True)
        idle = time.perf_counter() - idle
        began = time.perf_counter()
        words = [sys.executable, "-c", ECTOOL, "burn", "-f", str(file), "-p", module.port("download").path]
        said = subprocess.run(words, check=True, capture_output=True, text=True, timeout=900)
        seconds = time.perf_counter() - began - idle
        if "burn ok" not in said.stdout + said.stderr:
            raise SystemExit(f"ectool failed: {(said.stdout + said.stderr)[-300:]}")
    return seconds


def compare_with_ectool(order, rack, package, seconds):
    """Ours and theirs on the bytes that both burn: boot, system and modem."""
    theirs = ectool_seconds(rack, package)
    images = sum(len(action.data) for action in order.plan.actions if action.role in {"boot", "system", "modem"})
    ours = seconds * images / order.plan.write_bytes
    print(f"  ectool {theirs:.1f} s for {images} bytes, ours {ours:.2f} s: {theirs / ours:.0f} times faster")
    return {"bytes": images, "seconds": round(theirs, 2), "times_faster": round(theirs / ours, 1)}


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("drivers", nargs="*", choices=[[], *DRIVERS])
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--channels", type=int, nargs="+", default=CHANNELS)
    asked.add_argument("--save", action="store_true")
    words = asked.parse_args()
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    found = baseline.get(KEY, {}) if words.drivers else {}
    old = json.loads(json.dumps(baseline.get(KEY, {})))
    print("driver      channels  MB/s/channel  of bare  write of bare  CPU s/MB  x bare CPU   baseline: of bare")
    with tempfile.TemporaryDirectory(prefix="moduline-bench-") as home:
        os.environ["MODULINE_HOME"] = home
        for name in words.drivers or DRIVERS:
            driver = DRIVERS[name]
            package = package_of(driver)
            order = order_of(driver, package)
            sizes = exchange_of(driver, order.plan)
            for channels in words.channels:
                rack = f"{name}-{channels}"
                names = up(rack, driver, channels, package)
                try:
                    one = measure(order, rack, names, sizes, words.rounds)
                    before = old.get(name, {}).get(str(channels))
                    print(
                        f"{name:<12}{channels:8d}{one['mb_per_s_per_channel']:14.2f}{one['throughput_ratio']:9.2f}"
                        f"{one['write_ratio']:15.2f}{one['cpu_s_per_mb']:10.4f}{one['cpu_ratio']:12.1f}"
                        f"   {before['throughput_ratio'] if before else '-'}",
                        flush=True,
                    )
                    found.setdefault(name, {})[str(channels)] = one
                    if name == "eigen618" and channels == 1 and find_spec("ectool"):
                        found[name]["ectool"] = compare_with_ectool(order, rack, package, one["seconds"])
                finally:
                    rack_client.ask(rack, "down", 60.0)
                if words.save:
                    keep(found)


def keep(found):
    """Put what was found so far into the baseline."""
    whole = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    BASELINE.write_text(json.dumps(whole | {KEY: found}, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
