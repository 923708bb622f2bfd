"""What does the full-screen view cost, and does it slow the burning down?

    python bench/gang_screen.py [SECONDS] [ROUNDS]

*Drawing*: a screen of 16 and of 64 slots on a pseudo-terminal of 160 x 48, each slot with ten events a second, in a
process of its own. CPU is what the process uses per second beyond one that makes the same events and draws nothing. A
frame is what keeps the event loop from a task that wants to run all the time, at the times when it takes more than
half a millisecond.

*Burning*: eight virtual modules through ``moduline gang run`` on a pseudo-terminal, with and without the screen, one
after the other; the median time of a unit.
"""

import fcntl
import json
import os
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

SIZE = (160, 48)
EVENTS_PER_S = 10


def on_terminal(words):
    """Run a program on a terminal that somebody reads; what came on stdout, and the bytes that were drawn."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(
        words, stdin=slave, stdout=subprocess.PIPE, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    drawn = []

    def read():
        try:
            while data := os.read(master, 65536):
                drawn.append(len(data))
        except OSError:
            return

    reader = threading.Thread(target=read)
    reader.start()
    printed = process.stdout.read().decode()
    process.wait()
    reader.join()
    os.close(master)
    return printed, sum(drawn)


# ---- drawing --------------------------------------------------------------------------------------------------------


def draw(slots, seconds, *, is_drawn):
    """In the child: a gang of ``slots`` for ``seconds``; prints CPU per second and the frames as JSON."""
    import asyncio

    from moduline.cli import gang_screen
    from moduline.cli.gang_screen_run import EngineThread, watch_gang
    from moduline.events import Progress, Step
    from moduline.line.board import Board, Head
    from moduline.line.relay import Relay

    busy = []

    class Watched(gang_screen.GangScreen):
        async def on_load(self):
            self.watching = asyncio.create_task(watch_loop())

    async def watch_loop():
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0)
            took = time.perf_counter() - before
            if took > 0.0005:
                busy.append(took)
            await asyncio.sleep(0.002)

    async def work(report, _):
        names = [f"A{number + 1}" for number in range(slots)]
        for name in names:
            report(Step("burn.enter", "begin", name))
            report(Step("burn.SYSTEM", "begin", name, {"part": "SYSTEM", "verb": "write"}))
        began = resource.getrusage(resource.RUSAGE_SELF)
        rounds = int(seconds * EVENTS_PER_S)
        for number in range(rounds):
            for name in names:
                report(Progress("burn", number, rounds, name))
            await asyncio.sleep(1 / EVENTS_PER_S)
        ended = resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
        sys.__stdout__.write(json.dumps({"cpu_ms": 1000 * cpu_s / seconds, "busy": busy}) + "\n")
        sys.__stdout__.flush()
        return []

    if is_drawn == "watched":
        gang_screen.GangScreen = Watched
    if is_drawn == "no":
        engine = EngineThread(work, Relay(Board(Head())))
        engine.start()
        engine.wait(3600)
    else:
        watch_gang(work, Head(order="A-17", started=time.time()))


def measure_drawing(slots, seconds):
    """CPU milliseconds per second, and frame times in milliseconds."""

    def child(is_drawn):
        printed, drawn = on_terminal([sys.executable, __file__, "draw", str(slots), str(seconds), is_drawn])
        return json.loads(printed.splitlines()[0]), drawn

    drawn, size = child("yes")
    bare, _ = child("no")
    watched, _ = child("watched")
    frames = sorted(1000 * one for one in watched["busy"]) or [0.0]
    print(
        f"{slots:3d} slots: {drawn['cpu_ms'] - bare['cpu_ms']:6.0f} ms CPU per second (the events alone "
        f"{bare['cpu_ms']:.0f}), frame median {statistics.median(frames):.1f} ms, "
        f"95 % {frames[int(0.95 * len(frames))]:.1f} ms, longest {frames[-1]:.1f} ms, {size / seconds / 1024:.0f} KiB/s"
    )


# ---- burning --------------------------------------------------------------------------------------------------------


def wait_until_running(moduline):
    """Until all modules have booted what was burnt before."""
    states = []
    while states != ["running"] * 8:
        listed = subprocess.run([*moduline, "virt", "list", "--json"], check=True, capture_output=True).stdout
        states = [module["state"] for module in json.loads(listed)["modules"]]


def measure_burning(rounds):
    """Eight modules with and without the screen."""
    moduline = [sys.executable, "-m", "moduline"]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MODULINE_HOME"] = str(Path(folder, "home"))
        stock = str(Path(folder, "stock.zip"))
        subprocess.run([*moduline, "firmware", "build", "ec600u", "-o", stock], check=True, stdout=subprocess.DEVNULL)
        up = [*moduline, "virt", "up", "--module", "ec600u", "--count", "8", "--rack", "bench", "--json"]
        subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
        try:
            times = {"--screen": [], "--no-screen": []}
            for _ in range(rounds):
                for choice, seconds in times.items():
                    wait_until_running(moduline)
                    words = [*moduline, "gang", "run", stock, "--rack", "bench", "--json", choice]
                    result = json.loads(on_terminal(words)[0].splitlines()[-1])
                    assert result["ok"], result
                    seconds += [record["seconds"] for record in result["records"]]
            with_it, without = (statistics.median(seconds) for seconds in times.values())
            print(
                f"eight modules: {with_it:.2f} s per unit with the screen, {without:.2f} s without, "
                f"ratio {with_it / without:.2f}"
            )
        finally:
            subprocess.run([*moduline, "virt", "down", "--rack", "bench"], check=False, stdout=subprocess.DEVNULL)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    for slots in (16, 64):
        measure_drawing(slots, seconds)
    measure_burning(int(sys.argv[2]) if len(sys.argv) > 2 else 3)


if __name__ == "__main__":
    if sys.argv[1:2] == ["draw"]:
        draw(int(sys.argv[2]), float(sys.argv[3]), is_drawn=sys.argv[4])
    else:
        main()
