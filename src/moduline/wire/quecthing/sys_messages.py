"""Messages of the topic ``sys``: status and information of the device, error notices, configuration.

::

    0x0031 down  ReadStatus          list of ids                0x0041 down  ReadInformation
    0x0032 up    DeviceStatus        answer                     0x0042 up    DeviceInformation
    0x0034 up    DeviceStatus        report                     0x0044 up    DeviceInformation
    0x00A3 down  ErrorNotice                                    0x00A4 up    DeviceErrorNotice
    0x00B3 up    ManagementRequest   0x00B4 down Configuration  0x00B5 up    BindCode

Source: ota-semantics 11.4; recordings.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from moduline.errors import BadOption, Text
from moduline.wire.quecthing import rows, ttlv
from moduline.wire.quecthing.rows import Kind, Row


@dataclass(frozen=True, slots=True)
class ReadStatus:
    """0x0031: say these values of your status.

    Attributes:
        ids: 1 battery .. 7 SNR, as in 0x0034.
    """

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReadInformation:
    """0x0041: say these values of your information.

    Attributes:
        ids: as in 0x0044; 2 = module version, 3 = MCU versions.
    """

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """0x0034 report, 0x0032 answer: how the device is.

    Attributes:
        battery: percent.
        voltage: volts; round for display, 3.819999999999999 has been seen.
        signal: dBm.
        free_flash: bytes.
        rsrp, rsrq, snr: dBm, dB, dB.
        is_answer: 0x0032.
        extra: fields no table names.
    """

    battery: Decimal | None = None
    voltage: Decimal | None = None
    signal: Decimal | None = None
    free_flash: Decimal | None = None
    rsrp: Decimal | None = None
    rsrq: Decimal | None = None
    snr: Decimal | None = None
    is_answer: bool = False
    extra: ttlv.Fields = ()


STATUS_ROWS: Final = tuple(
    Row(at, name, Kind.NUMBER)
    for at, name in enumerate(("battery", "voltage", "signal", "free_flash", "rsrp", "rsrq", "snr"), start=1)
)


@dataclass(frozen=True, slots=True)
class DeviceInformation:
    """0x0044 report, 0x0042 answer: what the device is. Devices send unknown texts empty.

    Attributes:
        model: of the module.
        module_version: what runs.
        mcu_versions: ``name:version;...``.
        cell, iccid, mcc, mnc, lac, phone, imsi: SIM and network.
        sdk_version: of the device's SDK.
        location: kinds of location it can say.
        data_protocol, communication_protocol: versions, 1.3.0 and 3.0.0.
        is_answer: 0x0042.
        extra: fields no table names.
    """

    model: str | None = None
    module_version: str | None = None
    mcu_versions: str | None = None
    cell: str | None = None
    iccid: str | None = None
    mcc: str | None = None
    mnc: str | None = None
    lac: str | None = None
    phone: str | None = None
    imsi: str | None = None
    sdk_version: str | None = None
    location: str | None = None
    data_protocol: str | None = None
    communication_protocol: str | None = None
    is_answer: bool = False
    extra: ttlv.Fields = ()


INFORMATION_ROWS: Final = tuple(
    Row(at, name, Kind.TEXT)
    for at, name in enumerate(
        (
            *("model", "module_version", "mcu_versions", "cell", "iccid", "mcc", "mnc", "lac", "phone", "imsi"),
            *("sdk_version", "location", "data_protocol", "communication_protocol"),
        ),
        start=1,
    )
)


@dataclass(frozen=True, slots=True)
class ErrorNotice:
    """0x00A3: something about you or your message is refused.

    Attributes:
        code: a `RefusalCode`, or another.
        packet_id: of the frame meant.
        pk, dk: whom it concerns.
        extra: fields no table names.
    """

    code: int
    packet_id: int | None = None
    pk: str | None = None
    dk: str | None = None
    extra: ttlv.Fields = ()


@dataclass(frozen=True, slots=True)
class DeviceErrorNotice:
    """0x00A4: the same, said by the device."""

    code: int
    packet_id: int | None = None
    pk: str | None = None
    dk: str | None = None
    extra: ttlv.Fields = ()


NOTICE_ROWS: Final = (
    Row(1, "code", Kind.INTEGER, is_required=True),
    Row(2, "packet_id", Kind.INTEGER),
    Row(3, "pk", Kind.TEXT),
    Row(4, "dk", Kind.TEXT),
)


@dataclass(frozen=True, slots=True)
class ManagementRequest:
    """0x00B3: the device asks for its configuration; its fields are not documented.

    Attributes:
        extra: the fields.
    """

    extra: ttlv.Fields = ()


@dataclass(frozen=True, slots=True)
class BindCode:
    """0x00B5: a code that binds a device to an account; its fields are not documented.

    Attributes:
        extra: the fields.
    """

    extra: ttlv.Fields = ()


@dataclass(frozen=True, slots=True)
class Server:
    """Where a device is to go.

    Attributes:
        domain: name.
        ip: address.
        port: number.
        extra: fields no table names.
    """

    domain: str | None = None
    ip: str | None = None
    port: int | None = None
    extra: ttlv.Fields = ()


SERVER_ROWS: Final = (
    Row(2, "domain", Kind.TEXT),
    Row(3, "ip", Kind.TEXT),
    Row(4, "port", Kind.INTEGER),
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """0x00B4: what the device is to remember. The message with `ds` makes it authenticated.

    Attributes:
        server: go there; empty clears an earlier move.
        ds: device secret, at most 32 characters.
        session_key: 16 bytes; payloads are encrypted from now on, until the connection ends.
        pk, ps: become this product.
        authenticate_again: forget the secret.
        new_ds: replaces the secret.
        extra: fields no table names.
    """

    server: Server | None = None
    ds: str | None = None
    session_key: bytes | None = None
    pk: str | None = None
    ps: str | None = None
    authenticate_again: bool | None = None
    new_ds: str | None = None
    extra: ttlv.Fields = ()


_SERVER_ID: Final = 1
CONFIGURATION_ROWS: Final = (
    Row(5, "ds", Kind.TEXT),
    Row(6, "session_key", Kind.BYTES),
    Row(7, "pk", Kind.TEXT),
    Row(8, "ps", Kind.TEXT),
    Row(9, "authenticate_again", Kind.FLAG),
    Row(10, "new_ds", Kind.TEXT),
)


def write_configuration(message: Configuration) -> ttlv.Fields:
    """The fields of 0x00B4."""
    written = rows.write(CONFIGURATION_ROWS, message, message.extra)
    if message.server is None:
        return written
    server = ttlv.Struct(rows.write(SERVER_ROWS, message.server, message.server.extra))
    return (ttlv.Field(_SERVER_ID, server), *written)


def read_configuration(fields: ttlv.Fields) -> Configuration:
    """What `write_configuration` was given.

    Raises:
        BadFormat: a field of the wrong type.
    """
    server = ttlv.first(fields, _SERVER_ID)
    values = rows.read(CONFIGURATION_ROWS, tuple(field for field in fields if field.id != _SERVER_ID))
    if not isinstance(server, ttlv.Struct):
        return Configuration(**values)
    return Configuration(**values, server=Server(**rows.read(SERVER_ROWS, server.fields)))


def write_ids(ids: tuple[int, ...]) -> bytes:
    """A list of ids as 0x0031 and 0x0041 carry it: 16 bits each, big endian.

    Raises:
        BadOption: an id of more than 16 bits.
    """
    if not all(0 <= one <= 0xFFFF for one in ids):
        raise BadOption(name="ids", reason=Text("ids are 0..65535", "标识须为 0..65535"))
    return b"".join(one.to_bytes(2, "big") for one in ids)


def read_ids(payload: bytes) -> tuple[int, ...]:
    """What `write_ids` was given.

    Raises:
        BadFormat: an odd number of bytes.
    """
    if len(payload) % 2:
        raise rows.bad("half an id", "标识不完整")
    return tuple(int.from_bytes(payload[at : at + 2], "big") for at in range(0, len(payload), 2))
