"""The interpreter library: MicroPython's Unix port as a shared object, called through ctypes.

Only three of its symbols are used, all looked up and checked when the library is opened:

* ``micropython_unix_main(argc, argv)`` runs the interpreter on the calling thread; ctypes drops CPython's GIL
  meanwhile, so that the control thread of ``child`` keeps running beside it;
* ``mp_sched_keyboard_interrupt()`` makes KeyboardInterrupt pending; taken between two bytecodes, never inside the
  allocator (an interrupt by SIGINT would jump out of anything and corrupt the heap);
* ``mp_sched_schedule(function, argument)`` makes a call pending.

Both pending kinds are noticed at once when the main thread sits in a system call, because SIGUSR1 makes the call return
EINTR. This module runs inside the zygote: it imports nothing but the standard library.

Source: micropython-runtime 3, 5, 6, 13.
"""

from __future__ import annotations

import ctypes
import importlib.util
import signal
import sys
import threading
from pathlib import Path
from typing import Final

LIBRARIES: Final = ("micropython_module", "micropython_run")  # names of the extension in its two distributions
SYMBOLS: Final = ("micropython_unix_main", "mp_sched_keyboard_interrupt", "mp_sched_schedule")
RESTARTS: Final = sys.platform == "linux"
"""SIGUSR1 lets system calls go on that nobody waits in for something.

The collector asks every thread for its stack and waits on a semaphore for the answer, and does not look whether that
wait ended by a signal; then it marks while the other thread marks, and frees what is in use. So the signal must not end
that wait. On Linux, waits for time and sockets with a time-out (``life._make_wakeable``) end all the same.
"""
SMALL_INT_ZERO: Final = 1  # the interpreter's representation of the integer 0


class EngineError(Exception):
    """The interpreter library cannot be used; the text says why. ``zygote`` turns it into InterpreterMissing."""


def find_library() -> Path:
    """Path of the interpreter's shared object in this Python installation.

    Raises:
        EngineError: no distribution with it is installed.
    """
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin)
    msg = f"none of the modules {', '.join(LIBRARIES)} is installed"
    raise EngineError(msg)


class Engine:
    """An opened interpreter library; one per process, because the interpreter has global state.

    Args:
        path: the shared object.

    Raises:
        EngineError: it does not load or lacks one of the symbols.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._library = ctypes.CDLL(str(path))
        except OSError as fault:
            raise EngineError(str(fault)) from fault
        for symbol in SYMBOLS:
            if not hasattr(self._library, symbol):
                msg = f"{path.name} does not export {symbol}"
                raise EngineError(msg)
        self._library.mp_sched_schedule.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._library.mp_sched_schedule.restype = ctypes.c_bool
        self._main_thread = 0

    def run(self, arguments: list[str]) -> int:
        """Run the interpreter on this thread until it ends; gives its exit code."""
        self._main_thread = threading.get_ident()
        signal.signal(signal.SIGUSR1, _wake)
        signal.siginterrupt(signal.SIGUSR1, not RESTARTS)
        encoded = [word.encode() for word in arguments]
        argv = (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)
        return int(self._library.micropython_unix_main(len(encoded), argv))

    def interrupt(self) -> None:
        """Make KeyboardInterrupt pending in the interpreter's main thread; called from another thread."""
        self._library.mp_sched_keyboard_interrupt()
        signal.pthread_kill(self._main_thread, signal.SIGUSR1)

    def schedule(self, function: int) -> bool:
        """Make a call of the interpreter's function object at address ``function`` pending, with argument 0.

        Returns: False when its queue is full, as a script can fill it.
        """
        is_pending = self._library.mp_sched_schedule(function, SMALL_INT_ZERO)
        signal.pthread_kill(self._main_thread, signal.SIGUSR1)
        return bool(is_pending)


def _wake(number: int, frame: object) -> None:
    """SIGUSR1 has no meaning but to end a system call."""
    del number, frame
