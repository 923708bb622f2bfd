"""Short messages as bytes: SMS-DELIVER in hex, with the centre's address in front, both ways; pure.

::

    centre      length(1) type(1) digits in swapped nibbles       length 0: none
    first(1)    message type, more to come, user data header
    sender      digits(1) type(1) digits in swapped nibbles
    protocol(1) coding(1)                                          coding 00 GSM 7 bit, 08 UCS2
    time(7)     yy MM dd hh mm ss zz in swapped nibbles            zz quarters of an hour
    length(1)   of the text: septets or bytes

Source: 3GPP TS 23.040 9.2.2.1, 9.1.2.5; 3GPP TS 23.038 6.2.1; DOC23 ``sms`` (samples).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

GSM: Final = "GSM"
UCS2: Final = "UCS2"
MAX_SEPTETS: Final = 160
MAX_UCS2_BYTES: Final = 140
MAX_PDU_BYTES: Final = 12 + 12 + 9 + 140
INTERNATIONAL: Final = 0x91
NATIONAL: Final = 0xA1

ALPHABET: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip
_EXTENDED: Final = {code: letter for letter, code in _EXTENSION.items()}


class BadPduError(ValueError):
    """It is no message of one part, or no PDU."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that came.

    Attributes:
        sender: its number.
        text: what it says.
        time: ``YYYY-MM-DD hh:mm:ss``, local time of the sender's network.
        zone_quarters: of that time.
        centre: who passed it on.
        coding: ``GSM`` or ``UCS2``.
    """

    sender: str
    text: str
    time: str
    zone_quarters: int
    centre: str
    coding: str


def septets_of(text: str) -> list[int] | None:
    """The text in the GSM alphabet; None when it has a letter that is not in there."""
    codes = []
    for letter in text:
        if letter in _EXTENSION:
            codes += [0x1B, _EXTENSION[letter]]
        elif letter in ALPHABET and letter != "\x1b":
            codes.append(ALPHABET.index(letter))
        else:
            return None
    return codes


def encode_deliver(message: Delivered) -> str:
    """The PDU of a message, in hex; only single messages.

    Raises:
        BadPduError: it is longer than one message, or its letters are not in its alphabet.
    """
    if message.coding == GSM:
        septets = septets_of(message.text)
        if septets is None or len(septets) > MAX_SEPTETS:
            raise BadPduError("not one message in the GSM alphabet")
        body, length, coding = _pack(septets), len(septets), 0x00
    else:
        body, coding = message.text.encode("utf-16-be", "surrogatepass"), 0x08
        length = len(body)
        if length > MAX_UCS2_BYTES:
            raise BadPduError("not one message")
    centre = _address(message.centre)
    moment = time.strptime(message.time, "%Y-%m-%d %H:%M:%S")
    pairs = [*time.strftime("%y %m %d %H %M %S", moment).split(), f"{abs(message.zone_quarters):02d}"]
    stamp = bytearray(int(pair[::-1], 16) for pair in pairs)
    if message.zone_quarters < 0:
        stamp[6] |= 0x08
    head = bytes([len(centre)]) + centre + b"\x04" + bytes([len(message.sender.lstrip("+"))]) + _address(message.sender)
    return (head + bytes([0x00, coding]) + bytes(stamp) + bytes([length]) + body).hex().upper()


def decode_deliver(text: str) -> Delivered:
    """The message of a PDU in hex.

    Raises:
        BadPduError: it is no SMS-DELIVER, or cut short.
    """
    data = _bytes_of(text)
    try:
        centre_bytes = data[0]
        centre = _number(data[1 : 1 + centre_bytes], 2 * (centre_bytes - 1)) if centre_bytes else ""
        at = 1 + centre_bytes
        first, digits = data[at], data[at + 1]
        if first & 0x03:
            raise BadPduError("not delivered")
        address_bytes = 1 + (digits + 1) // 2
        sender = _number(data[at + 2 : at + 2 + address_bytes], digits)
        at += 2 + address_bytes
        coding, stamp, length = data[at + 1], data[at + 2 : at + 9], data[at + 9]
        body = data[at + 10 :]
        header_bytes = body[0] + 1 if first & 0x40 else 0
        moment, zone = _time(stamp)
    except IndexError as short:
        raise BadPduError("cut short") from short
    if coding & 0x0C == 0x08:
        if len(body) < length:
            raise BadPduError("cut short")
        words = body[header_bytes:length].decode("utf-16-be", "replace")
        return Delivered(sender, words, moment, zone, centre, UCS2)
    return Delivered(sender, _unpack(body, length, header_bytes), moment, zone, centre, GSM)


def tpdu_bytes(text: str) -> int:
    """Length of a PDU in hex without the centre's address.

    Raises:
        BadPduError: it is no PDU.
    """
    data = _bytes_of(text)
    if not data or len(data) < data[0] + 1:
        raise BadPduError("cut short")
    return len(data) - data[0] - 1


def _bytes_of(text: str) -> bytes:
    if len(text) > 2 * MAX_PDU_BYTES:
        raise BadPduError("too long")
    try:
        return bytes.fromhex(text)
    except ValueError as wrong:
        raise BadPduError("not hex") from wrong


def _pack(septets: list[int]) -> bytes:
    bits = 0
    for place, septet in enumerate(septets):
        bits |= septet << (7 * place)
    return bits.to_bytes((len(septets) * 7 + 7) // 8, "little")


def _unpack(body: bytes, count: int, header_bytes: int) -> str:
    if count > MAX_SEPTETS or len(body) < (count * 7 + 7) // 8:
        raise BadPduError("cut short")
    bits = int.from_bytes(body, "little")
    skipped = (header_bytes * 8 + 6) // 7
    codes = [bits >> (7 * place) & 0x7F for place in range(skipped, count)]
    letters, is_extended = [], False
    for code in codes:
        if is_extended:
            letters.append(_EXTENDED.get(code, ALPHABET[code]))
        elif code != 0x1B:
            letters.append(ALPHABET[code])
        is_extended = code == 0x1B and not is_extended
    return "".join(letters)


def _address(number: str) -> bytes:
    kind = INTERNATIONAL if number.startswith("+") else NATIONAL
    digits = number.lstrip("+")
    digits += "F" * (len(digits) % 2)
    return bytes([kind]) + bytes(int(digits[at + 1] + digits[at], 16) for at in range(0, len(digits), 2))


def _number(data: bytes, digits: int) -> str:
    if len(data) < 1 + (digits + 1) // 2:
        raise BadPduError("cut short")
    text = "".join(f"{byte & 0x0F:X}{byte >> 4:X}" for byte in data[1:])
    plus = "+" if data[0] & 0x70 == 0x10 else ""
    return plus + text[:digits].rstrip("F")


def _time(stamp: bytes) -> tuple[str, int]:
    if len(stamp) < 7:
        raise BadPduError("cut short")
    year, month, day, hour, minute, second = (f"{byte & 0x0F}{byte >> 4}" for byte in stamp[:6])
    zone = (stamp[6] & 0x07) * 10 + (stamp[6] >> 4)
    moment = f"20{year}-{month}-{day} {hour}:{minute}:{second}"
    try:
        time.strptime(moment, "%Y-%m-%d %H:%M:%S")
    except ValueError as wrong:
        raise BadPduError("no date") from wrong
    return moment, -zone if stamp[6] & 0x08 else zone
