"""The SDK's codec and passwords under the real interpreter, both directions, against the published vectors.

Source: ota-semantics 14; quecthing-recordings.jsonl, scenario "session".
"""

import random

import pytest

from onboard.sdk.copied import copy_to
from transcripts.board import Board, run

NUMBERS = {
    "0": "000A0000", "1": "000A0001", "255": "000A00FF", "256": "000A010100", "-1": "000A8001", "-113": "000A8071",
    "19656": "000A014CC8", "104857600": "000A0306400000", "(255, 1)": "000A08FF", "(382, 2)": "000A11017E",
}  # fmt: skip
MOD_PLAN = "(4, b'mod'), (5, b'V1'), (6, b'V2'), (7, 0), (8, 30), (9, 19656), (10, -113)"
FRAMES = [
    (1, 0x0115, "[(25, b'V1'), (26, b'mcu1:1.0;')]", "AAAA0018C10001011500CB0002563100D300096D6375313A312E303B"),
    (
        2,
        0x0111,
        f"[{MOD_PLAN}]",
        "AAAA00292700020111002300036D6F64002B00025631003300025632003A00000042001E004A014CC800528071",
    ),
    (
        3,
        0x0111,
        f"[(28, [(0, [{MOD_PLAN}]), (0, [(4, b'mcu1'), (6, b'2.0'), (7, 1)])])]",
        (
            "AAAA0048BE0003011100E4000200040007002300036D6F64002B00025631003300025632003A00000042001E004A014CC8"
            "0052807100040003002300046D63753100330003322E30003A0001"
        ),
    ),
    (
        4,
        0x0114,
        "[(13, 1), (14, b'REVICEPLAN'), (7, 0), (4, b'mod')]",
        "AAAA00228A00040114006A00010073000A524556494345504C414E003A0000002300036D6F64",
    ),
    (
        5,
        0x0114,
        "[(13, 2), (14, b'SUBMITOTA'), (7, 0), (4, b'mod'), (19, b'sha256')]",
        "AAAA002BD400050114006A0002007300095355424D49544F5441003A0000002300036D6F64009B0006736861323536",
    ),
    (
        6,
        0x0113,
        (
            "[(1, b'http://127.0.0.1:8080/a'), (2, 170), (3, b'd41d8cd98f00b204e9800998ecf8427e'), (4, b'mod'), "
            "(6, b'V2'), (7, 0), (15, b'ffffffff')]"
        ),
        (
            "AAAA00658D00060113000B0017687474703A2F2F3132372E302E302E313A383038302F61001200AA001B0020643431643863643938"
            "6630306232303465393830303939386563663834323765002300036D6F64003300025632003A0000007B00086666666666666666"
        ),
    ),
    (
        7,
        0x0114,
        "[(13, 11), (14, b'UPDATESUCCESS'), (7, 0), (4, b'mod'), (25, b'V2'), (26, b'mcu1:1.0;')]",
        (
            "AAAA00383800070114006A000B0073000D55504441544553554343455353003A0000002300036D6F6400CB0002563200D30009"
            "6D6375313A312E303B"
        ),
    ),
    (0xAAAA, 0x0115, "[(2, 0xAA55)]", "AAAA000A7CAA55AA0115001201AA5555"),
    (8, 0x0114, "[(13, 0xAA)]", "AAAA00093100080114006A00AA55"),
    (
        9,
        0x00B4,
        "[(5, b'00112233445566778899aabbccddeeff')]",
        "AAAA0029CC000900B4002B00203030313132323333343435353636373738383939616162626363646465656666",
    ),
]
PASSWORD_0 = (
    "0;0000;p000aa;m6kaBpG7AcLHdlgh+iIhvpgFg9Pi/NWzaVPSq6aDkp8CEfQjlTWL9phnXS80bdaUkWnyk3sUI2MP53udJB8iX1JdoQCmPC0GOJh"
    "gwQEIzXY="
)
PASSWORD_1 = "1;0000;A1b2C3d4E5f6G7h8;EfBIGKnfzPXCS9dj6SMVZ0WSvNcU4+ukThzDE/2kLuw="
SESSION_UP = (
    "cb960828fc436e992cdf175ad385dc59780ee788d0a9cfb01d66127360f2887572c77437fb05b7ce5849878d54c14df2",
    "AAAA001DAE00010034000A005700127E0D92450F0ABFFF001A804700220207A120".lower(),
)
HEAD = "from ubinascii import hexlify, unhexlify\nfrom usr.Qth import frame, cipher, ota\n"


@pytest.fixture(scope="module")
def say():
    """Runs a source on a module with the copied SDK; gives what it printed."""

    def ask(source, is_native=True):
        said = []

        async def story():
            async with Board() as board:
                await board.prompt()
                await copy_to(board)
                said.append(await board.client.raw(HEAD + source, 60))

        run(story, 120)
        return said[0].replace("\r\n", "\n")

    return ask


def test_vectors_when_encoded_and_decoded_then_byte_for_byte(say):
    lines = [f"print(hexlify(frame.encode([(1, {number})])).decode().upper())" for number in NUMBERS]
    lines += [f"print(frame.decode(unhexlify('{digits}')) == [(1, {number})])" for number, digits in NUMBERS.items()]
    for packet, command, pairs, digits in FRAMES:
        lines.append(f"print(hexlify(frame.build({packet}, {command}, frame.encode({pairs}))).decode().upper())")
        lines.append(f"p, c, d = frame.parse(unhexlify('{digits}'))")
        lines.append(f"print(p, c, frame.decode(d) == {pairs})")
    lines.append("print(hexlify(frame.encode([(9, True)])), frame.decode(unhexlify('0049')))")
    said = say("\n".join(lines)).splitlines()
    assert said[:10] == list(NUMBERS.values())
    assert said[10:20] == ["True"] * 10
    expected = []
    for packet, command, _, digits in FRAMES:
        expected += [digits, f"{packet} {command} True"]
    assert said[20:-1] == expected
    assert said[-1] == "b'0049' [(9, True)]"


def test_status_when_made_from_its_parts_then_as_in_the_vectors(say):
    said = say(
        "def show(p, *a, **k):\n"
        "    print(hexlify(frame.build(p, 0x114, frame.encode(ota.status_pairs(*a, **k)))).decode().upper())\n"
        "show(4, 1, 'mod', 0)\n"
        "show(5, 2, 'mod', 0, sign='sha256')\n"
        "show(7, 11, 'mod', 0, ('V2', 'mcu1:1.0;'))\n"
    )
    assert said.split() == [FRAMES[3][3], FRAMES[4][3], FRAMES[6][3]]


@pytest.mark.parametrize("has_native", [True, False])
def test_passwords_and_session_when_made_then_as_published(say, has_native):
    """The AES of the firmware, and the SDK's own for firmware without one."""
    said = say(
        ("" if has_native else "from usr.Qth import aes\ncipher._engine = aes.Cbc\n") + "a = ('A1b2C3d4E5f6G7h8',)\n"
        "print(cipher.password_to_authenticate('p000aa', '0123456789abcdef', '000000000000001', *a))\n"
        "print(cipher.password_to_connect('0123456789abcdef', '00112233445566778899aabbccddeeff', *a))\n"
        "s = cipher.Session(bytes(range(16)))\n"
        f"print(hexlify(s.open(unhexlify('{SESSION_UP[0]}'))).decode())\n"
        f"print(hexlify(s.close(unhexlify('{SESSION_UP[1]}'))).decode())\n"
    )
    assert said.split() == [PASSWORD_0, PASSWORD_1, SESSION_UP[1], SESSION_UP[0]]


def test_random_when_asked_twice_then_sixteen_letters_or_digits(say):
    one, two = say("print(cipher.make_random())\nprint(cipher.make_random())\n").split()
    assert one != two
    assert len(one) == len(two) == 16
    assert (one + two).isalnum()


def test_frames_of_any_bytes_when_built_and_parsed_then_the_same(say):
    """Every byte beside every other one; payloads of AA and 55 alone."""
    rng = random.Random(6)
    payloads = [bytes([0xAA]) * 300, bytes([0x55]) * 300, bytes([0xAA, 0x55]) * 150]
    payloads += [bytes(rng.choice((0xAA, 0x55, 0)) for _ in range(rng.randrange(40))) for _ in range(200)]
    payloads += [rng.randbytes(rng.randrange(60)) for _ in range(100)]
    said = say(
        f"bad = 0\nfor p in {payloads!r}:\n"
        "    for packet in (1, 0xAA55, 0x55AA, 0xAAAA):\n"
        "        if frame.parse(frame.build(packet, 0x0115, p)) != (packet, 0x0115, p):\n            bad += 1\nprint(bad)\n"
    )
    assert said == "0\n"


def test_garbage_when_parsed_and_decoded_then_one_kind_of_error(say):
    rng = random.Random(7)
    goods = [bytes.fromhex(row[3]) for row in FRAMES]
    bad = []
    for _ in range(300):
        data = bytearray(rng.choice(goods))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        bad.append(bytes(data[: rng.randrange(len(data) + 1)]))
    said = say(
        "def look(d):\n"
        "    try:\n        return frame.decode(frame.parse(d)[2])\n    except ValueError:\n        return None\n"
        "def inside(d):\n"
        "    try:\n        return ota.read_plans(frame.decode(d))\n    except ValueError:\n        return None\n"
        f"n = 0\nfor d in {bad!r}:\n    look(d)\n    inside(d[9:])\n    n += 1\nprint(n)\n"
        "print(look(b''), look(b'\\xaa\\xaa'), inside(b'\\x00\\x04' * 9), inside(bytes((0, 4, 0, 1)) * 40))\n"
        "print(inside(unhexlify('00E4000200040001003A000000230003616263')))\n"
    )
    assert said == "300\nNone None None None\nNone\n"


def test_frame_when_header_is_wrong_then_refused(say):
    """Packet ids 0 and FFFF, a length beyond the end, a wrong sum, a member behind an array."""
    good = FRAMES[0][3]
    cases = ["AAAA000501000001140000"[:18], good.replace("C10001", "C10002"), good[:-2], "AAAA0005130000011500"]
    cases += ["AAAA000515FFFF0115", "AAAA000516000101150000"]
    said = say(
        "def look(d):\n"
        "    try:\n        frame.decode(frame.parse(unhexlify(d))[2])\n        return 'taken'\n"
        "    except ValueError:\n        return 'refused'\n"
        f"print([look(d) for d in {cases!r}])\n"
        "d = frame.build(1, 0x111, frame.encode([(0, 1), (4, b'x')]))\nprint(look(hexlify(d)))\n"
    )
    assert said == f"{['refused'] * 5 + ['refused']}\nrefused\n"
