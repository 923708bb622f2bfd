"""``app_fota``: staging over HTTP, what download.stat says, and taking effect at the next boot.

Source: device-api 8.
"""

import asyncio
import contextlib
import hashlib
import http.server
import json
import threading
from functools import partial

import pytest

from moduline.vmodule.interpreter.plan import Quirks
from moduline.vmodule.world.network import Network, NetworkPlan
from moduline.vmodule.world.socket_desk import SocketDesk
from onboard.test_small_modules import ask_all, raises
from transcripts.board import Board, lfs1_mounts, lfs2_mounts, run, with_files

APP = "print('v2')  # 应用\n".encode() * 40  # characters of three bytes cross every boundary of pieces
STAT = "/usr/.updater/download.stat"
READ_STAT = f"print(open('{STAT}').read())"


class FileServer(http.server.BaseHTTPRequestHandler):
    """Serves ``server.files`` with ranges; ``server.deaf`` names ignore the range, ``server.cut`` end early."""

    def do_GET(self):
        name = self.path.lstrip("/")
        wanted = self.headers.get("Range", "")
        self.server.seen.append((name, wanted, self.headers.get("X-Key", "")))
        data = self.server.files.get(name)
        if data is None:
            self.send_error(404)
            return
        start = 0 if name in self.server.deaf else int(wanted.removeprefix("bytes=").rstrip("-") or 0)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : self.server.cut.pop(name, None)])

    def log_message(self, *_):
        """Say nothing."""


@contextlib.contextmanager
def file_server(files):
    """A server on this computer; what it was asked is in ``seen``."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), FileServer) as server:
        server.files, server.seen, server.deaf, server.cut = dict(files), [], set(), {}
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def with_module(story, files, *, usr=(), bak=(), **board):
    """Run ``story(board, ask, server)`` with a module that reaches a file server as files.example.com."""

    async def whole():
        with file_server(files) as server:
            plan = NetworkPlan(aliases={"files.example.com": f"127.0.0.1:{server.server_address[1]}"})
            async with Board(desks=(partial(SocketDesk, Network(plan)),), **board) as module:
                await module.prompt()
                await module.client.raw(with_files([("apn_cfg.json", b"{}"), *usr], bak))
                await module.power_cycle()
                await module.prompt()
                await module.client.ask("import app_fota; fota = app_fota.new(); u = 'http://files.example.com/'")
                await story(module, module.client.ask, server)

    run(whole)


async def stat_of(ask):
    """Content of download.stat."""
    return json.loads(await ask(READ_STAT))


def entry(name, size, file=None):
    return {"url": f"http://files.example.com/{file or name}", "name": f"/usr/{name}", "total_size": size}


# ---- downloading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mounts", [lfs1_mounts(), lfs2_mounts()], ids=["lfs1", "lfs2"])
def test_download_when_flagged_takes_effect_at_the_next_boot_only(mounts):
    async def story(board, ask, server):
        assert await ask("fota.download(u + 'app.py', '/usr/app.py')") == "0\n"
        assert server.seen == [("app.py", "bytes=0-", "")]
        assert await stat_of(ask) == [entry("app.py", len(APP))]
        assert await ask("uos.stat('/usr/.updater/usr/app.py')[6]") == f"{len(APP)}\n"
        board.client.write(b"\x04")
        await board.client.until(b"MPY: soft reboot\r\n")
        await board.prompt()
        assert await ask("open('/usr/app.py').read()") == "'old'\n"
        assert await ask("fota.set_update_flag()") == ""
        assert await ask("sorted(uos.listdir('/usr/.updater'))") == "['download.stat', 'update.flag', 'usr']\n"
        await board.power_cycle()
        said = (await board.prompt()).decode().split("\r\n")
        assert said[2] == said[3]
        assert eval(said[2]) == [entry("app.py", len(APP))]
        digest = hashlib.sha256(APP).hexdigest()
        ask = board.client.ask
        assert await ask("import file_sha256; file_sha256.calc('/usr/app.py')") == f"'{digest}'\n"
        assert await ask("sorted(uos.listdir('/usr'))") == "['apn_cfg.json', 'app.py', 'system_config.json']\n"

    with_module(story, {"app.py": APP}, usr=[("app.py", b"old")], mounts=mounts)


def test_download_when_it_is_there_already_asks_nobody():
    async def story(board, ask, server):
        assert await ask("fota.download(u + 'app.py', '/usr/app.py')") == "0\n"
        assert await ask("fota.download(u + 'app.py', '/USR/APP.py')") == "0\n"  # names are compared without case
        assert await ask("fota.download(u + 'elsewhere.py', '/usr/app.py')") == "0\n"
        assert len(server.seen) == 2  # the file of the other case is not there: asked from its beginning

    with_module(story, {"app.py": APP, "elsewhere.py": b"x"})


def test_download_when_the_server_refuses_gives_minus_one_and_lists_nothing():
    async def story(board, ask, server):
        assert await ask("fota.download(u + 'none.py', '/usr/app.py')") == "-1\n"
        assert await ask("uos.listdir('/usr/.updater')") == "['usr']\n"
        assert (await ask("fota.download('http://nowhere.example.net/x', '/usr/app.py')")).endswith(
            "IndexError: Domain name resolution error, please check network connection\n"
        )
        assert await ask("uos.listdir('/usr/.updater/usr')") == "[]\n"

    with_module(story, {})


def test_download_when_the_connection_drops_counts_as_complete():
    """Content-Length is not checked.  Source: device-api 8.3"""

    async def story(board, ask, server):
        server.cut["app.py"] = 100
        assert await ask("fota.download(u + 'app.py', '/usr/app.py')") == "0\n"
        assert await stat_of(ask) == [entry("app.py", 100)]

    with_module(story, {"app.py": APP})


async def interrupted(board, have):
    """What a power cut during a download may leave: an entry of unknown size, and the beginning of the file."""
    await board.client.raw(
        f"import ql_fs\nql_fs.touch('{STAT}', [{entry('app.py', 'unknown')!r}])\n"
        f"ql_fs.mkdirs('/usr/.updater/usr')\nf = open('/usr/.updater/usr/app.py', 'wb'); f.write({have!r}); f.close()\n"
    )


def test_download_when_resumed_asks_for_the_rest_and_appends():
    async def story(board, ask, server):
        await interrupted(board, APP[:333])
        assert await ask("fota.download(u + 'app.py', '/usr/app.py')") == "0\n"
        assert server.seen == [("app.py", "bytes=333-", "")]
        assert await stat_of(ask) == [entry("app.py", len(APP))]
        digest = hashlib.sha256(APP).hexdigest()
        assert await ask("import file_sha256; file_sha256.calc('/usr/.updater/usr/app.py')") == f"'{digest}'\n"

    with_module(story, {"app.py": APP})


def test_download_when_the_server_ignores_the_range_corrupts_the_file_as_on_the_module():
    """The append trap.  Source: device-api 8.3"""

    async def story(board, ask, server):
        server.deaf.add("app.py")
        await interrupted(board, b"12345")
        assert await ask("fota.download(u + 'app.py', '/usr/app.py')") == "0\n"
        assert await ask("uos.stat('/usr/.updater/usr/app.py')[6]") == f"{len(APP) + 5}\n"
        assert await stat_of(ask) == [entry("app.py", len(APP) + 5)]

    with_module(story, {"app.py": APP})


def test_bulk_download_gives_what_failed_or_none():
    async def story(board, ask, server):
        await ask("a = {'url': u + 'a.py', 'file_name': '/usr/a.py'}; b = {'url': u + 'b', 'file_name': '/usr/lib/b'}")
        await ask("c = {'url': u + 'none', 'file_name': '/usr/c'}")
        assert await ask("fota.bulk_download([a, b]), fota.bulk_download()") == "(None, None)\n"
        assert eval(await ask("fota.bulk_download([a, c, b])")) == [
            {"url": "http://files.example.com/none", "file_name": "/usr/c"}
        ]
        assert await stat_of(ask) == [entry("a.py", 1), entry("lib/b", 2, "b")]
        said = await ask("fota.bulk_download([{'url': u, 'filename': '/usr/a'}])")
        assert said.endswith("\nKeyError: file_name\n")

    with_module(story, {"a.py": b"1", "b": b"22"})


def test_download_takes_the_newer_keywords_where_the_firmware_has_them():
    async def story(board, ask, server):
        say = "fota.download(u + 'a', '/usr/a', headers={'X-Key': 'k1'}, dl_location='/usr/')"
        assert await ask(say) == "0\n"
        assert server.seen == [("a", "bytes=0-", "k1")]
        assert await stat_of(ask) == [{**entry("a", 1), "dl_location": "/usr/"}]
        assert await ask("fota.bulk_download([{'url': u + 'b', 'file_name': '/usr/b'}], headers={'X-Key': 'k2'})") == ""
        assert server.seen[1] == ("b", "bytes=0-", "k2")

    with_module(story, {"a": b"1", "b": b"2"})


def test_download_when_the_firmware_is_old_or_the_place_unknown_raises():
    rows = (
        ("import app_fota; f = app_fota.new()", ""),
        ("f.download('u', '/usr/a', headers={})", raises("TypeError: unexpected keyword argument 'headers'")),
        ("f.bulk_download([], headers={})", raises("TypeError: unexpected keyword argument 'headers'")),
    )
    ask_all(*rows, quirks=Quirks(has_app_fota_options=False))
    missing = "NotImplementedError: app_fota outside /usr is not modelled by this virtual module yet"
    ask_all(
        rows[0],
        ("f.download('u', '/usr/a', ext_enable=True, spi_port=0, spi_clk=4)", raises(missing)),
        ("f.download('u', '/usr/a', ipvtype=1)", raises(missing)),
        ("f.bulk_download([], ipvtype=1)", raises("TypeError: unexpected keyword argument 'ipvtype'")),
        ("uos.listdir('/usr')", "['apn_cfg.json', 'system_config.json']\n"),
    )


# ---- taking effect ---------------------------------------------------------------------------------------------------


def staged(*names, flag=True, content=b"new"):
    """Files of a staged update, in the order the module writes them."""
    files = [(f".updater/usr/{name}", content) for name in names]
    listed = [entry(name, len(content)) for name in names]
    files.append((".updater/download.stat", json.dumps(listed).encode()))
    return [*files, (".updater/update.flag", b"")] if flag else files


async def boot_with(board, usr, bak=()):
    """Fill, start anew; gives what the boot says before the banner."""
    await board.prompt()
    await board.client.raw(with_files([("apn_cfg.json", b"{}"), ("a.py", b"old"), *usr], bak))
    await board.power_cycle()
    return (await board.prompt()).decode().split("Quecpython")[0].split("\r\n")[2:-1]


async def names_in(board, folder):
    return eval(await board.client.ask(f"uos.listdir('{folder}')"))


def test_update_when_nothing_is_flagged_changes_nothing():
    async def story():
        async with Board() as board:
            assert await boot_with(board, staged("a.py", flag=False)) == []
            assert await board.client.ask("open('/usr/a.py').read()") == "'old'\n"
            assert await names_in(board, "/usr/.updater") == ["usr", "download.stat"]

    run(story)


def test_update_when_a_flag_is_alone_stays_for_ever_and_does_nothing():
    async def story():
        async with Board() as board:
            assert await boot_with(board, [(".updater/update.flag", b"")]) == []
            for _ in range(2):
                await board.power_cycle()
                await board.prompt()
            assert await names_in(board, "/usr/.updater") == ["update.flag"]

    run(story)


def test_update_when_several_files_are_staged_makes_their_folders_and_prints_the_list_twice():
    async def story():
        async with Board() as board:
            said = await boot_with(board, staged("a.py", "lib/deep/b.py"))
            assert said[0] == said[1]
            assert eval(said[0]) == [entry("a.py", 3), entry("lib/deep/b.py", 3)]
            assert len(said) == 2
            assert await board.client.ask("open('/usr/a.py').read()") == "'new'\n"
            assert await board.client.ask("open('/usr/lib/deep/b.py').read()") == "'new'\n"
            assert ".updater" not in await names_in(board, "/usr")

    run(story)


def test_update_when_a_staged_file_is_missing_stops_and_goes_on_at_the_next_boot():
    """Its entry is dropped, then its deletion raises.  Source: device-api 8.4"""

    async def story():
        async with Board() as board:
            files = staged("gone.py", "a.py")[1:]
            assert len(await boot_with(board, files)) == 2
            assert await board.client.ask("open('/usr/a.py').read()") == "'old'\n"
            assert await stat_of(board.client.ask) == [entry("a.py", 3)]
            await board.power_cycle()
            await board.prompt()
            assert await board.client.ask("open('/usr/a.py').read()") == "'new'\n"
            assert await names_in(board, "/usr") == ["apn_cfg.json", "a.py", "system_config.json"]

    run(story)


def test_update_of_a_protected_file_renews_its_checksum_and_survives():
    """Restoring runs first, on the old files; the new one is not taken for damaged later.  Source: device-api 8.4"""

    async def story():
        async with Board() as board:
            protected = {"name": "/usr/a.py", "sha256": hashlib.sha256(b"old").hexdigest()}
            listing = ("checksum.json", json.dumps([protected]).encode())
            backup = [("backup_restore.json", b'{"enable": 1}'), listing, ("usr/a.py", b"old")]
            await board.prompt()
            await board.client.raw(
                with_files([("apn_cfg.json", b"{}"), ("a.py", b"damaged"), listing, *staged("a.py")], backup)
            )
            await board.power_cycle()
            said = await board.prompt()
            assert said.index(b"- restoring /usr/a.py") < said.index(b"'total_size'")
            for _ in range(2):
                await board.power_cycle()
                assert b"restoring" not in await board.prompt()
            assert await board.client.ask("open('/usr/a.py').read()") == "'new'\n"

    run(story)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"7", b'{"a": 1}', b"[5]", b'[{"name": 5}]', b'[{"name": ""}]', b'[{"name": "/bak/x"}]'],
    ids=["empty", "cut", "number", "object", "entry", "name", "no-name", "bak"],
)  # fmt: skip
def test_update_when_the_list_is_nonsense_boots_and_keeps_what_is_staged(text):
    async def story():
        async with Board() as board:
            files = [(".updater/usr/a.py", b"new"), (".updater/download.stat", text), (".updater/update.flag", b"")]
            await boot_with(board, files)
            assert await board.client.ask("open('/usr/a.py').read()") == "'old'\n"
            assert await board.client.ask("open('/usr/.updater/usr/a.py').read()") == "'new'\n"
            assert not {"virt.crashed", "virt.bad-request", "virt.boot-step"} & set(board.slugs())

    run(story)


def test_update_when_the_list_is_longer_than_what_is_read_then_boots_and_keeps_what_is_staged():
    """At most 16384 bytes of download.stat are read.  Source: device-api 8.2"""

    async def story():
        async with Board() as board:
            listed = [entry("a.py", 3), *(entry(f"a_script_with_a_long_name_{number}.py", 3) for number in range(150))]
            text = json.dumps(listed).encode()
            assert len(text) > 16384
            files = [(".updater/usr/a.py", b"new"), (".updater/download.stat", text), (".updater/update.flag", b"")]
            assert await boot_with(board, files) == []
            assert await board.client.ask("open('/usr/a.py').read()") == "'old'\n"
            assert await board.client.ask("import app_fota; app_fota.new().update()") == "-1\n"
            assert "update.flag" in await names_in(board, "/usr/.updater")

    run(story)


def test_update_when_called_by_a_script_then_minus_one_or_zero_when_all_was_applied():
    async def story():
        async with Board() as board:
            await boot_with(board, staged("a.py", flag=False))
            ask = board.client.ask
            await ask("import app_fota; fota = app_fota.new()")
            assert await ask("fota.update()") == "-1\n"
            await ask("fota.set_update_flag()")
            said = (await ask("fota.update()")).split("\n")
            assert (eval(said[0]), said[1], said[2]) == ([entry("a.py", 3)], said[0], "0")
            assert await ask("open('/usr/a.py').read()") == "'new'\n"
            await ask("fota.set_update_flag()")
            assert await ask("fota.update()") == "-1\n"  # a flag without a list

    run(story)


def test_staging_from_a_script_that_restarts_the_module_as_the_samples_do():
    async def story(board, ask, server):
        script = (
            "import app_fota\nfrom misc import Power\nfota = app_fota.new()\n"
            "files = [{'url': 'http://files.example.com/app.py', 'file_name': '/usr/app.py'}]\n"
            "print(fota.bulk_download(files))\nfota.set_update_flag()\nPower.powerRestart()\n"
        )
        board.client.write(b"\x05" + script.replace("\n", "\r").encode() + b"\x04")
        await asyncio.wait_for(board.dead.wait(), 10)
        assert board.wishes == ["restart"]
        await board.power_cycle()
        await board.prompt()
        assert await board.client.ask("len(open('/usr/app.py', 'rb').read())") == f"{len(APP)}\n"

    with_module(story, {"app.py": APP})
