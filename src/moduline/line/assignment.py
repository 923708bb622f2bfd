"""What a gang is to burn, for which order, with which test: decided once, before the first module is touched.

::

    choose(package?, order?, recipe?, units?) -> Choice      files read, an order's locks and limits checked
    with_work(order, choice, options)         -> Order       model, functional test and unit data put in
    begin(choice)                                            locks an order that begins with this run
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from moduline import burn as burning
from moduline.burn import Order
from moduline.burn.plan import PlanOptions
from moduline.errors import BadOption, Text, UnknownOrder
from moduline.line.work_order import WorkOrder, check_bytes, check_open, lock_order, new_order, read_order, state_of
from moduline.package import read_package

Read = Callable[[Path], bytes]
"""Gives the bytes of a file that somebody named; raises NoSuchFile or StorageFailed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is burnt, for which order.

    Args:
        path: of the package.
        data: its bytes.
        work: the order, locked or about to be; None without an order.
        is_new: whether the order begins with this run.
        quota: units the order lacks; None: no end.
        recipe: functional test; None: none.
        units: data of each unit; None: none.
    """

    path: Path
    data: bytes
    work: WorkOrder | None = None
    is_new: bool = False
    quota: int | None = None
    recipe: Path | None = None
    units: Path | None = None

    @property
    def retries(self) -> Mapping[str, int]:
        """Tries by itself that the order asks for."""
        return self.work.retries if self.work is not None else {}


def choose(
    file: Path | None, order: str, read: Read, recipe: Path | None = None, units: Path | None = None, *, count: int = 0
) -> Choice:
    """What a run burns and tests with, which is the order's when there is an order.

    Args:
        file: package; None: the order's.
        order: name of the order; "": none.
        read: gives the bytes of a file.
        recipe: functional test; None: the order's, if it has one.
        units: data of each unit; None: the order's, if it has any.
        count: units that an order wants which begins with this run; 0: no end.

    Raises:
        BadOption: neither a file nor an order.
        UnknownOrder: the order is not there yet, and no file begins it.
        OrderLocked: the order is for other bytes.
        OrderOver: the order is closed or full.
        NoSuchFile, StorageFailed: a file cannot be read.
    """
    if not order:
        if file is None:
            raise BadOption(name="FILE", reason=Text("a package, or --order ID", "需要固件包或 --order ID"))
        return Choice(file, read(file), recipe=recipe, units=units)
    try:
        work = read_order(order)
    except UnknownOrder:
        if file is None:
            raise
        data = read(file)
        locked = [(one, read(one)) if one is not None else None for one in (recipe, units)]
        work = new_order(order, (file, data), count=count, recipe=locked[0], units=locked[1])
        return Choice(file, data, work, is_new=True, quota=count or None, recipe=recipe, units=units)
    path = file if file is not None else Path(work.file)
    data = read(path)
    check_bytes(work, "sha256", str(path), data)
    state = state_of(work, burning.book(order).read())
    check_open(work, state)
    recipe = _locked_file(work, "recipe_sha256", recipe, work.recipe, read)
    units = _locked_file(work, "units_sha256", units, work.units, read)
    return Choice(path, data, work, quota=state.left, recipe=recipe, units=units)


def with_work(job: Order, chosen: Choice, options: PlanOptions) -> Order:
    """The order with what the work order and the user ask for beyond the package: model, test, unit data.

    Raises:
        NoSuchFile, StorageFailed, BadRecipe, BadFormat, BadOption, TooBig, MissingArea: as :func:`with_tests`.
    """
    return with_tests(with_model(job, chosen.work), chosen.data, options, chosen.recipe, chosen.units)


def with_model(job: Order, work: WorkOrder | None) -> Order:
    """The order's model, when it names one, refuses every other module."""
    if work is None or not work.model:
        return job
    return replace(job, plan=replace(job.plan, model=work.model))


def with_tests(job: Order, package: bytes, options: PlanOptions, recipe: Path | None, units: Path | None) -> Order:
    """The order with the functional test and the unit data that somebody named.

    Args:
        job: from ``burn.make_order``.
        package: the bytes of its package.
        options: what its plan was made with.
        recipe: file of the functional test; None: none.
        units: file with the data of each unit; None: none.

    Raises:
        NoSuchFile, StorageFailed, BadRecipe, BadFormat, BadOption, TooBig: one of them is wrong.
        MissingArea: the package has no image for the units' files.
    """
    if recipe is None and units is None:
        return job
    from moduline.line.checks import examiner, read_recipe_file  # a plain burn starts faster without
    from moduline.line.unit_data import UnitData
    from moduline.line.unit_table import read_table_file

    read = read_package(package, job.package)
    data = UnitData(read, read_table_file(units), options) if units is not None else None
    examine = examiner(read_recipe_file(recipe), read, data) if recipe is not None else None
    return replace(job, own_data=data, examine=examine)


def begin(chosen: Choice) -> WorkOrder | None:
    """Lock an order that begins with this run; the order as it counts from now on, None when nothing was to be locked.

    Raises:
        OrderExists: somebody else has begun it with other bytes meanwhile.
        StorageFailed: it cannot be written.
    """
    return lock_order(chosen.work) if chosen.work is not None and chosen.is_new else None


def _locked_file(work: WorkOrder, part: str, given: Path | None, kept: str, read: Read) -> Path | None:
    """The recipe or units file of a run for an order: the one given, else the order's; None when there is none.

    Raises:
        OrderLocked: the order is for other bytes, or for none.
        NoSuchFile, StorageFailed: it cannot be read.
    """
    path = given if given is not None else Path(kept) if kept else None
    if path is not None:
        check_bytes(work, part, str(path), read(path))
    return path
