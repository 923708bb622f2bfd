"""T21: drag-and-drop and "download script" write to /usr by raw mode, the way the vendor's tool does.

Source: seed 1; device-api 3.4, 4 (QPYcom core), 14.2.
"""

import pytest

from transcripts.board import Board, lfs1_mounts, lfs2_mounts, run


async def upload(client, name, data, folder="/usr"):
    """Ctrl-C, raw mode, a file opened for ``wb``, pieces of 256 bytes as Python bytes, close; back to the prompt."""
    client.write(b"\r\x03\x03")
    await client.until(b">>> \r\n>>> ")
    client.write(b"\r\x01")
    await client.until(b"raw REPL; CTRL-B to exit\r\n>")

    async def execute(source):
        for at in range(0, len(source), 256):
            await client.send(source[at : at + 256].encode())
        client.write(b"\x04")
        assert await client.until(b"\x04>") == b"OK\x04\x04>"

    await execute(f"f = open('{folder}/{name}', 'wb')\nw = f.write")
    for at in range(0, len(data), 256):
        await execute(f"_ = w({data[at : at + 256]!r})")
    await execute("f.close()")
    client.write(b"\x02")
    await client.until(b">>> ")


@pytest.mark.parametrize("mounts", [lfs1_mounts(), lfs2_mounts()], ids=["lfs1", "lfs2"])
def test_t21_uploaded_file_is_listed_replaces_what_was_there_and_runs(mounts):
    first = b"print('first')\n" + b"# " + bytes(range(0x20, 0x7F)) * 20 + b"\n"
    second = "print('second', '第二')\n".encode()

    async def story():
        async with Board(mounts=mounts) as board:
            await board.prompt()
            client = board.client
            await upload(client, "start.py", first)
            listed = sorted(eval(await client.ask("uos.listdir('/usr')")))
            assert listed == ["apn_cfg.json", "start.py", "system_config.json"]
            assert await client.ask("uos.stat('/usr/start.py')[6]") == f"{len(first)}\n"
            assert await client.ask("import example; example.exec('/usr/start.py')") == "first\n"
            await upload(client, "start.py", second)
            assert sorted(eval(await client.ask("uos.listdir('/usr')"))) == listed
            assert await client.ask("open('/usr/start.py', 'rb').read()") == f"{second!r}\n"
            assert await client.ask("example.exec('usr/start.py')") == "second 第二\n"
            await board.power_cycle()
            await board.prompt()
            assert await board.client.ask("uos.stat('/usr/start.py')[6]") == f"{len(second)}\n"

    run(story)


def test_t21_upload_to_a_module_whose_main_loops_is_not_heard():
    """T03: uploads by every tool fail while main.py has the port."""

    async def story():
        async with Board() as board:
            await board.prompt()
            await upload(
                board.client, "main.py", b"import utime\nwhile True:\n    utime.sleep_ms(50)\n    print('.')\n"
            )
            await board.power_cycle()
            await board.client.until(b"\r\n.\r\n")
            board.client.write(b"\x01f = open('/usr/x', 'wb')\x04")
            for _ in range(6):
                assert await board.client.until(b"\r\n") == b".\r\n"

    run(story)
