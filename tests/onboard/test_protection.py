"""Protection of the prompt: refusing, locking by a password, and how long it lasts.

Source: device-api 3.6; the public page of ``system``, whose session is replayed here.
"""

from moduline.vmodule.interpreter.plan import Quirks
from onboard.test_small_modules import ask_all, raises
from transcripts.board import Board, run

OLD = Quirks(has_repl_password=False)
ABNORMAL = "OSError: The system_config.JSON file is abnormal, please check!"


async def typed(client, text, shown):
    """Type a line; ``shown`` is everything up to and with the next prompt."""
    client.write(text.encode() + b"\r")
    assert await client.until(b">>> ") == shown.encode() + b">>> "


def test_password_session_of_the_documentation():
    async def story():
        async with Board() as board:
            await board.prompt()
            client, ask = board.client, board.client.ask
            await ask("import system")
            assert await ask("system.replSetEnable(2)") == "1\n"
            assert await ask("system.replSetEnable(1,password='miamia123')") == "0\n"
            await typed(client, "", "\r\nPlease enter password:\r\n")
            await typed(client, "wrong1", "******\r\nIncorrect password, please try again:\r\n")
            await typed(client, "12345678", "********\r\nIncorrect password, please try again:\r\n")
            await typed(client, "miamia123", "*********\r\nREPL enable\r\n")
            assert await ask("system.replSetEnable(2)") == "2\n"
            assert await ask("system.replSetEnable(1,password='miamia')") == "Incorrect password!\n-1\n"
            assert await ask("system.replSetEnable(1,password='miamia123')") == "0\n"
            await typed(client, "print(1)", "print(1)\r\nPlease enter password:\r\n")
            await typed(client, "miamia123", "*********\r\nREPL enable\r\n")
            assert await ask("system.replChangPswd(old_password='miamia123',new_password='123456')") == "0\n"
            assert await ask("system.replSetEnable(1,password='miamia123')") == "Incorrect password!\n-1\n"
            assert await ask("system.replSetEnable(1,password='123456')") == "0\n"
            await typed(client, "", "\r\nPlease enter password:\r\n")
            await typed(client, "123456", "******\r\nREPL enable\r\n")
            assert await ask("system.replSetEnable(0,password='123456')") == "0\n"
            assert await ask("system.replSetEnable(2)") == "1\n"
            assert await ask("system.replSetEnable(0)") == "0\n"
            assert await ask("system.replSetEnable(1)") == "0\n"
            await typed(client, "system.replSetEnable(0)", "system.replSetEnable(0)\r\nREPL refuse\r\n")

    run(story)


def test_password_when_set_locks_every_boot_until_it_is_typed():
    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.ask("import system")
            assert await board.client.ask("system.replSetEnable(1, password='Secret#7')") == "0\n"
            for _ in range(2):
                await board.power_cycle()
                await board.prompt()
                await typed(board.client, "1", "1\r\nPlease enter password:\r\n")
                await typed(board.client, "Secret#7", "********\r\nREPL enable\r\n")
            text = await board.client.ask("open('/usr/system_config.json').read()")
            assert "Secret" not in text
            assert '"replFlag": 1' in text

    run(story)


def test_locked_prompt_when_keys_are_pressed_asks_again_and_lets_nothing_through():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            await client.ask("import system; system.replSetEnable(1, password='abcdef')")
            for key in (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"):  # locked: the first asks, the others ask again
                client.write(key)
                assert await client.until(b">>> ") == b"\r\nPlease enter password:\r\n>>> "
            await typed(client, "", "\r\nPlease enter password:\r\n")
            client.write(b"abX\x08cd\x1b[A\x7fdef\t\xe4\xbd\xa0\r")
            shown = b"***\b \b**\b \b***\r\nREPL enable\r\n>>> "
            assert await client.until(b">>> ") == shown
            assert await client.ask("1 + 1") == "2\n"

    run(story)


def test_refused_prompt_when_a_line_or_any_key_comes_answers_the_same():
    """Every line and every control key.  Source: device-api 3.6"""

    async def story():
        async with Board(quirks=OLD) as board:
            await board.prompt()
            client = board.client
            assert await client.ask("import system; system.replSetEnable(1)") == "0\n"
            await typed(client, "1", "1\r\nREPL refuse\r\n")
            await typed(client, "", "\r\nREPL refuse\r\n")
            for key in (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"):
                client.write(key)
                assert await client.until(b">>> ") == b"\r\nREPL refuse\r\n>>> "
            await board.power_cycle()
            await board.prompt()
            await typed(board.client, "1", "1\r\nREPL refuse\r\n")

    run(story)


def test_protection_by_misc_lasts_until_the_next_reset():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            assert await client.ask("import misc; misc.replEnable(2)") == "1\n"
            assert await client.ask("misc.replEnable(1)") == "0\n"
            await typed(client, "1", "1\r\nREPL refuse\r\n")
            await board.power_cycle()
            await board.prompt()
            assert await board.client.ask("1") == "1\n"

    run(story)


def test_protected_main_when_ctrl_c_comes_goes_on():
    """Source: device-api 2.4: with REPL protection on, Ctrl-C is ignored."""

    async def story():
        async with Board() as board:
            await board.prompt()
            source = (
                "import system, utime\nsystem.replSetEnable(1)\n"
                "for n in range(16):\n    print('round', n)\n    utime.sleep_ms(100)\n"
            )
            await board.client.raw(f"f = open('/usr/main.py', 'w'); f.write({source!r}); f.close()")
            await board.power_cycle()
            await board.client.until(b"round 12")
            board.client.write(b"\x03")
            said = await board.prompt()
            assert b"round 15" in said
            assert b"Traceback" not in said

    run(story)


def test_system_when_used_wrongly_says_so_and_changes_nothing():
    ask_all(
        ("from system import *", ""),
        ("replSetEnable(1, password='short')", "Password length must be [6~12]!\n-1\n"),
        ("replSetEnable(1, password='much too long')", "Password length must be [6~12]!\n-1\n"),
        ("replSetEnable(1, password='blank x')", "The password contains invalid characters!\n-1\n"),
        ("replSetEnable(1, password=1234567)", "Password length must be [6~12]!\n-1\n"),
        ("replSetEnable(2, password='abcdef')", "-1\n"),
        ("replSetEnable(1, pasword='abcdef')", raises("TypeError: unexpected keyword argument 'pasword'")),
        ("replChangPswd('abcdef', 'ghijkl')", "Please set password first!\n-1\n"),
        ("replChangPswd('abcdef')", "illegal operation\n-1\n"),
        ("replSetEnable(2)", "1\n"),
        ("open('/usr/system_config.json').read()", "'{\"replFlag\": 0}'\n"),
        ("replSetEnable(0, password='abcdef')", "0\n"),
        ("open('/usr/system_config.json').read()", "'{\"replFlag\": 0}'\n"),
    )


def test_old_system_rewrites_the_file_and_knows_no_password():
    """Source: device-api 3.6: the form without passwords keeps ``datacallFlag``."""
    ask_all(
        ("import system, uos", ""),
        ("f = open('/usr/system_config.json', 'w'); f.write('{\"datacallFlag\": 0, \"x\": 1}'); f.close()", "27\n"),
        ("system.replSetEnable(), open('/usr/system_config.json').read()", "(0, '{\"replFlag\": 0, \"datacallFlag\": 0}')\n"),
        ("system.replSetEnable(0, password='abcdef')", raises("TypeError: unexpected keyword argument 'password'")),
        ("system.replChangPswd('abcdef', 'ghijkl')", raises("OSError: DO NOT SUPPORT!")),
        ("f = open('/usr/system_config.json', 'w'); f.write('[1]'); f.close()", "3\n"),
        ("system.replSetEnable(1)", raises(ABNORMAL)),
        ("f = open('/usr/system_config.json', 'w'); f.write('{'); f.close()", "1\n"),
        ("system.replSetEnable(1)", raises(ABNORMAL)),
        ("uos.remove('/usr/system_config.json'); system.replSetEnable(0)", "0\n"),
        ("uos.listdir('/usr')", "['apn_cfg.json']\n"),
        quirks=OLD,
    )  # fmt: skip
