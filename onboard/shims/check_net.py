"""``checkNet``: wait for card, network and data call, and say where it stopped.

Modelled: all of it, on the module's own card, cell and data call.

Source: device-api 9.5; QuecPython/microPython ``checkNet.py`` (the printed lines).
"""

import utime as _utime

from boot.state import life as _life

_ORDER = ("CheckNetwork", "wait_network_connected", "waitNetworkReady")

_STEP_MS = 100
_WAITING = (18, 20, 21)
_READY = 1
_LIMIT_S = 60
_RULE = "=" * 50


class CheckNetwork:
    """Prints what a project is, and waits for its network."""

    def __init__(self, PROJECT_NAME, PROJECT_VERSION):
        self.PROJECT_NAME = PROJECT_NAME
        self.PROJECT_VERSION = PROJECT_VERSION
        self.FIRMWARE_VERSION = _life.facts["firmware_version"]
        self.POWERON_REASON = _life.facts["power_on_reason"]

    def poweron_print_once(self):
        print(_RULE)
        for key in ("PROJECT_NAME", "PROJECT_VERSION", "FIRMWARE_VERSION", "POWERON_REASON"):
            print("%-16s : %s" % (key, getattr(self, key)))
        print("%-16s : %s" % ("SIM_CARD_STATUS", _life.calls.ask("sim_status")))
        print(_RULE)

    def wait_network_connected(self, timeout_s=_LIMIT_S):
        return wait_network_connected(timeout_s)


def wait_network_connected(timeout_s=_LIMIT_S):
    """(stage, state): (3, 1) when all is well."""
    if not 1 <= timeout_s <= 3600:
        raise OSError("timeout_s should be in [1, 3600]s!")
    stage, state, left = _until_registered(timeout_s)
    if stage != 3:
        return (stage, state)
    while not _life.calls.ask("data_any"):
        left = _step(left)
        if left <= 0:
            return (3, 0)
    return (3, 1)


waitNetworkReady = wait_network_connected


def _until_registered(timeout_s):
    """(stage, state, milliseconds left); stage 3 when card and network are ready."""
    left = timeout_s * 1000
    while True:
        status = _life.calls.ask("sim_status")
        if status == _READY:
            break
        if status not in _WAITING:
            return (1, status, left)
        left = _step(left)
        if left <= 0:
            return (1, status, left)
    while True:
        state = _life.calls.ask("net_state")[1][0]
        if state in (1, 5):
            return (3, 0, left)
        left = _step(left)
        if left <= 0:
            return (2, state, left)


def _step(left):
    _utime.sleep_ms(_STEP_MS)
    return left - _STEP_MS
