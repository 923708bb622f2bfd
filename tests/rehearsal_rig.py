"""Rehearsals on virtual modules without a platform: sources with scripts, updates of every kind, the task called at once."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

from moduline.cloud.rehearsals import trying_modules
from moduline.delta import make, read_side
from moduline.delta.scripts import make_script, window_for
from moduline.package import read_package
from moduline.package.merge import substitute
from moduline.package.reading import write_package
from transcripts.updating import firmware, user_image, version_of

MODULE = "ec600n"
V1, V2 = version_of(MODULE), version_of(MODULE, "2")
SDK = Path(__file__).resolve().parents[1] / "onboard/sdk"
REBOOTS = b"from misc import Power\nPower.powerRestart()\n"


def script(number, lines=300):
    """A script of that number, large enough that a change of it is worth a patch."""
    return b"print('v%d')\n" % number + b"# a line that stays\n" * lines


def old_scripts():
    helpers = {name: (SDK / name).read_bytes() for name in ("script_patch.py", "script_window.py")}
    return {"main.py": script(1), "lib.py": b"x = 1\n" * 400} | helpers


@functools.cache
def with_scripts(**files):
    """A whole package of the source version with these scripts, by name without its ending."""
    content = {f"{name}.py": data for name, data in files.items()} or old_scripts()
    return write_package(substitute(read_package(firmware(MODULE)), "customer_fs", user_image(MODULE, content)))


def full(files):
    """A package that replaces the scripts."""
    side = read_side(firmware(MODULE))
    return make(side, side, "full", user_image=user_image(MODULE, files)).files


def rehearse(files, source, versions=("", ""), cuts=8, seed=5):
    """What the task says: ``facts``, ``proof`` and ``page``."""
    with tempfile.TemporaryDirectory(prefix="moduline-rehearsal-") as name:
        folder = Path(name)
        (folder / "source").write_bytes(source)
        for number, (_, data) in enumerate(files):
            (folder / f"update-{number}").write_bytes(data)
        request = {
            "files": [{"name": one, "sha256": ""} for one, _ in files],
            "source": {"file": "v1.zip", "sha256": ""},
            "versions": dict(zip(("source", "target"), versions, strict=True)),
            "cuts": cuts,
            "seed": seed,
        }
        facts = trying_modules.work(request, folder)
        proof = json.loads((folder / "proof-0.json").read_text("utf-8"))
        assert not list((folder / "modules").glob("*")), "what was a module's is gone"
        return SimpleNamespace(facts=facts, proof=proof, page=(folder / "page-0.html").read_text("utf-8"))


def changed_scripts():
    """Files of an artifact that changes two scripts of ``old_scripts``, with their patches."""
    old = old_scripts()
    new = {"main.py": script(2), "lib.py": b"x = 2\n" * 400}
    patches = {f"{name}.mdl": make_script(old[name], data, window_for(old)) for name, data in new.items()}
    return [*new.items(), *patches.items()]


def survived(found, kind, cuts):
    """Everything that must be true of a rehearsal in which all is well."""
    proof = found.proof
    assert found.facts["is_good"], found.facts["complaint"]
    assert (proof["update"]["kind"], proof["failed"], len(proof["moments"])) == (kind, 0, cuts)
    assert proof["power_cuts"] >= cuts - proof["missed"] > 0
    assert sum(proof["found"].values()) == cuts
    assert "Safe to roll out" in found.page
    return proof
