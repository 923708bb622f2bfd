"""Frames of QuecThing and the TTLV values in them; plain functions, no state.

::

    AA AA  length(2)  checksum(1)  packet(2)  command(2)  payload       length counts from the checksum on

    value  tag(2) = id * 8 + type, then: 0 false, 1 true: nothing; 2 number; 3 bytes; 4 struct

A value is True, False, an int, a tuple ``(whole, digits)`` for whole / 10 ** digits, bytes (or text, to encode), or a
list of (id, value) pairs for a struct. Decoding gives the same, but never text, and raises ValueError for whatever is
not a message.

Source: ota-semantics 11.2, 11.3.
"""

MAX_FRAME = 4096
_MAX_DEPTH = 4


def build(packet, command, payload=b""):
    """One frame, stuffed."""
    body = bytearray(4)
    body[0], body[1] = packet >> 8 & 0xFF, packet & 0xFF
    body[2], body[3] = command >> 8, command & 0xFF
    body.extend(payload)
    size = len(body) + 1
    plain = bytearray((0xAA, size >> 8, size & 0xFF, sum(body) & 0xFF))
    plain.extend(body)
    out = bytearray(b"\xaa")
    last = len(plain) - 1
    for at in range(last + 1):
        byte = plain[at]
        out.append(byte)
        if byte == 0xAA and (at == last or plain[at + 1] in (0xAA, 0x55)) and at:
            out.append(0x55)
        elif not at and size >> 8 in (0xAA, 0x55):
            out.append(0x55)
    return bytes(out)


def parse(data):
    """(packet, command, payload) of a frame."""
    if len(data) < 9 or len(data) > 2 * MAX_FRAME or data[0] != 0xAA or data[1] != 0xAA:
        raise ValueError("frame")
    plain = bytearray()
    before = 0
    for at in range(2, len(data)):
        byte = data[at]
        if not (byte == 0x55 and (before if at > 2 else 0xAA) == 0xAA):
            plain.append(byte)
        before = byte
    if len(plain) < 7:
        raise ValueError("frame")
    size = plain[0] << 8 | plain[1]
    if size < 5 or size + 2 > len(plain):
        raise ValueError("length")
    body = plain[3 : size + 2]
    if sum(body) & 0xFF != plain[2]:
        raise ValueError("checksum")
    packet = body[0] << 8 | body[1]
    if packet in (0, 0xFFFF):
        raise ValueError("packet id")
    return packet, body[2] << 8 | body[3], bytes(body[4:])


# ---- values ----------------------------------------------------------------------------------------------------------


def encode(pairs):
    """The payload of (id, value) pairs."""
    out = bytearray()
    for number, value in pairs:
        _put(out, number, value)
    return bytes(out)


def _tag(out, number, kind):
    tag = number << 3 | kind
    out.append(tag >> 8)
    out.append(tag & 0xFF)


def _put(out, number, value):
    if value is True or value is False:
        _tag(out, number, 1 if value else 0)
    elif isinstance(value, int):
        _tag(out, number, 2)
        _put_number(out, value, 0)
    elif isinstance(value, tuple):
        _tag(out, number, 2)
        _put_number(out, value[0], value[1])
    elif isinstance(value, list):
        _tag(out, number, 4)
        out.append(len(value) >> 8)
        out.append(len(value) & 0xFF)
        for inner in value:
            _put(out, inner[0], inner[1])
    else:
        data = value.encode() if isinstance(value, str) else value
        _tag(out, number, 3)
        out.append(len(data) >> 8)
        out.append(len(data) & 0xFF)
        out.extend(data)


def _put_number(out, value, digits):
    size = abs(value)
    data = bytearray()
    while size or not data:
        data.append(size & 0xFF)
        size >>= 8
    if len(data) > 8 or not 0 <= digits <= 15:
        raise ValueError("number")
    out.append((0x80 if value < 0 else 0) | digits << 3 | len(data) - 1)
    for at in range(len(data) - 1, -1, -1):
        out.append(data[at])


def decode(payload):
    """The (id, value) pairs of a payload."""
    found = []
    at = 0
    while at < len(payload):
        number, value, at = _take(payload, at, 0)
        found.append((number, value))
    _check_array(found)
    return found


def _check_array(found):
    is_array = False
    for number, _ in found:
        if is_array and number:
            raise ValueError("id behind an array")
        is_array = is_array or not number


def _need(payload, at, count):
    if at + count > len(payload):
        raise ValueError("cut short")


def _take(payload, at, depth):
    _need(payload, at, 2)
    tag = payload[at] << 8 | payload[at + 1]
    number, kind = tag >> 3, tag & 7
    at += 2
    if kind < 2:
        return number, kind == 1, at
    if kind == 2:
        _need(payload, at, 1)
        head = payload[at]
        count = (head & 7) + 1
        at += 1
        _need(payload, at, count)
        value = 0
        for byte in payload[at : at + count]:
            value = value << 8 | byte
        if head & 0x80:
            value = -value
        digits = head >> 3 & 15
        return number, (value, digits) if digits else value, at + count
    if kind > 4:
        raise ValueError("type %d" % kind)
    _need(payload, at, 2)
    count = payload[at] << 8 | payload[at + 1]
    at += 2
    if kind == 3:
        _need(payload, at, count)
        return number, bytes(payload[at : at + count]), at + count
    if depth >= _MAX_DEPTH:
        raise ValueError("depth")
    inner = []
    for _ in range(count):
        one, value, at = _take(payload, at, depth + 1)
        inner.append((one, value))
    _check_array(inner)
    return number, inner, at


def first(pairs, number):
    """The value of an id, None when it is missing; an empty text counts as missing."""
    for one, value in pairs:
        if one == number:
            return None if value == b"" else value
    return None


def text(pairs, number, most=255):
    """A text; None when it is missing. ValueError when it is something else or too long."""
    value = first(pairs, number)
    if value is None:
        return None
    if not isinstance(value, bytes) or len(value) > most:
        raise ValueError("text %d" % number)
    try:
        return value.decode()
    except Exception:  # UnicodeError, where the firmware has it
        raise ValueError("text %d" % number)


def whole(pairs, number):
    """A number without its decimals; None when it is missing. ValueError when it is something else."""
    value = first(pairs, number)
    if value is None:
        return None
    if isinstance(value, tuple):
        value = int(value[0] / 10 ** value[1])
    if value is True or value is False or not isinstance(value, int):
        raise ValueError("number %d" % number)
    return value
