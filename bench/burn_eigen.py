"""How fast does the EigenComm driver write, compared with nothing but the wire, and with ectool on the same bytes?

    python bench/burn_eigen.py [ROUNDS] [CHANNELS ...]

*Bare* is the floor: for every 16 KiB the exchange of a question (16 bytes) and of a packet (16396 bytes), each answered
with eight bytes, over pseudo-terminals; see ``burn_throughput``. *Burn* is ``run_gang`` over a rack of virtual EC600E
in another process, from the first word to the ROM to the reset's answer: sync words, agentboot, heads, erases of the
areas. Programming is that of strict NOR flash. Each burn is compared with the mean of a bare run before and one after
it; medians of the rounds are printed. *ectool*, where it is installed, burns the same binpkg into the same virtual
module, from its start to its end without the half second that Python takes to begin.
"""

import asyncio
import io
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib.util import find_spec
from pathlib import Path

from burn_throughput import bare

from moduline import burn
from moduline.events import Step
from moduline.line import GangOptions, run_gang
from moduline.package import read_package, write_package
from moduline.package.containers import container_of
from moduline.port import registry
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client

MODULE = "ec600e"
SYSTEM_BYTES = 0x1DFD14
"""The AP image of the real EC600E package is as large."""
MODEM_BYTES = 0x65EBE
QUESTION_BYTES, PACKET_BYTES, CONTENT_BYTES = 16, 0x400C, 0x4000
ECTOOL = (
    "from serial import serialposix as s; s.Serial._update_dtr_state = lambda self: None; import ectool; ectool.main()"
)
"""Pseudo-terminals have no DTR line, which ectool sets."""


def package():
    """The virtual module's package with system and modem of a real one's sizes; always the same."""
    dice = random.Random(618)
    made = read_package(stock_package(MODULE))
    for name, size in (("ap_at_command", SYSTEM_BYTES), ("cp-demo-flash", MODEM_BYTES)):
        own = made.part(name).data
        made = container_of(made).substitute(made, name, own + dice.randbytes(size - len(own)))
    return write_package(made)


class Times:
    """When the download stage of each slot began and ended."""

    def __init__(self):
        self.begun, self.ended = {}, {}

    def __call__(self, event):
        if isinstance(event, Step):
            if event.name == "burn.agentboot_usb" and event.state == "begin":
                self.begun[event.where] = time.perf_counter()
            elif event.name == "burn.reset" and event.state == "done":
                self.ended[event.where] = time.perf_counter()


def burn_all(order, rack, names):
    """(content bytes, seconds of the download stage, CPU seconds of this process)."""
    for name in names:
        rack_client.ask(rack, "power", 60.0, name=name, action="boot-pin")
    times = Times()
    cpu = time.process_time()
    records = asyncio.run(run_gang(order, rack, GangOptions(patience_s=0.0), report=times))
    cpu = time.process_time() - cpu
    bad = [record for record in records if not record.is_pass]
    if bad:
        raise SystemExit(f"a burn failed: {bad[0].error_message}")
    return sum(record.bytes for record in records), max(times.ended.values()) - min(times.begun.values()), cpu


def bare_rate(channels, size):
    """Content bytes per second of the same exchanges without any sense in them."""
    packets = size // channels // CONTENT_BYTES
    seconds = bare(channels, packets, QUESTION_BYTES) + bare(channels, packets, PACKET_BYTES)
    return channels * packets * CONTENT_BYTES / seconds


def measure(order, rack, names, rounds):
    """Alternate bare and burn, print one line of medians; gives the median seconds of a burn."""
    floor, rate, cpu, spent = [], [], [], []
    size = order.plan.write_bytes * len(names)
    for _ in range(rounds):
        before = bare_rate(len(names), size)
        done, seconds, cpu_s = burn_all(order, rack, names)
        floor.append((before + bare_rate(len(names), size)) / 2)
        rate.append(done / seconds)
        cpu.append(cpu_s / done * 1e6)
        spent.append(seconds)
    ratio = statistics.median(one / other for one, other in zip(rate, floor, strict=True))
    print(
        f"{len(names):8d}  {statistics.median(floor) / 1e6:9.1f}  {statistics.median(rate) / 1e6:9.1f}  {ratio:5.2f}"
        f"  {statistics.median(rate) / len(names) / 1e6:16.1f}  {statistics.median(cpu):13.4f}",
        flush=True,
    )
    return statistics.median(spent)


def up(rack, count, data):
    rack_client.start(rack)
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        file.write(data)
        file.flush()
        rows = [{"name": f"m{n}", "module": MODULE, "number": n, "package": file.name} for n in range(1, count + 1)]
        rack_client.ask(rack, "add", 120.0, modules=rows)
    return [one["name"] for one in rows]


def ectool_seconds(rack, data):
    """Seconds that ectool takes for the binpkg of the package, and how many content bytes that is."""
    rack_client.ask(rack, "power", 60.0, name="m1", action="boot-pin")
    (module,) = registry.modules(rack)
    with zipfile.ZipFile(io.BytesIO(data)) as zipped, tempfile.TemporaryDirectory() as folder:
        name = next(one for one in zipped.namelist() if one.endswith(".binpkg"))
        file = Path(folder, "at_command.binpkg")
        file.write_bytes(zipped.read(name))
        idle = time.perf_counter()
        subprocess.run([sys.executable, "-c", ECTOOL, "--help"], check=True, capture_output=True)
        idle = time.perf_counter() - idle
        began = time.perf_counter()
        words = [sys.executable, "-c", ECTOOL, "burn", "-f", str(file), "-p", module.port("download").path]
        said = subprocess.run(words, check=True, capture_output=True, text=True, timeout=600)
        seconds = time.perf_counter() - began - idle
        if "burn ok" not in said.stdout + said.stderr:
            raise SystemExit(f"ectool failed: {(said.stdout + said.stderr)[-300:]}")
    return seconds


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    data = package()
    order = burn.make_order(data, "bench.zip", verify="device", is_checked=False)
    images = sum(len(action.data) for action in order.plan.actions if action.role in {"boot", "system", "modem"})
    print("channels  bare MB/s  burn MB/s  ratio  MB/s per channel  host CPU s/MB")
    with tempfile.TemporaryDirectory(prefix="moduline-bench-") as home:
        os.environ["MODULINE_HOME"] = home
        for channels in [int(word) for word in sys.argv[2:]] or [1, 8, 16]:
            rack = f"bench{channels}"
            names = up(rack, channels, data)
            try:
                seconds = measure(order, rack, names, rounds)
                if channels == 1 and find_spec("ectool"):
                    theirs = ectool_seconds(rack, data)
                    share = images / order.plan.write_bytes
                    print(f"ectool {theirs:.1f} s for {images} bytes of images; ours {seconds * share:.2f} s for as")
                    print(f"many, {theirs / (seconds * share):.0f} times faster; {seconds:.2f} s with the file systems")
            finally:
                rack_client.ask(rack, "down", 60.0)


if __name__ == "__main__":
    main()
