"""TTLV: the vectors of ota-semantics 14, limits, and garbage."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.errors import BadFormat, BadOption
from moduline.wire.quecthing.ttlv import Field, Struct, array, decode, encode, first

# ota-semantics 14: numbers under id 1
NUMBERS = {
    "0": "000A0000",
    "1": "000A0001",
    "255": "000A00FF",
    "256": "000A010100",
    "-1": "000A8001",
    "-113": "000A8071",
    "19656": "000A014CC8",
    "104857600": "000A0306400000",
    "25.5": "000A08FF",
    "3.82": "000A11017E",
}
numbers = st.builds(
    lambda magnitude, sign, digits: Decimal((sign, tuple(map(int, str(magnitude))), -digits)),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, 1),
    st.integers(0, 15),
)
leaves = st.booleans() | numbers | st.binary(max_size=20)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4).map(array)
        | st.lists(st.builds(Field, st.integers(1, 0x1FFF), inner), max_size=4).map(lambda some: Struct(tuple(some)))
    ),
    max_leaves=12,
)
payloads = st.lists(st.builds(Field, st.integers(0, 0x1FFF), values), max_size=6).map(tuple)


@pytest.mark.parametrize(("text", "wire"), NUMBERS.items())
def test_number_vector_when_coded_then_is_the_same_both_ways(text, wire):
    assert encode((Field(1, Decimal(text)),)).hex().upper() == wire
    (field,) = decode(bytes.fromhex(wire))
    assert field == Field(1, Decimal(text))


def test_flags_when_coded_then_have_no_value():
    assert encode((Field(9, True),)).hex() == "0049"
    assert decode(bytes.fromhex("00490048")) == (Field(9, True), Field(9, False))


def test_voltage_when_sent_as_a_float_then_all_fifteen_digits_are_read():
    """Recorded: 3.82 V."""
    assert decode(bytes.fromhex("00127e0d92450f0abfff")) == (Field(2, Decimal("3.819999999999999")),)


@given(payloads)
def test_fields_when_encoded_and_decoded_then_are_the_same(fields):
    """Invariant 9. Field by field, for Decimal("1.0") equals Decimal("1")."""
    wire = encode(fields)
    assert decode(wire) == fields
    assert encode(decode(wire)) == wire


def test_number_when_it_has_a_positive_exponent_then_is_written_out():
    assert encode((Field(1, Decimal("1E+3")),)).hex() == "000a0103e8"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e-16", "18446744073709551616", "1e30"])
def test_number_when_not_sayable_then_refused(value):
    with pytest.raises(BadOption):
        encode((Field(1, Decimal(value)),))


def test_field_when_its_id_or_length_is_out_of_range_then_refused():
    for field in (Field(-1, True), Field(0x2000, True), Field(1, bytes(0x10000))):
        with pytest.raises(BadOption):
            encode((field,))


def test_duplicates_when_asked_for_then_the_first_counts():
    fields = decode(bytes.fromhex("000A0001000A0002"))
    assert first(fields, 1) == Decimal(1)
    assert first(fields, 2) is None


BROKEN = {
    "half a tag": ("00", 0),
    "type 5": ("000D", 0),
    "type 7": ("000F", 0),
    "number without head": ("000A", 2),
    "number cut short": ("000A010A", 3),
    "bytes without length": ("000B00", 2),
    "bytes cut short": ("000B00056162", 4),
    "struct cut short": ("000C00020001", 6),
    "id behind an array member": ("000C00020001000A0001", 6),
    "second field broken": ("0049000D", 2),
}


@pytest.mark.parametrize(("wire", "offset"), BROKEN.values(), ids=BROKEN)
def test_broken_payload_when_decoded_then_says_where(wire, offset):
    with pytest.raises(BadFormat) as caught:
        decode(bytes.fromhex(wire))
    assert caught.value.facts["offset"] == offset


def test_array_member_when_behind_an_id_then_taken():
    """Only the other order is forbidden."""
    assert decode(bytes.fromhex("000C000200090001")) == (Field(1, Struct((Field(1, True), Field(0, True)))),)


def test_nesting_when_too_deep_then_refused_both_ways():
    wire = bytes.fromhex("000C0001" * 20_000)
    with pytest.raises(BadFormat):
        decode(wire)
    nested = Struct()
    for _ in range(20):
        nested = Struct((Field(1, nested),))
    with pytest.raises(BadOption):
        encode((Field(1, nested),))


def test_fields_when_too_many_then_refused():
    assert len(decode(bytes.fromhex("0049" * 4096))) == 4096
    with pytest.raises(BadFormat):
        decode(bytes.fromhex("0049" * 4097))


def test_garbage_when_decoded_then_one_error_type_only():
    """Invariant 9: never past the length; what is taken is at most what was given."""
    chance = random.Random(14)
    taken = 0
    alphabets = [range(256), bytes(range(6)) + b"\x0a\x0b\x0c\x09\xff", b"\x00\x01\x0a\x0c"]
    for _ in range(60_000):
        garbage = bytes(chance.choices(chance.choice(alphabets), k=chance.randrange(20)))
        try:
            fields = decode(garbage)
        except BadFormat:
            continue
        taken += 1
        assert len(encode(fields)) <= len(garbage)
    assert taken > 1_000
