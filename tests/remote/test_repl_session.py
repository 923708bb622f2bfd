"""The REPL session against the fake module, in each of its variants, on virtual time."""

from __future__ import annotations

import asyncio

import pytest

from moduline.errors import BadOption, NoAnswer, PortGone, ReplBusy, ReplProtected, ScriptRaised, TotalTimeout
from moduline.port.pair import pair
from moduline.remote.repl_session import ReplSession
from remote import virtual_time
from remote.fake_module import FakeModule, MemoryFiles, Variant

MAIN = b"while True: print('Hello World !')"


def talk(work, variant=None, *, read_limit=65536, main=b"", **session):
    """Result of ``work(repl, fake)`` on an open session, and the fake."""

    async def both():
        host, module = pair(read_limit=read_limit)
        fake = FakeModule(module, variant or Variant(), MemoryFiles())
        if main:
            fake.files.tree["/usr/main.py"] = main
        serving = asyncio.create_task(fake.serve())
        try:
            async with ReplSession(host, **session) as repl:
                result = await work(repl, fake)
        finally:
            host.cut()
            await serving
        return result, fake

    return virtual_time.run(both())


@pytest.mark.parametrize("read_limit", [1, 3, 65536])
@pytest.mark.parametrize("paste", ["offered", "refused", "unknown", "silent"])
def test_exec_when_any_kind_of_raw_repl_then_same_output(paste, read_limit):
    async def work(repl, fake):
        first = await repl.exec("print('Hello World !')\n" + "#" * 700)
        return first, await repl.exec("print(1)\nprint('二')")

    variant = Variant(paste=paste, window_bytes=32, noise=b"INFO:thread:tick\r\n" if paste != "silent" else b"")
    result, fake = talk(work, variant, read_limit=read_limit)
    assert result == (b"Hello World !\r\n", "1\r\n二\r\n".encode())
    assert fake.mode == "friendly"


def test_exec_when_output_comes_slowly_then_is_seen_while_it_runs():
    async def work(repl, fake):
        seen = []
        with pytest.raises(TotalTimeout):
            await repl.exec(
                "while True:\n print('tick')", lambda data: seen.append((asyncio.get_running_loop().time(), data)), 2.2
            )
        return seen

    seen, fake = talk(work)
    ticks = [at for at, data in seen if b"tick" in data]
    assert len(ticks) >= 4
    assert ticks[-1] - ticks[0] >= 1.5
    assert fake.mode == "friendly"


def test_exec_when_cancelled_then_interrupts_on_the_module_and_it_is_usable():
    async def work(repl, fake):
        task = asyncio.create_task(repl.exec("while True:\n print('tick')"))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled(), await repl.exec("print('after')")

    (was_cancelled, after), fake = talk(work)
    assert was_cancelled
    assert after == b"after\r\n"
    assert b"\x03" in fake.received


def test_exec_when_the_module_keeps_ctrl_c_queued_then_time_out_still_ends():
    """Source: device-api 2.4: raw mode of the 2021 source does not raise on Ctrl-C."""

    async def work(repl, fake):
        with pytest.raises(TotalTimeout):
            await repl.exec("while True:\n print('tick')", timeout_s=1)
        with pytest.raises(ReplBusy):
            await repl.exec("print(1)")

    talk(work, Variant(honours_raw_interrupt=False))


def test_exec_when_it_raises_then_traceback_and_last_line():
    async def work(repl, fake):
        with pytest.raises(ScriptRaised) as raised:
            await repl.exec("import uos\nuos.stat('FotaFile.bin')")
        return raised.value.facts, await repl.eval("1+1")

    (facts, two), _ = talk(work)
    assert facts["last_line"] == "OSError: [Errno 19] ENODEV"
    assert facts["traceback"].startswith("Traceback (most recent call last):\n")
    assert two == 2


def test_exec_when_code_holds_a_control_byte_then_refused_before_anything_is_sent():
    async def work(repl, fake):
        with pytest.raises(BadOption):
            await repl.exec(b"print('\x03')")
        return await repl.exec("")

    assert talk(work)[0] == b""


@pytest.mark.parametrize(
    ("expression", "value"),
    [("[1, 'x', None, 2**40]", [1, "x", None, 2**40]), ("b'\\x00'", b"\0"), ("'中文'", "中文"), ("print", None)],
)
def test_eval_when_literal_then_value_else_text(expression, value):
    async def work(repl, fake):
        return await repl.eval(expression)

    found, _ = talk(work)
    assert found == value if value is not None else isinstance(found, str)


def test_open_when_main_loops_and_honours_ctrl_c_then_enters_and_says_so():
    async def work(repl, fake):
        return repl.has_interrupted_boot, await repl.exec("print(1)")

    result, fake = talk(work, Variant(main="honours"), main=MAIN)
    assert result == (True, b"1\r\n")
    assert fake.boots == 2


def test_open_when_main_ignores_ctrl_c_then_busy():
    with pytest.raises(ReplBusy):
        talk(None, Variant(main="ignores"), main=MAIN)


def test_open_when_the_boot_is_slow_and_noisy_then_waits():
    async def work(repl, fake):
        return await repl.exec("print(1)")

    variant = Variant(boot_s=4.0, boot_noise=b"mount.\r\n- restoring /usr/a.py\r\n> OK\r\n>>> not yet\r\n" * 20)
    assert talk(work, variant)[0] == b"1\r\n"


def test_open_when_nobody_answers_then_no_answer():
    async def silent():
        host, _ = pair()
        async with ReplSession(host):
            raise AssertionError

    with pytest.raises(NoAnswer):
        virtual_time.run(silent())


def test_open_when_protected_then_says_so():
    with pytest.raises(ReplProtected):
        talk(None, Variant(is_protected=True))


def test_open_when_half_a_line_was_typed_then_it_is_not_run():
    async def typed():
        host, module = pair()
        fake = FakeModule(module)
        serving = asyncio.create_task(fake.serve())
        await host.write_all(b"import uos; uos.remove('/usr/main.py')")
        async with ReplSession(host) as repl:
            await repl.exec("print(1)")
        await serving
        return fake.executed

    # The vendor tool's handshake begins with CR, which would run it.
    assert not any("uos.remove" in code for code in virtual_time.run(typed()))


def test_soft_reset_when_in_raw_mode_then_globals_are_gone_and_main_is_not_run():
    async def work(repl, fake):
        await repl.exec("x = 1")
        noise = await repl.soft_reset()
        with pytest.raises(ScriptRaised):
            await repl.exec("print(x)")
        return noise

    noise, fake = talk(work, Variant(main="honours"), main=MAIN)
    assert b"mount." in noise
    assert fake.boots == 3


def test_exec_when_the_cable_is_pulled_then_port_gone():
    async def work(repl, fake):
        asyncio.get_running_loop().call_later(1, fake.stream.cut)
        await repl.exec("while True:\n print('tick')")

    with pytest.raises(PortGone):
        talk(work)


def test_exec_when_the_module_answers_slowly_then_waits():
    async def work(repl, fake):
        return await repl.exec("print(1)")

    assert talk(work, Variant(answer_s=8.0))[0] == b"1\r\n"
