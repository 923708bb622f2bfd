"""``backup_restore``: at every boot, listed files that are damaged or gone come back from ``/bak``.

Modelled: ``main``, ``bak_update`` and ``bak_file`` with the return codes of device-api 6.4. The order of writing is
copy, the backup's list, the user's list, the user's file: a file that a power cut kept from being written is one that
the next boot restores.

Source: device-api 6.3, 6.4; for ``bak_file`` the newer frozen code, which copies *to* the backup and gives 1.
"""

import checksum as _checksum
import ql_fs as _ql_fs
import ujson as _ujson
import uos as _uos

from boot.state import life as _life

backup_root_dir = "/bak"
backup_restore_flag_file = "/bak/backup_restore.json"
backup_restore_flag_file_max_size = 64

_ORDER = (
    "backup_root_dir", "backup_restore_flag_file", "backup_restore_flag_file_max_size", "bak_update", "bak_file",
    "main",
)  # fmt: skip

_WRITABLE = "/_bak"
_PARTITION = "customer_backup_fs"


class _checkError(Exception):
    """The switch file is not usable."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return "'%s'" % self.text


def _is_enabled():
    if not _ql_fs.path_exists(backup_restore_flag_file):
        raise _checkError(backup_restore_flag_file + " not exist")
    with open(backup_restore_flag_file) as file:
        text = file.read(backup_restore_flag_file_max_size)
    if not text:
        raise _checkError(backup_restore_flag_file + " is empty")
    return _ujson.loads(text)["enable"]


def _begin(is_fine):
    """What every writer checks first: 0 to go on, else its return code."""
    if not is_fine:
        return -1
    try:
        return 0 if _is_enabled() else -3
    except Exception:
        return -2


def bak_update(file, data):
    file = file if file.startswith("/") else "/" + file
    code = _begin(isinstance(data, dict) and not _ql_fs.path_exists(file))
    if code:
        return code
    _uos.mount(_uos.VfsLfs1(32, 32, 32, _PARTITION), _WRITABLE)
    try:
        copy = _WRITABLE + file
        if _ql_fs.touch(copy, data) or _checksum.bak_update(file_name=copy) is None:
            raise Exception("checksum failed")
        if _checksum._take(_checksum.checksum_file, file, copy) is None:
            raise Exception("checksum failed")
        _ql_fs.mkdirs(_ql_fs.path_dirname(file))
        _ql_fs.file_copy(file, copy)
    except Exception as fault:
        print(fault)
        if _ql_fs.path_exists(file):
            _uos.remove(file)
        code = -5
    finally:
        _uos.umount(_WRITABLE)
    return code


def bak_file(file):
    file = file if file.startswith("/") else "/" + file
    code = _begin(_ql_fs.path_exists(file))
    if code:
        return code
    _uos.mount(_uos.VfsLfs1(32, 32, 32, _PARTITION), _WRITABLE)
    try:
        copy = _WRITABLE + file
        _ql_fs.mkdirs(_ql_fs.path_dirname(copy))
        if not _ql_fs.file_copy(copy, file):
            return -6
        if _checksum.bak_update(file_name=copy) is None:
            return -4
        _checksum.usr_update(file_name=file)
    except Exception:
        return -5
    finally:
        _uos.umount(_WRITABLE)
    return 1


def main():
    try:
        if _is_enabled():
            _restore()
    except Exception as fault:
        if not _life.facts["quiet"]:
            print("x backup restore procedure error: %s" % fault)


def _restore():
    restored = []
    for entry in _ujson.loads(_checksum.check()):
        if _checksum._is_intact(entry):
            continue
        name = entry["name"]
        print("- restoring %s" % name)
        backup = backup_root_dir + "/" + name
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
