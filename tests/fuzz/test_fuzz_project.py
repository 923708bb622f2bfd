"""Hostile projects: mutated main.py and moduline.toml give remarks or a coded error, nothing else; seeds are fixed."""

from __future__ import annotations

import random

from moduline.errors import FormatError
from moduline.image.entry_file import constant, parse
from moduline.image.project import read_settings, select
from moduline.profiles import catalog

ROUNDS = 2000
MAIN = (
    "import utime\n# 注释\nPROJECT_NAME: str = 'QUEC_TEST'\nPROJECT_VERSION = '1.0.0'\n"
    "if __name__ == '__main__':\n\twhile True:\n        print({'a': [1, 2]}, f'{x!r:>{y}}', 0x1F, b'\\xff')\n"
).encode()
SETTINGS = (
    b'module = "ec600u"\nprofile = "crc32-2021"\nencrypt = true\nbackup = ["main.py", "a/b.py"]\nexclude = ["*.md"]\n'
)


def mutations(good, seed):
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randrange(1, 20)]
                case 2:
                    data[at:at] = good[chance.randrange(len(good)) :][: chance.randrange(1, 30)]
                case _:
                    data[at:at] = chance.choice(
                        [b"\0", b"\xff", b"'''", b"(" * 300, b"\xef\xbb\xbf", b"\\N{", b"9" * 5000]
                    )
            data = data or bytearray(b"x")
        yield bytes(data)


def test_main_when_mutated_then_remarks_and_never_a_crash():
    for source in mutations(MAIN, 3):
        script = parse("main.py", source)
        for name in ("PROJECT_NAME", "PROJECT_VERSION"):
            for remark in (*script.remarks, *constant(script, name).remarks):
                assert remark.say("en")
                assert remark.say("zh")
        select({"main.py": source}, (), catalog.convention("crc32-2021"))


def test_settings_when_mutated_then_value_or_coded_error():
    for source in mutations(SETTINGS, 4):
        refusal = None
        try:
            read_settings(source)
        except FormatError as wrong:
            refusal = wrong
        assert refusal is None or (refusal.message("en") and refusal.message("zh"))
