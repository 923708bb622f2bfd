"""Does the wall of the line station stay smooth while sixteen slots report ten times a second each?

    python bench/station_frames.py [SECONDS]

A Studio in this process, the page ``/line`` in a real Chromium at 1440 x 900. In one run, one after the other: the page
**idle** (sixteen slots, nothing happens), then **busy**: a synthetic engine reports to the board as the real one does,
progress and steps of every slot, 160 events a second, for SECONDS (default 20). Printed are times between
animation frames, tasks that kept the page's thread for longer than 50 ms, how many messages came and their size; and
the CPU time of the page's thread, which a busy computer does not change.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

SLOTS, EVENTS_PER_S, STATION = 16, 10, "bench"
WATCH = """async (seconds) => {
  const frames = [], tasks = [];
  const observer = new PerformanceObserver((list) => list.getEntries().forEach((one) => tasks.push(one.duration)));
  observer.observe({ entryTypes: ["longtask"] });
  const queue = window.stationQueue || (window.stationQueue = []);
  let count = 0, size = 0;
  const push = queue.push.bind(queue);
  queue.push = (told) => { count += 1; size += JSON.stringify(told).length; return push(told); };
  const end = performance.now() + seconds * 1000;
  let before = await new Promise(requestAnimationFrame);
  while (before < end) {
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - before);
    before = now;
  }
  observer.disconnect();
  queue.push = push;
  return { frames, tasks, count, size };
}"""


async def synthetic(report, seconds, go):
    """What an engine reports of sixteen slots; waits for ``go`` between putting the units in and burning them."""
    from moduline.events import Notice, Progress, Step

    slots = [f"A{number + 1}" for number in range(SLOTS)]
    for slot in slots:
        report(Notice("slot.state", slot, {"state": "empty"}))
    await asyncio.to_thread(go.wait)
    parts = ("AP", "PS", "FLASH", "NV", "BOOTLOADER")
    for slot in slots:
        report(Step("burn.enter", "begin", slot))
    rounds = int(seconds * EVENTS_PER_S)
    began = time.monotonic()
    for number in range(rounds):
        for at, slot in enumerate(slots):
            if (number + at) % 17 == 0:
                part = parts[(number // 17) % len(parts)]
                report(Step(f"burn.{part}", "begin", slot, {"part": part, "verb": "write"}))
            else:
                report(Progress("burn", number, rounds, slot))
        await asyncio.sleep(max(0.0, began + (number + 1) / EVENTS_PER_S - time.monotonic()))


class Server:
    """A Studio in a thread of its own, and the job that acts as a gang.

    Args:
        folder: of everything.
        seconds: how long it burns.
    """

    def __init__(self, folder, seconds):
        self.folder, self.seconds = folder, seconds
        self.ready, self.over, self.go = threading.Event(), threading.Event(), threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.live()))

    async def live(self):
        from moduline.errors import Text
        from moduline.line.board import Board, Head
        from moduline.line.relay import Relay
        from moduline.web.server import Studio
        from moduline.web.sessions import cookie_name
        from moduline.web.site import StudioOptions, site
        from moduline.web.station import live

        options = StudioOptions(
            self.folder / "data", self.folder / "root", port=0, http_port=0, device_http_port=0, mqtt_port=0
        )
        studio = Studio(options)
        await studio.start()
        self.url, self.api_url, self.cookie = studio.url, site().api, cookie_name()
        self.token = (self.folder / "data" / "admin.token").read_text().strip()
        head = Head("A-17", "Li Wei", STATION, "jig4", "QUEC_TEST_1.0.0.pac", "3f" * 32, "V8", time.time())

        async def run(report, finished, finish):
            del finished, finish
            await synthetic(report, self.seconds, self.go)
            return []

        live.begin(live.LiveGang(STATION, Relay(Board(head))), Text("x", "x"), run, owner="bench", page="/line")
        self.ready.set()
        await asyncio.to_thread(self.over.wait)
        await studio.stop()


def told(name, found, seconds):
    """One line of figures."""
    frames = sorted(found["frames"])
    at = lambda share: frames[min(len(frames) - 1, int(share * len(frames)))]  # noqa: E731
    print(
        f"{name:5s} {len(frames):5d} frames: median {statistics.median(frames):5.1f} ms, 95 % {at(0.95):5.1f} ms, "
        f"99 % {at(0.99):5.1f} ms, longest {frames[-1]:6.1f} ms; {len(found['tasks'])} long tasks "
        f"({sum(found['tasks']):.0f} ms); {found['count']} messages, {found['size'] / max(found['count'], 1):.0f} bytes"
    )
    spent = found["spent"]
    print(
        f"      CPU of the page's thread {1000 * spent['TaskDuration'] / seconds:.0f} ms per second: script "
        f"{1000 * spent['ScriptDuration'] / seconds:.1f}, style {1000 * spent['RecalcStyleDuration'] / seconds:.1f}, "
        f"layout {1000 * spent['LayoutDuration'] / seconds:.1f}",
        flush=True,
    )


def watched(page, cdp, seconds):
    """What the page's own clock and Chromium's thread clock say of so many seconds."""
    before = metrics(cdp)
    found = page.evaluate(WATCH, seconds)
    after = metrics(cdp)
    return found | {"spent": {name: after[name] - before[name] for name in after}}


def metrics(cdp):
    """Seconds of CPU by kind, so far."""
    return {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}


def main():
    """Measure both."""
    from playwright.sync_api import sync_playwright

    from web.chromium import Seat, launch, session_of

    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory() as name:
        os.environ["MODULINE_HOME"] = str(Path(name, "home"))
        os.environ["NICEGUI_STORAGE_PATH"] = str(Path(name, "pages"))
        server = Server(Path(name), seconds + 3)
        server.thread.start()
        server.ready.wait(60)
        try:
            with sync_playwright() as driver:
                browser = launch(driver)
                seat = Seat(browser, server, session=session_of(server), motion="no-preference")
                page = seat.open(f"/line?station={STATION}")
                page.wait_for_function(f"() => document.querySelectorAll('.g-cell').length === {SLOTS}")
                size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.g-word')).fontSize)")
                print(f"{SLOTS} slots at 1440 x 900; the word is {size:.0f} px high; load {os.getloadavg()[0]:.1f}")
                cdp = seat.context.new_cdp_session(page)
                cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
                told("idle", watched(page, cdp, seconds), seconds)
                server.go.set()
                page.wait_for_selector("[data-k='work']")
                told("busy", watched(page, cdp, seconds), seconds)
                seat.close()
                browser.close()
        finally:
            server.go.set()
            server.over.set()
            server.thread.join(60)


if __name__ == "__main__":
    main()
