"""``ql_fs``: file-system helpers of the module.

Source: device-api 5.4.
"""

import ujson as _ujson
import uos as _uos

_DIRECTORY = 0x4000
_PIECE = 4096


class FileNotFoundError(Exception):
    """The module's own exception class."""

    def __init__(self, path):
        super().__init__("can not find: '%s'" % path)


def path_exists(path):
    if not path:
        return False
    try:
        _uos.stat(path)
    except Exception:
        return False
    return True


def path_dirname(path):
    if "/" not in path:
        return ""
    return path[: path.rfind("/")] or "/"


def path_getsize(path):
    if not path_exists(path):
        raise FileNotFoundError(path)
    return _uos.stat(path)[-4]


def mkdirs(path):
    made = ""
    for part in path.split("/"):
        if part:
            made += "/" + part
            if not path_exists(made):
                _uos.mkdir(made)


def rmdirs(path):
    for name, kind, _, _ in list(_uos.ilistdir(path)):
        inner = path.rstrip("/") + "/" + name
        if kind == _DIRECTORY:
            rmdirs(inner)
        else:
            _uos.remove(inner)
    _uos.rmdir(path)


def touch(file, data, **options):
    try:
        parent = path_dirname(file)
        if parent not in ("", "/"):
            mkdirs(parent)
        text = _ujson.dumps(data) if options.get("file_type", "json") == "json" else data
        with open(file, "w") as out:
            out.write(text)
    except Exception:
        return -1
    return 0


def read_json(path):
    if not path_exists(path):
        return None
    with open(path) as file:
        return _ujson.load(file)


def file_copy(target, source):
    if not path_exists(source):
        return False
    with open(source, "rb") as read, open(target, "wb") as write:
        while True:
            data = read.read(_PIECE)
            if not data:
                return True
            write.write(data)
