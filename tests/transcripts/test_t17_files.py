"""T17 and the FS rows: the file system at the prompt.  Source: seed 1; device-api 5, 14.2, 14.6."""

import pytest

from transcripts.board import Board, lfs2_mounts, run, with_files

FILES = ["apn_cfg.json", "a.py", "b.py", "V05.bin", "system_config.json", "checksum.json", "b.txt"]


async def _prepared(board):
    await board.prompt()
    await board.client.raw(with_files([(name, b"{}") for name in FILES]))
    await board.power_cycle()
    await board.prompt()
    return board.client.ask


def test_t17_file_system_at_the_prompt_behaves_as_in_the_seed():
    """Comments in Chinese stand behind the commands, as in the transcript; the prompt drops their bytes."""

    async def story():
        async with Board() as board:
            ask = await _prepared(board)
            assert await ask("import uos") == ""
            assert await ask("uos.getcwd()  #获取路径") == "'/'\n"
            assert await ask("uos.chdir('/usr') # 改变路径") == ""
            assert await ask("uos.mkdir('QuecPython') # 在当前路径创建文件夹") == ""
            assert await ask("uos.listdir()") == f"{[*FILES, 'QuecPython']}\n"
            assert await ask("uos.chdir('QuecPython')# 改变路径") == ""
            assert await ask("uos.getcwd()") == "'/usr/QuecPython'\n"
            assert await ask("import uio") == ""
            assert await ask("fd = uio.open('test.py', mode='w')  #在当前路径新建文件，已写方式打开") == ""
            assert await ask("fd.write('quectel')  #写操作") == "7\n"
            assert await ask("fd.close()  # 关闭文件") == ""
            assert await ask("fd = uio.open('test.py', mode='r')   # 对当前路径下的文件，已读方式打开") == ""
            assert await ask("fd.read()  #读操作") == "'quectel'\n"
            assert await ask("fd.close()") == ""
            assert await ask("uos.stat('/usr/QuecPython/test.py')[6]") == "7\n"

    run(story)


@pytest.mark.parametrize("mounts", [None, lfs2_mounts()], ids=["lfs1", "lfs2"])
def test_fs_rows_when_something_is_not_there_or_not_allowed(mounts):
    async def story():
        async with Board(mounts=mounts) as board:
            await board.prompt()
            ask = board.client.ask
            assert (await ask("uos.stat('FotaFile.bin')")).endswith("\nOSError: [Errno 19] ENODEV\n")
            assert (await ask("uos.stat('/usr/nofile')")).endswith("\nOSError: [Errno 2] ENOENT\n")
            assert (await ask("open('x.txt')")).endswith("\nOSError: [Errno 19] ENODEV\n")
            assert await ask("uos.listdir('/')") == "['usr', 'bak']\n"
            assert await ask("uos.mkdir('/bak/x')") == "-1\n"
            assert (await ask("uos.mkdir('/')")).endswith("\nOSError: [Errno 17] EEXIST\n")
            assert (await ask("uos.chdir('/usr/none')")).endswith("\nOSError: -2\n")
            assert (await ask("uos.rename('/usr/apn_cfg.json', '/bak/x')")).endswith("\nOSError: [Errno 1] EPERM\n")
            assert await ask("uos.mkdir('/usr/d'); open('/usr/d/x', 'w').close()") == ""
            assert (await ask("uos.rmdir('/usr/d')")).endswith("\nOSError: 39\n")
            assert await ask("uos.stat('/usr/d')") == "(16384, 0, 0, 0, 0, 0, 0, 0, 0, 0)\n"
            assert await ask("uos.stat('/usr/d/x')") == "(32768, 0, 0, 0, 0, 0, 0, 0, 0, 0)\n"
            assert await ask("list(uos.ilistdir('/'))") == "[('usr', 16384, 0), ('bak', 16384, 0)]\n"
            assert await ask("list(uos.ilistdir('/usr/d'))") == "[('x', 32768, 0, 0)]\n"
            assert await ask("uos.statvfs('/')") == "(0, 0, 0, 0, 0, 0, 0, 0, 0, 512)\n"
            values = (await ask("uos.statvfs('/usr')")).strip("()\n").split(", ")
            blocks = 127 if mounts is None else 128
            assert values[:3] == ["4096", "4096", str(blocks)]
            assert values[9] == "255"

    run(story)


def test_bak_when_written_gives_minus_one_and_stays_as_it_is():
    """Source: device-api 5.5; T04 (e)."""

    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.raw(with_files(bak=[("x", b"old")], is_cleared=False))
            ask = board.client.ask
            assert await ask("open('/bak/x', 'w')") == "-1\n"
            assert await ask("open('/bak/new', 'wb'), open('/bak/x', 'br'), open('/bak/x', 'tr')") == "(-1, -1, -1)\n"
            assert (
                await ask("uos.remove('/bak/x'), uos.rename('/bak/x', '/bak/y'), uos.rmdir('/bak/x')")
                == "(-1, -1, -1)\n"
            )
            assert await ask("uos.umount('/bak')") == "-1\n"
            assert await ask("open('/bak/x', 'rb').read()") == "b'old'\n"
            assert await ask("open('/bak/x', 'rt').read()") == "'old'\n"
            assert await ask("uos.listdir('/bak')") == "['x']\n"
            said = await ask("f = open('/bak/x', 'w').write('new')")
            assert said.endswith("AttributeError: 'int' object has no attribute 'write'\n")

    run(story)


def test_files_in_all_modes_keep_their_content_through_a_power_cycle():
    """Source: device-api 5.3."""

    async def story():
        async with Board() as board:
            await board.prompt()
            out = await board.client.raw(
                "f = open('/usr/t', 'w', encoding='utf-8')\n"
                "print(f, f.write('h\\u00e9llo\\nworld\\n'))\nf.close()\n"
                "with open('/usr/t', 'ab') as f: print(f, f.write(b'more'))\n"
                "with open('/usr/t') as f: print(list(f))\n"
                "f = open('/usr/t', 'rb'); print(f.read(3), f.tell(), f.seek(1), f.readline(), f.readlines()); f.close()\n"
                "b = bytearray(4)\n"
                "with open('/usr/t', 'rb') as f: print(f.readinto(b), b)\n"
                "try: open('/usr/t', 'rw')\nexcept ValueError as e: print('ValueError')\n"
                "try: f.read()\nexcept ValueError as e: print(e)\n"
                "try: open(3, 'rb')\nexcept TypeError as e: print('no numbers')\n"
                "import ujson\n"
                "with open('/usr/j', 'w') as f: ujson.dump({'a': [1, 2.5, None]}, f)\n"
                "with open('/usr/j') as f: print(ujson.load(f))\n"
            )
            assert out.split("\r\n") == [
                "<io.TextIOWrapper> 12",
                "<io.FileIO> 4",
                "['h\\xe9llo\\n', 'world\\n', 'more']",
                "b'h\\xc3\\xa9' 3 1 b'\\xc3\\xa9llo\\n' [b'world\\n', b'more']",
                "4 bytearray(b'h\\xc3\\xa9l')",
                "ValueError",
                "I/O operation on closed file",
                "no numbers",
                "{'a': [1, 2.5, None]}",
                "",
            ]
            await board.power_cycle()
            await board.prompt()
            assert await board.client.ask("open('/usr/t').read()") == "'h\\xe9llo\\nworld\\nmore'\n"

    run(story)


def test_unclosed_files_are_closed_by_the_collector():
    """Source: device-api 5.3."""

    async def story():
        async with Board() as board:
            await board.prompt()
            out = await board.client.raw(
                "import gc\n"
                "def drop(n):\n    f = open('/usr/f%d' % n, 'w')\n    f.write('kept %d' % n)\n"
                "for n in range(600):\n    drop(n % 20)\n"
                "gc.collect()\n"
                "def wipe(a, b, c, d, e): return a\n"
                "wipe(1, 2, 3, 4, 5)\n"
                "print(sum(open('/usr/f%d' % n).read() == 'kept %d' % n for n in range(19)))\n",
                60,
            )
            assert out == "19\r\n"

    run(story)


def test_full_disk_is_error_28_and_what_was_there_stays():
    async def story():
        async with Board() as board:
            await board.prompt()
            out = await board.client.raw(
                "with open('/usr/keep', 'w') as f: f.write('here')\n"
                "try:\n"
                "    with open('/usr/big', 'wb') as f:\n"
                "        while 1: f.write(bytes(4096))\n"
                "except OSError as e: print(e.errno)\n"
                "print(open('/usr/keep').read())\n",
                60,
            )
            assert out == "28\r\nhere\r\n"

    run(story)


def test_unclosed_file_when_the_module_resets_itself_is_written():
    """The collector closes files at a soft reset; a power cut leaves them unwritten.  Source: device-api 5.3."""

    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.ask("f = open('/usr/soft', 'w'); f.write('kept')")
            board.client.write(b"\x04")
            await board.client.until(b"MPY: soft reboot\r\n")
            await board.prompt()
            assert await board.client.ask("open('/usr/soft').read()") == "'kept'\n"
            await board.client.ask("f = open('/usr/hard', 'w'); f.write('lost')")
            await board.power_cycle()
            await board.prompt()
            assert await board.client.ask("open('/usr/hard').read()") == "''\n"

    run(story)
