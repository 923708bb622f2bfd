"""What a module says about itself to scripts, and where its firmware differs from others'."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """What the module says about itself.

    Attributes:
        model: what ``modem.getDevModel()`` and the banner say, such as ``EC600U``.
        imei: 15 digits.
        serial_number: what ``modem.getDevSN()`` says.
        firmware_version: what ``modem.getDevFwVersion()`` says.
        product_id: what ``modem.getDevProductId()`` says.
        variant: the full name in ``uos.uname()``, such as ``EC600U-CNLB``.
        build_date: text after ``on`` in the banner.
        qpy_version: last item of ``uos.uname()``.
        gc_heap_bytes: size of the script heap as the module has it.
        system_heap_bytes: what ``_thread.get_heap_size()`` says.
        battery_mv: what ``Power.getVbatt()`` says.

    Source: device-api 1, 3.2, 5.2, 9.1, 10.6.
    """

    model: str
    imei: str
    serial_number: str
    firmware_version: str
    product_id: str = "Quectel"
    variant: str = ""
    build_date: str = "2022-05-18"
    qpy_version: str = "V0002"
    gc_heap_bytes: int = 512 * 1024
    system_heap_bytes: int = 748032
    battery_mv: int = 3590


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where modules differ from each other; the profile decides.

    Attributes:
        ctrl_c_stops_main: Ctrl-C ends a running main.py after its first second.
        is_raw_paste_on: the raw REPL knows raw-paste.
        checksum_schema: key written to a new ``checksum.json``: ``sha256`` or ``crc32``.
        has_power_down_reason: ``Power.powerDownReason`` exists.
        is_uart_8_bits_only: other data bits are refused.
        is_boot_quiet: leave out ``mount.`` and the backup lines.

    Source: device-api 0 (profiles), 2.2, 2.4, 3.5, 6.1.
    """

    ctrl_c_stops_main: bool = True
    is_raw_paste_on: bool = True
    checksum_schema: str = "crc32"
    has_power_down_reason: bool = False
    is_uart_8_bits_only: bool = True
    is_boot_quiet: bool = False
