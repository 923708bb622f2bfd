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
        release: third item of ``uos.uname()``.
        core_version: what the banner calls the interpreter; the two differ on every module of this generation.
        repl_uart: number of the UART that is the REPL.
        repl_baud: its nominal speed.

    Source: device-api 1, 3.1, 3.2, 5.2, 9.1, 10.6.
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
    release: str = "1.13.0"
    core_version: str = "v1.12"
    repl_uart: int = 3
    repl_baud: int = 115200


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where modules differ from each other; the profile decides.

    Shims read each one under its own name in ``_life.facts``, desks in ``DeskContext.quirks``.

    Attributes:
        ctrl_c_stops_main: Ctrl-C ends a running main.py after its first second.
        is_raw_paste_on: the raw REPL knows raw-paste.
        checksum_schema: key written to a new ``checksum.json``: ``sha256`` or ``crc32``.
        has_power_down_reason: ``Power.powerDownReason`` exists.
        is_uart_8_bits_only: other data bits are refused.
        is_power_key_heard_on_release: the power key is told of when it is let go after half a second, not when pressed.
        can_alarm_switch_on: the RTC's alarm switches the module on.
        is_boot_quiet: leave out ``mount.`` and the backup lines.
        has_download_command: ``AT+QDOWNLOAD`` leads to download mode; without it only the pin does.
        is_fota_blocking: ``fota.httpDownload`` returns when download and verification are over; otherwise it only
            says that the work was accepted.
        fota_failure_value: second item of the callback's list on failure: ``code`` (an error code) or ``percent``.
        has_fota_reset_disable: ``fota(reset_disable=1)`` is honoured.
        has_fota_steps: ``fota.write``, ``flush`` and ``verify`` are supported.
        has_fota_full: packages with a whole script area are taken (``/usr`` is replaced).
        has_fota_mini: the two-stage upgrade with ``url1`` and ``url2`` is supported.
        has_fota_apn: ``fota.apn_set`` and ``fota.download_cancel`` exist.
        set_apn_form: ``dials`` (``dataCall.setApn`` always dials) or ``flag`` (it writes, and dials with flag 1).
        info_cb_arity: arguments of the OTA ``infoCB``: 5, or 6 with the size.
        is_missing_exec_silent: ``example.exec`` of a missing file says nothing; otherwise it raises OSError.
        is_mcc_hex: ``net.getCellInfo`` gives the country code in hex read as decimal digits (1120 for 460).
        is_nitz_in_quarters: ``net.nitzTime`` has the zone in quarters of an hour (``+32``), otherwise in hours (``8``).
        pdp_profiles: highest number of a data call's profile.
        account_bytes: longest user name and password of a data call.
        language: MicroPython release whose syntax this firmware takes, such as ``1.12``.
        has_repl_password: the prompt can be locked by a password (``system.replSetEnable(1, password=...)``).
        has_app_fota_options: ``app_fota`` takes the keywords of newer firmware, such as ``headers``.
        is_language_strict: newer syntax is a SyntaxError here, as on the module; otherwise only a notice.

    Source: device-api 0 (profiles), 1, 2.2, 2.4, 3.5, 4, 6.1, 7.1 to 7.5, 9.3, 9.4, 15.
    """

    ctrl_c_stops_main: bool = True
    is_raw_paste_on: bool = True
    checksum_schema: str = "crc32"
    has_power_down_reason: bool = False
    is_uart_8_bits_only: bool = True
    is_power_key_heard_on_release: bool = False
    can_alarm_switch_on: bool = False
    is_boot_quiet: bool = False
    has_download_command: bool = True
    is_fota_blocking: bool = True
    fota_failure_value: str = "percent"
    has_fota_reset_disable: bool = True
    has_fota_steps: bool = True
    has_fota_full: bool = False
    has_fota_mini: bool = False
    has_fota_apn: bool = False
    set_apn_form: str = "flag"
    info_cb_arity: int = 5
    is_missing_exec_silent: bool = True
    is_mcc_hex: bool = False
    is_nitz_in_quarters: bool = True
    pdp_profiles: int = 7
    account_bytes: int = 15
    has_repl_password: bool = True
    has_app_fota_options: bool = True
    language: str = "1.12"
    is_language_strict: bool = False
