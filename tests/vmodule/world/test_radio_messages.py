"""Short messages and their bytes.  Golden PDUs are those of the vendor's pages and of 3GPP TS 23.038.

Source: DOC23 ``sms`` (searchPduMsg, getPduLength, decodePdu); 3GPP TS 23.040 9.2.2.1.
"""

from __future__ import annotations

import contextlib
import random

import pytest

from hand_clock import HandClock
from moduline.vmodule.world import sms_pdu
from moduline.vmodule.world.radio import Radio
from moduline.vmodule.world.radio_plan import RadioPlan, SimPlan
from moduline.vmodule.world.sms_pdu import GSM, UCS2, BadPduError, Delivered, decode_deliver, encode_deliver, tpdu_bytes

SELF = "0891683110305005F0240BA19169256015F70000022141013044230B31D98C56B3DD70B97018"
NOTICE = (
    "0891683110305005F00405A10110F000081270319043442354516C76CA77ED4FE1FF1A00320030003200315E7496328303975E6CD596C68D"
    "445BA34F2067086D3B52A863D09192FF1A4E3B52A88FDC79BB975E6CD596C68D44FF0C5171540C5B8862A47F8E597D751F6D3B3002"
)
NOTICE_TEXT = "公益短信：2021年防范非法集资宣传月活动提醒：主动远离非法集资，共同守护美好生活。"
LONGER = "0891683108501505F0040D91688122162743F200000211529003332318C16030180C0683C16030180C0683E170381C0E87"


def radio(**sim):
    clock = HandClock(1_635_228_483)  # 2021-10-26 06:08:03 UTC, as in device-api 9.3
    made = Radio(RadioPlan(sim=SimPlan(**sim)), clock)
    made.power_on()
    clock.advance(1)
    return made


def test_pdu_when_the_documents_then_their_text():
    assert decode_deliver(NOTICE) == Delivered("10010", NOTICE_TEXT, "2021-07-13 09:34:44", 32, "+8613010305500", UCS2)
    message = decode_deliver(SELF)
    assert (message.text, message.coding, message.time) == ("123456789aa", GSM, "2020-12-14 10:03:44")


def test_pdu_when_the_documents_then_their_length():
    assert tpdu_bytes(LONGER) == 40


def test_pdu_when_written_again_then_the_same_bytes():
    assert encode_deliver(decode_deliver(NOTICE)) == NOTICE
    assert encode_deliver(decode_deliver(SELF)) == SELF.replace("05F0240B", "05F0040B")  # one bit asks for a report


def test_septets_when_packed_then_as_23_038_shows():
    message = Delivered("1", "hellohello", "2020-01-01 00:00:00", 0, "", GSM)
    assert encode_deliver(message).endswith("0AE8329BFD4697D9EC37")


@pytest.mark.parametrize("text", ["@£$¥èéùìòÇ", "a" * 160, "[x]{y}^\\~|€", "Hello, world.\n", "é"])
def test_gsm_when_written_and_read_then_the_same(text):
    message = Delivered("+8613800000001", text, "2026-11-21 11:20:33", -20, "+8613800100500", GSM)
    assert decode_deliver(encode_deliver(message)) == message


@pytest.mark.parametrize(
    ("text", "coding"), [("a" * 161, GSM), ("中", GSM), ("中" * 71, UCS2), ("€" * 81, GSM)], ids=len
)
def test_pdu_when_it_is_more_than_one_then_refused(text, coding):
    with pytest.raises(BadPduError):
        encode_deliver(Delivered("1", text, "2020-01-01 00:00:00", 0, "", coding))


def test_pdu_when_cut_or_flipped_then_refused_or_read_but_never_worse():
    dice = random.Random(5)
    for pdu in (SELF, NOTICE, LONGER):
        for end in range(len(pdu) - 2):
            with pytest.raises(BadPduError):
                decode_deliver(pdu[:end])
        data = bytearray.fromhex(pdu)
        for _ in range(500):
            flipped = bytearray(data)
            flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
            with contextlib.suppress(BadPduError):
                assert isinstance(decode_deliver(flipped.hex()).text, str)


@pytest.mark.parametrize("text", ["", "0", "zz", "00", "FF" * 600, "00" * 180])
def test_pdu_when_it_is_none_then_refused(text):
    with pytest.raises(BadPduError):
        decode_deliver(text)


def test_message_when_it_comes_then_kept_told_and_readable():
    made, told = radio(), []
    made.subscribe(told.append)
    assert made.messages.receive("+8610010", "余额：3.50") == 0
    assert [(news.kind, news.values) for news in told] == [("message", (0, "SM"))]
    message = made.messages.read(0)
    assert (message.sender, message.text, message.time) == ("+8610010", "余额：3.50", "2021-10-26 14:08:04")
    assert made.messages.usage == [["SM", 1, 50]] * 3


def test_message_when_sent_to_the_own_number_then_it_comes_back():
    made = radio(number="+8618226172342")
    assert made.messages.send("+8618226172342", "123456789aa", "GSM")
    assert made.messages.send("18158626517", "Hello, world.", "GSM")
    assert [(one.number, one.text) for one in made.messages.sent] == [
        ("+8618226172342", "123456789aa"),
        ("18158626517", "Hello, world."),
    ]
    assert made.messages.read(0).text == "123456789aa"
    assert made.messages.read(1) is None


@pytest.mark.parametrize(
    ("number", "text", "coding"),
    [("", "x", GSM), ("abc", "x", GSM), ("1", "", GSM), ("1", "中", GSM), ("1", "x", "ASCII"), ("1" * 21, "x", GSM)],
)
def test_message_when_it_cannot_be_sent_then_false(number, text, coding):
    made = radio()
    assert not made.messages.send(number, text, coding)
    assert made.messages.sent == []


def test_message_when_there_is_no_network_then_neither_sent_nor_received():
    made = radio()
    made.lose_network()
    assert not made.messages.send("1", "x", GSM)
    assert made.messages.receive("1", "x") is None


def test_store_when_full_then_no_more_comes_until_one_is_deleted():
    made = radio()
    assert [made.messages.receive("1", "x") for _ in range(51)] == [*range(50), None]
    assert made.messages.delete(17, is_all=False)
    assert not made.messages.delete(17, is_all=False)
    assert made.messages.receive("1", "x") == 17
    assert made.messages.delete(1, is_all=True)
    assert made.messages.usage[0] == ["SM", 0, 50]


def test_locations_when_chosen_then_used_and_the_card_also_goes_by_mt():
    made = radio()
    assert made.messages.set_locations("SM", "ME", "MT")
    made.messages.receive("1", "x")
    assert made.messages.usage == [["SM", 1, 50], ["ME", 0, 180], ["MT", 1, 50]]
    assert not made.messages.set_locations("SM", "XX", "SM")
    assert made.messages.set_locations("ME", "ME", "ME")
    assert made.messages.read(0) is None


def test_alphabet_when_counted_then_every_code_once():
    assert len(sms_pdu.ALPHABET) == len(set(sms_pdu.ALPHABET)) == 128
