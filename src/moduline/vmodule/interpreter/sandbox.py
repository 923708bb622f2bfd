"""Kernel confinement of one interpreter process: after ``confine()`` it holds its open descriptors and nothing else.

Three layers, all applied by the process to itself, irrevocably, inherited by its threads:

1. resource limits: no core files, no file growth, few descriptors, bounded address space;
2. Landlock: an empty rule set, so no path of the host can be opened, listed, made or removed; no TCP, and where the
   kernel knows it no signals or abstract sockets to outside;
3. seccomp: a list of allowed system calls, everything else fails with EPERM; ``clone`` only for threads, ``tgkill``
   only to this process, ``recvmsg`` only on the control socket (descriptors are lent through it, see ``child``), no
   executable memory, so machine code in a hostile ``.mpy`` never runs.

The filter is a BPF program assembled here by hand; a few dozen instructions. Runs inside the zygote: standard library
only. On systems without Landlock or seccomp ``confine`` says what is missing; the caller decides whether to go on.

Source: micropython-runtime 8; kernel interfaces landlock(7), seccomp(2).
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
from typing import Final

MAX_ADDRESS_SPACE_BYTES: Final = 1 << 30
MAX_DESCRIPTORS: Final = 32
CONTROL_FD: Final = 7  # the one socket that descriptors may come through

# ---- system call numbers, x86-64 ----------------------------------------------------------------------------------
_X86_64: Final = 0xC000003E  # AUDIT_ARCH_X86_64

_ALLOWED: Final = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "munmap": 11, "brk": 12, "rt_sigaction": 13,
    "rt_sigprocmask": 14, "rt_sigreturn": 15, "readv": 19, "writev": 20, "select": 23, "sched_yield": 24, "mremap": 25,
    "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60, "gettimeofday": 96, "sigaltstack": 131, "gettid": 186,
    "time": 201, "futex": 202, "sched_getaffinity": 204, "restart_syscall": 219, "clock_gettime": 228,
    "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "pselect6": 270, "ppoll": 271,
    "set_robust_list": 273, "getrandom": 318, "rseq": 334,
}  # fmt: skip

_MMAP, _MPROTECT, _RECVMSG, _CLONE, _TGKILL, _CLONE3 = 9, 10, 47, 56, 234, 435
_PROT_EXEC, _CLONE_THREAD = 4, 0x10000
_EPERM, _ENOSYS = 1, 38

# ---- seccomp ------------------------------------------------------------------------------------------------------
_LOAD, _JUMP_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF: ld abs, jeq, jset, ret
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_AT_NUMBER, _AT_ARCH, _AT_ARGUMENTS = 0, 4, 16  # struct seccomp_data

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9

# ---- Landlock -----------------------------------------------------------------------------------------------------
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # number of file-system right bits by interface version


def _step(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _deny(errno: int) -> bytes:
    return _step(_RETURN, 0, 0, _ERRNO | errno)


def seccomp_program(own_pid: int) -> bytes:
    """The filter as an array of BPF instructions of 8 bytes each.

    Args:
        own_pid: the process that ``tgkill`` may reach.
    """
    allow, load_number = _step(_RETURN, 0, 0, _ALLOW), _step(_LOAD, 0, 0, _AT_NUMBER)
    program = [
        _step(_LOAD, 0, 0, _AT_ARCH),
        _step(_JUMP_EQUAL, 1, 0, _X86_64),
        _step(_RETURN, 0, 0, _KILL),
        load_number,
    ]
    for number in _ALLOWED.values():
        program += [_step(_JUMP_EQUAL, 0, 1, number), allow]
    program += [_step(_JUMP_EQUAL, 0, 1, _CLONE3), _deny(_ENOSYS)]  # the C library falls back to clone
    # mmap and mprotect: argument 2 is the protection
    for number in (_MMAP, _MPROTECT):
        program += [
            _step(_JUMP_EQUAL, 0, 4, number),
            _step(_LOAD, 0, 0, _AT_ARGUMENTS + 2 * 8),
            _step(_JUMP_SET, 0, 1, _PROT_EXEC),
            _deny(_EPERM),
            allow,
        ]
    program += [
        _step(_JUMP_EQUAL, 0, 4, _CLONE),
        _step(_LOAD, 0, 0, _AT_ARGUMENTS),
        _step(_JUMP_SET, 1, 0, _CLONE_THREAD),
        _deny(_EPERM),
        allow,
        _step(_JUMP_EQUAL, 0, 4, _RECVMSG),
        _step(_LOAD, 0, 0, _AT_ARGUMENTS),
        _step(_JUMP_EQUAL, 0, 1, CONTROL_FD),
        allow,
        _deny(_EPERM),
        _step(_JUMP_EQUAL, 0, 3, _TGKILL),
        _step(_LOAD, 0, 0, _AT_ARGUMENTS),
        _step(_JUMP_EQUAL, 0, 1, own_pid),
        allow,
        _deny(_EPERM),
    ]
    return b"".join(program)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def limit_resources() -> None:
    """Apply the resource limits of layer 1."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_DESCRIPTORS, MAX_DESCRIPTORS))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE_BYTES, MAX_ADDRESS_SPACE_BYTES))


def confine() -> tuple[str, ...]:
    """Confine this process; gives the names of the layers that this system lacks (empty when all hold)."""
    limit_resources()
    if sys.platform != "linux":
        return ("landlock", "seccomp")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    missing = []
    if not _landlock(libc):
        missing.append("landlock")
    if not _seccomp(libc):
        missing.append("seccomp")
    return tuple(missing)


def _landlock(libc: ctypes.CDLL) -> bool:
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = (1 << _FS_RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("=QQQ", rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    ruleset = libc.syscall(_LANDLOCK_CREATE, buffer, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    done = libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return bool(done)


def _seccomp(libc: ctypes.CDLL) -> bool:
    if os.uname().machine != "x86_64":
        return False
    program = seccomp_program(os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    filter_program = ctypes.create_string_buffer(header, len(header))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filter_program, 0, 0) == 0)
