"""The interpreter's own modules, taken before the device's modules take over their names."""

import _thread as thread
import builtins
import gc
import hashlib
import io
import json
import os
import sys
import time

import machine
import micropython
import vfs

open_file = builtins.open
import_module = builtins.__import__
VfsLfs1 = vfs.VfsLfs1
VfsLfs2 = vfs.VfsLfs2
MAIN_THREAD = thread.get_ident()


def in_main():
    """True on the thread that runs main.py and the REPL: the only one that interrupts and callbacks reach."""
    return thread.get_ident() == MAIN_THREAD
