"""What the vendor's tools send and expect, byte for byte, replayed on a virtual module.  Source: device-api 3.7, 4.

QPYcom's core in raw mode, the VS Code extension at the friendly prompt, the factory tool's handshake and uploads.
"""

import pytest

from transcripts.board import FACTS, Board, run

DATA = bytes(range(256)) * 5 + "中文".encode()


async def connect_as_qpycom(client):
    """CR and two interrupts, raw mode, a soft reset inside raw mode."""
    client.write(b"\r\x03\x03")
    client.write(b"\r\x01")
    await client.until(b"raw REPL; CTRL-B to exit\r\n>")
    client.write(b"\x04")
    await client.until(b"soft reboot\r\n")
    await client.until(b"raw REPL; CTRL-B to exit\r\n>")


async def raw_in_pieces(client, source, size=256):
    """As the tools send: pieces, Ctrl-D, ``OK``, output, end marks."""
    for at in range(0, len(source), size):
        client.write(source[at : at + size])
    client.write(b"\x04")
    assert await client.until(b"OK") == b"OK"
    out = (await client.until(b"\x04"))[:-1]
    error = (await client.until(b"\x04>"))[:-2]
    assert error == b"", error
    return out.replace(b"\r\n", b"\n").decode()


def test_qpycom_core_connects_uploads_lists_reads_and_removes():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            await connect_as_qpycom(client)
            await raw_in_pieces(client, b"import uos\nuos.mkdir('/usr/folder')")
            await raw_in_pieces(client, b"f=open('/usr/folder/data.bin','wb')\nw=f.write")
            for at in range(0, len(DATA), 256):
                await raw_in_pieces(client, b"w(" + repr(DATA[at : at + 256]).encode() + b")")
            await raw_in_pieces(client, b"f.close()")
            listing = b"for f in uos.ilistdir('/usr/folder'):\n print('%12s %s' % (f[3], f[0]))\n"
            assert (await raw_in_pieces(client, listing)).split() == [str(len(DATA)), "data.bin"]
            reading = (
                b"import sys\nwith open('/usr/folder/data.bin','rb') as f:\n while True:\n"
                b"  b=f.read(256)\n  if not b: break\n  print(b, end='')\n"
            )
            printed = await raw_in_pieces(client, reading)
            pieces = [part for part in printed.replace('b"', "b'").split("b'") if part]
            assert len(pieces) == -(-len(DATA) // 256)
            await raw_in_pieces(client, b"uos.remove('/usr/folder/data.bin')\nuos.rmdir('/usr/folder')")
            assert "folder" not in await raw_in_pieces(client, b"print(uos.listdir('/usr'))")
            client.write(b"\x02")
            await client.until(b'Type "help()" for more information.\r\n>>> ')

    run(story)


HELPER = """\
def main():
    entries = []
    def walk(path, into):
        for entry in uos.ilistdir(path):
            full = path + '/' + entry[0]
            if entry[1] == 0x4000:
                sub = []
                into.append({'name': entry[0], 'type': 'dir', 'size': 0, 'path': full, 'sub': sub})
                walk(full, sub)
            else:
                into.append({'name': entry[0], 'type': 'file', 'size': uos.stat(full)[6], 'path': full})
    walk('/usr', entries)
    print(entries)
    usr = uos.statvfs('/usr')
    bak = uos.statvfs('/bak')
    print('>>>statvfs<<<usr: %d/%d KB | bak: %d/%d KB' % (
        usr[0] * usr[3] // 1024, usr[0] * usr[2] // 1024, bak[0] * bak[3] // 1024, bak[0] * bak[2] // 1024))
main()
"""


def test_vs_code_extension_writes_its_helper_at_the_prompt_and_reads_its_listing():
    async def story():
        async with Board() as board:
            await board.prompt()
            ask = board.client.ask
            await ask("f = open('/usr/q_init_fs.py', 'wb', encoding='utf-8')")
            for line in HELPER.splitlines(keepends=True):
                assert await ask(f"f.write({line.encode()!r})") == f"{len(line)}\n"
            await ask("f.close()")
            assert await ask("import example") == ""
            lines = (await ask("example.exec('usr/q_init_fs.py')")).splitlines()
            found = eval(lines[0])
            assert [(one["name"], one["type"]) for one in found] == [
                ("apn_cfg.json", "file"), ("system_config.json", "file"), ("q_init_fs.py", "file"),
            ]  # fmt: skip
            assert lines[1].startswith(">>>statvfs<<<usr: ")
            assert lines[1].endswith("/196 KB")
            await ask("import ql_fs")
            await ask("ql_fs.mkdirs('/usr/made/deep')")
            await ask("uos.remove('/usr/q_init_fs.py')")
            await ask("uos.rmdir('/usr/made/deep')")
            assert await ask("uos.listdir('/usr')") == "['apn_cfg.json', 'system_config.json', 'made']\n"

    run(story)


def test_factory_tool_gets_its_ten_bytes_and_reads_the_unit():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            client.write(b"1\r\n")
            assert await client.until(b">>> ") == b"1\r\n1\r\n>>> "
            client.write(b"\x01")
            await client.until(b"raw REPL; CTRL-B to exit\r\n>")
            assert await raw_in_pieces(client, b"import modem\nprint(modem.getDevImei())") == f"{FACTS.imei}\n"
            free = int(await raw_in_pieces(client, b"import uos\nprint(uos.statvfs('usr')[3])"))
            await raw_in_pieces(client, b"f=open('/usr/x','wb')")
            for at in range(0, len(DATA), 255):
                await raw_in_pieces(client, b"f.write(" + repr(DATA[at : at + 255]).encode() + b")", 255)
            await raw_in_pieces(client, b"f.close()")
            assert await raw_in_pieces(client, b"print(uos.stat('/usr/x')[6])") == f"{len(DATA)}\n"
            assert int(await raw_in_pieces(client, b"print(uos.statvfs('usr')[3])")) < free

    run(story)


@pytest.mark.parametrize("toggles", [(True, True), (False, False), (True, False)])
def test_modem_lines_and_odd_speeds_disturb_nothing(toggles):
    """Tools open with any DTR/RTS and any baud rate of their lists."""
    import serial

    async def story():
        async with Board() as board:
            await board.prompt()
            board.client.close()
            for baud in (1200, 9600, 115200, 921600):
                port = serial.serial_for_url(board.pty.path, baudrate=baud, timeout=5, do_not_open=True)
                port.dtr, port.rts = toggles  # a pseudo-terminal has no such lines; opening with them set must do
                port.open()
                port.close()
            board.client.__init__(board.pty.path)
            assert await board.client.ask("40 + 2") == "42\n"

    run(story)
