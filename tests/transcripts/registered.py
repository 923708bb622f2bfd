"""A virtual module's script half with a radio around it, and what to wait for before asking."""

import asyncio

from moduline.vmodule.interpreter.plan import Quirks
from moduline.vmodule.world.radio_plan import RadioPlan
from moduline.vmodule.world.world import World
from transcripts.board import Board, run

# What differs between the platforms, as the profiles have it.  Source: device-api 9.3, 9.4, 15
ASR_2021 = Quirks(
    checksum_schema="sha256",
    is_mcc_hex=True,
    is_nitz_in_quarters=False,
    pdp_profiles=8,
    set_apn_form="dials",
)
UNISOC = Quirks(checksum_schema="crc32", is_nitz_in_quarters=True, pdp_profiles=7, set_apn_form="flag")


def world_of(**plan):
    """A world whose radio is as ``RadioPlan(**plan)`` says."""
    return World(radio_plan=RadioPlan(**plan))


async def until(is_so, limit_s=30):
    """Wait until ``is_so()``; fails when that takes too long."""
    async with asyncio.timeout(limit_s):
        while not is_so():
            await asyncio.sleep(0.005)


def with_radio(story, wait="data", world=None, quirks=ASR_2021, **board):
    """Run ``story(client, radio, board)`` at the prompt, once the radio has got as far as ``wait`` says.

    Args:
        story: an async function.
        wait: ``data``, ``registered``, ``card`` (a card that has started, or none) or ``nothing``.
        world: what surrounds the module; a healthy one by default.
        quirks: of its firmware.
        board: more for ``Board``.
    """

    async def whole():
        async with Board(world=world or World(), quirks=quirks, **board) as module:
            await module.prompt()
            radio = module.world.radio
            reached = {
                "data": lambda: radio.has_data,
                "registered": lambda: radio.is_registered,
                "card": lambda: radio.sim_status != 18,
                "nothing": lambda: True,
            }
            await until(reached[wait])
            await story(module.client, radio, module)

    run(whole)


def ask_rows(*rows, **options):
    """Type each line and compare what is printed: a text, or a function that says whether it is right."""

    async def story(client, radio, board):
        for line, printed in rows:
            said = await client.ask(line)
            if isinstance(printed, str):
                assert said == printed, line
            else:
                assert printed(said), (line, said)

    with_radio(story, **options)


def raises(text):
    """What ends with that line of a traceback."""
    return lambda said: said.startswith("Traceback") and said.endswith(f"\n{text}\n")
