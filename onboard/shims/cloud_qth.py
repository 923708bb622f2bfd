"""``Qth``: the cloud SDK, as newer firmware has it built in; ``from usr import Qth`` finds it too.

Which platform it meets is decided by ``start``: a real one where the scenario names its server or the network reaches
the server of the script; then the SDK of ``onboard/sdk/Qth`` speaks the real wire over the module's sockets. Otherwise
the scripted one of the scenario.

Modelled against the scripted one: states, events and callbacks, updates of the module's firmware and of MCU components;
what the SDK models says ``onboard/sdk/Qth``. Not modelled: plans for script components, sub-devices, location.

Source: device-api 13.1 to 13.3, 13.6.
"""

from boot.state import life as _life
from sdk import Qth as _sdk

_ORDER = (
    "init setProductInfo setServer setLifetime setApn setEventCb setMcuVer setAppVer start stop state reset "
    "sendTrans sendTsl ackTsl ackTslServer otaRequest otaAction "
    "mcuFWDataRead"
).split()

device = _sdk.device  # as a copy of the SDK has it; a script may set its own digests, authorities and sizes there
device.INFO_HAS_SIZE = _life.facts["info_cb_arity"] == 6


class _Client:
    is_ready = False
    product = None
    server = "mqtts://iot-south.quectelcn.com:8883"
    lifetime = 120
    apn = None
    events = {}
    info = {}  # component -> infoCB
    results = {}  # component -> resultCB
    is_real = False  # the SDK has it


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
    _sdk.setEventCb(eventCb)


def setMcuVer(comp_no, version, infoCB, resultCB):
    if not (_is_text(comp_no, 32) and _is_text(version, 64)):
        return False
    _client.info[comp_no] = infoCB
    _client.results[comp_no] = resultCB
    return _tell_version(comp_no, version)


def setAppVer(version, resultCB):
    if not _is_text(version, 64):
        return False
    _client.results["app"] = resultCB
    return _tell_version("app", version)


def _tell_version(component, version):
    _sdk.setMcuVer(component, version, _client.info.get(component), _client.results[component])
    return _ask("qth_version", component=component, version=version)


def start():
    if not _client.is_ready or _client.product is None:
        return False
    server = _ask("qth_server", url=_client.server)
    _client.is_real = bool(server)
    if server:
        _sdk.init()
        _sdk.setServer(server)
        _sdk.setProductInfo(*_client.product)
        _sdk.setLifetime(_client.lifetime)
        _sdk.setEventCb(_client.events)
        return _sdk.start()
    return _ask("qth_start", product_key=_client.product[0], product_secret=_client.product[1])


def stop():
    if _client.is_real:
        _sdk.stop()
    else:
        _ask("qth_stop")


def state():
    return _sdk.state() if _client.is_real else _ask("qth_state")


def reset():
    return _sdk.reset() if _client.is_real else _ask("qth_reset")


def sendTrans(mode, value):
    return _sdk.sendTrans(mode, value) if _client.is_real else _send("sendTrans", mode, value)


def sendTsl(mode, value):
    return _sdk.sendTsl(mode, value) if _client.is_real else _send("sendTsl", mode, value)


def ackTsl(mode, value, pkgId):
    if _client.is_real:
        return _sdk.ackTsl(mode, value, pkgId)
    return _send("ackTsl %s" % pkgId, mode, value)


def ackTslServer(mode, serverId, value, pkgId):
    if _client.is_real:
        return _sdk.ackTslServer(mode, serverId, value, pkgId)
    return _send("ackTslServer %s %s" % (serverId, pkgId), mode, value)


def otaRequest():
    return _sdk.otaRequest() if _client.is_real else _ask("qth_ota_request")


def otaAction(action):
    if _client.is_real:
        return _sdk.otaAction(action)
    return _ask("qth_ota_action", action=action) if isinstance(action, int) else False


def mcuFWDataRead(addr, length):
    return _sdk.mcuFWDataRead(addr, length) if _client.is_real else None


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
        told = (url, size, md5, crc) if device.INFO_HAS_SIZE else (url, md5, crc)
        _call(_client.info.get(component), component, version, *told)


def _call(callback, *values):
    if callback is not None:
        callback(*values)
