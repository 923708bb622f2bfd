"""How fast does the ASR burner write, compared with nothing but the wire? One channel, then eight.

    python bench/burn_asr.py [ROUNDS] [MODULE]

*Bare* is the floor: one process writes as many bytes as one sparse file takes on the wire, another reads them and sends
the twelve bytes of an OKAY, over pseudo-terminals, with one selector loop per side. *Burn* is ``run_gang`` over a rack
of virtual modules in another process that un-stuff, check the sparse file and program strict NOR flash: content per
second from the greeting to the goodbye. The second the protocol waits before ``disconnect`` is in *burn*; *write*
counts only the parts. Each burn is compared with a bare run just before it; medians of the rounds are printed.
"""

import multiprocessing
import os
import selectors
import statistics
import sys
import tempfile
import time
import tty

from burn_throughput import Times, burn_all

from moduline import burn
from moduline.events import Step
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client
from moduline.wire.download.asr import VENDOR_MTU, SmuxType, encode_frame, encode_frames

OKAY = encode_frame(SmuxType.ABOOT_CMD, b"OKAY")


class AsrTimes(Times):
    """From the first loader byte to the end, and how long the parts took."""

    def __call__(self, event):
        if isinstance(event, Step) and event.name == "burn.connect" and event.state == "begin":
            self.begun[event.where] = time.perf_counter()
        super().__call__(event)


def answer(descriptors, sizes):
    """The far side: an OKAY for each file that has arrived."""
    left = {one: list(sizes) for one in descriptors}
    with selectors.DefaultSelector() as ready:
        for one in descriptors:
            ready.register(one, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                rest = left[key.fd]
                rest[0] -= len(os.read(key.fd, 65536))
                if rest[0] <= 0:
                    rest.pop(0)
                    os.write(key.fd, OKAY)


def bare(channels, files):
    """Seconds that all files take on every channel."""
    pairs = [os.openpty() for _ in range(channels)]
    for master, slave in pairs:
        tty.setraw(slave)
        os.set_blocking(slave, False)
        os.set_blocking(master, True)
    far = multiprocessing.get_context("fork").Process(
        target=answer, args=([master for master, _ in pairs], [len(file) for file in files]), daemon=True
    )
    far.start()
    todo = {slave: list(files) for _, slave in pairs}
    rest = {slave: memoryview(files[0]) for _, slave in pairs}
    began = time.perf_counter()
    with selectors.DefaultSelector() as ready:
        for slave in todo:
            ready.register(slave, selectors.EVENT_WRITE)
        while ready.get_map():
            for key, events in ready.select():
                one = key.fd
                if events & selectors.EVENT_WRITE:
                    rest[one] = rest[one][os.write(one, rest[one]) :]
                    if not rest[one]:
                        ready.modify(one, selectors.EVENT_READ)
                elif os.read(one, 65536):
                    todo[one].pop(0)
                    if todo[one]:
                        rest[one] = memoryview(todo[one][0])
                        ready.modify(one, selectors.EVENT_WRITE)
                    else:
                        ready.unregister(one)
    seconds = time.perf_counter() - began
    far.terminate()
    far.join()
    for pair in pairs:
        for one in pair:
            os.close(one)
    return seconds


def up(rack, count, module):
    """A rack of so many modules."""
    rack_client.start(rack)
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        file.write(stock_package(module))
        file.flush()
        wanted = [{"name": f"m{n}", "module": module, "number": n, "package": file.name} for n in range(1, count + 1)]
        rack_client.ask(rack, "add", 120.0, modules=wanted)


def measure(order, rack, channels, rounds):
    """Alternate bare and burn, print one line of medians."""
    files = [encode_frames(SmuxType.ABOOT_DATA, file, VENDOR_MTU) for one in order.plan.files for file in one]
    floor, stage, write, cpu = [], [], [], []
    for _ in range(rounds):
        floor.append(channels * order.plan.write_bytes / bare(channels, files) / 1e6)
        size, stage_s, write_s, cpu_s = burn_all(order, rack, AsrTimes())
        stage.append(size / stage_s / 1e6)
        write.append(size / write_s / 1e6)
        cpu.append(cpu_s / size * 1e6)
    bare_rate, burn_rate, write_rate = map(statistics.median, (floor, stage, write))
    print(
        f"{channels:8d}  {bare_rate:9.1f}  {burn_rate:9.1f}  {burn_rate / bare_rate:5.2f}"
        f"  {write_rate:10.1f}  {write_rate / bare_rate:5.2f}  {statistics.median(cpu):13.4f}"
    )


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    module = sys.argv[2] if len(sys.argv) > 2 else "ec600n"
    order = burn.make_order(stock_package(module), "bench.zip", is_checked=False)
    print("channels  bare MB/s  burn MB/s  ratio  write MB/s  ratio  host CPU s/MB")
    with tempfile.TemporaryDirectory(prefix="moduline-bench-") as home:
        os.environ["MODULINE_HOME"] = home
        for channels in (1, 8):
            rack = f"asr{channels}"
            up(rack, channels, module)
            try:
                measure(order, rack, channels, rounds)
            finally:
                rack_client.ask(rack, "down", 60.0)


if __name__ == "__main__":
    main()
