"""The task of a patch job: two whole packages become a patch. Runs in the job's own process, on files of its folder.

::

    old  new  request.json ──▶ made-0 (and for ``mini`` made-1), facts: versions, direction, warnings
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from moduline.delta import Side, make, read_side, target_of
from moduline.errors import Text

OLD: Final = "old"
NEW: Final = "new"
MADE: Final = "made-{number}"
_OTHER: Final = Text(
    "{name} is filed as {filed}, the package says {version}", "{name} 登记为 {filed}，包内版本为 {version}"
)


def work(request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Make the patch.

    Args:
        request: of ``making.start``.
        folder: with both packages; the patch comes to lie there.

    Raises:
        FormatError: a package cannot be read.
        PatchForeign: the packages are for different models or chips.
        PatchPartMissing, TooBig, BadOption: no patch leads from one to the other.
    """
    old, new = (read_side((folder / name).read_bytes(), request[name]["file"]) for name in (OLD, NEW))
    kind = request["kind"]
    made = make(old, new, kind, target=target_of(old, request["place"]))
    for number, data in enumerate(made.files):
        (folder / MADE.format(number=number)).write_bytes(data)
    warnings = [*made.warnings]
    said = [{lang: one.say(lang) for lang in ("en", "zh")} for one in warnings]
    versions = _versions(request, old, new, kind, made.patches[0].target_version)
    for name, side in ((OLD, old), (NEW, new)):
        filed = request[name]
        if side.version and side.version != filed["version"]:
            facts = {"name": filed["name"], "filed": filed["version"], "version": side.version}
            said.append({lang: _OTHER.say(lang, **facts) for lang in ("en", "zh")})
    return {
        **versions,
        "count": len(made.files),
        "direction": made.direction,
        "warnings": said,
        "models": list(made.patches[0].models),
        "chip": made.patches[0].chip,
        "spare_have": made.spare_have,
    }


def _versions(request: Mapping[str, Any], old: Side, new: Side, kind: str, target: str) -> dict[str, str]:
    """What a device reports before and after: as the packages say; as they are filed where those say nothing.

    ``full`` leaves the firmware and its version alone; what the device reports then is the scripts', as it is filed.
    """
    filed = {name: str(request[name]["version"]) for name in (OLD, NEW)}
    if kind == "full":
        return {"source": filed[OLD], "target": filed[NEW]}
    return {"source": old.version or filed[OLD], "target": target or new.version or filed[NEW]}
