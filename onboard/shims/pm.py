"""``pm``: wake locks, automatic sleep and the power-saving mode of the network.

Modelled: locks and settings as facts, seen on the bench; PSM timers are kept. Not modelled: sleep currents, and that
USB vanishes while the module sleeps.

Source: QuecPython/microPython ``modlpm.c``; the vendor's page of ``pm``.
"""

from boot.state import life as _life

_ORDER = (
    "create_wakelock delete_wakelock wakelock_lock wakelock_unlock autosleep get_wakelock_num set_psm_time get_psm_time"
).split()

_MAX_LOCKS = 32
_locks = {}  # number -> whether it is locked
_psm = [0, 0, 0, 0, 0]


def create_wakelock(lock_name, name_size=None):
    if not isinstance(lock_name, str):
        raise TypeError("can't convert '%s' object to str implicitly" % type(lock_name).__name__)
    for number in range(1, _MAX_LOCKS + 1):
        if number not in _locks:
            _locks[number] = False
            return number
    return -1


def delete_wakelock(lpm_fd):
    if lpm_fd not in _locks:
        return -1
    wakelock_unlock(lpm_fd)
    del _locks[lpm_fd]
    return 0


def wakelock_lock(lpm_fd):
    return _turn(lpm_fd, True)


def wakelock_unlock(lpm_fd):
    return _turn(lpm_fd, False)


def _turn(lpm_fd, is_locked):
    if lpm_fd not in _locks:
        return -1
    _locks[lpm_fd] = is_locked
    _life.calls.ask("bench_note", what="wakelock", name=str(lpm_fd), value=1 if is_locked else 0)
    return 0


def autosleep(sleep_flag):
    if sleep_flag not in (0, 1):
        return -1
    _life.calls.ask("bench_note", what="sleep", name="auto", value=int(sleep_flag))
    return 0


def get_wakelock_num():
    return len(_locks)


def set_psm_time(*settings):
    if len(settings) == 1 and settings[0] in (0, 1):
        _psm[0] = settings[0]
        return True
    if len(settings) == 4 and settings[0] in range(8) and settings[2] in (0, 1, 2, 7):
        _psm[:] = [1] + list(settings)
        return True
    return False


def get_psm_time():
    return list(_psm)
