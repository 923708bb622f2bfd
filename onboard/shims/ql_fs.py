"""``ql_fs``: file-system helpers of the module.

Modelled: everything device-api 5.4 lists. ``read_json`` raises for text that is no JSON, as the code does; the pages
say it gives the text.

Source: device-api 5.4.
"""

import ujson as _ujson
import uos as _uos

_DIRECTORY = 0x4000
_PIECE = 4096

_ORDER = (
    "FileNotFoundError", "path_exists", "file_copy", "path_dirname", "path_getsize", "mkdirs", "rmdirs", "touch",
    "read_json",
)  # fmt: skip


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


def file_copy(target, source):
    if not path_exists(source):
        return False
    with open(source, "rb") as read, open(target, "wb") as write:
        while True:
            data = read.read(_PIECE)
            if not data:
                return True
            write.write(data)


def path_dirname(path):
    if not path or "/" not in path:
        return ""
    return path[: path.rfind("/")] or "/"


def path_getsize(path):
    if not path_exists(path):
        raise FileNotFoundError(path)
    return _uos.stat(path)[-4]


def mkdirs(path):
    made = ""
    for number, part in enumerate(path.split("/")):
        made = made + "/" + part if number else part
        if made and not path_exists(made):
            _uos.mkdir(made)


def rmdirs(path):
    entries = list(_uos.ilistdir(path))
    for entry in entries:
        if entry[1] != _DIRECTORY:
            _uos.remove(path + "/" + entry[0])
    for entry in entries:
        if entry[1] == _DIRECTORY:
            rmdirs(path + "/" + entry[0])
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
