"""The recipe as the functional test of a burn: what ``burn.job`` calls when the module has booted and answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moduline.burn.job import Examine, Examined
from moduline.burn.record import CheckResult
from moduline.formats.littlefs import read_image
from moduline.line.checks.recipe import Recipe
from moduline.line.checks.run import run_recipe
from moduline.line.checks.under_test import Facts, UnderTest, ports_at
from moduline.line.unit_data import UnitData
from moduline.package import FirmwarePackage
from moduline.package.units import ROLE_OF_MOUNT


def burnt_files(package: FirmwarePackage) -> dict[str, bytes]:
    """What a production package puts into ``/usr`` and ``/bak``, by absolute path; empty for a stock package.

    Raises:
        FormatError: an image is damaged.
    """
    found: dict[str, bytes] = {}
    for mount, role in ROLE_OF_MOUNT.items():
        part = next((one for one in package.parts if one.role == role and one.data), None)
        if part is not None:
            found |= {mount + path: data for path, data in read_image(part.data).entries if data is not None}
    return found


def examiner(recipe: Recipe, package: FirmwarePackage | None = None, units: UnitData | None = None) -> Examine:
    """What makes the recipe the functional test of an order.

    Args:
        recipe: the checks.
        package: what is burnt; None: the files in it are not known.
        units: the units' own data.

    Raises:
        FormatError: an image of the package is damaged.
    """
    files = burnt_files(package) if package is not None else None

    async def examine(examined: Examined) -> Sequence[CheckResult]:
        record = examined.record
        own = units.of(record.unit) if units is not None and record.unit else None
        unit_files: Mapping[str, bytes] = own.files if own is not None else {}
        facts = Facts(
            imei=record.imei,
            version=record.package_version,
            model=package.model or "" if package is not None else "",
            row=own.values if own is not None else {},
            row_imei=units.imei_of(own.name) if units is not None and own is not None else "",
            files={**files, **unit_files} if files is not None else None,
        )
        unit = UnderTest(ports_at(examined.watch, record.place), facts)
        return await run_recipe(recipe, unit, examined.report)

    return examine
