"""Keys at the prompt of a running module: completion, paste mode, history, what survives a reset."""

from transcripts.board import Board, run


def test_tab_completes_names_of_the_module_and_lists_several():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            client.write(b"uos.listd\t")
            assert await client.until(b"listdir") == b"uos.listdir"
            client.write(b"('/')\r")
            assert await client.until(b">>> ") == b"('/')\r\n['usr', 'bak']\r\n>>> "
            client.write(b"uos.r\t")
            said = await client.until(b">>> uos.r")
            assert said.startswith(b"uos.r\r\nremove")
            assert b"rmdir" in said
            client.write(b"\x03")
            await client.until(b">>> ")
            client.write(b"none.such.x\t1\r")
            assert b"NameError" in await client.until(b">>> ")

    run(story)


def test_paste_mode_runs_a_block_with_blank_lines_and_shows_its_values():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            client.write(b"\x05")
            await client.until(b"=== ")
            client.write(
                "class A:\r    def f(self):\r\r        return 'é'\r\rA().f()\rfor i in (1, 2):\r    i\r".encode()
            )
            client.write(b"\x04")
            said = await client.until(b">>> ")
            assert said.endswith(b"\r\n=== \r\n'\\xe9'\r\n1\r\n2\r\n>>> ")
            client.write(b"\x05")
            await client.until(b"=== ")
            client.write(b"x = 1\r\r1/0\r\x04")
            assert (await client.until(b">>> ")).endswith(
                b'Traceback (most recent call last):\r\n  File "<stdin>", line 3, in <module>\r\n'
                b"ZeroDivisionError: divide by zero\r\n>>> "
            )

    run(story)


def test_history_is_there_until_a_soft_reset():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            await client.ask("x = 41")
            await client.ask("x + 1")
            client.write(b"\x1b[A\r")
            assert await client.until(b">>> ") == b"x + 1\r\n42\r\n>>> "
            client.write(b"\x04")
            await client.until(b"MPY: soft reboot\r\n")
            await board.prompt()
            client.write(b"\x1b[A\r")
            assert await client.until(b">>> ") == b"\r\n>>> "
            assert (await client.ask("x")).endswith("NameError: name 'x' isn't defined\n")

    run(story)


def test_type_ahead_runs_line_after_line():
    async def story():
        async with Board() as board:
            await board.prompt()
            board.client.write(b"a = 1\ra += 1\rprint(a)\r")
            assert (await board.client.until(b"2\r\n>>> ")).endswith(b"print(a)\r\n2\r\n>>> ")

    run(story)


def test_exit_and_soft_reset_calls_at_the_prompt_reset_softly():
    async def story():
        async with Board() as board:
            await board.prompt()
            for line in ("import sys; sys.exit()", "raise SystemExit", "import machine; machine.soft_reset()"):
                board.client.write(line.encode() + b"\r")
                assert (await board.client.until(b"MPY: soft reboot\r\n")).count(b"Traceback") == 0
                await board.prompt()

    run(story)
