# ruff: noqa: PTH123, RET503, UP031, PLR1714, I001  MicroPython, not CPython
"""Runs inside MicroPython: does a job on an image with the interpreter's own littlefs and prints what it saw.

Usage: micropython oracle_script.py JOB.json. Not a test module; see oracle.py beside it.
"""

import sys

import binascii
import hashlib
import json
import vfs


class Device:
    """A block device over a bytearray with NOR rules; blocks in ``bad`` silently keep what they have."""

    def __init__(self, cells, block_bytes, block_count, bad):
        self.cells = cells
        self.block_bytes = block_bytes
        self.block_count = block_count
        self.bad = bad
        self.violations = 0
        self.programs = 0
        self.erases = 0
        self.limit = -1

    def readblocks(self, number, buf, off=0):
        at = number * self.block_bytes + off
        buf[:] = self.cells[at : at + len(buf)]

    def writeblocks(self, number, buf, off=0):
        if self.limit == self.programs + self.erases:
            return -5
        self.programs += 1
        if number in self.bad:
            return 0
        at = number * self.block_bytes + off
        size = len(buf)
        if number >= self.block_count or self.cells[at : at + size] != b"\xff" * size:
            self.violations += 1
        self.cells[at : at + size] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return self.block_count
        if op == 5:
            return self.block_bytes
        if op == 6:
            if self.limit == self.programs + self.erases:
                return -5
            self.erases += 1
            if arg not in self.bad:
                at = arg * self.block_bytes
                self.cells[at : at + self.block_bytes] = b"\xff" * self.block_bytes
        return 0


def content(spec):
    """Bytes of [size, seed]: the same sequence that oracle.py makes."""
    size, seed = spec
    out = bytearray(size)
    state = seed & 0x3FFFFFFF
    at = 0
    while at < size:
        state = (state * 1103515 + 12345) & 0x3FFFFFFF
        piece = binascii.unhexlify("%08x" % state) * 16
        out[at : at + 64] = piece[: min(64, size - at)]
        at += 64
    return out


def dump(fs, path="", found=None):
    found = [] if found is None else found
    for entry in fs.ilistdir(path or "/"):
        inner = path + "/" + entry[0]
        if entry[1] == 0x4000:
            found.append([inner[1:], None, None])
            dump(fs, inner, found)
        else:
            with fs.open(inner, "rb") as stream:
                data = stream.read()
            found.append([inner[1:], len(data), binascii.hexlify(hashlib.sha256(data).digest()).decode()])
    return found


def act(fs, op, args):
    if op == "write" or op == "append":
        with fs.open(args[0], "wb" if op == "write" else "ab") as stream:
            stream.write(content(args[1]))
    elif op == "patch":
        with fs.open(args[0], "r+b") as stream:
            stream.seek(args[1])
            stream.write(content(args[2]))
    elif op == "mkdir":
        fs.mkdir(args[0])
    elif op == "remove":
        fs.remove(args[0])
    elif op == "rename":
        fs.rename(args[0], args[1])
    else:
        raise ValueError(op)


def main():
    with open(sys.argv[1]) as stream:
        job = json.load(stream)
    kind = getattr(vfs, job["kind"])
    with open(job["image"], "rb") as stream:
        cells = bytearray(stream.read())
    device = Device(cells, job["block_bytes"], job["block_count"], job["bad"])
    sizes = {"readsize": job["read_bytes"], "progsize": job["program_bytes"], "lookahead": job["lookahead"]}
    answer = {"errors": []}
    if job["format"]:
        kind.mkfs(device, **sizes)
    try:
        fs = kind(device, **sizes)
    except OSError as wrong:
        print(json.dumps({"mount": wrong.args[0]}))
        return
    device.limit = job["limit"]
    vfs.mount(fs, "/oracle")
    for op in job["ops"]:
        try:
            act(fs, op[0], op[1:])
        except OSError as wrong:
            answer["errors"].append([op[:2], wrong.args[0]])
            if device.limit >= 0:
                break
    if device.limit < 0:
        answer["tree"] = dump(fs)
        answer["statvfs"] = fs.statvfs("/")
    answer["violations"] = device.violations
    answer["operations"] = device.programs + device.erases
    with open(job["image"], "wb") as stream:
        stream.write(cells)
    print(json.dumps(answer))


main()
