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

Differs from the vendor's SDK: the failure a restart counts as is not among the five that are allowed. Not modelled:
lists of files (id 20; refused with 12).

Source: ota-semantics 7.1, 11.5, 12; device-api 13.3, 13.5.
"""

import _thread

import ubinascii
import uhashlib
import uos
import utime

from . import device, frame
from .fetch import Fetch, size_of

PLAN, URL, STATUS, REQUEST = 0x0111, 0x0113, 0x0114, 0x0115
MODULE, MCU = 0, 1
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
        self._piece = None  # [url, size, first, last, running MD5] of an MCU file that is fetched in pieces
        self._news = None  # last [status, value] of a download by the firmware
        self.done = None  # [status, component, kind] that nobody has acknowledged
        self._md5 = ""
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
        kind, component, target = frame.whole(pairs, 7), frame.text(pairs, 4, 32), frame.text(pairs, 6, 64)
        if kind not in (MODULE, MCU) or not component or not target:
            raise ValueError("firmware information")
        if (component, target) != (self.component, self.target):
            self.failures = 0
        self.kind, self.component, self.target = kind, component, target
        url, size = frame.text(pairs, 1), frame.whole(pairs, 2)
        md5, crc = frame.text(pairs, 3), frame.text(pairs, 15)
        if not url or not size or size < 0 or not md5 or not crc:
            self._finish(12)
        elif kind == MCU and not self._client.info.get(component):
            self._md5 = md5
            self._piece = [url, size, 0, -1, uhashlib.md5()]
            self._next_piece()
        elif kind == MCU:
            self._step(4)
            self._step(8)
            self._step(9)
            self._wait(MCU_MS, "late")
            self._client.tell_info(component, target, url, size, md5, crc)
        elif not takes_bytes():
            self._hand_over(url)
        else:
            self._download(url, size, md5)

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
        """Bytes of the piece that is there; None when it does not hold them."""
        if self.status != 8 or not self._piece or count < 1:
            return None
        if address < self._piece[2] or address + count > self._piece[3] + 1:
            return None
        self._wait(READ_MS, "late")
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

    def _download(self, url, size, md5):
        self._claim(md5, size, 0)
        if size - size_of(PACKAGE) > device.free_flash():
            self._finish(12)
            return
        self._md5 = md5
        self._load(url, 0, size - 1)

    def _next_piece(self):
        url, size, _, last, _ = self._piece
        first = last + 1
        self._claim(self._md5, size, first)
        room = device.free_flash() + size_of(PACKAGE) - RESERVE
        if room <= 0:
            self._finish(12)
            return
        self._piece[2], self._piece[3] = first, min(size, first + room) - 1
        self._load(url, first, self._piece[3])

    def _claim(self, md5, size, first):
        """The file of a download is for these bytes from now on; what is in it for others goes."""
        record = self._store.record
        if record.get("file") != [md5, size, first]:
            _remove(PACKAGE)
        record["file"] = [md5, size, first]

    def _load(self, url, first, last):
        self._due = None
        self._step(4)
        self.fetch = Fetch(url, PACKAGE, first, last)
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
        self._step(8)
        running = md5_of(PACKAGE, self._piece[4] if self._piece else uhashlib.md5())
        is_last = not self._piece or self._piece[3] + 1 == self._piece[1]
        if is_last and ubinascii.hexlify(running.digest()).decode() != self._md5:
            _remove(PACKAGE)
            self._failed()
        elif self._piece:
            self._wait(READ_MS, "late")
            self._client.tell_piece(self.component, self._piece[2], self._piece[3] + 1 - self._piece[2])
        else:
            self._step(9)
            self._wait(FLASH_MS, "flash")

    def _show(self, is_first):
        """Report progress: every five seconds, or every tenth."""
        now, fetch = utime.ticks_ms(), self.fetch
        percent = self._news[1] if self._news else 100 * (fetch.at - fetch.first) // (fetch.last + 1 - fetch.first)
        passed = utime.ticks_diff(now, self._shown[0])
        if is_first or passed >= REPORT_MS or (passed >= SHORTEST_MS and percent >= self._shown[1] + 10):
            self._shown = (now, percent)
            self._step(5)

    # ---- packages the firmware fetches -------------------------------------------------------------------------------

    def _hand_over(self, url):
        self._due = None
        self._step(4)
        self._news = [0, 0]
        self._show(True)
        _thread.start_new_thread(fetch_by_firmware, (url, self._hear))

    def _hear(self, news):
        """From the firmware; it restarts the module right after it took the package."""
        if news[0] == 2:
            self._news = None
            self._step(8)
            self._step(9)
            self._wait(MCU_MS, "late")
        elif self._news is not None:
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
        if not flash(PACKAGE):
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
        if self.fetch is not None:
            self.fetch.close()
            self.fetch = None
        self.failures = 0
        self._store.record.pop("file", None)
        self._end(status)
        _remove(PACKAGE)

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
        pairs = status_pairs(status, component, kind, self._client.all_versions())
        return self._client.publish("ota", STATUS, pairs, 2)


def _remove(path):
    if size_of(path):
        uos.remove(path)


def md5_of(path, running):
    """The digest with the bytes of a file added."""
    with open(path, "rb") as file:
        while True:
            piece = file.read(1024)
            if not piece:
                return running
            running.update(piece)


def takes_bytes():
    """Whether the firmware takes a package piece by piece."""
    import fota

    return hasattr(fota, "write")


def fetch_by_firmware(url, hear):
    """Have it download and install; ``hear`` gets its statuses, [-1, 0] when it refuses at once."""
    import fota

    if fota().httpDownload(url1=url, callback=hear):
        hear([-1, 0])


def flash(path):
    """Hand a package to the firmware; False when it is refused."""
    import fota

    unit, size = fota(), size_of(path)
    try:
        with open(path, "rb") as file:
            while True:
                piece = file.read(1024)
                if not piece:
                    break
                if unit.write(piece, size):
                    return False
        return not unit.flush() and not unit.verify()
    except (OSError, AttributeError):  # no flash, or a firmware without these methods
        return False
