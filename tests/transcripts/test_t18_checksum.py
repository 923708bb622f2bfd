"""T18, T19, T04: checksum list, backup and restore.  Source: seeds 0 and 1; device-api 6, 14."""

import hashlib
import json
import zlib

import pytest

from moduline.vmodule.interpreter.plan import Quirks
from transcripts.board import Board, run, with_files

CONTENT = {"a.py": b"print('a')\n", "b.py": b"print('b')\n", "b.txt": b"text\n", "V05.bin": bytes(range(256))}


def checksum_json(schema="sha256"):
    """The list as the production tool writes it."""
    entries = []
    for name, data in CONTENT.items():
        value = hashlib.sha256(data).hexdigest() if schema == "sha256" else hex(zlib.crc32(data, 0xFFFFFFFF))
        entries.append({"name": f"/usr/{name}", schema: value})
    return json.dumps(entries).encode()


async def factory(board, schema="sha256"):
    """Bring /usr and /bak into the state of the seed, then start the module anew."""
    await board.prompt()
    usr = [
        ("apn_cfg.json", b"{}"),
        ("checksum.json", checksum_json(schema)),
        *CONTENT.items(),
        ("system_config.json", b'{"replFlag": 0}'),
    ]
    bak = [
        ("checksum.json", checksum_json(schema)),
        ("backup_restore.json", b'{"enable": 1}'),
        ("usr/test.txt", b"extra"),
    ]
    bak += [(f"usr/{name}", data) for name, data in CONTENT.items()]
    await board.client.raw(with_files(usr, bak))
    await board.power_cycle()
    return await board.prompt()


def test_t18_checksum_update_at_the_prompt_gives_the_whole_list():
    async def story():
        async with Board() as board:
            assert await factory(board) == (
                b"mount.\r\nQuecpython v1.12 on 2022-05-18 ; EC600S with QUECTEL \r\n"
                b' Type "help()" for more information.\r\n>>> '
            )
            ask = board.client.ask
            assert await ask("import checksum") == ""
            said = await ask("checksum.update('/usr/a.py')")
            wanted = [{"name": f"/usr/{n}", "sha256": hashlib.sha256(d).hexdigest()} for n, d in CONTENT.items()]
            assert said == f"{wanted}\n"
            assert await ask("checksum.update('/usr/none.py')") == ""
            assert await ask("uos.listdir('usr/')") == (
                "['apn_cfg.json', 'checksum.json', 'a.py', 'b.py', 'b.txt', 'V05.bin', 'system_config.json']\n"
            )
            assert await ask("uos.listdir('/bak/usr/')") == "['test.txt', 'a.py', 'b.py', 'b.txt', 'V05.bin']\n"

    run(story)


@pytest.mark.parametrize("schema", ["sha256", "crc32"])
def test_t19_edited_file_survives_a_restart_only_after_its_checksum_was_updated(schema):
    async def story():
        async with Board(quirks=Quirks(checksum_schema=schema)) as board:
            await factory(board, schema)
            edit = "f = open('/usr/a.py', 'w'); f.write('x = 1'); f.close()"
            await board.client.raw(edit)
            await board.power_cycle()
            restored = b"- restoring /usr/a.py\r\n- updating checksum\r\n- done\r\n"
            assert restored in await board.prompt()
            assert await board.client.ask("open('/usr/a.py', 'rb').read()") == f"{CONTENT['a.py']}\n"
            await board.client.raw(edit + "; import checksum; checksum.update('/usr/a.py')")
            await board.power_cycle()
            assert b"restoring" not in await board.prompt()
            assert await board.client.ask("open('/usr/a.py').read()") == "'x = 1'\n"
            await board.client.ask("uos.remove('/usr/a.py')")
            board.client.write(b"\x04")  # soft reset, as good as a restart
            await board.client.until(b"MPY: soft reboot\r\n")
            assert restored in await board.prompt()
            assert await board.client.ask("open('/usr/a.py', 'rb').read()") == f"{CONTENT['a.py']}\n"
            said = await board.client.ask("import checksum; checksum.retrieve('/usr/a.py')")
            assert said.strip("'\n") == json.loads(checksum_json(schema))[0][schema]

    run(story)


def test_t04_lost_checksum_list_comes_back_from_the_backup_without_restoring_intact_files():
    async def story():
        async with Board() as board:
            await factory(board)
            await board.client.ask("uos.remove('/usr/checksum.json')")
            await board.power_cycle()
            assert b"restoring" not in await board.prompt()
            assert json.loads(eval(await board.client.ask("open('/usr/checksum.json').read()"))) == json.loads(
                checksum_json()
            )

    run(story)


def test_t04_file_that_is_not_listed_is_left_alone():
    async def story():
        async with Board() as board:
            await factory(board)
            await board.client.raw("f = open('/usr/free.py', 'w'); f.write('1'); f.close()")
            await board.power_cycle()
            assert b"restoring" not in await board.prompt()
            assert await board.client.ask("open('/usr/free.py').read()") == "'1'\n"
            await board.client.raw("import uos; uos.remove('/usr/free.py')")
            await board.power_cycle()
            assert b"restoring" not in await board.prompt()

    run(story)


def test_t04_without_a_backup_switch_nothing_is_restored_and_the_module_says_so():
    async def story():
        async with Board() as board:
            await factory(board)
            await board.client.raw(
                "import uos\nuos.mount(uos.VfsLfs1(32, 32, 32, 'customer_backup_fs'), '/_bak')\n"
                "uos.remove('/_bak/backup_restore.json')\nuos.remove('/usr/a.py')\n"
            )
            await board.power_cycle()
            said = await board.prompt()
            assert b"x backup restore procedure error: '/bak/backup_restore.json not exist'\r\n" in said
            assert b"restoring" not in said
            await board.client.raw(
                "import uos\nuos.mount(uos.VfsLfs1(32, 32, 32, 'customer_backup_fs'), '/_bak')\n"
                "f = open('/_bak/backup_restore.json', 'w')\nf.write('{\"enable\": 0}')\nf.close()\n"
            )
            await board.power_cycle()
            said = await board.prompt()
            assert b"restor" not in said

    run(story)


def test_t04_listed_file_without_a_backup_copy_is_named():
    async def story():
        async with Board() as board:
            await factory(board)
            await board.client.raw(
                "import uos\nuos.mount(uos.VfsLfs1(32, 32, 32, 'customer_backup_fs'), '/_bak')\n"
                "uos.remove('/_bak/usr/b.py')\nuos.remove('/usr/b.py')\n"
            )
            await board.power_cycle()
            said = await board.prompt()
            assert b"- restoring /usr/b.py\r\n~ backup file does not exist: /usr/b.py\r\n" in said
            assert b"- done" not in said

    run(story)
