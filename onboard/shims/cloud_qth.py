"""``Qth``: the cloud SDK, as newer firmware has it built in; ``from usr import Qth`` finds it too.

Modelled: states, events and callbacks against the scripted platform of the scenario, updates of the module's firmware
and of MCU components. Not modelled: the bytes on the wire, plans for script components, sub-devices, location.

Source: device-api 13.1 to 13.3, 13.6.
"""

from boot.state import life as _life

_ORDER = (
    "init setProductInfo setServer setLifetime setApn setEventCb setMcuVer setAppVer start stop state reset "
    "sendTrans sendTsl ackTsl ackTslServer otaRequest otaAction"
).split()


class _Client:
    is_ready = False
    product = None
    server = "mqtts://iot-south.quectelcn.com:8883"
    lifetime = 120
    apn = None
    events = {}
    info = {}  # component -> infoCB
    results = {}  # component -> resultCB


_client = _Client()


def init():
    _client.is_ready = True
    _life.events.listen("qth", _hear)
    return True


def setProductInfo(pk, ps):
    is_fine = _is_text(pk, 32) and _is_text(ps, 32)
    if is_fine:
        _client.product = (pk, ps)
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
    _client.apn = (apn, user, pwd)


def setEventCb(eventCb):
    _client.events = eventCb


def setMcuVer(comp_no, version, infoCB, resultCB):
    if not (_is_text(comp_no, 32) and _is_text(version, 64)):
        return False
    _client.info[comp_no] = infoCB
    _client.results[comp_no] = resultCB
    return _ask("qth_version", component=comp_no, version=version)


def setAppVer(version, resultCB):
    if not _is_text(version, 64):
        return False
    _client.results["app"] = resultCB
    return _ask("qth_version", component="app", version=version)


def start():
    if not _client.is_ready or _client.product is None:
        return False
    return _ask("qth_start", product_key=_client.product[0], product_secret=_client.product[1])


def stop():
    _ask("qth_stop")


def state():
    return _ask("qth_state")


def reset():
    return _ask("qth_reset")


def sendTrans(mode, value):
    return _send("sendTrans", mode, value)


def sendTsl(mode, value):
    return _send("sendTsl", mode, value)


def ackTsl(mode, value, pkgId):
    return _send("ackTsl %s" % pkgId, mode, value)


def ackTslServer(mode, serverId, value, pkgId):
    return _send("ackTslServer %s %s" % (serverId, pkgId), mode, value)


def otaRequest():
    return _ask("qth_ota_request")


def otaAction(action):
    return _ask("qth_ota_action", action=action) if isinstance(action, int) else False


def _is_text(value, most):
    return isinstance(value, str) and 0 < len(value.encode()) <= most


def _ask(op, **facts):
    return _life.calls.ask(op, **facts)


def _send(verb, mode, value):
    if not isinstance(mode, int):
        return False
    data = bytes(value) if isinstance(value, (bytes, bytearray)) else str(value).encode()
    if len(data) > 4096:
        return False
    return _life.calls.ask_bytes("qth_send", data, verb=verb, mode=mode)[0]


def _hear(news):
    verb, values = news[0], news[1:]
    if verb == "event":
        _call(_client.events.get("devEvent"), *values)
    elif verb == "trans":
        _call(_client.events.get("recvTrans"), values[0])
    elif verb == "tsl":
        _call(_client.events.get("recvTsl"), {number: value for number, value in values[0]})
    elif verb == "read":
        _call(_client.events.get("readTsl"), values[0], 1)
    elif verb == "plan":
        _call(_client.events.get("ota", {}).get("otaPlan"), [tuple(plan) for plan in values[0]])
    elif verb == "fota_result":
        _call(_client.events.get("ota", {}).get("fotaResult"), *values)
    elif verb == "result":
        _call(_client.results.get(values[0]), *values)
    elif verb == "info":
        component, version, url, size, md5, crc = values
        told = (url, size, md5, crc) if _life.facts.get("qth_info_has_size") else (url, md5, crc)
        _call(_client.info.get(component), component, version, *told)


def _call(callback, *values):
    if callback is not None:
        callback(*values)
