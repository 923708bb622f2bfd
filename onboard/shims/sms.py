"""``sms``: short messages, sent, kept and received.

Modelled: single messages in the GSM alphabet and UCS2, stores of card and module, the centre, the callback of new
messages, decoding. A message to the card's own number comes back to it. Not modelled: messages in several parts
(refused), the callback's form before September 2021.

Source: DOC23 and WIKI ``sms``.
"""

from boot.state import life as _life
from shims.given import int_of as _int_of
from shims.given import text_of as _text_of

_ORDER = (
    "sendTextMsg", "sendPduMsg", "deleteMsg", "setSaveLoc", "getSaveLoc", "getMsgNums", "searchPduMsg",
    "searchTextMsg", "getPduLength", "decodePdu", "getCenterAddr", "setCenterAddr", "setCallback",
)  # fmt: skip

_NONE = -1
_NUMBER_BYTES = 20
_CODINGS = ("GSM", "UCS2")
_PDU_LIMIT = 2 * 173
_TEXT_LIMIT = 512

_ask = _life.calls.ask


def sendTextMsg(number, text, coding):
    number = _text_of(number)
    if len(number) > _NUMBER_BYTES or coding not in _CODINGS:
        return -1
    data = text.encode()
    if not data or len(data) > _TEXT_LIMIT:
        return -1
    return _life.calls.ask_bytes("sms_send", data, number=number, coding=coding)[0]


sendPduMsg = sendTextMsg


def deleteMsg(index, mode=0):
    return _ask("sms_delete", index=_int_of(index), is_all=mode == 4) if mode in (0, 4) else -1


def setSaveLoc(read, write, receive):
    names = (read, write, receive)
    if not all(name in ("SM", "ME", "MT") for name in names):
        return -1
    return -1 if _ask("sms_places", names=",".join(names)) == _NONE else 0


def getSaveLoc():
    places = _ask("sms_places", names="")
    return -1 if places == _NONE else tuple(places)


def getMsgNums():
    places = _ask("sms_places", names="")
    return -1 if places == _NONE else places[0][1]


def searchPduMsg(index):
    found = _ask("sms_read", index=_int_of(index))
    return -1 if found == _NONE else found[2]


def searchTextMsg(index):
    found = _ask("sms_read", index=_int_of(index))
    return -1 if found == _NONE else (found[0], found[1], 2 * len(found[1]))


def _ask_of(op, pdu):
    pdu = _text_of(pdu)
    return _ask(op, pdu=pdu) if len(pdu) <= _PDU_LIMIT else _NONE


def getPduLength(pdu):
    return _ask_of("sms_length", pdu)


def decodePdu(pdu, length):
    found = _ask_of("sms_decode", pdu)
    return -1 if found == _NONE else (found[0], found[1], found[2], len(found[1].encode()))


def getCenterAddr():
    return _ask("sms_centre", number="")


def setCenterAddr(number):
    number = _text_of(number)
    if not number or len(number) > _NUMBER_BYTES:
        return -1
    return -1 if _ask("sms_centre", number=number) == _NONE else 0


def setCallback(function):
    _life.events.listen("sms", function)
    return _ask("radio_listen", key="sms", is_on=function is not None)
