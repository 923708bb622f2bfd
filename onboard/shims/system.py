"""``system``: REPL protection.

Source: device-api 3.6.
"""

import ujson as _ujson

from boot.state import life as _life

_CONFIG = "/usr/system_config.json"


def replSetEnable(flag=0, **options):
    if options:
        raise NotImplementedError("REPL passwords are not modelled by this virtual module yet")
    try:
        with open(_CONFIG) as file:
            config = _ujson.load(file)
        config["replFlag"] = flag
    except Exception:
        raise OSError("The system_config.JSON file is abnormal, please check!")
    with open(_CONFIG, "w") as file:
        _ujson.dump(config, file)
    _life.calls.ask("repl_protect", is_on=bool(flag))
    return 0


def replChangPswd(old, new):
    raise NotImplementedError("REPL passwords are not modelled by this virtual module yet")
