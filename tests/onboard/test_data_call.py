"""``dataCall``, ``dial`` and the data call of power-on.

Source: device-api 2.2 (step 4), 9.4, 10.2, 15; DOC23 and WIKI ``dataCall``; moddatacall.c (words of the errors).
"""

import json

import pytest

from moduline.vmodule.world.clock import ClockPlan, ModuleClock
from moduline.vmodule.world.radio_plan import DataPlan, RadioPlan, SimPlan
from moduline.vmodule.world.world import World
from transcripts.board import with_files
from transcripts.registered import ASR_2021, UNISOC, ask_rows, raises, until, with_radio, world_of

UP = "(1, 0, [1, 0, '10.91.44.177', '58.242.2.2', '218.104.78.2'])\n"
DOWN = "(1, 0, [0, 0, '0.0.0.0', '0.0.0.0', '0.0.0.0'])\n"
NO_CALL_AT_BOOT = ("system_config.json", b'{"replFlag": 0, "datacallFlag": 0}')


def after_boot_with(files, story, wait="nothing", **options):
    """Write files into /usr, power-cycle, and run ``story`` at the prompt of that second power-on."""

    async def whole(client, radio, board):
        await client.raw(with_files(usr=[*files]))
        radio.power_off()
        await board.power_cycle()
        await board.prompt()
        await until({"data": lambda: radio.has_data, "nothing": lambda: True}[wait])
        await story(board.client, radio, board)

    with_radio(whole, wait="nothing", **options)


def without_boot_call(story, **options):
    """Run ``story`` on a registered module that has dialled nothing."""

    async def whole(client, radio, board):
        await until(lambda: radio.is_registered)
        await story(client, radio, board)

    after_boot_with([NO_CALL_AT_BOOT], whole, **options)


async def rows(client, *pairs):
    for line, printed in pairs:
        said = await client.ask(line)
        assert said == printed if isinstance(printed, str) else printed(said), (line, said)


# ---- power-on --------------------------------------------------------------------------------------------------------


def test_boot_when_nothing_forbids_it_then_dialled_and_its_names_are_there():
    ask_rows(
        ("dataCall.getInfo(1, 0)", UP),
        ("dial.getInfo(1, 0)", UP),
        ("datacall_flag", "1\n"),
        ("[type(one).__name__ for one in (gc, uos, ujson, dial, dataCall, misc, backup_restore, app_fota)]",
         "['module', 'module', 'module', 'module', 'module', 'module', 'module', 'module']\n"),
        ("[type(one).__name__ != 'module' for one in (bdev, udev, fota)]", "[True, True, True]\n"),
    )  # fmt: skip


def test_boot_when_the_flag_is_off_then_nothing_is_dialled():
    async def story(client, radio, board):
        assert not radio.data[1].is_wanted
        await rows(client, ("datacall_flag", "0\n"), ("dataCall.getInfo(1, 0)", DOWN))

    without_boot_call(story)


def test_boot_when_the_user_has_an_apn_then_dialled_with_it():
    kept = {"pdp": "2", "iptype": "2", "apn": "private.iot", "user": "mia", "password": "123", "authtype": "2"}

    async def story(client, radio, board):
        assert radio.data.up == (2,)
        await rows(client, ("dataCall.getInfo(2, 2)[2][0], dataCall.getInfo(2, 2)[3][0]", "(1, 1)\n"))

    plan = DataPlan(apn="private.iot", is_apn_strict=True, user="mia", password="123")
    file = ("user_apn.json", json.dumps(kept).encode())
    after_boot_with([file], story, wait="data", world=world_of(data=plan))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"pdp": "1"}',
        b'{"pdp": "9", "iptype": "0", "apn": "", "user": "", "password": "", "authtype": "0"}',
        b'{"pdp": "1", "iptype": "3", "apn": "", "user": "", "password": "", "authtype": "0"}',
        b'{"pdp": "1", "iptype": "0", "apn": 5, "user": "", "password": "", "authtype": "0"}',
        b'{"pdp": "1", "iptype": "0", "apn": "' + b"x" * 200 + b'", "user": "", "password": "", "authtype": "0"}',
        b'{"pdp": "1", "iptype": "0", "apn": "", "user": "", "password": "", "authtype": "9"}',
        b"\xff\xfe",
    ],
)
def test_boot_when_the_users_file_is_bad_then_reported_and_nothing_is_dialled(text):
    async def story(client, radio, board):
        await rows(client, ("1 + 1", "2\n"))
        assert [notice.facts["path"] for notice in board.notices if notice.slug == "virt.bad-config"] == [
            "/usr/user_apn.json"
        ]
        assert not any(radio.data[profile].is_wanted for profile in range(1, 9))

    after_boot_with([("user_apn.json", text)], story)


def test_boot_when_two_attempts_fail_then_the_third_connects():
    async def story(client, radio, board):
        assert await client.ask("dataCall.getInfo(1, 0)") == UP

    with_radio(story, world=world_of(data=DataPlan(fail_first=2)))


def test_soft_reset_when_a_call_is_up_then_it_stays():
    async def story(client, radio, board):
        changes = []
        radio.subscribe(changes.append)
        client.write(b"\x04")
        await client.until(b"soft reboot\r\n")
        await client.until(b">>> ")
        assert await client.ask("dataCall.getInfo(1, 0)") == UP
        assert changes == []

    with_radio(story)


# ---- calls -----------------------------------------------------------------------------------------------------------


def test_start_when_registered_then_waits_for_the_result():
    async def story(client, radio, board):
        await rows(
            client,
            ("dataCall.start(1, 0, '3gnet.mnc001.mcc460.gprs', '', '', 0)", "0\n"),
            ("dataCall.getInfo(1, 0)", UP),
            ("dataCall.start(1, 0, '', '', '', 0)", "0\n"),
            ("dataCall.start(3, 2, '', '', '', 0)", "0\n"),
            ("dataCall.getInfo(3, 2)[0:2], dataCall.getInfo(3, 2)[2][0], dataCall.getInfo(3, 2)[3][0]", "((3, 2), 1, 1)\n"),
        )  # fmt: skip
        assert radio.data.up == (1, 3)

    without_boot_call(story)


def test_start_when_refused_or_without_network_then_minus_one():
    async def story(client, radio, board):
        await rows(client, ("dataCall.start(1, 0, 'wrong', '', '', 0)", "-1\n"), ("dataCall.getInfo(1, 0)", DOWN))
        radio.lose_network()
        await rows(client, ("dataCall.start(1, 0, 'right', '', '', 0)", "-1\n"))

    without_boot_call(story, world=world_of(data=DataPlan(apn="right", is_apn_strict=True)))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("start(0, 0, '', '', '', 0)", "profileIdx should be in [1,8]."),
        ("start(9, 0, '', '', '', 0)", "profileIdx should be in [1,8]."),
        ("start(1, 3, '', '', '', 0)", "ipTpye should be in [0,2]."),
        ("start(1, -1, '', '', '', 0)", "ipTpye should be in [0,2]."),
        ("start(1, 0, '', '', '', 3)", "authType should be in [0,2]."),
        ("start(1, 0, 'x' * 64, '', '', 0)", "the length of apn should be no more than 63 bytes."),
        ("start(1, 0, '', 'x' * 16, '', 0)", "the length of username should be no more than 15 bytes."),
        ("start(1, 0, '', '', 'x' * 16, 0)", "the length of password should be no more than 15 bytes."),
        ("getInfo(9, 0)", "profileIdx should be in [1,8]."),
        ("getInfo(1, 3)", "ipTpye should be in [0,2]."),
        ("setApn(1, 0, 'x' * 64, '', '', 0)", "the length of apn should be no more than 63 bytes."),
    ],
)
def test_arguments_when_wrong_then_the_firmwares_own_words(line, error):
    ask_rows((f"dataCall.{line}", raises(f"ValueError: invalid value, {error}")), wait="nothing")


def test_profiles_when_unisoc_then_seven():
    ask_rows(
        ("dataCall.start(8, 0, '', '', '', 0)", raises("ValueError: invalid value, profileIdx should be in [1,7].")),
        ("dial.getPdpRange()", "(1, 7)\n"),
        quirks=UNISOC,
        wait="nothing",
    )


def test_info_when_both_families_asked_then_two_lists_and_nowhere_is_zeros():
    ask_rows(
        (
            "dataCall.getInfo(1, 2)",
            "(1, 2, [1, 0, '10.91.44.177', '58.242.2.2', '218.104.78.2'], [0, 0, '::', '::', '::'])\n",
        ),
        ("dataCall.getInfo(2, 0)", "(2, 0, [0, 0, '0.0.0.0', '0.0.0.0', '0.0.0.0'])\n"),
        ("dataCall.getInfo(1, 1)[2][0]", "0\n"),
    )


def test_callback_when_the_call_is_lost_and_comes_back_then_told_both_times():
    async def story(client, radio, board):
        await client.raw("def told(args):\n    print('pdp', args[0], 'state', args[1])\ndataCall.setCallback(told)\n")
        radio.drop_data()
        await client.until(b"pdp 1 state 0\r\npdp 1 state 1\r\n")
        assert await client.ask("dataCall.getInfo(1, 0)") == UP

    with_radio(story)


def test_callback_when_it_raises_then_printed_dropped_and_called_again():
    async def story(client, radio, board):
        await client.raw("def told(args):\n    raise ValueError(args)\ndataCall.setCallback(told)\n")
        radio.drop_data()
        await client.until(b"ValueError: (1, 0, 0)\r\n")
        await client.until(b"ValueError: (1, 1, 0)\r\n")

    with_radio(story)


def test_call_when_the_network_drops_it_after_a_while_then_it_comes_back():
    """Half an hour of the module's clock in a second: a call that lives ten minutes is dialled again three times."""
    clock = ModuleClock(ClockPlan(speed=1800))
    world = World(clock=clock, radio_plan=RadioPlan(data=DataPlan(drop_after_s=600)))

    async def story(client, radio, board):
        changes = []
        radio.subscribe(lambda news: changes.append(news.values) if news.kind == "data" else None)
        await until(lambda: len(changes) >= 6)
        assert changes[:6] == [(1, 0), (1, 1)] * 3

    with_radio(story, world=world)


def test_asynchronous_when_no_network_then_accepted_and_connected_later():
    async def story(client, radio, board):
        radio.lose_network()
        await rows(
            client,
            ("dataCall.setAsynMode(1)", "0\n"),
            ("dataCall.start(1, 0, '', '', '', 0)", "0\n"),
            ("dataCall.getInfo(1, 0)", DOWN),
        )
        radio.restore_network()
        await until(lambda: radio.has_data)

    without_boot_call(story)


# ---- saved access ----------------------------------------------------------------------------------------------------


def test_set_apn_when_the_newer_form_then_written_and_dialled_only_with_the_flag():
    async def story(client, radio, board):
        kept = {"pdp": "1", "iptype": "0", "apn": "3gnet", "user": "", "password": "", "authtype": "0"}
        await rows(
            client,
            ("dataCall.setApn(1, 0, '3gnet', '', '', 0)", "0\n"),
            ("dataCall.getInfo(1, 0)", DOWN),
            ("ujson.load(open('/usr/user_apn.json'))", lambda said: eval(said) == kept),
            ("dataCall.setApn(1, 0, '3gnet', '', '', 0, 1)", "0\n"),
            ("dataCall.getInfo(1, 0)", UP),
        )

    without_boot_call(story, quirks=UNISOC)


def test_set_apn_when_the_older_form_then_always_dialled():
    async def story(client, radio, board):
        await rows(client, ("dataCall.setApn(1, 0, '3gnet', '', '', 0)", "0\n"), ("dataCall.getInfo(1, 0)", UP))

    without_boot_call(story, quirks=ASR_2021)


def test_set_apn_when_the_newer_form_gets_rubbish_then_no_file():
    async def story(client, radio, board):
        await client.ask("dataCall.setApn(1, 7, '3gnet', '', '', 0)")
        await rows(client, ("'user_apn.json' in uos.listdir('/usr')", "False\n"))

    without_boot_call(story, quirks=UNISOC)


def test_poweron_flag_when_switched_then_written_beside_the_others():
    ask_rows(
        ("dataCall.poweronAutoDatacall(0)", ""),
        ("ujson.load(open('/usr/system_config.json'))", lambda said: eval(said) == {"replFlag": 0, "datacallFlag": 0}),
        ("dataCall.poweronAutoDatacall(1)", ""),
        ("ujson.load(open('/usr/system_config.json'))['datacallFlag']", "1\n"),
    )


def test_context_when_newer_functions_then_saved_activated_and_ended():
    async def story(client, radio, board):
        await rows(
            client,
            ("dataCall.setPDPContext(1, 0, '3gnet', '', '', 0)", "0\n"),
            ("dataCall.getPDPContext(1)", "(0, '3gnet', '', '', 0)\n"),
            ("dataCall.setPDPContext(2, 0, 'x', 'mia', '123', 0), dataCall.getPDPContext(2)[4]", "(0, 2)\n"),
            ("dataCall.setPDPContext(2, 0, 'x', '', '', 1), dataCall.getPDPContext(2)[4]", "(0, 0)\n"),
            ("dataCall.activate(1)", "0\n"),
            ("dataCall.getInfo(1, 0)", UP),
            ("dataCall.deactivate(1), dataCall.deactivate(1)", "(0, -1)\n"),
            ("dataCall.getInfo(1, 0)", DOWN),
            ("dataCall.activate(1), dataCall.stop(1)", "(0, 0)\n"),
            ("dataCall.setPDPContext(4, 0, '', '', '', 0), dataCall.getPDPContext(0), dataCall.activate(4)", "(-1, -1, -1)\n"),
            ("dataCall.setPDPContext(1, 3, '', '', '', 0), dataCall.setPDPContext(1, 0, 'x' * 65, '', '', 0)", "(-1, -1)\n"),
            ("dataCall.setAutoActivate(1, 2), dataCall.setAutoActivate(4, 1)", "(-1, -1)\n"),
        )  # fmt: skip

    without_boot_call(story, quirks=UNISOC)


def test_auto_activate_when_switched_then_the_next_boot_follows():
    async def story(client, radio, board):
        await rows(client, ("dataCall.setAutoActivate(1, 0), dataCall.setAutoActivate(2, 1)", "(0, 0)\n"))
        radio.power_off()
        await board.power_cycle()
        await board.prompt()
        await until(lambda: radio.has_data)
        assert radio.data.up == (2,)

    with_radio(story)


def test_name_servers_when_set_then_told_and_rubbish_is_refused():
    ask_rows(
        ("dataCall.setDnsserver(1, 0, '8.8.8.8', '114.114.114.114')", "0\n"),
        ("dataCall.getInfo(1, 0)", "(1, 0, [1, 0, '10.91.44.177', '8.8.8.8', '114.114.114.114'])\n"),
        ("dataCall.setDNSServer(1, 1, '8.8.8.8', '8.8.4.4')", "-1\n"),
        ("dataCall.setDnsserver(1, 0, 'dns', '8.8.4.4'), dataCall.setDnsserver(2, 0, '8.8.8.8', '8.8.4.4')", "(-1, -1)\n"),
        ("dataCall.setDnsserver(1, 0, 'x' * 5000, '8.8.4.4')", "-1\n"),
    )  # fmt: skip


def test_apn_when_asked_then_the_scripts_or_the_networks():
    ask_rows(
        ("dataCall.getApn(0)", "'3gnet'\n"),
        ("dataCall.getApn(0, 1), dataCall.getApn(1)", "('3gnet', -1)\n"),
        world=world_of(data=DataPlan(apn="3gnet")),
    )


# ---- several access points -------------------------------------------------------------------------------------------

SEVERAL = (
    "apns = {str(n): {'profileIdx': 1, 'ipType': 0, 'apn': a, 'username': '', 'password': '', 'authType': 0} "
    "for n, a in enumerate(('111111', '222222', '333333'))}\n"
)


@pytest.mark.parametrize(("apn", "result", "shown"), [("333333", "(3, 1)\n", UP), ("444444", "(3, -1)\n", DOWN)])
def test_user_apns_when_tried_one_after_the_other_then_the_first_that_fits(apn, result, shown):
    async def story(client, radio, board):
        await client.raw(SEVERAL + "with open('/usr/apns.json', 'w') as file:\n    ujson.dump(apns, file)\n")
        await rows(
            client,
            ("dataCall.startByUserApns(apn_dict=apns)", result),
            ("dataCall.getInfo(1, 0)", shown),
            ("dataCall.startByUserApns(filename='/usr/apns.json')", "(3, 0)\n" if shown == UP else result),
        )

    without_boot_call(story, world=world_of(data=DataPlan(apn=apn, is_apn_strict=True)))


def test_user_apns_when_a_call_is_up_or_the_card_is_missing_then_said_so():
    async def story(client, radio, board):
        await client.raw(SEVERAL)
        assert await client.ask("dataCall.startByUserApns(apns)") == "(3, 0)\n"
        radio.remove_sim()
        assert await client.ask("dataCall.startByUserApns(apns)") == "(1, 0)\n"

    with_radio(story)


def test_user_apns_when_the_pin_is_missing_then_the_cards_status():
    async def story(client, radio, board):
        await client.raw(SEVERAL)
        assert await client.ask("dataCall.startByUserApns(apns)") == "(1, 2)\n"

    with_radio(story, wait="card", world=world_of(sim=SimPlan(state="pin")))
