"""The data call of power-on: what ``/usr/user_apn.json`` says, else the network's own access point on profile 1.

The boot only asks for it; the module dials when it is registered, and tries three times.

Source: device-api 2.2 (step 4), 9.4.
"""

from boot import native
from boot.state import life

USER_APN = "/usr/user_apn.json"
FILE_LIMIT = 4096
TEXTS = (("apn", 99), ("user", 64), ("password", 64))


def begin():
    """Ask for it; a file that cannot be used is reported to the owner, and nothing is dialled, as on the module."""
    if not life.calls.ask("answers", name="data_boot"):
        return  # nothing around this module has a radio
    try:
        with native.builtins.open(USER_APN, "rb") as file:
            text = file.read(FILE_LIMIT)
    except OSError as fault:
        if fault.errno == 2:
            life.calls.ask("data_boot", profile=0)
        return
    try:
        access = _access(native.json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        life.calls.ask("notice", slug="virt.bad-config", path=USER_APN, reason=repr(fault)[:200])
        return
    life.calls.ask("data_boot", **access)


def _access(kept):
    """The facts of the call; every value in the file is a text."""
    access = {"profile": int(kept["pdp"]), "ip_type": int(kept["iptype"]), "auth": int(kept["authtype"])}
    if not (1 <= access["profile"] <= life.facts["pdp_profiles"] and access["ip_type"] in (0, 1, 2)):
        raise ValueError("no such profile")
    if access["auth"] not in (0, 1, 2):
        raise ValueError("no such authentication")
    for name, most in TEXTS:
        if not isinstance(kept[name], str) or len(kept[name]) > most:
            raise ValueError(name)
        access[name] = kept[name]
    return access
