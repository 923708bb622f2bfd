"""A whole rack at once: power to sixty-four prompts, memory, idle CPU; against a plain interpreter.

    python bench/rack_of_64.py [COUNT]

The rack is the one users start (`moduline virt up`): flash images of their own, AT ports, world, data call. Its power
is switched with `moduline virt power`, and a module counts as up when a plain serial client has read `>>> ` from its
REPL port. The peer is the same interpreter wheel, started COUNT times as a program that prints one line: what it costs
to have no module around it.

Aims: all prompts in under 2 s, under 400 MB (PSS) together, idle CPU near zero.
"""

import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from moduline.vmodule import rack_wire

ROUNDS = 3
IDLE_S = 10.0
PLAIN = "import micropython_module as m; m.run_main(['micropython', '-c', 'print(1)'])"


def moduline(*words):
    done = subprocess.run([sys.executable, "-m", "moduline", *words], check=True, capture_output=True, text=True)
    return json.loads(done.stdout) if "--json" in words else None


def processes_of(pid):
    """The process and everything below it."""
    found, queue = [], [pid]
    while queue:
        one = queue.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            queue += [int(child) for child in task.read_text().split()]
    return found


def pss_mb(pids):
    rolls = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return sum(int(line.split()[1]) for roll in rolls for line in roll.splitlines() if line.startswith("Pss:")) / 1024


def cpu_s(pids):
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def until_prompts(paths, limit_s=60):
    """Seconds until each REPL port has shown a prompt."""
    began = time.perf_counter()
    ports, times = {}, []
    for path in paths:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        ports[fd] = b""
        os.write(fd, b"\r")
    while ports and time.perf_counter() - began < limit_s:
        ready, _, _ = select.select(list(ports), [], [], 1)
        for fd in ready:
            ports[fd] += os.read(fd, 4096)
            if ports[fd].endswith(b">>> "):
                times.append(time.perf_counter() - began)
                del ports[fd]
                os.close(fd)
    if ports:
        sys.exit(f"{len(ports)} modules showed no prompt")
    return times


def rack(count):
    up = moduline("virt", "up", "--module", "ec600u", "--count", str(count), "--json")
    control = json.loads(rack_wire.control_path("default").read_text())
    seconds = []
    for _ in range(ROUNDS):
        moduline("virt", "power", "all", "off")
        began = time.perf_counter()
        up = moduline("virt", "power", "all", "on", "--json")
        until_prompts([module["ports"]["repl"] for module in up["modules"]])
        seconds.append(time.perf_counter() - began)
    pids = processes_of(control["process"])
    print(
        f"{count} modules: power to the last prompt {statistics.median(seconds):.2f} s median of {ROUNDS}, "
        f"{max(seconds):.2f} s worst (the commands' own start included)"
    )
    before, began = cpu_s(pids), time.perf_counter()
    time.sleep(IDLE_S)
    share = (cpu_s(pids) - before) / (time.perf_counter() - began)
    print(f"memory: {pss_mb(pids):.0f} MB (PSS) in {len(pids)} processes; idle CPU: {share:.1%} of one core")
    moduline("virt", "down", "--delete")
    return statistics.median(seconds)


def plain(count):
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        command = [sys.executable, "-I", "-c", PLAIN]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
        for process in running:
            process.communicate()
        seconds.append(time.perf_counter() - began)
    print(f"{count} plain interpreters: {statistics.median(seconds):.2f} s median until the last has printed its line")
    return statistics.median(seconds)


def main(count):
    with tempfile.TemporaryDirectory(prefix="moduline-bench-") as home:
        os.environ["MODULINE_HOME"] = home
        ours, theirs = rack(count), plain(count)
    print(f"ratio, rack / plain interpreters: {ours / theirs:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
