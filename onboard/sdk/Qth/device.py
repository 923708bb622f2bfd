"""What the module says about itself, and where it opens connections. Whatever a module cannot say is left out.

Source: ota-semantics 11.4; device-api 5, 9.
"""

import usocket

SDK_VERSION = "moduline 1.0"
PROTOCOLS = ("1.3.0", "3.0.0")  # of data and of communication
INFO_HAS_SIZE = False  # infoCB is told the size too, as newer firmware does it
SHA256_WANTED = False  # packages are asked for with SHA-256, and not taken without it
CA_FILE = "/usr/qth_ca.pem"  # where it is there, TLS servers must have a certificate of one of these authorities
_CONNECT_S = 10


def _said(ask):
    """What ``ask`` gives; None when this module has no such thing, or no answer now."""
    try:
        value = ask()
    except Exception:  # a module that is missing, no SIM card, no network yet
        return None
    return None if value in (-1, "", None) else value


def device_key():
    import modem

    return modem.getDevImei()


def firmware_version():
    import modem

    return modem.getDevFwVersion()


def model():
    import modem

    return modem.getDevModel()


def free_flash():
    """Bytes that are free in /usr."""
    import uos

    found = uos.statvfs("/usr")
    return found[0] * found[3]


def restart():
    from misc import Power

    Power.powerRestart()


def _millivolts():
    from misc import Power

    return Power.getVbatt()


def _signal():
    import net

    level = net.csqQueryPoll()
    return None if level == 99 else 2 * level - 113


def _iccid():
    import sim

    return sim.getIccid()


def status():
    """(id, value) of battery, voltage, signal and free flash."""
    rows = []
    level = _said(_millivolts)
    if level:
        rows.append((1, max(0, min(100, (level - 3400) // 8))))
        rows.append((2, (level, 3)))
    rows.append((3, _said(_signal)))
    rows.append((4, _said(free_flash)))
    return [row for row in rows if row[1] is not None]


def information(components):
    """(id, value) of model, versions and protocols; unknown texts are empty."""
    return [
        (1, _said(model) or ""),
        (2, _said(firmware_version) or ""),
        (3, components),
        (5, _said(_iccid) or ""),
        (11, SDK_VERSION),
        (12, ""),
        (13, PROTOCOLS[0]),
        (14, PROTOCOLS[1]),
    ]


def split_url(url):
    """(scheme, host, port, path) of a URL; ValueError when it is none."""
    scheme, _, rest = url.partition("://")
    ports = {"mqtt": 1883, "mqtts": 8883, "http": 80, "https": 443}
    if scheme not in ports or not rest:
        raise ValueError("URL")
    place, slash, path = rest.partition("/")
    host, _, port = place.partition(":")
    number = int(port) if port else ports[scheme]
    if not host or not 0 < number < 65536 or [1 for sign in rest if not "!" <= sign <= "~"]:
        raise ValueError("URL")
    return scheme, host, number, slash + path or "/"


def connect(scheme, host, port):
    """A connected socket that does not block."""
    found = usocket.getaddrinfo(host, port)
    if not found:
        raise OSError(-2)
    sock = usocket.socket()
    try:
        sock.settimeout(_CONNECT_S)
        sock.connect(found[0][-1])
        if scheme in ("mqtts", "https"):
            sock = _secured(sock, host)
        sock.setblocking(False)
    except Exception:
        sock.close()
        raise
    return sock


def _secured(sock, host):
    """TLS over a connected socket; OSError or ValueError when the server is not who it should be."""
    import uos
    import ussl

    try:
        uos.stat(CA_FILE)
    except OSError:
        return ussl.wrap_socket(sock, server_hostname=host)
    with open(CA_FILE) as file:
        authorities = file.read()
    return ussl.wrap_socket(sock, server_hostname=host, cert=authorities)
