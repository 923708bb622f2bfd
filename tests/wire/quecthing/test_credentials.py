"""Passwords and client ids: vectors of ota-semantics 14, recordings, every refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.errors import BadFormat, BadOption
from moduline.wire.mqtt.decode import decode
from moduline.wire.mqtt.packets import Connect
from moduline.wire.quecthing.credentials import (
    ENCRYPTED_FLAG,
    DeviceName,
    FirstPassword,
    LaterPassword,
    RefusalCode,
    check_first,
    check_later,
    client_id,
    first_password,
    later_password,
    parse_password,
    split_client_id,
    wants_encryption,
)
from moduline.wire.quecthing.session_key import decrypt, encrypt, open_frame
from wire.quecthing import recorded

PS = "0123456789abcdef"
DS = "00112233445566778899aabbccddeeff"
RAND = "A1b2C3d4E5f6G7h8"
NAME = DeviceName("p000aa", "000000000000001")
SIGN = "ozh7Ou3V65QRV0oNeQdZGrOxFe0iQiLFkGbufNfo8gw="
FORM_0 = (
    b"0;0000;p000aa;m6kaBpG7AcLHdlgh+iIhvpgFg9Pi/NWzaVPSq6aDkp8CEfQjlTWL9phnXS80bdaUkWnyk3sUI2MP53udJB8iX1JdoQCmPC0GOJhg"
    b"wQEIzXY="
)
FORM_1 = b"1;0000;A1b2C3d4E5f6G7h8;EfBIGKnfzPXCS9dj6SMVZ0WSvNcU4+ukThzDE/2kLuw="


def test_form_0_when_made_and_checked_then_is_the_vector():
    assert first_password(NAME, PS, RAND) == FORM_0
    password = parse_password(FORM_0)
    assert isinstance(password, FirstPassword)
    assert decrypt(PS.encode(), password.sealed).decode() == f"000000000000001;{RAND};{SIGN}"
    assert check_first(password, NAME, PS) is None
    assert not wants_encryption(password)
    assert wants_encryption(parse_password(first_password(NAME, PS, RAND, ENCRYPTED_FLAG)))


def test_form_1_when_made_and_checked_then_is_the_vector():
    assert later_password(DS, PS, RAND) == FORM_1
    password = parse_password(FORM_1)
    assert isinstance(password, LaterPassword)
    assert check_later(password, DS, PS) is None
    assert check_later(password, DS[::-1], PS) is RefusalCode.BAD_DIGEST
    assert check_later(password, DS, PS[::-1]) is RefusalCode.BAD_DIGEST


def test_recorded_connects_when_read_then_every_password_is_right():
    name = DeviceName(recorded.PK, recorded.DK)
    forms = {FirstPassword: 0, LaterPassword: 0}
    for line in recorded.lines():
        if line.mqtt != "CONNECT":
            continue
        packet = decode(bytes([0x10, len(line.data) & 0x7F | 0x80, len(line.data) >> 7]) + line.data)
        assert isinstance(packet, Connect)
        assert packet.user_name is None
        password = parse_password(packet.password)
        forms[type(password)] += 1
        assert wants_encryption(password) == (line.scenario == "session")
        if isinstance(password, FirstPassword):
            assert check_first(password, name, recorded.PS) is None
        else:
            assert check_later(password, recorded.DS, recorded.PS) is None
    assert forms == {FirstPassword: 16, LaterPassword: 6}


def sealed(text: str, ps: str = PS) -> FirstPassword:
    return FirstPassword("0000", "p000aa", encrypt(ps.encode(), text.encode()))


def signed(dk: str, rand: str) -> str:
    password = parse_password(first_password(DeviceName("p000aa", dk), PS, rand))
    return decrypt(PS.encode(), password.sealed).decode()


REFUSED = {
    "another product in the password": (FirstPassword("0000", "p999zz", b""), RefusalCode.PRODUCT_CHANGED),
    "another product secret": (sealed("x", "fedcba9876543210"), RefusalCode.CANNOT_DECRYPT),
    "half a block": (FirstPassword("0000", "p000aa", b"x" * 17), RefusalCode.CANNOT_DECRYPT),
    "two fields": (sealed("000000000000001;A1b2C3d4E5f6G7h8"), RefusalCode.CANNOT_DECRYPT),
    "not ASCII": (sealed("é;é;é"), RefusalCode.CANNOT_DECRYPT),
    "wrong signature": (sealed(f"000000000000001;{RAND};{SIGN[::-1]}"), RefusalCode.BAD_SIGNATURE),
    "another device key": (sealed(signed("000000000000002", RAND)), RefusalCode.BAD_DEVICE_KEY),
    "short RAND": (sealed(signed("000000000000001", "A1b2")), RefusalCode.BAD_DEVICE_KEY),
}


@pytest.mark.parametrize(("password", "code"), REFUSED.values(), ids=REFUSED)
def test_form_0_when_wrong_then_the_code_says_how(password, code):
    assert check_first(password, NAME, PS) is code


def test_product_secret_when_too_short_for_a_key_then_refused():
    assert check_first(sealed("x"), NAME, "short") is RefusalCode.CANNOT_DECRYPT
    with pytest.raises(BadOption):
        first_password(NAME, "short", RAND)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"secret",
        b"0;0000;p000aa",
        b"0;0000;p000aa;",
        b"0;0000;p000aa;not base64!",
        b"0;000;p000aa;AAAA",
        b"0;abcd;p000aa;AAAA",
        b"0;0000;;AAAA",
        b"0;0000;p 0;AAAA",
        b"0;0000;p000aa;AAAA;AAAA",
        b"1;0000;short;EfBIGKnfzPXCS9dj6SMVZ0WSvNcU4+ukThzDE/2kLuw=",
        b"1;0000;A1b2C3d4E5f6G7h8;AAAA",
        b"2;0000;A1b2C3d4E5f6G7h8;EfBIGKnfzPXCS9dj6SMVZ0WSvNcU4+ukThzDE/2kLuw=",
        b"\xff;0000;p000aa;AAAA",
    ],
)
def test_password_when_neither_form_then_refused(data):
    with pytest.raises(BadFormat):
        parse_password(data)


@given(st.binary(max_size=80) | st.text(alphabet="01;=Aa+", max_size=80).map(str.encode))
def test_password_when_garbage_then_one_error_type_only(data):
    try:
        password = parse_password(data)
    except BadFormat:
        return
    assert password.flag.isdigit()


def test_client_id_when_split_then_the_longest_known_product_counts():
    known = {"p111xt", "p111xt86", "p1"}
    assert split_client_id("qdp111xt861234567890123", known) == DeviceName("p111xt86", "1234567890123")
    assert split_client_id("qdp111xt861234567890123", {"p111xt"}) == DeviceName("p111xt", "861234567890123")
    assert client_id(DeviceName("p111xt", "861234567890123")) == "qdp111xt861234567890123"


@pytest.mark.parametrize(
    "text",
    ["", "qd", "qdp111xt", "qdp111xt" + "1" * 17, "qd" + "x" * 49, "qu_p111xt1", "p111xt1", "qdp999xt861234567890123"],
)
def test_client_id_when_no_known_product_fits_then_none(text):
    assert split_client_id(text, {"p111xt"}) is None


def test_payload_when_encrypted_then_frame_first_then_key():
    """Recorded: with flag 0001 the same device sends both kinds, and both must be read."""
    frames = []
    for line in recorded.scenarios()["session"]:
        if line.mqtt == "PUBLISH" and line.dir == "up":
            frames.append(open_frame(line.data, recorded.SESSION_KEY))
    assert [frame.packet_id for frame in frames] == [*range(1, 9), 1, 2, 3]
    assert [frame.command for frame in frames] == [0x34, 0x44, *[0x114] * 6, 0x34, 0x44, 0x114]


def test_payload_when_encrypted_by_us_then_the_recorded_bytes():
    """Both directions: what the harness sent encrypted, we would send."""
    for line in recorded.scenarios()["session"]:
        if line.mqtt == "PUBLISH" and not line.hex.startswith("aaaa"):
            assert encrypt(recorded.SESSION_KEY, decrypt(recorded.SESSION_KEY, line.data)) == line.data


def test_payload_when_under_another_key_or_none_then_bad_format():
    line = next(
        one for one in recorded.scenarios()["session"] if one.hex and not one.hex.startswith("aaaa") and one.topic
    )
    for key in (None, bytes(16)):
        with pytest.raises(BadFormat):
            open_frame(line.data, key)
