"""A long random life of a file system, as operations for the oracle; the same seed gives the same life."""

from __future__ import annotations

import random


def churn(seed: int, count: int) -> list:
    """Creations, appends, overwrites, removals, renames and folders in random order."""
    dice = random.Random(seed)
    folders, files, ops = [""], [], []
    for number in range(count):
        act = dice.randrange(10)
        if act < 3 or not files:
            name = dice.choice(folders) + f"f{number}" + "x" * dice.randrange(30)
            files.append(name)
            ops.append(("write", name, (dice.choice((0, 10, 500, 3000)), number)))
        elif act < 5:
            ops.append(("append", dice.choice(files), (dice.randrange(1, 900), number)))
        elif act == 5:
            ops.append(("write", dice.choice(files), (dice.randrange(2000), number)))
        elif act == 6:
            ops.append(("remove", files.pop(dice.randrange(len(files)))))
        elif act == 7:
            old = files.pop(dice.randrange(len(files)))
            files.append(dice.choice(folders) + f"r{number}")
            ops.append(("rename", old, files[-1]))
        elif act == 8 and len(folders) < 8:
            folders.append(dice.choice(folders) + f"d{number}/")
            ops.append(("mkdir", folders[-1][:-1]))
        else:
            ops.append(("patch", dice.choice(files), 0, (dice.randrange(1, 50), number)))
    return ops
