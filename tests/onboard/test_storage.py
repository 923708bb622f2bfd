"""Backup, checksum lists, secure records and the file system's manners, on the real interpreter.

Source: device-api 2.2, 5, 6; the public page of SecureData.
"""

import hashlib
import json

import pytest

from moduline.vmodule.interpreter.plan import Quirks
from moduline.vmodule.world.secure_area import SecureArea
from onboard.test_small_modules import ask_all, raises
from transcripts.board import Board, lfs1_mounts, lfs2_mounts, run, with_files

ENABLED = ("backup_restore.json", b'{"enable": 1}')
OPEN_BACKUP = "import uos\nuos.mount(uos.VfsLfs1(32, 32, 32, 'customer_backup_fs'), '/_bak')\n"
SHA_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, example "abc"
CRC_OF_DIGITS = "0xd202d277"  # "123456789", CRC-32 continued from 0xffffffff: the CRC of init 0


async def prepared(board, usr=(), bak=(ENABLED,)):
    """Fill both file systems and start anew; gives ``ask``."""
    await board.prompt()
    await board.client.raw(with_files([("apn_cfg.json", b"{}"), *usr], bak))
    await board.power_cycle()
    await board.prompt()
    return board.client.ask


def entry(name, value, schema="sha256"):
    return {"name": f"/usr/{name}", schema: value}


def listing(*entries):
    return ("checksum.json", json.dumps(entries).encode())


# ---- backup_restore --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", ["sha256", "crc32"])
@pytest.mark.parametrize("mounts", [lfs1_mounts(), lfs2_mounts()], ids=["lfs1", "lfs2"])
def test_bak_update_when_done_lists_the_file_twice_and_the_next_boot_protects_it(schema, mounts):
    async def story():
        async with Board(mounts=mounts, quirks=Quirks(checksum_schema=schema)) as board:
            ask = await prepared(board)
            await ask("import backup_restore, ujson")
            assert await ask("backup_restore.bak_update('usr/conf/own.json', {'a': 1})") == "0\n"
            assert await ask("open('/usr/conf/own.json').read()") == "'{\"a\": 1}'\n"
            for root in ("usr", "bak"):
                text = await ask(f"print(open('/{root}/checksum.json').read())")
                (one,) = json.loads(text)
                assert (one["name"], list(one)) == ("/usr/conf/own.json", ["name", schema])
                digest = hashlib.sha256(b'{"a": 1}').hexdigest()
                assert one[schema] == digest if schema == "sha256" else one[schema].startswith("0x")
            assert await ask("uos.listdir('/')") == "['usr', 'bak']\n"
            await ask("import ql_fs; ql_fs.rmdirs('/usr/conf')")
            await board.power_cycle()
            assert b"- restoring /usr/conf/own.json\r\n- updating checksum\r\n- done\r\n" in await board.prompt()
            assert await board.client.ask("open('/usr/conf/own.json').read()") == "'{\"a\": 1}'\n"

    run(story)


def test_bak_update_when_refused_gives_the_code_and_changes_nothing():
    """Source: device-api 6.4."""

    async def story():
        async with Board() as board:
            ask = await prepared(board, bak=())
            await ask("from backup_restore import *")
            assert await ask("bak_update('/usr/x', [1])") == "-1\n"
            assert await ask("bak_update('/usr/apn_cfg.json', {})") == "-1\n"
            assert await ask("bak_update('/usr/x', {})") == "-2\n"
            assert await ask("bak_file('/usr/x'), bak_file('/usr/apn_cfg.json')") == "(-1, -2)\n"
            for flag, code in (("{}", -2), ("nonsense", -2), ('{"enable": 0}', -3)):
                write = f"f = open('/_bak/backup_restore.json', 'w'); f.write({flag!r}); f.close()\n"
                await board.client.raw(OPEN_BACKUP + write + "uos.umount('/_bak')\n")
                assert await ask("bak_update('/usr/x', {}), bak_file('/usr/apn_cfg.json')") == f"({code}, {code})\n"
            assert await ask("uos.listdir('/usr'), uos.listdir('/bak')") == (
                "(['apn_cfg.json', 'system_config.json'], ['backup_restore.json'])\n"
            )

    run(story)


def test_bak_update_when_the_backup_is_full_gives_minus_five_and_leaves_no_file():
    async def story():
        async with Board() as board:
            ask = await prepared(board)
            fill = "f = open('/_bak/big', 'wb')\nfor n in range(uos.statvfs('/_bak')[3] - 6): f.write(bytes(4096))\nf.close()\n"
            await board.client.raw(OPEN_BACKUP + fill + "uos.umount('/_bak')\n", 60)
            said = await ask("import backup_restore; backup_restore.bak_update('/usr/x', {'a': 'b' * 30000})")
            assert said.endswith("-5\n")
            assert await ask("'x' in uos.listdir('/usr'), uos.listdir('/')") == "(False, ['usr', 'bak'])\n"

    run(story)


def test_bak_file_copies_to_the_backup_and_lists_it():
    """The newer frozen code; its return value 1 is not what the stub says (content)."""

    async def story():
        async with Board() as board:
            ask = await prepared(board, [("own.txt", b"abc"), ("empty", b"")])
            await ask("import backup_restore as b")
            assert await ask("b.bak_file('usr/own.txt')") == "1\n"
            assert await ask("open('/bak/usr/own.txt').read()") == "'abc'\n"
            wanted = [entry("own.txt", SHA_OF_ABC)]
            for root in ("usr", "bak"):
                assert json.loads(await ask(f"print(open('/{root}/checksum.json').read())")) == wanted
            assert await ask("b.bak_file('/usr/empty')") == "-4\n"  # an empty file has no checksum
            assert await ask("uos.mkdir('/usr/d'); b.bak_file('/usr/d')") == "-5\n"
            assert await ask("uos.listdir('/')") == "['usr', 'bak']\n"

    run(story)


def test_secure_storage_keeps_one_configuration_and_brings_it_back():
    async def story():
        async with Board() as board:
            ask = await prepared(board)
            await ask("from bak_util import SecureStorage as s, JsonFile")
            assert await ask("JsonFile is s, s.read()") == "(True, None)\n"
            assert await ask("s.write([]), s.write({'k': [1, 2]}), s.write({})") == "(-1, 0, -3)\n"
            assert await ask("s.read()") == "{'k': [1, 2]}\n"
            assert await ask("uos.remove('/usr/_usr_config.json'); s.read()") == "{'k': [1, 2]}\n"
            assert await ask("uos.listdir('/usr'), uos.listdir('/bak')") == (
                "(['apn_cfg.json', 'system_config.json', '_usr_config.json'], "
                "['backup_restore.json', '_usr_config.json'])\n"
            )
            assert await ask("s.add('/usr/more.json', {}), s.add('/usr/more.json', {})") == "(0, -1)\n"
            assert await ask("s.file('/usr/more.json'), s.file('/usr/none')") == "(1, -1)\n"

    run(story)


# ---- checksum --------------------------------------------------------------------------------------------------------


def test_checksum_update_keeps_each_entrys_convention_and_gives_the_whole_list():
    async def story():
        async with Board() as board:
            entries = [
                entry("a", "00"), entry("b", "0x0", "crc32"), {**entry("c", "00"), "crc32": "0x0"}, entry("gone", "00"),
            ]  # fmt: skip
            files = [("a", b"abc"), ("b", b"123456789"), ("c", b"abc"), ("empty", b""), listing(*entries)]
            ask = await prepared(board, files, bak=())
            await ask("import checksum, ujson")
            one = entry("a", SHA_OF_ABC)
            assert await ask("checksum.update('USR/A')") == ""  # no such file, though it is listed under another case
            assert eval(await ask("checksum.update('usr/a')")) == [one, *entries[1:]]
            assert await ask("checksum.retrieve('/usr/B'), checksum.retrieve('/usr/x')") == "('0x0', None)\n"
            said = await ask("checksum.bulk_update(['usr/b', '/usr/c', '/usr/gone', '/usr/none'])")
            assert eval(said)[1] == entry("b", CRC_OF_DIGITS, "crc32")
            assert (eval(said)[2]["sha256"], eval(said)[2]["crc32"][:2]) == (SHA_OF_ABC, "0x")
            assert json.loads(await ask("print(checksum.check())")) == eval(said)
            for nothing in ("5", "None", "'/usr/none'", "'/usr/gone'", "'/usr/empty'"):
                assert await ask(f"checksum.update({nothing})") == "", nothing
            assert await ask("checksum.bulk_update([]), checksum.bulk_update(7)") == "(None, None)\n"

    run(story)


def test_checksum_check_when_there_is_no_list_or_an_empty_one_says_which():
    async def story():
        async with Board() as board:
            ask = await prepared(board, bak=())
            await ask("import checksum")
            await board.client.raw(
                "def t():\n    try: checksum.check()\n    except Exception as e: print(type(e), e)\n"
            )
            assert await ask("t()") == "<class '_checkError'> '/usr/checksum.json not exist'\n"
            await ask("open('/usr/checksum.json', 'w').close()")
            assert await ask("t()") == "<class '_checkError'> '/usr/checksum.json is empty'\n"
            assert await ask("checksum.update('/usr/a')") == ""
            await board.client.raw(OPEN_BACKUP + "f = open('/_bak/checksum.json', 'w'); f.write('[]'); f.close()\n")
            assert await ask("uos.remove('/usr/checksum.json'); checksum.check()") == "'[]'\n"
            assert await ask("uos.listdir('/usr')") == "['apn_cfg.json', 'system_config.json', 'checksum.json']\n"

    run(story)


def test_checksum_list_beyond_its_limit_is_read_in_part_and_refused():
    """At most 16384 bytes are read.  Source: device-api 6.1"""

    async def story():
        async with Board() as board:
            entries = [entry(f"file{number:03}", "0" * 64) for number in range(200)]
            ask = await prepared(board, [listing(entry("a", "00"), *entries), ("a", b"abc")], bak=())
            assert await ask("import checksum; checksum.update('/usr/a')") == ""
            assert await ask("len(checksum.check())") == "16384\n"

    run(story)


# ---- boot ------------------------------------------------------------------------------------------------------------

BAD_TEXTS = {
    "empty": b"",
    "not-json": b"{'replFlag': 1",
    "wrong-type": b"[1, 2, 3]",
    "number": b"7",
    "not-utf8": b'{"replFlag": "\xff\xfe\x80"}',
    "wrong-values": b'{"replFlag": [], "datacallFlag": {}, "replPswd": 5, "enable": "x"}',
    "bad-hash": b'{"replFlag": 0.0, "replPswd": "zz"}',
    "deep": b"[" * 12000,
    "huge": b'{"replFlag": 0, "x": "' + b"y" * 17000 + b'"}',
    "wrong-entries": b'[5, {"name": 3}, {"sha256": "x"}]',
    "wrong-names": b'[{"name": "", "sha256": ""}, {"name": "/", "crc32": "zz"}, {"name": "/usr", "total_size": 1}]',
}
CONTROL_FILES = ("system_config.json", "checksum.json", "apn_cfg.json", "user_apn.json", ".updater/download.stat")


@pytest.mark.parametrize("kind", list(BAD_TEXTS))
def test_boot_when_a_control_file_is_hostile_reaches_main_and_the_prompt(kind):
    text = BAD_TEXTS[kind]

    async def story():
        async with Board() as board:
            await board.prompt()
            usr = [(name, text) for name in CONTROL_FILES]
            usr += [(".updater/update.flag", b""), ("main.py", b"print('main ran')\n"), ("keep", b"kept")]
            await board.client.raw(with_files(usr, [("checksum.json", text), ("backup_restore.json", text)]), 30)
            for _ in range(2):
                await board.power_cycle()
                assert b"main ran" in await board.prompt(20)
            assert await board.client.ask("open('/usr/keep').read()") == "'kept'\n"
            assert not {"virt.crashed", "virt.bad-request"} & set(board.slugs())

    run(story)


def test_boot_when_control_files_are_directories_goes_on():
    async def story():
        async with Board() as board:
            await board.prompt()
            names = [*CONTROL_FILES, ".updater/update.flag"]
            await board.client.raw(
                "import uos, ql_fs\nfor n in uos.listdir('/usr'): uos.remove('/usr/' + n)\n"
                + "".join(f"ql_fs.mkdirs('/usr/{name}')\n" for name in names)
            )
            await board.power_cycle()
            await board.prompt()
            assert await board.client.ask("1 + 1") == "2\n"
            assert "virt.bad-config" in board.slugs()

    run(story)


def test_boot_when_a_step_fails_says_so_and_goes_on():
    """Source: device-api 2.2 (spelling as is)."""

    async def story():
        (only,) = lfs1_mounts()[1:]
        async with Board(mounts=(only,)) as board:
            said = await board.prompt()
            assert said.startswith(b"error ocurs in boot step.\r\nQuecpython v1.12 on ")
            assert "virt.boot-step" in board.slugs()

    run(story)


def test_boot_when_a_partition_cannot_be_mounted_formats_it_silently_and_tells_the_owner():
    """Source: device-api 2.1."""

    async def story():
        async with Board() as board:
            await prepared(board, [("mine", b"1")], [ENABLED, ("kept", b"2")])
            await board.power_off()
            before = len(board.notices)
            board.cells[: 16 * 4096] = bytes(16 * 4096)
            await board.power_on()
            said = await board.prompt()
            assert said.startswith(b"mount.\r\n")
            assert said.count(b"\r\n") == 4  # mount, the lost list, the banner
            assert [(n.slug, n.facts) for n in board.notices[before:]] == [("virt.formatted", {"mount": "/usr"})]
            assert await board.client.ask("uos.listdir('/usr')") == "['apn_cfg.json', 'system_config.json']\n"
            assert await board.client.ask("open('/bak/kept').read()") == "'2'\n"

    run(story)


def test_boot_when_the_user_image_is_empty_or_half_begun_makes_the_first_file():
    """A stock image is empty, yet every listing shows apn_cfg.json first.  Source: device-api 2.1"""

    async def story():
        async with Board() as board:
            await board.prompt()
            for left in ("", "open('/usr/apn_cfg.json', 'w').close()\n"):
                await board.client.raw(with_files() + left)
                await board.power_cycle()
                await board.prompt()
                assert await board.client.ask("uos.listdir('/usr')") == "['apn_cfg.json', 'system_config.json']\n"
                assert await board.client.ask("open('/usr/apn_cfg.json').read()") == "'{}'\n"

    run(story)


def test_boot_script_leaves_its_names_with_usr_first():
    ask_all(
        ("bdev, udev, fota", lambda said: said.startswith("(<VfsLfs1>, <VfsLfs1>, <new object at ")),
        ("uos.mount(bdev, '/x'), uos.listdir('/x')", "(None, ['apn_cfg.json', 'system_config.json'])\n"),
        ("fota.update(), fota.set_update_flag(), fota.update()", "(-1, None, -1)\n"),
    )


# ---- uos -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mounts", [lfs1_mounts(), lfs2_mounts()], ids=["lfs1", "lfs2"])
def test_uos_answers_bytes_with_bytes_and_refuses_long_names(mounts):
    kind = "VfsLfs1" if mounts[0].kind == "lfs1" else "VfsLfs2"
    ask_all(
        ("uos.listdir(b'/usr'), next(uos.ilistdir(b'/'))",
         "([b'apn_cfg.json', b'system_config.json'], (b'usr', 16384, 0))\n"),
        ("uos.mkdir(b'/bak/x'), uos.stat(b'/usr')[0]", "(-1, 16384)\n"),
        ("open('/usr/' + 'n' * 255, 'w').close()", ""),
        ("open('/usr/' + 'n' * 256, 'w')", raises("OSError: 36")),
        ("uos.mkdir('/usr/' + 'n' * 300)", raises("OSError: 36")),
        ("uos.rename('/usr/apn_cfg.json', '/usr/' + '\\u4e2d' * 86)", raises("OSError: 36")),
        ("bdev", f"<{kind}>\n"),
        ("uos.VfsLfs1(32, 32, 32, 'nope')", raises("OSError: [Errno 19] ENODEV")),
        ("uos.VfsLfs2(32, 32, 32, 'customer_fs')",
         raises("OSError: [Errno 19] ENODEV") if kind == "VfsLfs1" else "<VfsLfs2>\n"),
        ("uos.VfsSd('sd_fs')", raises("NotImplementedError: uos.VfsSd is not modelled by this virtual module yet")),
        ("uos.VfsFat(0, 0, 0, 0)", raises("NotImplementedError: uos.VfsFat is not modelled by this virtual module yet")),
        ("uos.uname2()", lambda said: said.startswith("(sysname='EC600S', nodename='EC600S', release='1.13.0', version='")),
        mounts=mounts,
    )  # fmt: skip


def test_ql_fs_follows_the_current_directory_and_clears_files_first():
    ask_all(
        ("import ql_fs; uos.chdir('/usr'); ql_fs.mkdirs('a/b'); ql_fs.mkdirs('/usr/a/c')", ""),
        ("uos.getcwd(), uos.listdir('a')", "('/usr', ['b', 'c'])\n"),
        ("ql_fs.touch('a/t', 'text', file_type='raw'), ql_fs.read_json('/usr/none')", "(0, None)\n"),
        ("ql_fs.read_json('a/t')", lambda said: said.endswith("ValueError: syntax error in JSON\n")),
        ("ql_fs.rmdirs('a'); uos.listdir()", "['apn_cfg.json', 'system_config.json']\n"),
        ("ql_fs.rmdirs('a')", raises("OSError: [Errno 2] ENOENT")),
    )


# ---- SecureData ------------------------------------------------------------------------------------------------------


def test_secure_data_stores_and_reads_what_its_page_says():
    area = SecureArea()
    ask_all(
        ("import SecureData; buf = bytearray(20)", ""),
        (r"databuf = '\x31\x32\x33\x34\x35\x36\x37\x38'; SecureData.Store(1, databuf, 8)", "0\n"),
        ("length = SecureData.Read(1, buf, 20); length, buf[:length]", "(8, bytearray(b'12345678'))\n"),
        ("SecureData.Store(2, b'abcdef', 3), SecureData.Read(2, buf, 2), buf[:2]", "(0, 2, bytearray(b'ab'))\n"),
        ("SecureData.Read(3, buf, 20), SecureData.Read(0, buf, 1), SecureData.Read(17, buf, 1)", "(-2, -1, -1)\n"),
        (
            "[SecureData.Store(i, bytes(n), n) for i, n in ((8, 52), (12, 100), (14, 500), (16, 1000))]",
            "[0, 0, 0, 0]\n",
        ),
        (
            "[SecureData.Store(i, bytes(n), n) for i, n in ((8, 53), (9, 101), (13, 501), (15, 1001))]",
            "[-1, -1, -1, -1]\n",
        ),
        (
            "SecureData.Store(True, b'x', 1), SecureData.Store(1, b'x', -1), SecureData.Store(1, b'x', 0)",
            "(0, -1, -1)\n",
        ),
        ("SecureData.Store(1, 5, 1)", lambda said: "TypeError" in said),
        desks=(area.desk,),
    )
    assert area.store.read_secure(2) == b"abc"
    assert area.store.read_secure(16) == bytes(1000)


def test_boot_when_usr_is_full_goes_on_and_tells_the_owner():
    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.raw(
                "import uos\nfor n in uos.listdir('/usr'): uos.remove('/usr/' + n)\n"
                "f = open('/usr/big', 'wb')\nfor n in range(uos.statvfs('/usr')[3] - 8): f.write(bytes(4096))\nf.close()\n"
                "try:\n  n = 0\n  while 1:\n    n += 1\n    with open('/usr/%d' % n, 'w') as f: f.write('x')\n"
                "except OSError as e: print(e.errno)\n",
                60,
            )
            await board.power_cycle()
            said = await board.prompt()
            assert said.startswith(b"mount.\r\n")
            assert b"boot step" not in said
            assert await board.client.ask("uos.stat('/usr/big')[6] > 400000") == "True\n"
            assert "virt.boot-config" in board.slugs()
            assert not {"virt.crashed", "virt.bad-request", "virt.boot-step"} & set(board.slugs())

    run(story)
