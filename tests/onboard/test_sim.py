"""``sim`` on the real interpreter.  Source: device-api 9.2; DOC23 and WIKI ``sim``; modsim.c (words of the errors)."""

import pytest

from moduline.vmodule.world.radio_plan import Contact, SimPlan
from transcripts.registered import ask_rows, raises, until, with_radio, world_of

# The samples of device-api 9.2.
SAMPLE = SimPlan(
    imsi="460105466870381",
    iccid="89860390845513443049",
    number="+8618166328752",
    phonebook=(
        Contact(1, "Tom", "15544272539"),
        Contact(2, "Pony", "15544272539"),
        Contact(3, "Jay", "18144786859"),
        Contact(4, "Pondy", "15544282538"),
    ),
)


def test_identity_when_card_is_ready_then_as_the_documents_print_it():
    ask_rows(
        ("import sim", ""),
        ("sim.getImsi()", "'460105466870381'\n"),
        ("sim.getIccid()", "'89860390845513443049'\n"),
        ("sim.getPhoneNumber()", "'+8618166328752'\n"),
        ("sim.getStatus()", "1\n"),
        ("sim.getCurSimid()", "0\n"),
        wait="card",
        world=world_of(sim=SAMPLE),
    )


def test_getters_when_there_is_no_card_then_minus_one():
    ask_rows(
        ("import sim", ""),
        ("sim.getStatus()", "0\n"),
        ("sim.getImsi(), sim.getIccid(), sim.getPhoneNumber()", "(-1, -1, -1)\n"),
        ("sim.readPhonebook(9, 1, 4, ''), sim.writePhonebook(9, 1, 'Tom', '1')", "(-1, -1)\n"),
        ("sim.verifyPin('1234'), sim.enablePin('1234'), sim.unblockPin('1', '2')", "(-1, -1, -1)\n"),
        wait="card",
        world=world_of(sim=SimPlan(state="absent")),
    )


def test_number_when_nobody_has_written_it_then_minus_one_until_it_is():
    ask_rows(
        ("import sim", ""),
        ("sim.getPhoneNumber()", "-1\n"),
        ("sim.writePhonebook(7, 1, '', '+8618166328752')", "0\n"),
        ("sim.getPhoneNumber()", "'+8618166328752'\n"),
        wait="card",
        world=world_of(sim=SimPlan(number="")),
    )


def test_pin_when_wanted_then_given_changed_and_switched_off():
    ask_rows(
        ("import sim", ""),
        ("sim.getStatus(), sim.getImsi()", "(2, -1)\n"),
        ("sim.verifyPin('0000'), sim.verifyPin(b'1234')", "(-1, 0)\n"),
        ("sim.getStatus()", "1\n"),
        ("sim.changePin('1234', '4321'), sim.changePin('1234', '0000')", "(0, -1)\n"),
        ("sim.disablePin('4321')", "0\n"),
        ("sim.enablePin('4321')", "0\n"),
        wait="card",
        world=world_of(sim=SimPlan(state="pin")),
    )


def test_pin_when_wrong_three_times_then_the_puk_unblocks():
    ask_rows(
        ("import sim", ""),
        ("[sim.verifyPin('0000') for _ in range(3)]", "[-1, -1, -1]\n"),
        ("sim.getStatus()", "3\n"),
        ("sim.verifyPin('1234')", "-1\n"),
        ("sim.unblockPin('00000000', '5678'), sim.unblockPin('12345678', '5678')", "(-1, 0)\n"),
        ("sim.getStatus()", "1\n"),
        wait="card",
        world=world_of(sim=SimPlan(state="pin")),
    )


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("sim.enablePin('1' * 16)", "ValueError: invalid value, the length of pin should be no more than 15 bytes."),
        ("sim.verifyPin('1' * 16)", "ValueError: invalid value, the length of pin should be no more than 15 bytes."),
        (
            "sim.changePin('1', '1' * 16)",
            "ValueError: invalid value, the length of pin should be no more than 15 bytes.",
        ),
        (
            "sim.unblockPin('1' * 16, '1')",
            "ValueError: invalid value, the length of puk should be no more than 15 bytes.",
        ),
        ("sim.verifyPin(1234)", "TypeError: object with buffer protocol required"),
        ("sim.readPhonebook(16, 1, 4, '')", "ValueError: invalid value, storage should be in (0,15)."),
        ("sim.readPhonebook(9, 4, 1, '')", "ValueError: invalid value, end >= start."),
        ("sim.readPhonebook(9, 1, 22, '')", "ValueError: invalid value, end - start <= 20."),
        (
            "sim.readPhonebook(9, 0, 0, 'x' * 31)",
            "ValueError: invalid value, the length of username should be no more than 30 bytes.",
        ),
        ("sim.writePhonebook(9, 0, 'x', '1')", "ValueError: invalid value, index should be in (1,500)."),
        ("sim.writePhonebook(9, 501, 'x', '1')", "ValueError: invalid value, index should be in (1,500)."),
        (
            "sim.writePhonebook(9, 1, 'x', '1' * 21)",
            "ValueError: invalid value, the length of phonenumber should be no more than 20 bytes.",
        ),
        ("sim.genericAccess(0, '80F2000016')", "NotImplementedError: sim.genericAccess is not modelled by this virtual module yet"),
    ],
)  # fmt: skip
def test_arguments_when_wrong_then_the_firmwares_own_words(line, error):
    ask_rows(("import sim", ""), (line, raises(error)), wait="nothing")


def test_phonebook_when_read_then_as_the_documents_print_it():
    ask_rows(
        ("import sim", ""),
        (
            "sim.readPhonebook(9, 1, 4, '')",
            (
                "(4, [(1, 'Tom', '15544272539'), (2, 'Pony', '15544272539'), (3, 'Jay', '18144786859'), "
                "(4, 'Pondy', '15544282538')])\n"
            ),
        ),
        ("sim.readPhonebook(9, 0, 0, 'Tom')", "(1, [(1, 'Tom', '15544272539')])\n"),
        ("sim.readPhonebook(9, 0, 0, 'Pon')", "(2, [(2, 'Pony', '15544272539'), (4, 'Pondy', '15544282538')])\n"),
        ("sim.writePhonebook(9, 1, 'Tom', '18144786859')", "0\n"),
        ("sim.readPhonebook(9, 0, 0, 'Tom')", "(1, [(1, 'Tom', '18144786859')])\n"),
        wait="card",
        world=world_of(sim=SAMPLE),
    )


def test_callback_when_hot_plugging_is_on_then_one_for_in_and_two_for_out():
    async def story(client, radio, board):
        await client.ask("import sim")
        await client.ask("sim.setCallback(print)")
        radio.remove_sim()
        radio.insert_sim()
        assert await client.ask("sim.setSimDet(1, 0)") == "0\n"
        assert await client.ask("sim.getSimDet()") == "(1, 0)\n"
        radio.remove_sim()
        await client.until(b"2\r\n")
        radio.insert_sim()
        await client.until(b"1\r\n")
        assert await client.ask("sim.setSimDet(2, 0)") == "-1\n"
        await until(lambda: radio.sim_status == 1)

    with_radio(story)


def test_callback_when_taken_back_or_after_a_soft_reset_then_silent():
    async def story(client, radio, board):
        await client.raw("import sim\nsim.setSimDet(1, 0)\nsim.setCallback(print)\nsim.setCallback(None)\n")
        radio.remove_sim()
        assert await client.ask("sim.getStatus()") == "0\n"
        radio.insert_sim()
        await client.raw("sim.setCallback(print)\n")
        client.write(b"\x04")
        await client.until(b">>> ")
        radio.remove_sim()
        assert await client.ask("import sim; sim.getStatus()") == "0\n"

    with_radio(story)
