"""``fota``: the firmware upgrade type. ``import fota`` gives the type itself, so that ``fota()`` makes the object.

Source: device-api 7.1.
"""

_made = []


class fota:
    """One object per module; its upgrade verbs are not modelled yet and say so."""

    def __new__(cls, *arguments, **options):
        if not _made:
            _made.append(object.__new__(cls))
        return _made[0]

    def __init__(self, reset_disable=0):
        self._is_reset_disabled = reset_disable

    def __getattr__(self, name):
        if name in ("write", "flush", "verify", "httpDownload", "apn_set", "download_cancel"):
            raise NotImplementedError("fota.%s is not modelled by this virtual module yet" % name)
        raise AttributeError("'fota' object has no attribute '%s'" % name)


AS_MODULE = fota
