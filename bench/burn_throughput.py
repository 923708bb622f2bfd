"""How fast does the burner write, compared with nothing but the wire? One channel, then eight.

    python bench/burn_throughput.py [ROUNDS]

*Bare* is the floor: one process writes frames of the size the burner sends, another answers each with the eight bytes
of an acknowledgement, over pseudo-terminals, with blocking calls (one channel) or one selector loop per side (eight).
*Burn* is the real thing: ``run_gang`` over a rack of virtual modules in another process that un-escape, check, program
strict NOR flash and read it back at END. Throughput is content per second of the download stage, from the first
loader byte to the reset's acknowledgement; *write* counts only the time between START and END of contents.
Each burn is compared with the mean of a bare run before and one after it, as both see the same machine; medians of
the rounds are printed. The fixed 0.1 s that the driver gives FDL1 to start is in *burn* and not in *write*.
"""

import asyncio
import multiprocessing
import os
import random
import selectors
import statistics
import sys
import tempfile
import time
import tty
from dataclasses import replace

from moduline import burn
from moduline.burn.plan import DEFAULT_PACKET_BYTES
from moduline.events import Step
from moduline.line import GangOptions, run_gang
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client
from moduline.wire.download.unisoc import encode_bsl

RACK = "bench"
MODULE = "ec600u"
CONTENT_BYTES = 3 << 20
PACKETS = (DEFAULT_PACKET_BYTES, 0x3000)  # what the burner sends, and the most the loaders take
ACK = encode_bsl(0x80)


def content(size=CONTENT_BYTES):
    """Half noise, half pattern, with as many bytes to escape as a real package (16 in 4096); always the same."""
    dice = random.Random(7)
    return b"".join(dice.randbytes(2048) + bytes(range(64)) * 32 for _ in range(size // 4096))


# ---- bare -----------------------------------------------------------------------------------------------------------


def answer_frames(descriptors, frame_bytes):
    """The far side: eight bytes back for each frame's worth of bytes."""
    if len(descriptors) == 1:
        pending = 0
        while data := os.read(descriptors[0], 65536):
            pending += len(data)
            if pending >= frame_bytes:
                pending -= frame_bytes
                os.write(descriptors[0], ACK)
        return
    pending = dict.fromkeys(descriptors, 0)
    with selectors.DefaultSelector() as ready:
        for one in descriptors:
            ready.register(one, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                pending[key.fd] += len(os.read(key.fd, 65536))
                if pending[key.fd] >= frame_bytes:
                    pending[key.fd] -= frame_bytes
                    os.write(key.fd, ACK)


def bare(channels, frames, frame_bytes):
    """Seconds that ``channels`` x ``frames`` exchanges take."""
    pairs = [os.openpty() for _ in range(channels)]
    for _, slave in pairs:
        tty.setraw(slave)
    far = multiprocessing.get_context("fork").Process(
        target=answer_frames, args=([master for master, _ in pairs], frame_bytes), daemon=True
    )
    far.start()
    frame = bytes(frame_bytes)
    near = [slave for _, slave in pairs]
    began = time.perf_counter()
    if channels == 1:
        for _ in range(frames):
            os.write(near[0], frame)
            got = 0
            while got < len(ACK):
                got += len(os.read(near[0], 65536))
    else:
        exchange_all(near, frames, frame)
    seconds = time.perf_counter() - began
    far.terminate()
    far.join()
    for pair in pairs:
        for one in pair:
            os.close(one)
    return seconds


def exchange_all(near, frames, frame):
    """One frame on its way per channel, the next when its answer is in."""
    left, got, unsent = dict.fromkeys(near, frames), dict.fromkeys(near, 0), {}
    with selectors.DefaultSelector() as ready:

        def send(one, data):
            taken = os.write(one, data)
            if taken < len(data):
                unsent[one] = data[taken:]
                ready.modify(one, selectors.EVENT_READ | selectors.EVENT_WRITE)
            elif unsent.pop(one, None) is not None:
                ready.modify(one, selectors.EVENT_READ)

        for one in near:
            os.set_blocking(one, False)
            ready.register(one, selectors.EVENT_READ)
            send(one, frame)
        while any(left.values()):
            for key, events in ready.select():
                if events & selectors.EVENT_WRITE:
                    send(key.fd, unsent[key.fd])
                if events & selectors.EVENT_READ:
                    got[key.fd] += len(os.read(key.fd, 65536))
                    if got[key.fd] == len(ACK):
                        got[key.fd] = 0
                        left[key.fd] -= 1
                        if left[key.fd]:
                            send(key.fd, frame)


# ---- burn -----------------------------------------------------------------------------------------------------------


def make_order(packet_bytes):
    """The virtual module's own package with three megabytes of modem part."""
    order = burn.make_order(stock_package(MODULE), "bench.pac", verify="device", packet_bytes=packet_bytes)
    data = content()
    actions = tuple(
        replace(action, data=data, size_bytes=len(data)) if action.role == "modem" else action
        for action in order.plan.actions
    )
    return replace(order, plan=replace(order.plan, actions=actions))


class Times:
    """When the download stage of each slot began and ended, and how long its writes took."""

    def __init__(self):
        self.begun, self.ended, self.part, self.write = {}, {}, {}, {}

    def __call__(self, event):
        if not isinstance(event, Step):
            return
        now = time.perf_counter()
        if event.name == "burn.HOST_FDL" and event.state == "begin":
            self.begun[event.where] = now
        elif event.name == "burn.reset" and event.state == "done":
            self.ended[event.where] = now
        if event.facts.get("verb") in {"write", "keep_nv", "load"}:
            if event.state == "begin":
                self.part[event.where] = now
            else:
                spent = now - self.part[event.where]
                self.write[event.where] = self.write.get(event.where, 0.0) + spent


def burn_all(order, rack, times=None):
    """(content bytes, seconds of the download stage, mean seconds of writing, CPU seconds of this process)."""
    times = times or Times()
    cpu = time.process_time()
    records = asyncio.run(run_gang(order, rack, GangOptions(patience_s=0.0), report=times))
    cpu = time.process_time() - cpu
    bad = [record for record in records if not record.is_pass]
    if bad:
        raise SystemExit(f"a burn failed: {bad[0].error_message}")
    stage = max(times.ended.values()) - min(times.begun.values())
    return sum(record.bytes for record in records), stage, statistics.mean(times.write.values()), cpu


def up(rack, count):
    rack_client.start(rack)
    wanted = [{"name": f"m{n}", "module": MODULE, "number": n, "package": None} for n in range(1, count + 1)]
    with tempfile.NamedTemporaryFile(suffix=".pac") as file:
        file.write(stock_package(MODULE))
        file.flush()
        rack_client.ask(rack, "add", 120.0, modules=[{**one, "package": file.name} for one in wanted])


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("packet  channels  bare MB/s  burn MB/s  ratio  write MB/s  ratio  host CPU s/MB")
    with tempfile.TemporaryDirectory(prefix="moduline-bench-") as home:
        os.environ["MODULINE_HOME"] = home
        for channels in (1, 8):
            rack = f"{RACK}{channels}"
            up(rack, channels)
            try:
                for packet_bytes in PACKETS:
                    measure(make_order(packet_bytes), rack, channels, rounds, packet_bytes)
            finally:
                rack_client.ask(rack, "down", 60.0)


def measure(order, rack, channels, rounds, packet_bytes):
    """Alternate bare and burn, print one line of medians."""
    frame_bytes = len(encode_bsl(2, content(2 * packet_bytes)[:packet_bytes]))
    frames = order.plan.write_bytes // packet_bytes
    floor, stage, write, cpu = [], [], [], []
    for _ in range(rounds):
        floor.append(channels * frames * packet_bytes / bare(channels, frames, frame_bytes) / 1e6)
        size, stage_s, write_s, cpu_s = burn_all(order, rack)
        stage.append(size / stage_s / 1e6)
        write.append(size / write_s / 1e6)
        cpu.append(cpu_s / size * 1e6)
    bare_rate, burn_rate, write_rate = map(statistics.median, (floor, stage, write))
    print(
        f"{packet_bytes:6d}  {channels:8d}  {bare_rate:9.1f}  {burn_rate:9.1f}  {burn_rate / bare_rate:5.2f}"
        f"  {write_rate:10.1f}  {write_rate / bare_rate:5.2f}  {statistics.median(cpu):13.4f}"
    )


if __name__ == "__main__":
    main()
