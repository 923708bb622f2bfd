"""A REPL that several look at, without a browser: a port of our own in the virtual USB tree, a module played by hand."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from moduline.errors import BadOption, NoAnswer, PortGone, ReplBusy
from moduline.port.address import open_port
from moduline.port.listing import PortInfo
from moduline.port.offered import Offer
from moduline.remote.at_session import AtAnswer
from moduline.web import live_ports
from moduline.web.studio.at_script import parse_script
from moduline.web.studio.at_session import AtPort
from moduline.web.studio.port_session import LinkState, find_port
from moduline.web.studio.terminal_history import History
from moduline.web.studio.terminal_session import TerminalSession, typable
from remote.fake_module import FakeModule, Variant

LIMIT_S = 60


class Page:
    """A page whose browser is there, or not."""

    has_socket_connection = True


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULINE_HOME", str(tmp_path / "home"))


def play(story, tmp_path, role="repl", kind=TerminalSession):
    """Run ``story(offer, far, session, changed)`` with a port on offer and a session that a page looks at."""

    async def run():
        offer = Offer("tests", "t1")
        far = await offer.open(role, 0x2C7C, 0x0901)
        session = kind(await find_port("virt:t1", role), "virt:t1", History(tmp_path / "history.json"))
        changed = asyncio.Event()
        leave = session.leave_first = session.attach("one", Page(), changed.set)
        try:
            async with asyncio.timeout(LIMIT_S):
                await until(changed, lambda: session.state is LinkState.CONNECTED)
                await story(offer, far, session, changed)
        finally:
            leave()
            await session.disconnect()
            await offer.close()
            await live_ports.close()

    asyncio.run(run())


async def until(changed, is_so):
    while not is_so():
        changed.clear()
        await changed.wait()


async def heard(far, end):
    """What the module got, up to something."""
    got = b""
    while not got.endswith(end):
        got += await far.read_some()
    return got


def test_line_when_typed_then_what_the_prompt_would_drop_goes_as_escapes(tmp_path):
    async def story(offer, far, session, changed):
        await heard(far, b"\x02")  # asked for its prompt
        await far.write_all(b"banner\r\n>>> ")
        await until(changed, lambda: session.is_at_prompt)
        await session.press("x='中'")
        assert await heard(far, b"d'") == b"x='\\u4e2d'"

    play(story, tmp_path)


def test_block_when_pasted_then_it_goes_through_paste_mode_whole(tmp_path):
    block = "if 1:\n    print('中')\n"

    async def story(offer, far, session, changed):
        await far.write_all(b">>> ")
        await until(changed, lambda: session.is_at_prompt)
        sending = asyncio.create_task(session.press(block))
        await heard(far, b"\x05")
        await far.write_all(b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ")
        assert await heard(far, b"\x04") == b"if 1:\r    print('\xe4\xb8\xad')\x04"
        await sending
        assert session.history.lines == ("if 1:\n    print('中')",)

    play(story, tmp_path)


def test_block_when_no_paste_prompt_comes_then_it_is_not_sent(tmp_path, monkeypatch):
    monkeypatch.setattr("moduline.web.studio.terminal_session.PROMPT_LIMIT_S", 0.1)

    async def story(offer, far, session, changed):
        await far.write_all(b">>> ")
        await until(changed, lambda: session.is_at_prompt)
        with pytest.raises(ReplBusy):
            await session.enter("a = 1\nb = 2")
        assert b"a = 1" not in await heard(far, b"\x03")

    play(story, tmp_path)


def test_typed_line_when_the_module_echoes_it_then_it_is_history_and_up_brings_it(tmp_path):
    async def story(offer, far, session, changed):
        await far.write_all(b">>> ")
        await until(changed, lambda: session.is_at_prompt)
        await session.press("a=1")
        await session.press("\r")
        await far.write_all(b"a=1\r\n>>> ")
        await until(changed, lambda: session.history.lines == ("a=1",))
        await session.press("\x1b[A")
        assert (await heard(far, b"\x15a=1")).endswith(b"\x1b[F\x15a=1")
        await far.write_all(b"loading...\r\n")  # a script prints: nothing of it is history
        await session.press("yes\r")
        assert session.history.lines == ("a=1",)

    play(story, tmp_path)


def test_port_when_it_goes_and_comes_then_the_session_says_so_and_goes_on(tmp_path):
    async def story(offer, far, session, changed):
        await far.write_all(b">>> ")
        await until(changed, lambda: session.is_at_prompt)
        await offer.withdraw("repl")
        await until(changed, lambda: session.state is LinkState.AWAY)
        with pytest.raises(PortGone):
            await session.send(b"x")
        fresh = await offer.open("repl", 0x2C7C, 0x0901)
        await until(changed, lambda: session.state is LinkState.CONNECTED)
        await fresh.write_all(b"again\r\n")
        await until(changed, lambda: "again" in session.transcript.tail(2, "en"))
        log = session.transcript.log("en", None)
        assert log.index("went away") < log.index("connected again") < log.index("again\n")

    play(story, tmp_path)


def test_port_when_another_part_wants_it_then_it_is_lent_and_taken_again(tmp_path):
    async def story(offer, far, session, changed):
        wanted = await open_port(await find_port("virt:t1", "repl"))
        assert session.state is LinkState.LENT
        await far.write_all(b"for the other")
        assert await wanted.read_some()
        await wanted.close()
        await until(changed, lambda: session.state is LinkState.CONNECTED)
        assert "for the other" not in session.transcript.log("en", None)

    play(story, tmp_path)


def test_writers_when_two_then_one_writes_until_taken_over_or_gone(tmp_path):
    async def story(offer, far, session, changed):
        first, second = Page(), Page()
        leave_first = session.attach("a", first, changed.set)
        leave_second = session.attach("b", second, changed.set)
        assert session.may_write("a")
        assert not session.may_write("b")
        session.take_over("b")
        assert not session.may_write("a")
        second.has_socket_connection = False
        assert session.may_write("a")
        leave_first()
        assert session.may_write("b")
        leave_second()

    play(story, tmp_path)


def test_port_when_disconnected_then_a_new_page_leaves_it_so(tmp_path):
    async def story(offer, far, session, changed):
        await session.disconnect()
        session.attach("two", Page(), changed.set)
        assert session.state is LinkState.RELEASED
        free = await open_port(PortInfo(far.path, "repl"))
        await free.close()
        session.connect()
        await until(changed, lambda: session.state is LinkState.CONNECTED)

    play(story, tmp_path)


def test_port_when_nobody_looks_then_it_is_let_go_until_somebody_does(tmp_path, monkeypatch):
    monkeypatch.setattr("moduline.web.studio.port_session.IDLE_S", 0.05)

    async def story(offer, far, session, changed):
        await far.write_all(b"kept\r\n>>> ")
        await until(changed, lambda: session.is_at_prompt)
        session.leave_first()
        while session.state is not LinkState.RELEASED:  # nobody is told any more
            await asyncio.sleep(0)
        assert session.is_wanted
        session.attach("two", Page(), changed.set)
        await until(changed, lambda: session.state is LinkState.CONNECTED)
        assert "kept" in session.transcript.log("en", None)

    play(story, tmp_path)


@pytest.mark.parametrize(
    ("typed", "sent"), [("a", b"a"), ("é中😀", b"\\u00e9\\u4e2d\\U0001f600"), ("\x03\r", b"\x03\r")]
)
def test_typable_when_outside_of_ascii_then_escaped(typed, sent):
    assert typable(typed) == sent


class MuteToTab:
    """What a module reads at a prompt without completion: TAB is nothing, and killing a line empties it."""

    def __init__(self, end):
        self._end = end
        self._line = b""

    async def read_some(self, limit=65536):
        while True:
            got = await self._end.read_some(limit)
            if got.endswith(b"\x1b[F\x15"):
                await self._end.write_all(b"\x08" * len(self._line) + b"\x1b[K")
                got = got[:-4] + b"\x7f" * len(self._line)
                self._line = b""
            elif got.isascii() and got.decode().isprintable():
                self._line += got
            if got := got.replace(b"\t", b""):
                return got

    async def write_all(self, data):
        await self._end.write_all(data)

    async def close(self):
        await self._end.close()


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("box.alph", ">>> box.alpha_beta"),
        ("x = box.al", ">>> x = box.alpha_beta"),
        ("box.beta", ">>> box.beta_"),
        ("box.zzz", ">>> box.zzz"),
        ("nobody.a", ">>> nobody.a"),
    ],
)
def test_tab_when_the_module_is_silent_then_names_come_from_dir(tmp_path, typed, shown):
    async def story(offer, far, session, changed):
        fake = FakeModule(MuteToTab(far), Variant(boot_noise=b""))
        playing = asyncio.create_task(fake.serve())
        await until(changed, lambda: session.transcript.current == ">>> ")
        fake.scope["box"] = SimpleNamespace(alpha_beta=1, beta_one=2, beta_two=3)
        await session.press(typed)
        await until(changed, lambda: session.transcript.current == f">>> {typed}")
        await session.press("\t")
        await until(changed, lambda: session.transcript.current == shown)
        assert "raw REPL" not in session.transcript.log("en", None)
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing

    play(story, tmp_path)


def test_at_when_asked_by_two_then_each_gets_its_own_answer(tmp_path):
    async def story(offer, far, session, changed):
        async def module():
            while True:
                got = await heard(far, b"\r\n")
                await far.write_all(
                    b"\r\n+CREG: 1\r\n" + {b"AT+CSQ\r\n": b"\r\n+CSQ: 24,99\r\n\r\nOK\r\n"}.get(got, b"\r\nERROR\r\n")
                )

        playing = asyncio.create_task(module())
        first, second = await asyncio.gather(session.ask("AT+CSQ"), session.ask("AT+X"))
        assert first == AtAnswer("AT+CSQ", ("+CSQ: 24,99",), "OK")
        assert second == AtAnswer("AT+X", (), "ERROR")
        assert [row.kind for row in session.since(1)] == [
            "sent", "unsolicited", "info", "ok", "sent", "unsolicited", "error",
        ]  # fmt: skip
        session.run(parse_script("AT+CSQ => 24\nAT+X\n"))
        await until(changed, lambda: not session.is_running)
        assert [one.is_met for one in session.results] == [True, False]
        with pytest.raises(BadOption):
            await session.ask("AT\x1b")
        with pytest.raises(BadOption):
            session.repeat("AT", 0.0)
        session.repeat("AT+CSQ", 0.2)
        before = session.count
        await until(changed, lambda: session.count > before + 8)
        session.stop()
        assert session.repeated == ""
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing

    play(story, tmp_path, "at", AtPort)


def test_at_when_nothing_comes_then_no_answer_and_what_comes_late_is_news(tmp_path, monkeypatch):
    monkeypatch.setattr("moduline.web.studio.at_session.ANSWER_S", 0.1)

    async def story(offer, far, session, changed):
        with pytest.raises(NoAnswer):
            await session.ask("AT+CSQ")
        await far.write_all(b"\r\nOK\r\n")
        await until(changed, lambda: session.since(0)[-1].kind == "unsolicited")

    play(story, tmp_path, "at", AtPort)
