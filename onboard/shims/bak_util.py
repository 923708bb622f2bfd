"""``bak_util``: one configuration file kept in the backup and in ``/usr``.

Modelled: ``SecureStorage`` with ``write``, ``read``, ``add`` and ``file``, also as ``JsonFile``.

Source: device-api 6.4.
"""

import backup_restore as _backup_restore
import ql_fs as _ql_fs
import ujson as _ujson
import uos as _uos

_ORDER = ("SecureStorage", "JsonFile")

_USER = "/usr/_usr_config.json"
_BACKUP = "/bak/_usr_config.json"
_WRITABLE = "/_bak"


class SecureStorage:
    """Class methods only."""

    @classmethod
    def write(cls, data):
        if not isinstance(data, dict):
            return -1
        if _ql_fs.path_exists(_BACKUP):
            return -3
        _uos.mount(_uos.VfsLfs1(32, 32, 32, "customer_backup_fs"), _WRITABLE)
        try:
            with open(_WRITABLE + "/_usr_config.new", "w") as file:
                file.write(_ujson.dumps(data))
            _uos.rename(_WRITABLE + "/_usr_config.new", _WRITABLE + "/_usr_config.json")
            _ql_fs.file_copy(_USER, _BACKUP)
        except Exception:
            return -2
        finally:
            _uos.umount(_WRITABLE)
        return 0

    @classmethod
    def read(cls):
        if not _ql_fs.path_exists(_USER) or not _ql_fs.path_getsize(_USER):
            if not _ql_fs.file_copy(_USER, _BACKUP):
                return None
        return _ql_fs.read_json(_USER)

    @classmethod
    def add(cls, file, data):
        return _backup_restore.bak_update(file, data)

    @classmethod
    def file(cls, file):
        return _backup_restore.bak_file(file)


JsonFile = SecureStorage
