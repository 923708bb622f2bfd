"""``app_fota``: script upgrade; what was staged in ``/usr/.updater`` takes effect at the next boot.

Source: device-api 8.
"""

import checksum as _checksum
import ql_fs as _ql_fs
import ujson as _ujson
import uos as _uos

_STAGE = "/usr/.updater"
_STAT = _STAGE + "/download.stat"
_FLAG = _STAGE + "/update.flag"
_LIMIT = 16384


class app_fota:
    """The staging area."""

    def download(self, url, file_name):
        raise NotImplementedError("app_fota.download is not modelled by this virtual module yet")

    def bulk_download(self, info=()):
        raise NotImplementedError("app_fota.bulk_download is not modelled by this virtual module yet")

    def set_update_flag(self):
        _ql_fs.mkdirs(_STAGE)
        with open(_FLAG, "w"):
            pass

    def update(self):
        if not _ql_fs.path_exists(_FLAG):
            return None
        if not _ql_fs.path_exists(_STAT):
            return -1
        try:
            with open(_STAT) as file:
                staged = _ujson.loads(file.read(_LIMIT))
            print(staged)
            print(staged)
            while staged:
                self._take(staged)
            _ql_fs.rmdirs(_STAGE)
        except Exception:
            return -1
        return 0

    def _take(self, staged):
        target = staged[0]["name"]
        source = _STAGE + "/" + target
        is_there = _ql_fs.path_exists(source)
        if is_there:
            _ql_fs.mkdirs(_ql_fs.path_dirname(target))
            _ql_fs.file_copy(target, source)
            _checksum.update(target)
        staged.pop(0)
        with open(_STAT, "w") as file:
            _ujson.dump(staged, file)
        _uos.remove(source)


def new():
    return app_fota()
