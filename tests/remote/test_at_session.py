"""The AT session: whole, byte by byte, with a tail; silence, refusals, unsolicited lines."""

from __future__ import annotations

import asyncio

import pytest

from moduline.errors import AtRefused, BadAnswer, BadOption, NoAnswer, PortGone
from moduline.port.pair import pair
from moduline.remote.at_session import AnswerDecoder, AtAnswer, AtSession
from moduline.remote.identify import identify_by_at
from remote import virtual_time

ANSWERS = {
    "AT": b"\r\nOK\r\n",
    "AT+CGMM": b"\r\nEC600U\r\n\r\nOK\r\n",
    "AT+CGSN": b"\r\n868540050393723\r\n\r\nOK\r\n",
    "AT+CGMR": b"\r\nEC600UCNLBR01A01M16_OCPU_QPY\r\n\r\nOK\r\n",
    "ATI": b"\r\nQuectel\r\nEC600U\r\nRevision: EC600UCNLBR01A01M16_OCPU_QPY\r\n\r\nOK\r\n",
    "AT+CSQ": b"\r\n+CSQ: 31,99\r\n\r\nOK\r\n",
    "AT+X": b"\r\n+CME ERROR: 3\r\n",
    "AT+ENDLESS": b"x" * 300_000,
}


async def answer_at(stream, *, echo=True, deaf_until_s=0.0, answers=None, late_s=0.0):
    line = b""
    loop = asyncio.get_running_loop()
    try:
        while True:
            line += await stream.read_some()
            while b"\r\n" in line:
                command, _, line = line.partition(b"\r\n")
                if loop.time() < deaf_until_s:
                    continue
                await asyncio.sleep(late_s)
                known = answers if answers is not None else ANSWERS
                text = known.get(command.decode(), b"\r\nERROR\r\n")
                await stream.write_all((command + b"\r" if echo else b"") + text)
    except PortGone:
        return


def talk(work, read_limit=65536, on_unsolicited=None, **options):
    async def both():
        host, module = pair(read_limit=read_limit)
        answering = asyncio.create_task(answer_at(module, **options))
        try:
            async with AtSession(host, on_unsolicited) as at:
                return await work(at, module)
        finally:
            host.cut()
            await answering

    return virtual_time.run(both())


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize("echo", [b"", b"AT+CSQ\r", b"AT+CSQ\r\r\n"])
def test_answer_when_cut_anywhere_then_lines_and_result_without_echo(size, echo):
    stream = echo + b"\r\n+CSQ: 31,99\r\n\r\nOK\r\n+QIND: SMS DONE\r\n"
    decoder = AnswerDecoder("AT+CSQ")
    answers = [a for at in range(0, len(stream), size) if (a := decoder.feed(stream[at : at + size]))]
    assert answers[0] == AtAnswer("AT+CSQ", ("+CSQ: 31,99",), "OK")


@pytest.mark.parametrize(
    "result", ["OK", "ERROR", "+CME ERROR: 3", "+CMS ERROR: 500", "NO CARRIER", "CONNECT", "CONNECT 150000000", "BUSY"]
)
def test_result_when_final_then_ends_the_answer(result):
    answer = AnswerDecoder("ATD").feed(f"\r\n{result}\r\n".encode())
    assert answer.result == result
    assert answer.is_ok == result.startswith(("OK", "CONNECT"))


@pytest.mark.parametrize("read_limit", [1, 65536])
@pytest.mark.parametrize("echo", [True, False])
def test_session_when_asked_then_answers(read_limit, echo):
    async def work(at, module):
        return await at.tell("AT+CSQ"), (await at.ask("AT+X")).result, await identify_by_at(at)

    lines, result, who = talk(work, read_limit, echo=echo)
    assert lines == ("+CSQ: 31,99",)
    assert result == "+CME ERROR: 3"
    assert (who.model, who.imei, who.version) == ("EC600U", "868540050393723", "EC600UCNLBR01A01M16_OCPU_QPY")


def test_identify_when_only_ati_is_known_then_read_from_it():
    async def work(at, module):
        return await identify_by_at(at)

    who = talk(work, answers={"AT": ANSWERS["AT"], "ATI": ANSWERS["ATI"], "AT+GSN": ANSWERS["AT+CGSN"]})
    assert (who.model, who.imei, who.version) == ("EC600U", "868540050393723", "EC600UCNLBR01A01M16_OCPU_QPY")


def test_open_when_the_module_still_boots_then_tries_again_and_drops_late_answers():
    async def work(at, module):
        return (await at.ask("AT+CSQ")).lines

    assert talk(work, deaf_until_s=0.9) == ("+CSQ: 31,99",)
    assert talk(work, late_s=0.4) == ("+CSQ: 31,99",)


def test_open_when_nobody_answers_then_no_answer():
    with pytest.raises(NoAnswer):
        talk(None, deaf_until_s=99)


def test_tell_when_refused_then_coded():
    async def work(at, module):
        await at.tell("AT+X")

    with pytest.raises(AtRefused) as refused:
        talk(work)
    assert refused.value.facts == {"command": "AT+X", "result": "+CME ERROR: 3"}


@pytest.mark.parametrize("command", ["", "AT\r\nAT+CFUN=0", "AT\x1a"])
def test_ask_when_the_command_has_control_characters_then_refused(command):
    async def work(at, module):
        await at.ask(command)

    with pytest.raises(BadOption):
        talk(work)


def test_ask_when_the_answer_never_ends_then_bad_answer():
    async def work(at, module):
        await at.ask("AT+ENDLESS")

    with pytest.raises(BadAnswer):
        talk(work)


def test_unsolicited_when_between_commands_then_given_apart():
    seen = []

    async def work(at, module):
        await module.write_all(b"\r\n+QIND: SMS DONE\r\n")
        await asyncio.sleep(0.1)
        return (await at.ask("AT+CSQ")).lines

    assert talk(work, on_unsolicited=seen.append) == ("+CSQ: 31,99",)
    assert seen == ["+QIND: SMS DONE"]
