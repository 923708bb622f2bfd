"""``backup_restore``: at every boot, listed files that are damaged or gone come back from ``/bak``.

Source: device-api 6.3.
"""

import checksum as _checksum
import ql_fs as _ql_fs
import ujson as _ujson

from boot.state import life as _life

_FLAG = "/bak/backup_restore.json"
_FLAG_LIMIT = 64


class _flagError(Exception):
    """The switch file is not usable."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return "'%s'" % self.text


def main():
    try:
        if not _is_enabled():
            return
        _restore()
    except Exception as fault:
        if not _life.facts["quiet"]:
            print("x backup restore procedure error: %s" % fault)


def _is_enabled():
    if not _ql_fs.path_exists(_FLAG):
        raise _flagError(_FLAG + " not exist")
    with open(_FLAG) as file:
        text = file.read(_FLAG_LIMIT)
    if not text:
        raise _flagError(_FLAG + " is empty")
    return _ujson.loads(text)["enable"]


def _restore():
    restored = []
    for entry in _ujson.loads(_checksum.check()):
        if _checksum.is_intact(entry):
            continue
        name = entry["name"]
        print("- restoring %s" % name)
        backup = "/bak/" + name
        if not _ql_fs.path_exists(backup):
            print("~ backup file does not exist: %s" % name)
            continue
        _ql_fs.mkdirs(_ql_fs.path_dirname(name))
        _ql_fs.file_copy(name, backup)
        restored.append(name)
    if restored:
        print("- updating checksum")
        _checksum.bulk_update(restored)
        print("- done")
