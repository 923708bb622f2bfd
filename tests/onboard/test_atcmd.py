"""``atcmd``: the same commands and the same truth as on the AT port.  Source: WIKI ``atcmd`` (sample answers)."""

import pytest

from moduline.vmodule.at_desk import at_desk
from moduline.vmodule.at_state import AtAction, AtFacts
from moduline.vmodule.world.radio_plan import RadioPlan, SimPlan
from moduline.vmodule.world.world import World
from transcripts.registered import with_radio


def with_at(story, **plan):
    """Run ``story(ask, radio, actions)``; ``ask(command, wanted)`` gives (result, bytes of the answer)."""
    world = World(radio_plan=RadioPlan(**plan))
    actions = []
    facts = AtFacts("EC600S", "EC600SCNAAR01A01M16_OCPU_PY_BETA1211", "868540050393723", world.radio)

    async def whole(client, radio, board):
        await client.ask("import atcmd")

        async def ask(command, wanted=""):
            await client.ask("resp = bytearray(50)")
            said = await client.ask(f"atcmd.sendSync({command!r}, resp, {wanted!r}, 20), bytes(resp)")
            result, answer = eval(said)
            assert len(answer) == 50
            return result, answer.rstrip(b"\0")

        await story(ask, radio, actions)

    desks = (*world.desks(), at_desk(facts, actions.append))
    with_radio(whole, wait="card", world=world, desks=desks)


def test_send_when_the_documents_samples_then_their_answers():
    async def story(ask, radio, actions):
        assert await ask("at+cpin?\r\n") == (0, b"\r\n+CPIN: READY\r\n\n")
        assert await ask("at+cpin\r\n") == (1, b"\r\nERROR\r\n\n")

    with_at(story)


def test_send_when_answers_are_filtered_cut_or_empty_then_so():
    async def story(ask, radio, actions):
        assert await ask("ATI\r\n", "Rev") == (0, b"\r\nRevision: EC600SCNAAR01A01M16_OCPU_PY_BETA1211\r\n\n"[:50])
        assert await ask("ATI\r\n", "EC600") == (
            0,
            b"\r\nEC600S\r\n\r\nRevision: EC600SCNAAR01A01M16_OCPU_PY_BETA1211"[:50],
        )
        assert await ask("AT\r\n") == (0, b"")
        assert await ask("AT+CSQ;+GSN\r\n", "nothing of it") == (0, b"")

    with_at(story)


def test_send_when_refused_then_numbers_for_the_kind_of_error():
    async def story(ask, radio, actions):
        assert (await ask("AT+CPIN?\r\n"))[0] == 1  # plain errors at first
        assert (await ask("AT+CMEE=1\r\n"))[0] == 0
        assert await ask("AT+CPIN?\r\n") == (2, b"\r\n+CME ERROR: 10\r\n\n")
        assert (await ask("AT+CPIN?"))[0] == 4  # without its line end
        assert (await ask("A" * 5000 + "\r\n"))[0] == 4

    with_at(story, sim=SimPlan(state="absent"))


def test_functionality_when_set_by_at_then_it_is_nets_and_the_radios():
    async def story(ask, radio, actions):
        assert (await ask("AT+CFUN=4\r\n"))[0] == 0
        assert radio.functionality == 4
        assert (await ask("AT+CFUN=1\r\n"))[0] == 0

    with_at(story)


@pytest.mark.parametrize(
    ("command", "action"),
    [
        ("AT+QPOWD=1\r\n", AtAction.POWER_OFF),
        ("AT+CFUN=1,1\r\n", AtAction.RESET),
        ("AT+QDOWNLOAD=1\r\n", AtAction.ENTER_DOWNLOAD),
    ],
)
def test_power_when_a_command_changes_it_then_the_module_is_told(command, action):
    async def story(ask, radio, actions):
        assert (await ask(command))[0] == 0
        assert actions == [action]

    with_at(story)


@pytest.mark.parametrize("answer", ["None", "'text'", "b'bytes'", "memoryview(bytearray(9))"])
def test_send_when_there_is_no_room_for_an_answer_then_invalid_parameter(answer):
    async def story(client, radio, board):
        await client.ask("import atcmd")
        assert await client.ask(f"atcmd.sendSync('AT\\r\\n', {answer}, '', 20)") == "4\n"

    with_radio(story, wait="nothing")
