"""Floods and giants: too much of anything costs the sender, not the module."""

from transcripts.board import Board, run


def test_source_when_it_is_too_large_for_the_heap_is_a_memory_error_and_the_module_lives():
    async def story():
        async with Board() as board:
            await board.prompt()
            out, error = await board.client.raw_both("x = '" + "a" * 400_000 + "'\n", 30)
            assert out == ""
            assert error == "MemoryError: memory allocation failed, allocating 400007 bytes\r\n"
            out = await board.client.raw("x = '" + "a" * 100_000 + "'\nprint(len(x))\n", 30)
            assert out == "100000\r\n"
            assert board.wishes == []

    run(story)


def test_output_when_nobody_reads_does_not_stop_the_script():
    async def story():
        async with Board() as board:
            await board.prompt()
            source = "n = 0\nwhile n < 6000:\n    print('line %d' % n, 'x' * 60)\n    n += 1\nf = open('/usr/done', 'w'); f.close()\n"
            await board.client.raw(f"f = open('/usr/main.py', 'w'); f.write({source!r}); f.close()")
            await board.power_off()
            await board.power_on()
            board.client.close()  # the cable is in, but no program has the port open
            await board.runtime.wait_prompt()
            board.client.__init__(board.pty.path)
            board.client.write(b"\r")
            await board.client.until(b">>> \r\n>>> ")
            assert await board.client.ask("uos.listdir('/usr')[-1]") == "'done'\n"

    run(story)


def test_input_when_a_script_never_reads_it_is_lost_beyond_a_limit_and_ctrl_c_still_works():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            client.write(b"\x01while True: pass\x04")
            await client.until(b"OK")
            for _ in range(300):
                await client.send(b"y" * 1000)
                await client.quiet(0.001)
            client.write(b"\x03")
            await client.until(b"KeyboardInterrupt: \r\n\x04>")
            client.write(b"\x03print(1)\x04")
            await client.until(b"OK1\r\n\x04\x04>")

    run(story)


def test_many_prints_of_every_size_arrive_whole_and_in_order():
    async def story():
        async with Board() as board:
            await board.prompt()
            out = await board.client.raw("for n in range(3000): print(n, 'x' * (n % 97))\n", 30)
            assert out == "".join(f"{n} {'x' * (n % 97)}\r\n" for n in range(3000))

    run(story)


def test_recursion_and_endless_allocation_end_in_exceptions():
    async def story():
        async with Board() as board:
            await board.prompt()
            assert (await board.client.raw_both("def f(): f()\nf()\n"))[1].endswith(
                "RuntimeError: maximum recursion depth exceeded\r\n"
            )
            assert "MemoryError" in (await board.client.raw_both("a = []\nwhile True: a.append(bytes(1000))\n"))[1]
            assert await board.client.ask("del a; 1 + 1") == "2\n"

    run(story)
