"""Per-unit data at burn time: each module gets its own row of a table, merged into the plan just before its burn.

Only the script area changes: its image is made anew from the package's files and the unit's, and takes the place of the
action's content; no part is read, packed or hashed again. After the burn the area is read back as any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from moduline.burn.action import Action, BurnPlan, PlanOptions
from moduline.burn.drivers.asr_plan import AsrPlan, files_of
from moduline.burn.job import UnitPlan
from moduline.burn.nv_choice import names_a_unit
from moduline.burn.plan import plan_for
from moduline.burn.record import BurnRecord
from moduline.errors import BadOption, Text, UnitUnknown
from moduline.line.unit_rows import GivenRows
from moduline.line.unit_table import UnitTable
from moduline.package import FirmwarePackage
from moduline.package.units import Unit, UnitMerger


class UnitData:
    """The data of all units of an order; called by its jobs, one object for all slots.

    Args:
        package: a production package, with images in the areas that units have files for.
        table: the units.
        options: how the order's plan was made.
        given: where given rows are kept; None: under the table's name.

    Raises:
        MissingArea, TooBig, FormatError, BadOption: the first unit's data cannot be put into the package.
    """

    def __init__(
        self,
        package: FirmwarePackage,
        table: UnitTable,
        options: PlanOptions | None = None,
        given: GivenRows | None = None,
    ) -> None:
        self.table = table
        self.given = given or GivenRows.of_table(table.name)
        self._package = package
        self._options = options or PlanOptions()
        self._merger = UnitMerger(package)
        self._units = {unit.name: unit for unit in table.units}
        self._imeis = {row.unit: row.imei for row in table.rows.all}
        self.plan_of(plan_for(package, self._options), table.units[0])

    async def __call__(self, record: BurnRecord, plan: BurnPlan) -> UnitPlan:
        """The plan of the module that a record is about.

        Raises:
            UnitUnknown: nobody knows its IMEI.
            UnitDataExhausted, UnitDataConflict: there is no row for it.
            StorageFailed: the row cannot be kept.
            TooBig: its files do not fit.
        """
        if not names_a_unit(record.imei):
            raise UnitUnknown(address=record.slot)
        return await asyncio.to_thread(self._plan_of_module, record, plan)

    def of(self, name: str) -> Unit:
        """The unit of that name."""
        return self._units[name]

    def given_to(self, imei: str) -> str:
        """Name of the unit whose data a module has got, as far as the table holds it; empty when none.

        Raises:
            StorageFailed: the given rows cannot be read.
        """
        names = (one.unit for one in self.given.all_given() if one.imei == imei)
        return next((name for name in names if name in self._units), "")

    def imei_of(self, name: str) -> str:
        """The IMEI that the unit's row is reserved for; empty when for none."""
        return self._imeis[name]

    def plan_of(self, plan: BurnPlan, unit: Unit) -> BurnPlan:
        """The plan with the unit's images instead of the package's.

        Raises:
            BadOption: the plan leaves out an area that the unit has files for.
            MissingArea, TooBig, FormatError: see ``package.units.UnitMerger``.
        """
        images = self._merger.images(unit)
        for role in images:
            if not any(_is_content(action, role) for action in plan.actions):
                why = Text("the burn leaves out {role}, where the unit's files go", "烧录不包含单元文件所在的 {role}")
                raise BadOption(name="--units", reason=why, role=role)
        if all(len(images[one.role]) == len(one.data) for one in plan.actions if _is_any_content(one, images)):
            return with_images(plan, images)
        anew = plan_for(self._merger.package(unit), self._options)  # an area in another form than its image
        return replace(anew, model=plan.model)

    def _plan_of_module(self, record: BurnRecord, plan: BurnPlan) -> UnitPlan:
        name = self.given.give(self.table.rows, record.imei, record.id)
        return UnitPlan(self.plan_of(plan, self._units[name]), name)


def with_images(plan: BurnPlan, images: Mapping[str, bytes]) -> BurnPlan:
    """The plan with other images in its script areas, each as long as the one before; everything else is shared.

    Args:
        plan: of any driver.
        images: by the role of their areas.
    """
    actions = tuple(
        replace(one, data=images[one.role]) if _is_any_content(one, images) else one for one in plan.actions
    )
    if isinstance(plan, AsrPlan):
        pairs = zip(plan.actions, actions, plan.files, strict=True)
        files = tuple(sent if old is new else files_of(new) for old, new, sent in pairs)
        return replace(plan, actions=actions, files=files)
    return replace(plan, actions=actions)


def _is_content(action: Action, role: str) -> bool:
    return action.verb == "write" and action.role == role


def _is_any_content(action: Action, images: Mapping[str, bytes]) -> bool:
    return action.verb == "write" and action.role in images
