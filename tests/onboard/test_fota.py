"""``fota`` where firmwares differ: which methods there are, what ``reset_disable`` does, what a failed download says.

The samples of the seeds, on whole modules, are in ``transcripts``.  Source: device-api 7.1, 7.3, 7.4, 15.
"""

import asyncio
import contextlib

import pytest

from moduline.vmodule.interpreter.plan import Quirks
from moduline.vmodule.world.updates import FotaApn, Station
from onboard.test_small_modules import ask_all, raises
from transcripts.board import Board, run
from transcripts.updating import serving

PACKAGE = bytes(range(256)) * 400


class Unit:
    """Takes every package."""

    room_bytes = 1 << 20

    def __init__(self):
        self.staged_bytes, self.accepted = 0, 0

    def begin(self, *, is_next=False):
        self.staged_bytes = 0

    def write(self, data):
        self.staged_bytes += len(data)

    def flush(self):
        pass

    def forget(self):
        self.staged_bytes = 0

    def accept(self, running_version):
        self.accepted += 1


@contextlib.asynccontextmanager
async def board_with(unit, **quirks):
    """A board whose firmware has an update unit and a data connection; ``wishes`` gets "restart"."""
    async with Board(quirks=Quirks(**quirks)) as board:
        await board.prompt()
        radio, arrived = board.world.radio, asyncio.Event()
        radio.power_on()
        leave = radio.subscribe(lambda _: arrived.set())
        async with asyncio.timeout(20):
            while not radio.has_data:
                arrived.clear()
                await arrived.wait()
        leave()
        board.restarted = asyncio.Event()
        board.world.updates.open(
            Station(unit, "V1", board.restarted.set, lambda cut: None, lambda slug, **facts: None),
        )
        yield board
        await board.world.updates.close()


def test_methods_when_steps_are_not_supported_then_only_the_download():
    ask_all(
        ("import fota", ""),
        ("sorted(n for n in dir(fota) if n[0] != '_')", "['httpDownload']\n"),
        ("fota().write(b'x', 1)", raises("AttributeError: 'fota' object has no attribute 'write'")),
        quirks=Quirks(has_fota_steps=False),
    )


def test_names_when_no_source_knows_them_then_undefined():
    ask_all(
        ("import fota; f = fota()", ""),
        ("f.readPocVersion()", raises("AttributeError: 'fota' object has no attribute 'readPocVersion'")),
        ("fota(key='k')", raises("TypeError: unexpected keyword argument 'key'")),
        ("f.httpDownload(url1='http://x/', header={})", raises("TypeError: unexpected keyword argument 'header'")),
        ("f.httpDownload('http://x/')", lambda said: "TypeError" in said),
    )


def test_reset_disable_when_not_supported_then_said_and_restarted_all_the_same():
    async def story():
        with serving({"/p.bin": PACKAGE}) as (base, _):
            async with board_with(Unit(), has_fota_reset_disable=False, is_fota_blocking=True) as board:
                ask = board.client.ask
                assert await ask("import fota; f = fota(reset_disable=1)") == ""
                assert board.slugs().count("virt.fota-ignored") == 1
                assert await ask(f"f.httpDownload(url1='{base}/p.bin')") == "0\n"
                async with asyncio.timeout(20):
                    await board.restarted.wait()

    run(story)


def test_reset_disable_when_the_object_is_made_anew_then_as_it_says_now():
    """One object, initialised again by each call.  Source: device-api 7.1"""

    async def story():
        with serving({"/p.bin": PACKAGE}) as (base, _):
            unit = Unit()
            async with board_with(unit) as board:
                ask = board.client.ask
                assert await ask("import fota; f = fota(1)") == ""
                assert await ask(f"f.httpDownload(url1='{base}/p.bin')") == "0\n"
                due = asyncio.Event()
                board.world.clock.call_later(1.0, due.set)
                await due.wait()
                assert (unit.accepted, board.restarted.is_set()) == (1, False)
                assert await ask("fota() is f") == "True\n"
                assert await ask(f"f.httpDownload(url1='{base}/p.bin')") == "0\n"
                async with asyncio.timeout(20):
                    await board.restarted.wait()

    run(story)


@pytest.mark.parametrize(("is_blocking", "failure_value"), [(True, "percent"), (False, "code"), (False, "percent")])
def test_download_when_it_breaks_off_then_the_callback_hears_code_or_percent(is_blocking, failure_value):
    """7.3: on some the second value is an error code, on the others the last percent."""

    async def story():
        with serving({"/p.bin": (2 * len(PACKAGE), PACKAGE)}) as (base, _):
            async with board_with(Unit(), is_fota_blocking=is_blocking, fota_failure_value=failure_value) as board:
                client = board.client
                await client.ask("import fota")
                client.write(f"print('r', fota().httpDownload(url1='{base}/p.bin', callback=print))\r".encode())
                await client.until(b"\n")
                said = await client.until(b"[-1, ")
                value = int((await client.until(b"]"))[:-1])
                assert said.startswith(b"[0, 0]\r\n" if is_blocking else b"r 0\r\n")
                assert value == 5 if failure_value == "code" else 40 <= value <= 50
                if is_blocking:
                    assert (await client.until(b">>> ")).endswith(b"r -1\r\n>>> ")

    run(story)


@pytest.mark.parametrize("url", ["ftp://user:password@127.0.0.1:21/file", "", "http://"])
def test_download_when_the_url_is_none_then_refused_or_a_failure(url):
    """FTP only on EC200A.  Source: device-api 7.3"""

    async def story():
        for is_blocking in (True, False):
            async with board_with(Unit(), is_fota_blocking=is_blocking, fota_failure_value="code") as board:
                client = board.client
                await client.ask("import fota")
                client.write(f"print('r', fota().httpDownload(url1='{url}', callback=print))\r".encode())
                await client.until(b"\n")
                if is_blocking or not url:
                    assert await client.until(b">>> ") == b"r -1\r\n>>> "
                else:
                    assert b"r 0\r\n" in await client.until(b"[-1, 1]\r\n")

    run(story)


CANCEL = """\
import fota, _thread, utime
f = fota()
said = []
def work():
    said.append(f.httpDownload(url1='{base}/p.bin', callback=said.append))
print(f.apn_set(fota_apn='iot', ip_type=1, fota_user='u', fota_password='p'))
print(f.apn_set(ip_type=2), f.apn_set(fota_apn='x' * 65), f.apn_set(fota_user='\\n'), f.apn_set())
print(f.apn_set(fota_apn='iot'))
print(f.download_cancel())
_thread.start_new_thread(work, ())
while not said:
    utime.sleep_ms(10)
print(f.download_cancel())
while -1 not in said:
    utime.sleep_ms(10)
print(said[0], said[-2][0], said[-1])
print(f.download_cancel())
"""


def test_download_when_cancelled_by_another_thread_then_it_fails_and_can_be_begun_anew():
    """7.4: BG95."""

    async def story():
        with serving({"/p.bin": (2 * len(PACKAGE), PACKAGE), "/q.bin": PACKAGE}) as (base, server):
            server.hold.clear()  # the head came, the body does not
            unit = Unit()
            async with board_with(unit, has_fota_apn=True) as board:
                out = await board.client.raw(CANCEL.format(base=base), 30)
                assert out.split("\r\n")[:-1] == ["0", "-1 -1 -1 0", "0", "-1", "0", "[0, 0] -1 -1", "-1"]
                assert board.world.updates.apn == FotaApn("iot")
                assert (unit.staged_bytes, unit.accepted) == (0, 0)
                server.hold.set()
                assert await board.client.ask(f"f.httpDownload(url1='{base}/q.bin')") == "0\n"
                assert unit.accepted == 1
                assert await board.client.ask("f.download_cancel()") == "-1\n"  # accepted is accepted

    run(story)


def test_apn_set_when_called_with_other_types_then_raised():
    ask_all(
        ("import fota; f = fota()", ""),
        ("f.apn_set(ip_type='0')", raises("TypeError: can't convert str to int")),
        ("f.apn_set(fota_apn=5)", raises("TypeError: can't convert 'int' object to str implicitly")),
        quirks=Quirks(has_fota_apn=True),
    )
