"""``net`` on the real interpreter.  Source: device-api 9.3; DOC23 and WIKI ``net``; modnet.c (the callback)."""

import pytest

from moduline.vmodule.world.clock import ClockPlan, ModuleClock
from moduline.vmodule.world.radio_plan import CellPlan, DataPlan, Neighbour, Point, RadioPlan
from moduline.vmodule.world.world import World
from transcripts.registered import ASR_2021, UNISOC, ask_rows, raises, until, with_radio, world_of

# The samples of device-api 9.3 and of the page's getCellInfo.
UNICOM = CellPlan(
    operator="CHN-UNICOM",
    short_name="UNICOM",
    mcc="460",
    mnc="01",
    lac=26909,
    cid=232301375,
    pci=378,
    earfcn=1850,
    signal=(Point(0, -51.0),),
    neighbours=(Neighbour(110110494, 10, 26909, 2452, -87, mnc="01"), Neighbour(5, 7, 26909, 1850, -90)),
)


def test_signal_when_good_then_as_the_documents_print_it():
    ask_rows(
        ("import net", ""),
        ("net.csqQueryPoll()", "31\n"),
        ("net.getSignal()", "([99, 99, 255, 255], [-51, -76, -5, 255])\n"),
        ("net.getSignal(0)", "([99, 99, 255, 255], [-51, -76, -5, 255])\n"),
        ("net.getSignal(1)", "([99, 99, 255, 255], [-51, -76, -5, 255, 18])\n"),
        world=world_of(cell=UNICOM),
    )


def test_network_when_registered_then_as_the_documents_print_it():
    ask_rows(
        ("import net", ""),
        ("net.operatorName()", "('CHN-UNICOM', 'UNICOM', '460', '01')\n"),
        ("net.getNetMode()", "(0, '460', '01', 7)\n"),
        ("net.getState()", "([1, 26909, 232301375, 7, 0, 378], [1, 26909, 232301375, 7, 0, 378])\n"),
        ("net.getConfig()", "(8, False)\n"),
        ("net.getModemFun()", "1\n"),
        world=world_of(cell=UNICOM),
    )


@pytest.mark.parametrize(("quirks", "mcc"), [(ASR_2021, 1120), (UNISOC, 460)])
def test_cells_when_asked_then_three_lists_and_the_country_in_the_firmwares_way(quirks, mcc):
    ask_rows(
        ("import net", ""),
        (
            "net.getCellInfo()",
            (
                f"([], [], [(0, 232301375, {mcc}, 1, 378, 26909, 1850, -76, -5), "
                f"(3, 110110494, {mcc}, 1, 10, 26909, 2452, -87, -5), (2, 5, {mcc}, 0, 7, 26909, 1850, -90, -5)])\n"
            ),
        ),
        ("[len(cell) for cell in net.getCellInfo(1)[2]]", "[10, 10, 10]\n"),
        ("net.getCi(), net.getServingCi()", "([232301375, 110110494, 5], 232301375)\n"),
        ("net.getMcc(), net.getServingMcc()", f"([{mcc}, {mcc}, {mcc}], {mcc})\n"),
        ("net.getMnc(), net.getServingMnc()", "([1, 1, 0], 1)\n"),
        ("net.getLac(), net.getServingLac()", "([26909, 26909, 26909], 26909)\n"),
        quirks=quirks,
        world=world_of(cell=UNICOM),
    )


def test_cells_when_gsm_then_in_the_first_list():
    ask_rows(
        ("import net", ""),
        ("len(net.getCellInfo()[0]), net.getCellInfo()[1:]", "(1, ([], []))\n"),
        ("len(net.getCellInfo()[0][0])", "8\n"),
        ("net.getSignal()", "([-51, 0, 255, 255], [99, 99, 255, 255])\n"),
        world=world_of(cell=CellPlan(rat=0, signal=(Point(0, -51.0),))),
    )


def test_everything_when_there_is_no_network_then_unknown_or_minus_one():
    async def story(client, radio, board):
        radio.lose_network()
        for line, printed in (
            ("import net", ""),
            ("net.csqQueryPoll()", "99\n"),
            ("net.getSignal(1)", "([99, 99, 255, 255], [99, 99, 255, 255, 255])\n"),
            ("net.getState()", "([2, 0, 0, 7, 0, 0], [2, 0, 0, 7, 0, 0])\n"),
            ("net.operatorName(), net.getNetMode()", "(-1, -1)\n"),
            ("net.getCellInfo(), net.getCi(), net.getServingCi()", "(([], [], []), [], -1)\n"),
        ):
            assert await client.ask(line) == printed, line

    with_radio(story)


def test_state_when_denied_then_its_cause():
    ask_rows(
        ("import net", ""),
        ("net.getState()[1]", "[3, 0, 0, 7, 15, 0]\n"),
        ("net.nitzTime()", "-1\n"),
        wait="nothing",
        world=_settled(cell=CellPlan(registration="denied", cause=15)),
    )


def _settled(**plan):
    """A world whose network answers as soon as it is asked."""
    from moduline.vmodule.world.radio_plan import RadioTimes

    return world_of(times=RadioTimes(0, 0, 0, 0), **plan)


@pytest.mark.parametrize(("quirks", "zone"), [(ASR_2021, "8"), (UNISOC, "+32")])
def test_nitz_when_registered_then_utc_with_the_zone_in_the_firmwares_way(quirks, zone):
    clock = ModuleClock(ClockPlan(start_s=1_635_228_480))  # 2021-10-26 06:08:00 UTC

    def is_right(said):
        date, seconds, leap = eval(said)
        second = seconds - 1_635_228_480
        return 0 <= second < 60 and date == f"21/10/26 06:08:{second:02d} {zone} 0" and leap == 0

    ask_rows(
        ("import net", ""),
        ("net.nitzTime()", is_right),
        ("net.nitzTime() == net.nitzTime()", "True\n"),
        quirks=quirks,
        world=World(clock=clock),
    )


def test_config_when_set_then_kept_and_the_network_follows():
    async def story(client, radio, board):
        for line, printed in (
            ("import net", ""),
            ("net.setConfig(6)", "0\n"),
            ("net.getConfig()", "(6, False)\n"),
            ("net.setConfig(8, 1)", "0\n"),
            ("net.getConfig()", "(8, True)\n"),
            ("net.setConfig(19), net.setConfig(-1), net.setConfig(8, 2)", "(-1, -1, -1)\n"),
            ("net.setConfig(0)", "0\n"),
            ("net.getState()[1][0]", "2\n"),
        ):
            assert await client.ask(line) == printed, line
        assert not radio.has_data

    with_radio(story)


def test_flight_mode_when_set_then_the_data_call_ends_and_its_callback_hears():
    async def story(client, radio, board):
        await client.raw("import net, dataCall\ndataCall.setCallback(print)\n")
        client.write(b"net.setModemFun(4)\r")
        await client.until(b"(1, 0, 0)\r\n")
        await client.until(b">>> ")
        assert await client.ask("net.getModemFun(), net.getState()[1][0], net.csqQueryPoll()") == "(4, 0, 99)\n"
        assert await client.ask("net.setModemFun(1)") == "0\n"
        await client.until(b"(1, 1, 0)\r\n")
        assert await client.ask("net.setModemFun(3), net.setModemFun(1, 2)") == "(-1, -1)\n"

    with_radio(story)


def test_functionality_when_with_restart_then_the_module_restarts():
    async def story(client, radio, board):
        await client.ask("import net")
        client.write(b"net.setModemFun(4, 1)\r")
        await board.dead.wait()
        assert board.wishes == ["restart"]

    with_radio(story)


def test_callback_when_registration_changes_then_five_values():
    async def story(client, radio, board):
        await client.raw("import net\nnet.setCallback(print)\n")
        radio.lose_network()
        await client.until(b"(1, 2, 26909, 232301323, 7)\r\n")
        radio.restore_network()
        await client.until(b"(1, 1, 26909, 232301323, 7)\r\n")

    with_radio(story)


def test_apn_when_saved_then_told_and_used_after_minimum_functionality():
    async def story(client, radio, board):
        for line, printed in (
            ("import net", ""),
            ("net.getApn(0)", "'3gnet'\n"),
            ("net.setApn(1, 1, '3gnet', 'mia', '123', 2, 0)", "0\n"),
            ("net.getApn(1, 0)", "(1, '3gnet', 'mia', '123', 2)\n"),
            ("net.setApn('3gnet', 0), net.getApn(1, 0)", "(0, (0, '3gnet', '', '', 0))\n"),
            ("net.setApn('x' * 65, 0), net.setApn('x', 1), net.getApn(1), net.getApn(9, 0)", "(-1, -1, -1, -1)\n"),
            ("net.setApn(1, 1, '3gnet', 'mia', '123', 2, 0)", "0\n"),
            ("net.setModemFun(0), net.setModemFun(1)", "(0, 0)\n"),
        ):
            assert await client.ask(line) == printed, line
        assert raises("TypeError: function expected 2 or 7 arguments, got 3")(await client.ask("net.setApn(1, 2, 3)"))
        await until(lambda: radio.has_data)
        assert radio.address().startswith("2001:db8:")

    with_radio(story, world=World(radio_plan=RadioPlan(data=DataPlan(apn="3gnet"))))
