"""``example``: run a file in the name space of the prompt.

Modelled: everything device-api 11 says; a missing file says nothing, or raises where the profile has it so.

Source: device-api 2.4, 11.
"""

import usys as _sys

from boot.loop import execute as _execute
from boot.loop import read_source as _read_source
from boot.state import life as _life

_ORDER = ("exec",)


def exec(path):
    if not path.startswith("/"):
        path = "/" + path
    try:
        source = _read_source(path)
    except OSError:
        if _life.facts["is_missing_exec_silent"]:
            return
        raise OSError("File path error or not exist: [%s]" % path)
    try:
        _execute(source, path, "exec", _life.g)
    except KeyboardInterrupt as fault:
        _sys.print_exception(fault)
        raise SystemExit
    except SystemExit:
        raise
    except BaseException as fault:
        _sys.print_exception(fault)
