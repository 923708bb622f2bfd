"""How long until a filter over 100,000 devices is answered on the page? From the key pressed to the rows drawn.

    python bench/console_devices.py [--devices 100000] [--rounds 9]

A Studio of its own on SQLite, a real Chromium. The devices are written straight into the database as the platform's
own verbs would have left them: three products, twelve versions, production orders, tags, what modules report. Each
kind of filter is typed or chosen as a person does it; the clock runs in the browser, from the last input event until
the table has another content and the browser has painted it. The pause that the page waits for further keys is in it.
Prints and gives the median and the 95th percentile in milliseconds of each kind, rows and count together.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from sqlalchemy import insert, select

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from playwright.sync_api import sync_playwright

from moduline.cloud import tables
from moduline.cloud.db import Database
from moduline.cloud.devices import contact
from web.chromium import Seat, launch, session_of
from web.studio_process import StudioProcess

PRODUCTS = ("meter", "gate", "tracker")
WATCH = """
([testid, value]) => new Promise((done, failed) => {
  const field = document.querySelector(`[data-testid="${testid}"]`);
  const table = document.querySelector('[data-testid="devices-table"] tbody');
  const count = document.querySelector('[data-testid="devices-count"]');
  const shown = () => count.textContent + table.textContent;
  const before = shown();
  let begun = 0;
  const late = setTimeout(() => failed(new Error('no other rows')), 30000);
  const look = () => {
    if (shown() === before) return requestAnimationFrame(look);
    clearTimeout(late);
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
  };
  const input = field.matches('input') ? field : field.querySelector('input');
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, value);
  begun = performance.now();
  input.dispatchEvent(new Event('input', {bubbles: true}));
  look();
})
"""
TYPED = {
    "key": ("devices-q", ("8600000000{:05d}", "861000000{:04d}")),
    "number of the line": ("devices-q", ("SN{:04d}", "SN00{:03d}")),
    "tag": ("devices-filter", ("tag==pilot{}", "tag==batch{}")),
    "version below": ("devices-filter", ("version<1.{}", "version>=1.{}")),
    "order and tag": ("devices-filter", ("attr.line.order==A-{};tag==pilot1", "attr.line.order==B-{},tag==pilot2")),
    "key ends": ("devices-filter", ("dk==*{:03d}", "dk==*{:02d}")),
    "model": ("devices-filter", ("model==EC600U;attr.line.order!=A-{}", "model==EC800M;attr.line.order!=A-{}")),
    "battery": ("devices-filter", ("fact.battery<{}", "fact.battery>={}")),
    "all of it": (
        "devices-filter",
        ("(tag==pilot1,tag==pilot2);version<1.{};dk!=*7;fact.battery>40", "version>1.{};cell==c1*;tag!=pilot1"),
    ),
}
"""Kind of filter -> the field, and what is typed in turn; the number differs every time."""
CHOSEN = {
    "offline": ("/console/devices?online=no", "/console/devices?online=no&product=2"),
    "version of a product": ("/console/devices?product=1&version=1.3", "/console/devices?product=2&version=1.4"),
}
"""The same by addresses: until the page that was opened shows its rows."""


def fill(conn, count):
    """Devices as they are when a fleet has been at work for a while."""
    rows = [
        {
            "product_id": number % 3 + 1,
            "dk": f"86{number:013d}",
            "ds": "0" * 32,
            "is_enabled": number % 97 != 0,
            "origin": "line",
            "node": None,
            "connection": 0,
            "cell": f"c{number % 300}",
            "facts": {
                "battery": number % 100, "model": ("EC600U", "EC800M")[number % 5 == 0], "signal": -60 - number % 50,
                "free_flash": 123_456, "iccid": f"8986{number:016d}",
            },
            "last_seen": 1_800_000_000.0,
            "created_at": 1.0,
        }
        for number in range(count)
    ]  # fmt: skip
    conn.execute(insert(tables.devices), rows)
    known = list(conn.execute(select(tables.devices.c.id)).scalars())
    contact.keep_versions(conn, [(one, 0, "", f"1.{at % 12}") for at, one in enumerate(known)], now=1.0)
    tags = [
        {"device_id": one, "name": name, "value": value}
        for at, one in enumerate(known)
        for name, value in (
            ("line.order", f"A-{at // 2000}"),
            ("line.unit", f"SN{at:08d}"),
            *(((f"pilot{at % 40 % 10}", ""),) if at % 20 < 2 else ()),
            *(((f"batch{at % 9}", ""),) if at % 11 == 0 else ()),
        )
    ]
    conn.execute(insert(tables.device_tags), tags)


def typed(page, kind, rounds):
    """Milliseconds of each round."""
    testid, patterns = TYPED[kind]
    taken = []
    for number in range(rounds + 1):
        text = patterns[number % len(patterns)].format(number + 1)
        taken.append(page.evaluate(WATCH, [testid, text]))
        page.wait_for_timeout(150)  # the next key comes when the page is at rest, as a person's does
    page.evaluate(WATCH, [testid, ""])
    page.wait_for_timeout(150)
    return taken[1:]


def opened(seat, paths, rounds):
    """Milliseconds from the address to the rows, for comparison."""
    taken = []
    for number in range(rounds + 1):
        page = seat.open(paths[number % len(paths)])
        page.wait_for_selector('[data-testid="devices-table"] tbody tr')
        taken.append(page.evaluate("() => performance.now()"))
    return taken[1:]


def figures(taken):
    """Median and 95th percentile."""
    ordered = sorted(taken)
    return {
        "median_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--devices", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=7)
    given = options.parse_args()
    os.environ.setdefault("MODULINE_LANG", "en")
    with tempfile.TemporaryDirectory() as folder:
        studio = StudioProcess(Path(folder), "--modules", "0")
        for name in PRODUCTS:
            studio.api("POST", "/v1/products", {"name": name})
        studio.stop()
        database = Database(next(studio.data.glob("*.db")))
        database.open()
        database.write(fill, given.devices)
        database.close()
        studio.start()
        made = {"devices": given.devices}
        try:
            with sync_playwright() as driver:
                browser = launch(driver)
                seat = Seat(browser, studio, session=session_of(studio), motion="no-preference")
                page = seat.open("/console/devices")
                page.wait_for_selector('[data-testid="devices-table"] tbody tr')
                page.wait_for_timeout(1000)
                for kind in TYPED:
                    made[kind] = figures(typed(page, kind, given.rounds))
                    print(f"{kind:24}{made[kind]['median_ms']:8.0f} ms  p95 {made[kind]['p95_ms']:8.0f} ms", flush=True)
                for kind, paths in CHOSEN.items():
                    name = f"page opened: {kind}"
                    made[name] = figures(opened(seat, paths, given.rounds))
                    print(f"{name:36}{made[name]['median_ms']:8.0f} ms")
                seat.close()
                browser.close()
        finally:
            studio.stop()
        worst = max(made[kind]["p95_ms"] for kind in TYPED)
        print(f"slowest 95th percentile of a filter: {worst:.0f} ms   (aim: under 300 ms)")
        print(json.dumps({"console_devices": made}, indent=1))


if __name__ == "__main__":
    main()
