"""States of an update, as real devices go through them.

::

    0x0111 ─▶ 1 ─otaAction(1)─▶ 2 ─0x0113─▶ 4 ─▶ 5 ... ─▶ 8 ─▶ 9 ─▶ restart ─▶ 11 or 12
              └─otaAction(0)─▶ 3, idle      └─ 6, idle; 0x0113 again; the sixth failure is 12

What a restart must not lose is in the store before it is told: the step, the component, the target, and a result nobody
has acknowledged yet. A restart in 2, 4, 5 or 8 is a failed download (6), in 9 it is 11 or 12 by the version that runs;
an MCU component in 9 stays there. The file of a download outlives both, so the next URL goes on where it ends.

A firmware whose ``fota`` takes no bytes fetches the package itself (``httpDownload``), from its beginning each time,
and restarts by itself.

An MCU component whose script gave no ``infoCB`` is downloaded by the SDK, in pieces that fit the flash: the event
``sotaPiece(component, first, count)`` says that one is there, ``mcuFWDataRead`` reads it, ``otaAction(2)`` asks for the
next, ``otaAction(3)`` says that the MCU is being written. One with ``infoCB`` is left to the script.

Several files (id 20) are fetched one after the other, each with its digest; the firmware gets them as one package, or
two addresses where it fetches by itself.

Differs from the vendor's SDK: the failure a restart counts as is not among the five that are allowed.

Source: ota-semantics 7.1, 11.5, 12; device-api 13.3, 13.5.
"""

import _thread

import uos
import utime

from . import device, frame, install, parcel
from .fetch import Fetch, size_of
from .parcel import MCU, MODULE

PLAN, URL, STATUS, REQUEST = 0x0111, 0x0113, 0x0114, 0x0115
WORDS = {
    1: "REVICEPLAN",
    2: "SUBMITOTA",
    3: "REFUSEDOTA",
    4: "DOWNLOADSTART",
    5: "DOWNLOADING",
    6: "DOWNLOADERROR",
    8: "DOWNLOADSUCCESS",
    9: "UPDATING",
    11: "UPDATESUCCESS",
    12: "UPDATEERROR",
}
URL_MS = 30000
FLASH_MS = 5000
REPORT_MS = 5000
SHORTEST_MS = 1000
MCU_MS = 20 * 60 * 1000
READ_MS = 60000
RESERVE = 16384  # bytes of flash that a piece leaves free
MAX_FAILURES = 5
MAX_PLANS = 20
PACKAGE = "/usr/qth_ota.bin"
PACKAGES = (PACKAGE,) + tuple(["/usr/qth_ota_%d.bin" % number for number in range(2, parcel.MAX_FILES + 1)])


def read_plans(pairs):
    """The 7-tuples of a plan, in order; ValueError when it is none."""
    several = frame.first(pairs, 28)
    if several is None:
        return [_plan(pairs)]
    if not isinstance(several, list) or not 1 <= len(several) <= MAX_PLANS:
        raise ValueError("plans")
    return [_plan(one[1]) for one in several]


def _plan(pairs):
    if not isinstance(pairs, list):
        raise ValueError("plan")
    kind = frame.whole(pairs, 7)
    component, target = frame.text(pairs, 4, 32), frame.text(pairs, 6, 64)
    if kind not in (MODULE, MCU) or not component or not target:
        raise ValueError("plan")
    limits = [frame.whole(pairs, number) or 0 for number in (8, 9, 10)]
    return (kind, component, frame.text(pairs, 5, 64) or "", target, limits[0], limits[1], limits[2])


def status_pairs(status, component, kind, versions=("", ""), sign=""):
    """What 0x0114 says; ``versions`` of module and MCUs go with a result."""
    pairs = [(13, status), (14, WORDS[status]), (7, kind), (4, component)]
    if status == 2 and sign:
        pairs.append((19, sign))
    if status in (11, 12):
        pairs.extend(version_pairs(versions))
    return pairs


def version_pairs(versions):
    return [(number, text) for number, text in ((25, versions[0]), (26, versions[1])) if text]


class Ota:
    """The one update a module can be in. ``client`` publishes, knows the versions and calls the script."""

    def __init__(self, client, store):
        self._client = client
        self._store = store
        self.status = 0
        self.component, self.kind, self.target = "", MODULE, ""
        self.failures = 0
        self.fetch = None
        self._files, self._at = [], 0  # of a module's package, and which one is being fetched
        self._piece = None  # [url, size, first, last, digests] of an MCU file that is fetched in pieces
        self._news = None  # last [status, value] of a download by the firmware
        self.done = None  # [status, component, kind] that nobody has acknowledged
        self._crc = ""
        self._claimed = None  # what the file of the pieces is for, but for where they begin
        self._is_told = True
        self._last_packet = self._done_packet = 0
        self._due = None  # (ticks, what)
        self._shown = (0, 0)  # ticks and percent of the last report of progress

    # ---- life of the module ------------------------------------------------------------------------------------------

    def wake(self):
        """After a restart: how did it end?"""
        record = self._store.record
        self.done = record.get("done")
        status, self.component, self.kind, self.target, self.failures = record.get("ota") or [0, "", MODULE, "", 0]
        if not status:
            return
        if self.kind == MODULE and self.target == device.firmware_version():
            self._finish(11)
        elif status == 9 and self.kind == MODULE:
            self._finish(12)
        elif status == 9:
            self.status, self._is_told = 9, False
            self._wait(MCU_MS, "late")
        else:
            self._settle(6)

    def online(self):
        """Connected: say what could not be said, the result last."""
        self._last_packet = self._done_packet = 0
        if self.done:
            self._tell_done()
        if self.status and not self._is_told:
            self._tell()

    def received(self, packet):
        """The platform has that message."""
        if packet == self._done_packet:
            status, component, kind = self.done
            self.done, self._done_packet = None, 0
            self._save()
            if status in (11, 12):
                self._client.tell_result(component, kind, status == 11)
        elif packet == self._last_packet:
            self._is_told = True

    # ---- what the platform says --------------------------------------------------------------------------------------

    def plan(self, pairs):
        if self.status > 1:
            return
        plans = read_plans(pairs)
        self.kind, self.component, _, self.target = plans[-1][:4]
        self.failures = 0
        self._step(1)
        self._client.tell_plan(plans)

    def url(self, pairs):
        if self.status not in (0, 2):
            return
        self._crc = frame.text(pairs, 15)
        kind, component, target, files = parcel.read(pairs, device.SHA256_WANTED)
        if (component, target) != (self.component, self.target):
            self.failures = 0
        self.kind, self.component, self.target = kind, component, target
        self._files, self._at = files, 0
        if not files:
            self._finish(12)
        elif kind == MCU:
            self._load_for_mcu(*files[0])
        elif install.takes_bytes():
            self._download()
        else:
            self._hand_over([file[0] for file in files])

    def _load_for_mcu(self, url, size, md5, sha256):
        tell = self._client.info.get(self.component)
        if not tell:
            self._claimed = [md5, size]
            self._piece = [url, size, 0, -1, install.Digests(md5, sha256)]
            self._next_piece()
            return
        for status in (4, 8, 9):
            self._step(status)
        self._wait(MCU_MS, "late")
        self._client.tell_info(self.component, self.target, url, size, md5, self._crc)

    # ---- what the script says ----------------------------------------------------------------------------------------

    def action(self, action):
        if action == 1 and self.status == 2:
            return True
        if self.status == 8 and self._piece:
            return self._go_on(action)
        if self.status != 1 or action not in (0, 1):
            return False
        if action:
            self._step(2)
            self._wait(URL_MS, "url")
        else:
            self._end(3)
        return True

    def _go_on(self, action):
        """After a piece: 2 the next one, 3 it was the last one and the MCU is being written."""
        is_last = self._piece[3] + 1 == self._piece[1]
        if action not in (2, 3) or is_last != (action == 3) or self.fetch is not None:
            return False
        if action == 2:
            self._wait(0, "piece")  # the SDK's thread connects
        else:
            self._step(9)
            self._wait(MCU_MS, "late")
        return True

    def read(self, address, count):
        """Bytes of the piece that is there, fewer at its end; None when it does not hold the first one."""
        if self.status != 8 or not self._piece or count < 1 or self.fetch is not None:
            return None
        if not self._piece[2] <= address <= self._piece[3]:
            return None
        self._wait(READ_MS, "late")
        count = min(count, self._piece[3] + 1 - address)
        with open(PACKAGE, "rb") as file:
            file.seek(address - self._piece[2])
            return file.read(count)

    def version(self, component, version):
        """The script tells the version of an MCU component; that decides its update."""
        if self.status > 3 and self.kind == MCU and component == self.component:
            self._finish(11 if version == self.target else 12)

    # ---- time --------------------------------------------------------------------------------------------------------

    def tick(self):
        """Whatever is due; called after each wait."""
        if self.fetch is not None:
            self._proceed()
        elif self._news is not None:
            self._watch()
        if self._due is None or utime.ticks_diff(utime.ticks_ms(), self._due[0]) < 0:
            return
        what, self._due = self._due[1], None
        if what in ("url", "late"):
            self._finish(12)
        elif what == "flash":
            self._flash()
        elif what == "piece":
            self._next_piece()

    def left_ms(self, most):
        """Until something is due, at most ``most``."""
        if self._due is None:
            return most
        return max(0, min(most, utime.ticks_diff(self._due[0], utime.ticks_ms())))

    def _wait(self, delay_ms, what):
        self._due = (utime.ticks_add(utime.ticks_ms(), delay_ms), what)

    # ---- module packages ---------------------------------------------------------------------------------------------

    def _download(self):
        self._claim([[file[2], file[1]] for file in self._files])
        there = sum([size_of(path) for path in PACKAGES])
        if sum([file[1] for file in self._files]) - there > device.free_flash():
            self._finish(12)
            return
        self._step(4)
        self._next_file()

    def _next_file(self):
        url, size = self._files[self._at][:2]
        self._load(url, PACKAGES[self._at], 0, size - 1)

    def _next_piece(self):
        url, size, _, last, _ = self._piece
        first = last + 1
        self._claim(self._claimed + [first])
        room = device.free_flash() + size_of(PACKAGE) - RESERVE
        if room <= 0:
            self._finish(12)
            return
        self._piece[2], self._piece[3] = first, min(size, first + room) - 1
        self._step(4)
        self._load(url, PACKAGE, first, self._piece[3])

    def _claim(self, what):
        """The files of a download are for these bytes from now on; what is in them for others goes."""
        record = self._store.record
        if record.get("file") != what:
            _remove(PACKAGES)
        record["file"] = what

    def _load(self, url, path, first, last):
        self._due = None
        self.fetch = Fetch(url, path, first, last)
        try:
            self.fetch.begin()
        except (OSError, ValueError):
            self._failed()
            return
        self._show(True)

    def _proceed(self):
        try:
            is_whole = self.fetch.step()
        except OSError:
            self._failed()
            return
        if not is_whole:
            self._show(False)
            return
        self.fetch = None
        if self._piece:
            self._judge_piece()
        else:
            self._judge_file()

    def _judge_piece(self):
        _, size, first, last, digests = self._piece
        self._step(8)
        digests.add(PACKAGE)
        if last + 1 == size and not digests.are_right():
            _remove(PACKAGES)
            self._failed()
            return
        self._wait(READ_MS, "late")
        self._client.tell_piece(self.component, first, last + 1 - first)

    def _judge_file(self):
        _, _, md5, sha256 = self._files[self._at]
        path, digests = PACKAGES[self._at], install.Digests(md5, sha256)
        is_last = self._at + 1 == len(self._files)
        if is_last:
            self._step(8)  # before the digest is known, as the vendor's SDK has it
        digests.add(path)
        if not digests.are_right():
            _remove((path,))
            if not is_last:
                self._step(8)  # 8 and then 6: that is how a wrong digest is told
            self._failed()
        elif is_last:
            self._step(9)
            self._wait(FLASH_MS, "flash")
        else:
            self._at += 1
            self._next_file()

    def _show(self, is_first):
        """Report progress: every five seconds, or every tenth."""
        now, fetch = utime.ticks_ms(), self.fetch
        percent = self._news[1] if self._news else self._percent(fetch)
        passed = utime.ticks_diff(now, self._shown[0])
        if is_first or passed >= REPORT_MS or (passed >= SHORTEST_MS and percent >= self._shown[1] + 10):
            self._shown = (now, percent)
            self._step(5)

    def _percent(self, fetch):
        if self._piece or len(self._files) == 1:
            return 100 * (fetch.at - fetch.first) // (fetch.last + 1 - fetch.first)
        sizes = [file[1] for file in self._files]
        return 100 * (sum(sizes[: self._at]) + fetch.at) // sum(sizes)

    # ---- packages the firmware fetches -------------------------------------------------------------------------------

    def _hand_over(self, urls):
        if len(urls) > 2:  # no firmware has a call for that
            self._finish(12)
            return
        self._step(4)
        self._news = [0, 0]
        self._wait(MCU_MS, "late")
        self._show(True)
        _thread.start_new_thread(install.fetch_by_firmware, (urls, self._hear))

    def _hear(self, news):
        """From the firmware; it restarts the module right after it took the package."""
        if news[0] == 2:
            self._news = None
            self._step(8)
            self._step(9)
            self._wait(MCU_MS, "late")
        elif self._news is not None:
            if news != self._news:
                self._wait(MCU_MS, "late")
            self._news = news

    def _watch(self):
        if self._news[0] in (0, 1):
            self._show(False)
        else:
            self._failed()

    def _failed(self):
        self._news = None
        if self.fetch is not None:
            self.fetch.close()
            self.fetch = None
        self.failures += 1
        if self.failures > MAX_FAILURES:
            self._finish(12)
        else:
            self._settle(6)

    def _flash(self):
        if not install.flash(PACKAGES[: len(self._files)]):
            self._finish(12)
            return
        device.restart()

    # ---- steps -------------------------------------------------------------------------------------------------------

    def _step(self, status):
        self.status, self._is_told = status, False
        if status not in (1, 5):
            self._save()
        self._tell()

    def _finish(self, status):
        """11 or 12: over."""
        self._news = None
        if self.fetch is not None:
            self.fetch.close()
            self.fetch = None
        self.failures = 0
        self._store.record.pop("file", None)
        self._end(status)
        _remove(PACKAGES)

    def _settle(self, status):
        """6: idle, but the next URL is a further try."""
        self._end(status)

    def _end(self, status):
        self.status, self._is_told, self._due, self._piece = 0, True, None, None
        self.done = [status, self.component, self.kind]
        self._save()
        self._tell_done()

    def _save(self):
        record = self._store.record
        is_kept = self.status or self.failures
        record["ota"] = [self.status, self.component, self.kind, self.target, self.failures] if is_kept else None
        record["done"] = self.done
        self._store.write()

    def _tell(self):
        self._last_packet = self._publish(self.status, self.component, self.kind)

    def _tell_done(self):
        self._done_packet = self._publish(*self.done)

    def _publish(self, status, component, kind):
        sign = "sha256" if device.SHA256_WANTED else ""
        pairs = status_pairs(status, component, kind, self._client.all_versions(), sign)
        return self._client.publish("ota", STATUS, pairs, 2)


def _remove(paths):
    for path in paths:
        if size_of(path):
            uos.remove(path)
