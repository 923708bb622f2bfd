"""AES-128-CBC for firmware without ``ucryptolib``: small and slow, enough for passwords and short frames.

Source: FIPS 197.
"""


def _double(value):
    return (value << 1 ^ 0x11B if value & 0x80 else value << 1) & 0xFF


def _make_box():
    """The substitution, from inverses in the field: walk it with the generator 3 and its inverse 0xF6."""
    box = bytearray(256)
    p = q = 1
    while True:
        p ^= _double(p)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        turned = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4)
        box[p] = (turned ^ 0x63) & 0xFF
        if p == 1:
            box[0] = 0x63
            return box


_BOX = _make_box()
_BACK = bytearray(256)
for _at in range(256):
    _BACK[_BOX[_at]] = _at


def _expand(key):
    keys = bytearray(key)
    factor = 1
    for at in range(16, 176, 4):
        word = keys[at - 4 : at]
        if at % 16 == 0:
            word = bytearray((_BOX[word[1]] ^ factor, _BOX[word[2]], _BOX[word[3]], _BOX[word[0]]))
            factor = _double(factor)
        for place in range(4):
            keys.append(keys[at - 16 + place] ^ word[place])
    return keys


def _times(value, factor):
    total = 0
    while factor:
        if factor & 1:
            total ^= value
        value = _double(value)
        factor >>= 1
    return total


def _mix(block, factors):
    for column in range(0, 16, 4):
        a = block[column : column + 4]
        for row in range(4):
            total = 0
            for place in range(4):
                total ^= _times(a[place], factors[(place - row) % 4])
            block[column + row] = total


class Cbc:
    """One direction of one message; as ``ucryptolib.aes(key, 2, iv)``."""

    def __init__(self, key, iv):
        self._keys = _expand(key)
        self._last = bytes(iv)

    def _add(self, block, number):
        for at in range(16):
            block[at] ^= self._keys[16 * number + at]

    def encrypt(self, data):
        out = bytearray()
        for start in range(0, len(data), 16):
            block = bytearray([data[start + at] ^ self._last[at] for at in range(16)])
            self._add(block, 0)
            for number in range(1, 11):
                block = bytearray([_BOX[block[5 * at % 16]] for at in range(16)])
                if number < 10:
                    _mix(block, (2, 3, 1, 1))
                self._add(block, number)
            self._last = bytes(block)
            out.extend(block)
        return bytes(out)

    def decrypt(self, data):
        out = bytearray()
        for start in range(0, len(data), 16):
            block = bytearray(data[start : start + 16])
            for number in range(10, 0, -1):
                self._add(block, number)
                if number < 10:
                    _mix(block, (14, 11, 13, 9))
                block = bytearray([_BACK[block[13 * at % 16]] for at in range(16)])
            self._add(block, 0)
            out.extend(bytes([block[at] ^ self._last[at] for at in range(16)]))
            self._last = bytes(data[start : start + 16])
        return bytes(out)
