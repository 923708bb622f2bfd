"""``checkNet`` on the real interpreter.  Source: device-api 9.5; checkNet.py (the printed lines)."""

import time
from dataclasses import replace

import pytest

from moduline.vmodule.world.clock import ClockPlan, ModuleClock
from moduline.vmodule.world.radio_plan import CellPlan, DataPlan, RadioPlan, RadioTimes, SimPlan
from moduline.vmodule.world.world import World
from transcripts.board import FACTS
from transcripts.registered import ask_rows, raises, with_radio, world_of


def fast(**plan):
    """A world in which a minute of the module's clock takes half a second."""
    return World(clock=ModuleClock(ClockPlan(speed=120)), radio_plan=RadioPlan(**plan))


def test_poweron_print_once_when_called_then_seven_lines():
    ask_rows(
        ("import checkNet", ""),
        ("net = checkNet.CheckNetwork('QuecPython_Project', '1.0.0')", ""),
        (
            "net.poweron_print_once()",
            (
                "==================================================\n"
                "PROJECT_NAME     : QuecPython_Project\n"
                "PROJECT_VERSION  : 1.0.0\n"
                "FIRMWARE_VERSION : EC600SCNAAR01A01M16_OCPU_PY_BETA1211\n"
                "POWERON_REASON   : 2\n"
                "SIM_CARD_STATUS  : 1\n"
                "==================================================\n"
            ),
        ),
        (
            "net.PROJECT_NAME, net.PROJECT_VERSION, net.FIRMWARE_VERSION, net.POWERON_REASON",
            "('QuecPython_Project', '1.0.0', 'V2', 2)\n".replace("V2", FACTS.firmware_version),
        ),
        wait="card",
        power_on_reason=2,
    )


@pytest.mark.parametrize(
    "call", ["net.wait_network_connected(30)", "checkNet.wait_network_connected(30)", "checkNet.waitNetworkReady(30)"]
)
def test_wait_when_all_is_well_then_three_one(call):
    ask_rows(("import checkNet; net = checkNet.CheckNetwork('P', 'V')", ""), (call, "(3, 1)\n"), wait="nothing")


@pytest.mark.parametrize(("state", "status"), [("absent", 0), ("pin", 2), ("puk", 3), ("blocked", 19)])
def test_wait_when_the_card_is_not_ready_then_its_status_at_once(state, status):
    async def story(client, radio, board):
        await client.ask("import checkNet")
        begun = time.monotonic()
        assert await client.ask("checkNet.wait_network_connected(3600)") == f"(1, {status})\n"
        assert time.monotonic() - begun < 25

    with_radio(story, wait="card", world=world_of(sim=SimPlan(state=state)))


@pytest.mark.parametrize(
    ("plan", "result"),
    [
        ({"sim": SimPlan(state="invalid")}, "(1, 20)\n"),
        ({"cell": CellPlan(registration="none")}, "(2, 2)\n"),
        ({"cell": CellPlan(registration="denied")}, "(2, 3)\n"),
        ({"data": DataPlan(apn="private", is_apn_strict=True)}, "(3, 0)\n"),
    ],
)
def test_wait_when_it_never_comes_then_where_it_stopped_at_the_time_limit(plan, result):
    ask_rows(
        ("import checkNet, utime; begun = utime.ticks_ms()", ""),
        ("checkNet.wait_network_connected(60)", result),
        ("utime.ticks_diff(utime.ticks_ms(), begun) >= 59000", "True\n"),
        wait="nothing",
        world=fast(**plan),
    )


def test_wait_when_roaming_then_as_good_as_home():
    ask_rows(
        ("import checkNet", ""),
        ("checkNet.wait_network_connected(30)", "(3, 1)\n"),
        wait="nothing",
        world=world_of(cell=CellPlan(registration="roaming")),
    )


def test_wait_when_a_search_takes_time_then_waited_for():
    times = replace(RadioTimes(), sim_s=8.0, search_s=12.0, connect_s=5.0)
    ask_rows(
        ("import checkNet, utime; begun = utime.ticks_ms()", ""),
        ("checkNet.wait_network_connected(60)", "(3, 1)\n"),
        ("utime.ticks_diff(utime.ticks_ms(), begun) > 15000", "True\n"),
        wait="nothing",
        world=fast(times=times),
    )


@pytest.mark.parametrize("timeout", [0, 3601, -1])
def test_wait_when_the_time_limit_is_out_of_range_then_os_error(timeout):
    ask_rows(
        ("import checkNet", ""),
        (f"checkNet.wait_network_connected({timeout})", raises("OSError: timeout_s should be in [1, 3600]s!")),
        wait="nothing",
    )
