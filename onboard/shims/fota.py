"""``fota``: the firmware upgrade type. ``import fota`` gives the type itself, so that ``fota()`` makes the object.

Modelled: one object per module, re-initialised by each ``fota()``; packages written step by step or downloaded over
HTTP and HTTPS; everything is checked before a flag is set; the boot code applies the package after the restart, which
survives power cuts anywhere. Statuses are lists ``[status, value]``. Packages are those of ``moduline delta make``.
``apn_set`` and ``download_cancel`` where the profile has them (BG95; no module of the catalogue). Not modelled: FTP
(refused), the numbers of error codes (not documented), keywords of the newest firmware such as ``key`` and ``header``
(a TypeError).

Source: device-api 7, 15.
"""

import sys as _sys

from boot import native as _native
from boot.state import life as _life

_PIECE = 8192
_POLL_MS = 10
_made = []


def _ask(op, **facts):
    return _life.calls.ask(op, **facts)


class fota:
    """The one object; see the head of this file."""

    def __new__(cls, *arguments, **options):
        if not _made:
            _made.append(object.__new__(cls))
        return _made[0]

    def __init__(self, reset_disable=0):
        _ask("fota_new", is_reset_disabled=bool(reset_disable))

    def httpDownload(self, *, url1=None, url2=None, callback=None):
        for url in (url1, url2):
            if url is not None and not isinstance(url, str):
                raise TypeError("can't convert '%s' object to str implicitly" % type(url).__name__)
        if url2:
            callback = None
        if not _life.facts["is_fota_blocking"]:
            _life.events.listen("fota", callback)
            return _ask("fota_download", url1=url1 or "", url2=url2 or "")
        if _ask("fota_download", url1=url1 or "", url2=url2 or ""):
            return -1
        while True:
            state = _ask("fota_poll")
            for report in state["reports"]:
                _call(callback, report)
            if state["result"] is not None:
                return state["result"]
            _native.time.sleep_ms(_POLL_MS)


def _call(callback, report):
    """What a callback raises is printed and changes nothing."""
    if callback is not None:
        try:
            callback(report)
        except Exception as fault:
            _sys.print_exception(fault)


def _write(self, data, file_size=None):
    if not isinstance(file_size, int):
        _life.calls.ask("notice", slug="virt.update-refused", reason="fota.write without the size of the package")
        return -1
    data = data.encode() if isinstance(data, str) else data
    view = memoryview(data)
    if not len(view):
        return 0
    for at in range(0, len(view), _PIECE):
        if _life.calls.ask_bytes("fota_write", bytes(view[at : at + _PIECE]), total=file_size)[0]:
            return -1
    return 0


def _flush(self):
    return _ask("fota_flush")


def _verify(self):
    return _ask("fota_verify")


if _life.facts["has_fota_steps"]:
    fota.write = _write
    fota.flush = _flush
    fota.verify = _verify


def _apn_set(self, fota_apn="", ip_type=0, fota_user="", fota_password=""):
    if not isinstance(ip_type, int) or isinstance(ip_type, bool):
        raise TypeError("can't convert %s to int" % type(ip_type).__name__)
    for text in (fota_apn, fota_user, fota_password):
        if not isinstance(text, str):
            raise TypeError("can't convert '%s' object to str implicitly" % type(text).__name__)
    return _ask("fota_apn", apn=fota_apn, ip_type=ip_type, user=fota_user, password=fota_password)


def _download_cancel(self):
    return _ask("fota_cancel")


if _life.facts["has_fota_apn"]:
    fota.apn_set = _apn_set
    fota.download_cancel = _download_cancel


AS_MODULE = fota
