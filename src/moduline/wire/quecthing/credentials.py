"""Who a device says it is: client ids and both forms of password.

::

    client id   "qd" + PK + DK, no separators, at most 50        (applications: "qu_" + ...)
    form 0      0;flag;PK;BASE64(AES(PS, "DK;RAND;SIGN"))        SIGN   = BASE64(SHA-256("DK;PS;RAND"))
    form 1      1;flag;RAND;BASE64(SHA-256("DS;PS;RAND"))
    flag        0000, or 0001: payloads are to be encrypted with a session key
    RAND        16 letters or digits

PK product key, PS product secret, DK device key, DS device secret. A client id is split by the longest known PK that
fits, for the PK has no fixed length. Which form: 0 until a DS has been issued, then 1.

Source: ota-semantics 11.1, 12 (trap 3: the codes), 14 (vectors).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Container
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from moduline.errors import BadFormat, Text
from moduline.wire.quecthing.session_key import KEY_BYTES, decrypt, encrypt

FORMAT: Final = "QuecThing password"
DEVICE_PREFIX: Final = "qd"
APPLICATION_PREFIX: Final = "qu_"
LONGEST_CLIENT_ID: Final = 50
LONGEST_PK: Final = 32
LONGEST_DK: Final = 16
PLAIN_FLAG: Final = "0000"
ENCRYPTED_FLAG: Final = "0001"
_RAND_CHARACTERS: Final = 16


class RefusalCode(IntEnum):
    """Why a device was not let in, as the device understands it (command 0x00A3, id 1)."""

    ALREADY_AUTHENTICATED = 10422
    UNKNOWN_PRODUCT = 10423
    CANNOT_DECRYPT = 10424
    BAD_SIGNATURE = 10425
    BAD_DIGEST = 10427
    RATE_LIMITED = 10428
    QUANTITY_LIMITED = 10429
    PRODUCT_CHANGED = 10430
    BAD_DEVICE_KEY = 10431


@dataclass(frozen=True, slots=True)
class DeviceName:
    """What a client id says: product key and device key."""

    pk: str
    dk: str


@dataclass(frozen=True, slots=True)
class FirstPassword:
    """Form 0: proves the product secret, asks for a device secret.

    Attributes:
        flag: four digits.
        pk: product key.
        sealed: DK, RAND and SIGN under the product secret.
    """

    flag: str
    pk: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class LaterPassword:
    """Form 1: proves device secret and product secret.

    Attributes:
        flag: four digits.
        rand: 16 letters or digits.
        digest: 32 bytes.
    """

    flag: str
    rand: str
    digest: bytes


Password = FirstPassword | LaterPassword


def wants_encryption(password: Password) -> bool:
    """Whether the device asks for payload encryption."""
    return password.flag == ENCRYPTED_FLAG


def client_id(name: DeviceName) -> str:
    """The client id of a device."""
    return DEVICE_PREFIX + name.pk + name.dk


def split_client_id(text: str, known: Container[str]) -> DeviceName | None:
    """Product key and device key of a client id; None if no known product key fits.

    Args:
        text: the client id.
        known: all product keys (``in`` is asked at most 32 times; the longest that fits counts).
    """
    if not text.startswith(DEVICE_PREFIX) or len(text) > LONGEST_CLIENT_ID:
        return None
    rest = text.removeprefix(DEVICE_PREFIX)
    for cut in range(min(len(rest) - 1, LONGEST_PK), 0, -1):
        if len(rest) - cut > LONGEST_DK:
            break
        if rest[:cut] in known:
            return DeviceName(rest[:cut], rest[cut:])
    return None


def parse_password(data: bytes) -> Password:
    """What a password says, unchecked.

    Raises:
        BadFormat: neither form.
    """
    try:
        parts = data.decode("ascii").split(";")
        form, flag = parts[:2]
        sealed = base64.b64decode(parts[3], validate=True) if len(parts) == 4 else b""
    except (UnicodeDecodeError, ValueError, binascii.Error) as error:
        raise _bad("not a password", "不是密码") from error
    if not sealed or len(flag) != 4 or not flag.isdigit():
        raise _bad("four fields and a flag of four digits expected", "应有四段，标志为四位数字")
    if form == "0" and 0 < len(parts[2]) <= LONGEST_PK and parts[2].isalnum():
        return FirstPassword(flag, parts[2], sealed)
    if form == "1" and _is_rand(parts[2]) and len(sealed) == hashlib.sha256().digest_size:
        return LaterPassword(flag, parts[2], sealed)
    raise _bad(f"form {form[:8]}", f"形式 {form[:8]}")


def first_password(name: DeviceName, ps: str, rand: str, flag: str = PLAIN_FLAG) -> bytes:
    """The password of a device that has no secret yet.

    Args:
        name: product and device key.
        ps: product secret, at least 16 characters.
        rand: 16 letters or digits, new each time.
        flag: `PLAIN_FLAG` or `ENCRYPTED_FLAG`.

    Raises:
        BadOption: the product secret is too short.
    """
    text = f"{name.dk};{rand};{_signature(name.dk, ps, rand)}"
    return f"0;{flag};{name.pk};{_base64(encrypt(ps.encode(), text.encode()))}".encode("ascii")


def later_password(ds: str, ps: str, rand: str, flag: str = PLAIN_FLAG) -> bytes:
    """The password of a device that has the secret ``ds``."""
    return f"1;{flag};{rand};{_base64(_digest(ds, ps, rand))}".encode("ascii")


def check_first(password: FirstPassword, name: DeviceName, ps: str) -> RefusalCode | None:
    """Why a password of form 0 is not taken; None if it is right.

    Args:
        password: as parsed.
        name: what the client id says.
        ps: secret of the product ``name.pk``.
    """
    if password.pk != name.pk:
        return RefusalCode.PRODUCT_CHANGED
    if len(secret := ps.encode()) < KEY_BYTES:
        return RefusalCode.CANNOT_DECRYPT
    try:
        dk, rand, signature = decrypt(secret, password.sealed).decode("ascii").split(";")
    except (BadFormat, ValueError):
        return RefusalCode.CANNOT_DECRYPT
    if not hmac.compare_digest(signature.encode(), _signature(dk, ps, rand).encode()):
        return RefusalCode.BAD_SIGNATURE
    if dk != name.dk or not _is_rand(rand):
        return RefusalCode.BAD_DEVICE_KEY
    return None


def check_later(password: LaterPassword, ds: str, ps: str) -> RefusalCode | None:
    """Why a password of form 1 is not taken; None if it is right."""
    if hmac.compare_digest(password.digest, _digest(ds, ps, password.rand)):
        return None
    return RefusalCode.BAD_DIGEST


def _signature(dk: str, ps: str, rand: str) -> str:
    return _base64(_digest(dk, ps, rand))


def _digest(key: str, ps: str, rand: str) -> bytes:
    return hashlib.sha256(f"{key};{ps};{rand}".encode()).digest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _is_rand(text: str) -> bool:
    return len(text) == _RAND_CHARACTERS and text.isalnum()


def _bad(en: str, zh: str) -> BadFormat:
    return BadFormat(format=FORMAT, reason=Text(en, zh), offset=0)
