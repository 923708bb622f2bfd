"""Rows CN and DC of device-api 14.6, typed at the friendly prompt."""

import re
import time

from moduline.vmodule.world.radio_plan import SimPlan
from transcripts.registered import with_radio, world_of


def test_cn_wait_network_connected_with_sim_and_network():
    async def story(client, radio, board):
        assert await client.ask("import checkNet") == ""
        assert await client.ask("checkNet.wait_network_connected(30)") == "(3, 1)\n"

    with_radio(story, wait="nothing")


def test_cn_wait_network_connected_without_sim_at_once():
    async def story(client, radio, board):
        assert await client.ask("import checkNet") == ""
        begun = time.monotonic()
        assert await client.ask("checkNet.wait_network_connected(30)") == "(1, 0)\n"
        assert time.monotonic() - begun < 20  # of the 30

    with_radio(story, wait="nothing", world=world_of(sim=SimPlan(state="absent")))


def test_dc_get_info_when_up():
    async def story(client, radio, board):
        assert await client.ask("import dataCall") == ""
        address = r"'\d{1,3}(\.\d{1,3}){3}'"
        said = await client.ask("dataCall.getInfo(1, 0)")
        assert re.fullmatch(rf"\(1, 0, \[1, 0, {address}, {address}, {address}\]\)\n", said)

    with_radio(story)
