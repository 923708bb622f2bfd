"""``modem``: who the module is.

Modelled: the five getters. Not modelled: ``getDevMAC``, which only Wi-Fi modules have.

Source: device-api 9.1.
"""

from boot.state import life as _life

_ORDER = ("getDevSN", "getDevImei", "getDevModel", "getDevFwVersion", "getDevProductId")


def getDevSN():
    return _life.facts["serial_number"]


def getDevImei():
    return _life.facts["imei"]


def getDevModel():
    return _life.facts["model"]


def getDevFwVersion():
    return _life.facts["firmware_version"]


def getDevProductId():
    return _life.facts["product_id"]
