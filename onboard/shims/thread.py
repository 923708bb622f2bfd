"""``_thread``: native threads with the module's numbers, limits and locks that callbacks and Ctrl-C can get past.

A native ``acquire`` would hold the main thread inside the C library, deaf to interrupts; these locks try, sleep a
millisecond and try again.

Source: device-api 10.1; micropython-runtime 7.
"""

from boot import native as _native
from boot.traces import format_exception as _format_exception
from boot.state import life as _life

_thread = _native.thread
_sleep_ms = _native.time.sleep_ms
_MAX_THREADS = 16
_DEFAULT_STACK = 8448
_HOST_FACTOR = 16  # bytes of host stack per unit: words of 4 bytes, pointers twice as wide, larger frames

_size = [_DEFAULT_STACK]
_alive = {}
_changes = _thread.allocate_lock()


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
    if size < 8192:
        return -1
    _size[0] = size
    return 0


def start_new_thread(function, arguments, options=None):
    if not isinstance(arguments, tuple):
        raise TypeError("object '%s' isn't a tuple" % type(arguments).__name__)
    box = [None]
    _changes.acquire()
    try:
        if len(_alive) >= _MAX_THREADS:
            raise OSError("can't create thread")
        _alive[id(box)] = box
        _thread.stack_size(_size[0] * _HOST_FACTOR)
        _thread.start_new_thread(_body, (box, function, arguments, options or {}))
    finally:
        _changes.release()
    while box[0] is None:
        _sleep_ms(0)
    return box[0]


def _body(box, function, arguments, options):
    box[0] = get_ident()
    try:
        function(*arguments, **options)
    except SystemExit:
        return
    except BaseException as fault:
        print("Unhandled exception in thread started by %r\n%s" % (function, _format_exception(fault)), end="")
    finally:
        _changes.acquire()
        _alive.pop(id(box), None)
        _changes.release()


def stop_thread(ident):
    if ident == _short(_native.MAIN_THREAD) or (ident == 0 and _native.in_main()):
        raise ValueError("Deleting the main thread is not allowed!")
    if ident in (0, get_ident()):
        raise SystemExit
    raise NotImplementedError("stop_thread of another thread is not modelled by this virtual module yet")


def exit():
    raise SystemExit


class lock:
    """A mutual exclusion that does not make its waiter deaf."""

    def __init__(self):
        self._lock = _thread.allocate_lock()

    def acquire(self, wait=1):
        if self._lock.acquire(0):
            return True
        if not wait:
            return False
        while not self._lock.acquire(0):
            _sleep_ms(1)
        return True

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
    """Counts down from its maximum."""

    def __init__(self, count):
        self._max = count
        self._count = count
        self._changes = _thread.allocate_lock()

    def acquire(self, wait=1):
        while True:
            self._changes.acquire()
            if self._count:
                self._count -= 1
                self._changes.release()
                return True
            self._changes.release()
            if not wait:
                return False
            _sleep_ms(1)

    def release(self):
        self._changes.acquire()
        self._count = min(self._max, self._count + 1)
        self._changes.release()

    def getCnt(self):
        return (self._max, self._count)


def allocate_semphore(count):
    return semphore(count)


def delete_semphore(which):
    if not isinstance(which, semphore):
        raise TypeError("a semphore is expected")
