"""``Qth``: the cloud SDK on the real wire. Copy this folder to ``/usr`` of a module and ``from usr import Qth``.

The calls, callbacks and codes are those of the vendor's module; modules whose firmware has ``Qth`` built in need no
copy. Plain MicroPython 1.12. State is in ``/usr/qth_a.json`` and ``/usr/qth_b.json``, a package that is being
downloaded in ``/usr/qth_ota.bin``.

Modelled: authentication and connection, session keys, reports, updates of the module's firmware and of MCU components,
data points and transparent data, moving to another server or product on the platform's word, TLS with a certificate
authority of one's own (``device.CA_FILE``). Not modelled: location, sub-devices, bind codes (no source says what is in
them).

Source: device-api 13; ota-semantics 11, 12.
"""

from . import device  # noqa: F401 - part of the API for those who port it
from . import frame as _frame
from .client import Client as _Client

_ORDER = (
    "init setProductInfo setServer setLifetime setApn setEventCb setMcuVer setAppVer start stop state reset "
    "sendTrans sendTsl ackTsl ackTslServer otaRequest otaAction mcuFWDataRead"
).split()

_client = _Client()
_ready = []


def init():
    if not _ready:
        _ready.append(True)
    return True


def setProductInfo(pk, ps):
    is_fine = _is_text(pk, 32) and _is_text(ps, 32)
    if is_fine:
        _client.pk, _client.ps = pk, ps
    return is_fine


def setServer(url):
    scheme, _, place = url.partition("://") if isinstance(url, str) else ("", "", "")
    is_fine = scheme in ("mqtt", "mqtts") and bool(place) and len(url) <= 255
    if is_fine:
        _client.server = url
    return is_fine


def setLifetime(lifetime):
    is_fine = isinstance(lifetime, int) and 21 <= lifetime <= 600
    if is_fine:
        _client.lifetime = lifetime
    return is_fine


def setApn(apn, user="", pwd=""):
    import dataCall

    dataCall.setApn(1, 0, apn, user, pwd, 0)


def setEventCb(eventCb):
    _client.events = eventCb


def setMcuVer(comp_no, version, infoCB, resultCB):
    is_fine = _is_text(comp_no, 32) and _is_text(version, 64)
    if is_fine:
        _client.set_version(comp_no, version, infoCB, resultCB)
    return is_fine


def setAppVer(version, resultCB):
    return setMcuVer("app", version, None, resultCB)


def start():
    return bool(_ready and _client.pk) and _client.start()


def stop():
    _client.stop()


def state():
    return _client.is_online


def reset():
    return _client.forget()


def sendTrans(mode, value):
    data = value if isinstance(value, (bytes, bytearray)) else str(value).encode()
    return _send(0x0023, mode, bytes(data))


def sendTsl(mode, value):
    return _send(0x0014, mode, _tsl(value))


def ackTsl(mode, value, pkgId):
    return _send(0x0012, mode, _tsl(value), pkgId)


def ackTslServer(mode, serverId, value, pkgId):
    return _send(0x0012, mode, _tsl(value), pkgId)


def otaRequest():
    return _client.request()


def otaAction(action):
    return isinstance(action, int) and _client.act(action)


def mcuFWDataRead(addr, length):
    """Bytes of the piece of an MCU file that is there, fewer at its end; None when ``addr`` is not in it.

    No call of the vendor's ``Qth``; as its ``quecIot`` and ``Ql_iotCmdOtaMcuFWDataRead`` have it.
    """
    return _client.read(addr, length)


def _is_text(value, most):
    return isinstance(value, str) and 0 < len(value.encode()) <= most


def _send(command, mode, payload, packet=0):
    if mode not in (0, 1, 2) or payload is None or len(payload) > _frame.MAX_FRAME:
        return False
    return _client.send(command, payload, mode, packet)


def _tsl(value):
    """The payload of {id: value}; None when there is a value that has no form on the wire."""
    try:
        return _frame.encode([(number, _wire(one)) for number, one in sorted(value.items())])
    except (TypeError, AttributeError, ValueError):
        return None


def _wire(value):
    if isinstance(value, float):
        return (round(value * 1000), 3)
    if isinstance(value, dict):
        return [(number, _wire(one)) for number, one in sorted(value.items())]
    if isinstance(value, (list, tuple)):
        return [(0, _wire(one)) for one in value]
    return value
