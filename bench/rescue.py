"""How long does `moduline rescue` need for a module whose main.py never lets go? Aim: under ten seconds.

    python bench/rescue.py

A virtual module of each kind runs an endless loop, silent or printing; the command is typed as a user types it, with
the start of the program in it. The peer of the same run is `moduline exec` on the freed module: what one short command
costs. Medians of three.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
AIM_S = 10.0
LOOPS = {"silent": "while True:\n    pass\n", "printing": "while True:\n    print('Hello World !' * 20)\n"}
MODULES = ("ec600s-2020", "ec600n-2021", "ec600u", "ec800e")


def moduline(*words):
    done = subprocess.run([sys.executable, "-m", "moduline", *words], check=True, capture_output=True, text=True)
    return json.loads(done.stdout) if "--json" in words else done.stdout


def timed(*words):
    began = time.perf_counter()
    result = moduline(*words)
    return time.perf_counter() - began, result


def freed(folder, loop):
    """Seconds of one rescue and of one short command, and the rung that freed the module."""
    (folder / "main.py").write_text(loop, encoding="utf-8")
    moduline("cp", str(folder / "main.py"), ":/usr/", "--port", "virt:m1")
    moduline("virt", "power", "m1", "reset")
    seconds, done = timed("rescue", "--port", "virt:m1", "--yes", "--json")
    short, _ = timed("exec", "print(6 * 7)", "--port", "virt:m1")
    return seconds, short, done["freed_by"]


def main():
    with tempfile.TemporaryDirectory() as home:
        os.environ["MODULINE_HOME"] = home
        print(f"{'module':<14}{'main.py':<10}{'freed by':<11}{'rescue':>8}{'exec':>8}{'ratio':>7}   aim {AIM_S:g} s")
        for module in MODULES:
            moduline("virt", "up", "--module", module)
            try:
                for name, loop in LOOPS.items():
                    rounds = [freed(Path(home), loop) for _ in range(ROUNDS)]
                    rescue, short = (statistics.median(one[at] for one in rounds) for at in (0, 1))
                    word = "met" if rescue < AIM_S else "MISSED"
                    print(
                        f"{module:<14}{name:<10}{rounds[0][2]:<11}"
                        f"{rescue:>7.1f}s{short:>7.2f}s{rescue / short:>7.1f}   {word}"
                    )
            finally:
                moduline("virt", "down")


if __name__ == "__main__":
    main()
