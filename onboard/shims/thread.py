"""``_thread``: native threads with the module's numbers, limits and locks that callbacks and Ctrl-C can get past.

A native ``acquire`` would hold the main thread inside the C library, deaf to interrupts; these locks try, sleep a
moment and try again, a hundred times a second when it takes long.

Modelled: everything of the pages, with 16 threads at most. Not modelled: that a thread another one stops is gone within
an instruction. Its number is free and ``threadIsRunning`` says so at once, but it ends where it next sleeps, waits for
something or asks the module for something; one that does none of these goes on.

Source: device-api 10.1; micropython-runtime 7.
"""

from boot import native as _native
from boot.channel import Guard as _Guard
from boot.state import life as _life
from boot.traces import format_exception as _format_exception
from shims.waiting import wait_for as _wait_for

_ORDER = (
    "get_ident get_heap_size stack_size start_new_thread stop_thread threadIsRunning exit allocate_lock delete_lock "
    "allocate_semphore delete_semphore LockType"
).split()

_thread = _native.thread
_MAX_THREADS = 16
_MAX_STOPPED = 64  # stopped threads that have not ended yet; they keep their stacks
_DEFAULT_STACK = 8448
_SMALLEST_STACK = 8192
_HOST_FACTOR = 16  # bytes of host stack per unit: words of 4 bytes, pointers twice as wide, larger frames

_size = [_DEFAULT_STACK]
_alive = {}  # number as scripts know it -> number of the native thread
_starting = []
_changes = _Guard()  # around every change of these three: callbacks may start threads too


class _Start:
    """A thread on its way into life."""

    ident = None  # its number, once it runs


def _short(ident):
    """A 32-bit number that looks like the address it is on the module."""
    return 0x7E000000 | (ident >> 6) & 0xFFFFF8


def get_ident():
    return _short(_thread.get_ident())


def get_heap_size():
    return _life.facts["system_heap_bytes"]


def stack_size(size=None):
    if size is None:
        return _size[0]
    if size < _SMALLEST_STACK:
        return -1
    _size[0] = size
    return 0


def start_new_thread(function, arguments, options=None):
    if not isinstance(arguments, tuple):
        raise TypeError("object '%s' isn't a tuple" % type(arguments).__name__)
    start = _Start()
    _changes.run(_admit, start, function, arguments, options or {})
    while start.ident is None:
        _native.time.sleep_us(50)
    return start.ident


def _admit(start, function, arguments, options):
    if len(_alive) + len(_starting) >= _MAX_THREADS or len(_life.stopped) >= _MAX_STOPPED:
        raise OSError("can't create thread")
    _thread.stack_size(_size[0] * _HOST_FACTOR)
    _thread.start_new_thread(_body, (start, function, arguments, options))
    _starting.append(start)


def _body(start, function, arguments, options):
    native = _thread.get_ident()
    ident = _short(native)
    _changes.run(_begin, start, ident, native)
    try:
        function(*arguments, **options)
    except SystemExit:
        return
    except BaseException as fault:
        if native not in _life.stopped:
            print("Unhandled exception in thread started by %r\n%s" % (function, _format_exception(fault)), end="")
    finally:
        _changes.run(_end, ident, native)


def _begin(start, ident, native):
    _alive[ident] = native
    _starting.remove(start)
    start.ident = ident


def _end(ident, native):
    if _life.stopped.pop(native, None) is None:
        _alive.pop(ident, None)


def stop_thread(ident):
    if ident == _short(_native.MAIN_THREAD) or (ident == 0 and _native.in_main()):
        raise ValueError("Deleting the main thread is not allowed!")
    if ident in (0, get_ident()):
        raise SystemExit
    if not _changes.run(_mark_stopped, ident):
        raise ValueError("No thread with thread id %d was found!" % ident)
    return 0


def _mark_stopped(ident):
    native = _alive.pop(ident, None)
    if native is None:
        return False
    _life.stopped[native] = True
    return True


def threadIsRunning(ident):
    return ident in _alive or ident == _short(_native.MAIN_THREAD)


def exit():
    raise SystemExit


class lock:
    """A mutual exclusion that does not make its waiter deaf."""

    def __init__(self):
        self._lock = _thread.allocate_lock()

    def acquire(self, wait=1):
        if wait:
            return _wait_for(self._take, self._lock.release)
        return self._lock.acquire(0)

    def _take(self):
        return self._lock.acquire(0)

    def release(self):
        self._lock.release()

    def locked(self):
        return self._lock.locked()

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *_):
        self.release()

    def __repr__(self):
        return "<lock>"


LockType = lock


def allocate_lock():
    return lock()


def delete_lock(which):
    if not isinstance(which, lock):
        raise TypeError("a lock is expected")


class semphore:
    """Counts down from its maximum: so many may be inside at once."""

    def __init__(self, count):
        if count < 1:
            raise ValueError("invalid count")
        self._max = count
        self._free = [None] * count  # taking and giving back are one step of the interpreter each

    def acquire(self, wait=1):
        if wait:
            return _wait_for(self._take, self.release)
        return self._take()

    def _take(self):
        try:
            self._free.pop()
            return True
        except IndexError:
            return False

    def release(self):
        if len(self._free) < self._max:
            self._free.append(None)

    def getCnt(self):
        return (self._max, len(self._free))


def allocate_semphore(count):
    return semphore(count)


def delete_semphore(which):
    if not isinstance(which, semphore):
        raise TypeError("a semphore is expected")
