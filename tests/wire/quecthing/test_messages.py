"""Messages: vectors of ota-semantics 14 both ways, every recorded message, broken ones, garbage."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.errors import BadFormat, BadOption
from moduline.wire.quecthing import frame as frames
from moduline.wire.quecthing import messages, ttlv
from moduline.wire.quecthing.frame import Frame
from moduline.wire.quecthing.messages import Other
from moduline.wire.quecthing.ota_messages import (
    MCU,
    MODULE,
    Confirmation,
    Firmware,
    FirmwareFile,
    Offer,
    OfferedComponent,
    Report,
    Request,
    StatusCode,
    mcu_versions,
    mcu_versions_text,
)
from moduline.wire.quecthing.session_key import open_frame
from moduline.wire.quecthing.sys_messages import (
    BindCode,
    Configuration,
    DeviceErrorNotice,
    DeviceInformation,
    DeviceStatus,
    ErrorNotice,
    ManagementRequest,
    ReadInformation,
    ReadStatus,
    Server,
)
from wire.quecthing import recorded

MOD = OfferedComponent("mod", "V2", MODULE, "V1", 30, 19656, -113)

# ota-semantics 14, typed: message -> (packet id, bytes on the wire)
VECTORS = {
    "request": (
        Request("V1", "mcu1:1.0;"),
        1,
        "AAAA0018C10001011500CB0002563100D300096D6375313A312E303B",
    ),
    "offer": (
        Offer((MOD,)),
        2,
        "AAAA00292700020111002300036D6F64002B00025631003300025632003A00000042001E004A014CC800528071",
    ),
    "offer of two": (
        Offer((MOD, OfferedComponent("mcu1", "2.0", MCU)), is_grouped=True),
        3,
        (
            "AAAA0048BE0003011100E4000200040007002300036D6F64002B00025631003300025632003A00000042001E004A014CC8"
            "0052807100040003002300046D63753100330003322E30003A0001"
        ),
    ),
    "plan received": (
        Report(StatusCode.REVICEPLAN, "REVICEPLAN", MODULE, "mod"),
        4,
        "AAAA00228A00040114006A00010073000A524556494345504C414E003A0000002300036D6F64",
    ),
    "accepted with SHA-256": (
        Report(StatusCode.SUBMITOTA, "SUBMITOTA", MODULE, "mod", digest="sha256"),
        5,
        "AAAA002BD400050114006A0002007300095355424D49544F5441003A0000002300036D6F64009B0006736861323536",
    ),
    "firmware": (
        Firmware(
            "mod",
            "V2",
            MODULE,
            url="http://127.0.0.1:8080/a",
            size_bytes=170,
            md5="d41d8cd98f00b204e9800998ecf8427e",
            crc="ffffffff",
        ),
        6,
        (
            "AAAA00658D00060113000B0017687474703A2F2F3132372E302E302E313A383038302F61001200AA001B00206434316438636439386630306232"
            "303465393830303939386563663834323765002300036D6F64003300025632003A0000007B00086666666666666666"
        ),
    ),
    "success": (
        Report(StatusCode.UPDATESUCCESS, "UPDATESUCCESS", MODULE, "mod", None, "V2", "mcu1:1.0;"),
        7,
        (
            "AAAA00383800070114006A000B0073000D55504441544553554343455353003A0000002300036D6F6400CB0002563200D300096D6375313A312E"
            "303B"
        ),
    ),
    "device secret": (
        Configuration(ds="00112233445566778899aabbccddeeff"),
        9,
        "AAAA0029CC000900B4002B00203030313132323333343435353636373738383939616162626363646465656666",
    ),
    # recorded
    "already authenticated": (ErrorNotice(10422), 1, "aaaa000a8d000100a3000a0128b6"),
    "session key": (
        Configuration(session_key=recorded.SESSION_KEY),
        1,
        "aaaa001970000100b400330010000102030405060708090a0b0c0d0e0f",
    ),
    "status": (
        DeviceStatus(Decimal(87), Decimal("3.819999999999999"), Decimal(-71), Decimal(500000)),
        1,
        "aaaa001dae00010034000a005700127e0d92450f0abfff001a804700220207a120",
    ),
    "information": (
        DeviceInformation(
            "SIM1",
            "V1",
            "",
            iccid="89860000000000000001",
            sdk_version="2.9.0",
            location="",
            data_protocol="1.3.0",
            communication_protocol="3.0.0",
        ),
        2,
        (
            "aaaa004ec600020044000b000453494d31001300025631001b0000002b00143839383630303030303030303030303030303031005b0005322e39"
            "2e3000630000006b0005312e332e3000730005332e302e30"
        ),
    ),
}


@pytest.mark.parametrize(("message", "packet_id", "wire"), VECTORS.values(), ids=VECTORS)
def test_vector_when_coded_then_is_the_same_both_ways(message, packet_id, wire):
    assert frames.encode(messages.encode(message, packet_id)).hex() == wire.lower()
    frame = frames.decode(bytes.fromhex(wire))
    assert frame.packet_id == packet_id
    assert messages.decode(frame) == message


def test_recorded_messages_when_read_and_written_then_are_the_same_bytes():
    """H8; and nothing recorded is a command we do not read."""
    count = 0
    for line in recorded.lines():
        if line.mqtt == "PUBLISH":
            frame = open_frame(line.data, recorded.SESSION_KEY)
            message = messages.decode(frame)
            assert not isinstance(message, Other)
            if isinstance(message, Firmware) and message.crc is None:  # trap 10: a message that must never be sent
                assert line.scenario == "crc-missing"
                with pytest.raises(BadOption):
                    messages.encode(message, frame.packet_id)
            else:
                assert messages.encode(message, frame.packet_id) == frame
            assert line.topic.endswith("/" + messages.topic_of(frame.command))
            count += 1
    assert count == 170


def test_recorded_reports_when_read_then_word_and_code_agree():
    for line in recorded.lines():
        if line.mqtt == "PUBLISH" and line.dir == "up":
            message = messages.decode(open_frame(line.data, recorded.SESSION_KEY))
            if isinstance(message, Report):
                assert message.word == StatusCode(message.code).name


OTHERS = [
    (Confirmation(accepts=True, delay_s=60), 0x0112),
    (Confirmation(accepts=False), 0x0112),
    (ReadStatus((1, 2, 7)), 0x0031),
    (ReadInformation((2, 3)), 0x0041),
    (DeviceStatus(battery=Decimal(5), is_answer=True), 0x0032),
    (DeviceInformation(module_version="V1", is_answer=True), 0x0042),
    (DeviceErrorNotice(10450, 7, "p000aa", "1"), 0x00A4),
    (ManagementRequest((ttlv.Field(1, True),)), 0x00B3),
    (BindCode((ttlv.Field(1, b"x"),)), 0x00B5),
    (Configuration(Server("ota.example", "", 8883), pk="p1", ps="s", authenticate_again=True, new_ds="d"), 0x00B4),
    (Firmware("m", "V2", MODULE, files=(FirmwareFile(0, "u", 1, "m"), FirmwareFile(1, "v", 2, "n"))), 0x0113),
    (Firmware("m", "V2", MCU, "u", 1, "m", "c", "s"), 0x0113),
    (Report(6, extra=(ttlv.Field(99, b"new"),)), 0x0114),
    (Offer((OfferedComponent("m", "V2", MODULE, extra=(ttlv.Field(40, Decimal(1)),)),)), 0x0111),
    (Other(0x0023, b"transparent \x00 data"), 0x0023),
    (Other(0x00C1, b""), 0x00C1),
]


@pytest.mark.parametrize(("message", "command"), OTHERS)
def test_message_when_encoded_and_decoded_then_is_the_same(message, command):
    frame = messages.encode(message, 5)
    assert (frame.packet_id, frame.command) == (5, command)
    assert messages.decode(frame) == message


@pytest.mark.parametrize(("command", "topic"), [(0x0114, "ota"), (0x0034, "sys"), (0x0011, "bus"), (0x00C3, "sys")])
def test_command_when_asked_for_its_topic_then_as_the_table_says(command, topic):
    assert messages.topic_of(command) == topic


def test_confirmation_when_sent_as_a_number_then_read_too():
    """11.5: "boolean or 0/1"."""
    assert messages.decode(Frame(1, 0x0112, bytes.fromhex("005A0001"))) == Confirmation(accepts=True)
    assert messages.decode(Frame(1, 0x0112, bytes.fromhex("005A0000"))) == Confirmation(accepts=False)
    assert messages.decode(Frame(1, 0x0112, bytes.fromhex("0059"))) == Confirmation(accepts=True)


def test_duplicate_when_read_then_the_first_counts():
    assert messages.decode(Frame(1, 0x0114, bytes.fromhex("006A0001006A0002"))) == Report(1)


def test_text_when_not_utf_8_or_with_nul_then_kept_as_escapes():
    fields = (ttlv.Field(13, Decimal(4)), ttlv.Field(14, b"a\xff\x00b"))
    assert messages.decode(Frame(1, 0x0114, ttlv.encode(fields))) == Report(4, "a\\xff\\x00b")


def test_field_when_of_another_type_than_the_table_says_then_the_rest_of_the_message_counts():
    """Builds differ: cell, MCC and LAC as numbers, a list of locations, a battery as text."""
    fields = (
        ttlv.Field(2, b"V1"),
        ttlv.Field(4, Decimal(22123521)),
        ttlv.Field(6, Decimal("4.60")),
        ttlv.Field(9, True),
        ttlv.Field(12, ttlv.array((b"GPS",))),
    )
    told = messages.decode(Frame(1, 0x0044, ttlv.encode(fields)))
    assert told == DeviceInformation(
        module_version="V1", cell="22123521", mcc="4.60", phone="1", extra=(ttlv.Field(12, ttlv.array((b"GPS",))),)
    )
    fields = (ttlv.Field(1, b"87"), ttlv.Field(2, b"-3.8"), ttlv.Field(3, b"strong"), ttlv.Field(4, True))
    told = messages.decode(Frame(1, 0x0034, ttlv.encode(fields)))
    assert told == DeviceStatus(Decimal(87), Decimal("-3.8"), extra=(ttlv.Field(3, b"strong"), ttlv.Field(4, True)))
    again = messages.decode(messages.encode(told, 1))
    assert again == told


BROKEN = {
    "report without code": (0x0114, "0073000161"),
    "report code as text": (0x0114, "006B000131"),
    "offer without component": (0x0111, "003300025632003A0000"),
    "offer with empty component": (0x0111, "00230000003300025632003A0000"),
    "offer of none": (0x0111, "00E40000"),
    "offer of numbers": (0x0111, "00E4000100020001"),
    "firmware of six files": (0x0113, "002300016D00330001560 03A000000A40006".replace(" ", "") + "00040000" * 6),
    "firmware file without url": (0x0113, "002300016D0033000156003A000000A400010004000100F20000"),
    "half an id": (0x0031, "000100"),
    "notice without code": (0x00A3, ""),
    "no TTLV": (0x0115, "00"),
}


@pytest.mark.parametrize(("command", "payload"), BROKEN.values(), ids=BROKEN)
def test_broken_message_when_decoded_then_bad_format(command, payload):
    with pytest.raises(BadFormat):
        messages.decode(Frame(1, command, bytes.fromhex(payload)))


UNSAYABLE = {
    "offer of none": Offer(()),
    "offer of 21": Offer((MOD,) * 21),
    "component without a name": Offer((OfferedComponent("", "V2", MODULE),)),
    "firmware of nothing": Firmware("m", "V2", MODULE),
    "firmware without crc": Firmware("m", "V2", MODULE, "u", 1, "m"),
    "file list for an MCU": Firmware("m", "V2", MCU, files=(FirmwareFile(0, "u", 1, "m"),)),
    "file list and crc": Firmware("m", "V2", MODULE, crc="c", files=(FirmwareFile(0, "u", 1, "m"),)),
    "six files": Firmware("m", "V2", MODULE, files=(FirmwareFile(0, "u", 1, "m"),) * 6),
    "id of 17 bits": ReadStatus((0x10000,)),
}


@pytest.mark.parametrize("message", UNSAYABLE.values(), ids=UNSAYABLE)
def test_message_when_not_sayable_then_refused(message):
    with pytest.raises(BadOption):
        messages.encode(message, 1)


def test_mcu_versions_when_read_then_with_or_without_a_last_semicolon():
    assert mcu_versions("mcu1:1.0;mcu2:2.0:b;") == {"mcu1": "1.0", "mcu2": "2.0:b"}
    assert mcu_versions("mcu1:1.0") == {"mcu1": "1.0"}
    assert mcu_versions("") == mcu_versions(";;:;x:;:y;z") == {}
    assert mcu_versions("a:1;a:2") == {"a": "1"}


def test_mcu_versions_when_written_then_no_last_semicolon_and_at_most_512_bytes():
    assert mcu_versions_text({"mcu1": "1.0", "mcu2": "2.0"}) == "mcu1:1.0;mcu2:2.0"
    for versions in ({"a;": "1"}, {"a:b": "1"}, {"": "1"}, {"a": ""}, {"a": "1" * 512}):
        with pytest.raises(BadOption):
            mcu_versions_text(versions)


@given(st.sampled_from(sorted({command for _, command in OTHERS} | {0x0111, 0x0115, 0x0044})), st.binary(max_size=60))
def test_payload_when_garbage_then_one_error_type_only(command, payload):
    try:
        message = messages.decode(Frame(1, command, payload))
    except BadFormat:
        return
    assert messages.command_of(message) == command


def test_recorded_frames_when_damaged_then_one_error_type_only():
    """Invariant 9, with damage that leaves most of a message right: bytes changed, cut out, doubled; checksum made good."""
    chance = random.Random(20)
    payloads = sorted({line.data for line in recorded.lines() if line.hex.startswith("aaaa")})
    parsed = [frames.decode(payload) for payload in payloads]
    taken = 0
    for _ in range(20_000):
        frame = chance.choice(parsed)
        body = bytearray(frame.payload)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(body) + 1)
            match chance.randrange(3):
                case 0:
                    body[at : at + 1] = bytes([chance.choice([0, 1, 4, 5, 255, chance.randrange(256)])])
                case 1:
                    del body[at : at + chance.randrange(1, 5)]
                case _:
                    body[at:at] = body[at : at + chance.randrange(1, 9)]
        try:
            message = messages.decode(Frame(1, frame.command, bytes(body)))
        except BadFormat:
            continue
        taken += 1
        assert messages.command_of(message) == frame.command
    assert taken > 1_000
