"""``system``: REPL protection that lasts.

Modelled: the form without passwords, and where the profile has them the form with passwords, whose SHA-256 is kept in
``/usr/system_config.json`` as ``replPswd``. Status of ``replSetEnable(2)``: 1 open, 2 open with a password set, 3
refused, 4 locked by the password.

Source: device-api 3.6; the public page of ``system``.
"""

import misc as _misc
import ql_fs as _ql_fs
import uhashlib as _uhashlib
import ujson as _ujson

from boot.state import life as _life

_ORDER = ("replSetEnable", "replChangPswd")

_CONFIG = "/usr/system_config.json"
_ABNORMAL = "The system_config.JSON file is abnormal, please check!"
_QUERY = 2


def _read():
    """Content of the configuration file; None when there is no file."""
    if not _ql_fs.path_exists(_CONFIG):
        return None
    try:
        config = _ql_fs.read_json(_CONFIG)
        config.get("replFlag")
        return config
    except Exception:
        raise OSError(_ABNORMAL)


def _keep(config, flag, password):
    """Write the flag and the password's hash, keep the data-call flag."""
    if config is None:
        return
    kept = {"replFlag": flag}
    if password:
        kept["replPswd"] = password
    if "datacallFlag" in config:
        kept["datacallFlag"] = config["datacallFlag"]
    try:
        with open(_CONFIG, "w") as file:
            file.write(_ujson.dumps(kept))
    except Exception:
        raise OSError(_ABNORMAL)


def _refused(password):
    """Why the password cannot be one, as the module says it; empty when it can."""
    if not isinstance(password, str) or not 6 <= len(password) <= 12:
        return "Password length must be [6~12]!"
    if any(not "!" <= letter <= "~" for letter in password):
        return "The password contains invalid characters!"
    return ""


def _hash(password):
    return _uhashlib.sha256(password).hexdigest()


def _no(why):
    print(why)
    return -1


def replSetEnable(flag=0, **options):
    for name in options:
        if name != "password" or not _life.facts["has_repl_password"]:
            raise TypeError("unexpected keyword argument '%s'" % name)
    password = options.get("password")
    if flag == _QUERY and _life.facts["has_repl_password"]:
        return -1 if password else _misc.replEnable(_QUERY)
    if password:
        why = _refused(password)
        return _no(why) if why else _with_password(flag, _hash(password))
    _keep(_read(), flag, "")
    _misc.replEnable(flag)
    return 0


def _with_password(flag, wanted):
    config = _read()
    if config is not None and config.get("replFlag", 0):
        known = config.get("replPswd")
        if not known:
            return _no("illegal operation")
        if known != wanted:
            return _no("Incorrect password!")
    _keep(config, flag, wanted if flag else "")
    _misc.replEnable(flag, wanted if flag else "")
    return 0


def replChangPswd(old_password=None, new_password=None):
    if not _life.facts["has_repl_password"]:
        raise OSError("DO NOT SUPPORT!")
    if not old_password or not new_password:
        return _no("illegal operation")
    why = _refused(old_password) or _refused(new_password)
    if why:
        return _no(why)
    config = _read() or {}
    known = config.get("replPswd")
    if not known:
        return _no("Please set password first!")
    if known != _hash(old_password):
        return _no("Incorrect password!")
    _keep(config, config.get("replFlag", 0), _hash(new_password))
    _life.calls.ask("repl_password", password=_hash(new_password))
    return 0
