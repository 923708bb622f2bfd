"""The host line: project folder plus stock package gives the production package.

::

    prepare   read everything, decide everything, find everything wrong; changes nothing
    finish    compile, build the two images, merge, and give the bytes

No module is needed and no clock is read: the same folder and base give the same bytes. What a decision rests on is told
with it. The area and geometry come from the package and the module's profile; nobody is asked for what a file says.

Source: device-api 2.3, 6.5, T01, T02; platform-unisoc 4; seed S0; brief, decisions 3, 5, 13b.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from moduline.errors import BadOption, Text, WrongModule
from moduline.formats import system_image, uimage
from moduline.formats.littlefs import FsGeometry
from moduline.formats.system_image import SystemImage
from moduline.image import build as image_build
from moduline.image import project as image_project
from moduline.image import protect
from moduline.image.build import FsImages, FsTrees
from moduline.image.project import Project
from moduline.image.remarks import NOTICE, Remark, Skipped, must_be_sound
from moduline.image.tree import FileTree
from moduline.package import FirmwarePackage, FsArea, merge, read_package, write_package
from moduline.package.containers import container_of
from moduline.package.merge import locate
from moduline.profiles import catalog
from moduline.profiles.convention import ConventionProfile
from moduline.profiles.module import BACKUP_FS, USER_FS, ModuleProfile
from moduline.release import choices
from moduline.release import twins as twin_files
from moduline.release.compile import VIRTUAL_BYTECODE, Compiled, compile_scripts, must_compile
from moduline.release.decision import Decision
from moduline.release.folder import read_folder

FREE_BYTES_MIN: Final = 3 * 4096  # the module itself writes system_config.json at its first boot


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asks for beyond folder and base; empty means "as moduline.toml or the base says".

    Attributes:
        module: slug of the module.
        convention: slug of the vendor convention.
        encrypt: compile every script but main.py; None means "as moduline.toml says".
        backup: files to back up, or "all".
        only: "usr" or "bak" puts in one image and leaves the other as it is in the base; "both".
        encrypt_files: compile these scripts only.
        user_bytes: another size of the user area, the backup area gets the rest; None leaves the base's split.
        made_at: when it is merged, such as ``20211130-1405``; in the name only, and only where the convention puts it.
    """

    module: str = ""
    convention: str = ""
    encrypt: bool | None = None
    backup: tuple[str, ...] = ()
    only: str = "both"
    user_bytes: int | None = None
    encrypt_files: tuple[str, ...] = ()
    made_at: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is known before anything is built.

    Attributes:
        project: the project, with remarks.
        base: the stock package.
        module: profile of the module.
        convention: what its firmware expects.
        areas: where the user and the backup file system are, by role; some modules have no backup.
        bytecode: version of .mpy files the base's firmware loads.
        scripts: what is compiled, in order; empty without protection.
        kept: files that protection leaves as they are.
        backed_up: files on the module that are backed up.
        remarks: of the project, the backup list and the compilers.
        decisions: what was decided and why.
        compiled: what became of the scripts, by path.
        roles: areas that get a new image.
        title: name of the production package without an ending.
    """

    project: Project
    base: FirmwarePackage
    module: ModuleProfile
    convention: ConventionProfile
    areas: Mapping[str, FsArea]
    bytecode: str
    scripts: tuple[str, ...]
    kept: tuple[Skipped, ...]
    backed_up: tuple[str, ...]
    remarks: tuple[Remark, ...]
    decisions: tuple[Decision, ...]
    compiled: Mapping[str, Compiled] = field(default_factory=dict, repr=False)
    roles: tuple[str, ...] = (USER_FS, BACKUP_FS)
    title: str = ""


@dataclass(frozen=True, slots=True)
class Produced:
    """A production package.

    Attributes:
        name: how the file is to be called, such as ``QUEC_TEST_1.0.0.zip``.
        data: its bytes.
        prepared: what it rests on.
        trees: what the two file systems hold.
        images: the two images.
        twins: version-6 bytecode by SHA-256 of the version-5 file in the package; empty where not needed.
    """

    name: str
    data: bytes = field(repr=False)
    prepared: Prepared
    trees: FsTrees
    images: FsImages
    twins: Mapping[str, bytes] = field(repr=False)


def produce(folder: Path, stock: bytes, options: Options | None = None, stock_name: str = "") -> Produced:
    """The production package of a folder and a base; nothing is written.

    Raises:
        BadProject: the project breaks a rule; all findings are in the error.
        CompileFailed: a script to protect is refused by the compiler.
        TooBig: the files do not fit their areas.
    """
    return finish(prepare(folder, stock, options, stock_name))


def prepare(folder: Path, stock: bytes, options: Options | None = None, stock_name: str = "") -> Prepared:
    """Read folder and base and decide everything; errors of the project are among the remarks.

    Raises:
        BadOption: the base does not say which module it is for, or an option names what does not exist.
        WrongModule: the base is for another module than the one asked for.
        MissingArea: neither base nor profile say where the scripts go.
        FormatError: the base or moduline.toml cannot be read.
    """
    options = options or Options()
    content = read_folder(folder)
    settings = content.settings
    base = read_package(stock, stock_name)
    decisions: list[Decision] = []
    if options.user_bytes is not None:
        base = choices.split_base(base, options.user_bytes, decisions)
    module = _module(options.module or settings.module, base, decisions)
    convention = _convention(options.convention or settings.convention, module, decisions)
    project = image_project.select(content.files, content.skipped, convention)
    bytecode = _bytecode(base, module, decisions)
    named = options.encrypt_files or settings.encrypt_files
    is_protected = (settings.encrypt or bool(named)) if options.encrypt is None else options.encrypt
    plan = protect.plan(project.tree, convention.entry_file, named) if is_protected else protect.ProtectPlan((), ())
    _decide_protection(decisions, plan, bytecode, is_protected=is_protected)
    shaped = protect.apply(project.tree, dict.fromkeys(plan.scripts, b"?"))
    backed_up, backup_remarks = image_project.backed_up(project, shaped, options.backup or settings.backup)
    _decide_backup(decisions, backed_up, convention)
    roles, only_remarks = choices.roles_of(options.only, backed_up, decisions)
    linted = lint(project, module)
    scripts = {path: project.tree.files()[path] for path in plan.scripts}
    if bytecode == module.runtime.bytecode:
        compiled = {path: linted.pop(path) for path in scripts}
    else:
        compiled = compile_scripts(scripts, bytecode)
    remarks = (
        *project.remarks,
        *plan.remarks,
        *backup_remarks,
        *only_remarks,
        *language_remarks(project, module, linted),
    )
    title = choices.title_of(project, base, convention, options.made_at, decisions)
    return Prepared(
        project=project,
        base=base,
        module=module,
        convention=convention,
        areas=_areas(base, module, decisions, needs_backup=bool(backed_up)),
        bytecode=bytecode,
        scripts=plan.scripts,
        kept=plan.kept,
        backed_up=backed_up,
        remarks=remarks,
        decisions=tuple(decisions),
        compiled=compiled,
        roles=roles,
        title=title,
    )


def finish(prepared: Prepared) -> Produced:
    """Compile, build and merge what was prepared.

    Raises:
        BadProject: an error is among the remarks.
        CompileFailed: a script to protect is refused.
        TooBig: the files do not fit their areas.
    """
    must_be_sound(prepared.remarks)
    project, convention = prepared.project, prepared.convention
    sources = {path: project.tree.files()[path] for path in prepared.scripts}
    real = must_compile(prepared.compiled)
    twins: dict[str, bytes] = {}
    if real and prepared.bytecode != VIRTUAL_BYTECODE:
        twins = twin_files.pair(real, must_compile(compile_scripts(sources, VIRTUAL_BYTECODE)))
    trees = image_build.compose(protect.apply(project.tree, real), prepared.backed_up, convention)
    places = {role: _geometry(prepared.base, prepared.module, area) for role, area in prepared.areas.items()}
    user, backup = places[USER_FS], places.get(BACKUP_FS)
    if backup is None:
        trees = FsTrees(trees.user, FileTree())
    images = image_build.build(trees.user, trees.backup, user, backup)
    assumed = [area for area in prepared.areas.values() if area.told_by == "fallback"]
    chosen = {role: image for role, image in images.by_role().items() if role in prepared.roles}
    merged = merge(prepared.base, chosen, assumed)
    name = prepared.title + _ending(prepared.base)
    return Produced(name, write_package(merged), prepared, trees, images, twins)


def system_image_of(package: FirmwarePackage) -> SystemImage | None:
    """Our own system image in a package; None for a vendor's.

    Raises:
        BadFormat: it is ours and damaged.
        BadChecksum: same.
    """
    part = package.by_role("system")
    if part is None:
        return None
    data = part.data[uimage.HEADER_BYTES if uimage.is_uimage(part.data) else 0 :]
    return system_image.read(data) if system_image.is_system_image(data) else None


def _module(wanted: str, base: FirmwarePackage, decisions: list[Decision]) -> ModuleProfile:
    told = catalog.module_of_model(base.model)
    if wanted:
        module = catalog.module(wanted)
        if base.model and told is not module:
            raise WrongModule(package=base.model, module=module.slug)
        decisions.append(Decision("module", module.slug, Text("as asked", "按指定")))
    elif told:
        module = told
        reason = Text("the base is for {model}", "基础固件包适用于 {model}")
        decisions.append(Decision("module", module.slug, reason, {"model": base.model}))
    else:
        why = Text(
            "the base does not say which module it is for (model: {model}); name it with --module",
            "基础固件包未说明适用型号（型号：{model}），请用 --module 指定",
        )
        raise BadOption(name="--module", reason=why, model=base.model or "?", known=", ".join(catalog.modules()))
    if module.chip != base.chip:
        raise WrongModule(package=base.chip, module=f"{module.slug} ({module.chip})")
    return module


def _convention(wanted: str, module: ModuleProfile, decisions: list[Decision]) -> ConventionProfile:
    convention = catalog.convention(wanted or module.convention)
    reason = Text("as asked", "按指定") if wanted else Text("what firmware of {module} expects", "{module} 固件的约定")
    decisions.append(Decision("profile", convention.slug, reason, {"module": module.slug}))
    return convention


def _bytecode(base: FirmwarePackage, module: ModuleProfile, decisions: list[Decision]) -> str:
    ours = system_image_of(base)
    if ours:
        decisions.append(
            Decision("bytecode", ours.bytecode, Text("the base is virtual firmware", "基础固件包为虚拟固件"))
        )
        return ours.bytecode
    reason = Text("what firmware of {module} loads", "{module} 固件可加载的版本")
    decisions.append(Decision("bytecode", module.runtime.bytecode, reason, {"module": module.slug}))
    return module.runtime.bytecode


def _areas(
    base: FirmwarePackage, module: ModuleProfile, decisions: list[Decision], *, needs_backup: bool
) -> dict[str, FsArea]:
    has_table = any(area.told_by == "table" for area in base.areas)  # then the base says all there is to say
    fallback = [
        FsArea(one.part, one.role, one.address, one.size_bytes, "fallback")
        for one in module.partitions
        if one.role in {USER_FS, BACKUP_FS} and not has_table and not one.is_inferred  # a guessed place is not burnt to
    ]
    reasons = {
        "content": Text("the base fills it", "基础固件包已写入该分区"),
        "erase": Text("the base erases it", "基础固件包擦除该分区"),
        "table": Text("the base's own partition table", "基础固件包自带的分区表"),
        "fallback": Text("table of {module}; the base does not name it", "取自 {module} 配置表，基础固件包未说明"),
    }
    areas = {}
    for role in (USER_FS, BACKUP_FS):
        if role == BACKUP_FS and has_table and not needs_backup and base.area(role) is None:
            reason = Text("the base's own partition table has none", "基础固件包自带的分区表中没有")
            decisions.append(Decision(role, "-", reason))
            continue
        area = areas[role] = locate(base, role, fallback)
        kind = _geometry(base, module, area).kind
        shown = f"{area.name} 0x{area.address:08x} + 0x{area.size:x} {kind}"
        decisions.append(Decision(role, shown, reasons[area.told_by], {"module": module.slug}))
    return areas


def _decide_protection(
    decisions: list[Decision], plan: protect.ProtectPlan, bytecode: str, *, is_protected: bool
) -> None:
    if is_protected:
        reason = Text("{count} scripts become bytecode {bytecode}", "{count} 个脚本编译为字节码 {bytecode}")
        decisions.append(Decision("encrypt", "on", reason, {"count": len(plan.scripts), "bytecode": bytecode}))
    else:
        decisions.append(Decision("encrypt", "off", Text("not asked for", "未要求")))


def _decide_backup(decisions: list[Decision], backed_up: tuple[str, ...], convention: ConventionProfile) -> None:
    if backed_up:
        reason = Text("{count} files, checked by {kind} at every boot", "{count} 个文件，每次启动以 {kind} 校验")
        decisions.append(Decision("backup", "on", reason, {"count": len(backed_up), "kind": convention.checksum}))
    else:
        decisions.append(Decision("backup", "off", Text("no file was named", "未指定文件")))


def lint(project: Project, module: ModuleProfile) -> dict[str, Compiled]:
    """Every script through the compiler of the module's own language."""
    files = {path: data for path, data in project.tree.files().items() if path.endswith(protect.SOURCE_ENDING)}
    return compile_scripts(files, module.runtime.bytecode, module.runtime.compiler_flags)


def language_remarks(project: Project, module: ModuleProfile, linted: Mapping[str, Compiled]) -> tuple[Remark, ...]:
    """Notices for scripts that the module's older language refuses."""
    known = {one.path for one in project.remarks if one.slug == "syntax"}
    en = "MicroPython {language} of the module refuses this: {complaint}"
    reason = Text(en, "模组的 MicroPython {language} 不支持：{complaint}")
    remedy = Text("no f-strings and no := on real modules", "真实模组不支持 f-string 与 :=")
    remarks = []
    for path, one in linted.items():
        origin = project.origins.get(path, path)
        if one.is_refused and origin not in known:
            facts = {"language": module.runtime.language, "complaint": one.complaint}
            remarks.append(Remark(NOTICE, "language", origin, one.line, reason, remedy, facts))
    return tuple(remarks)


def _geometry(base: FirmwarePackage, module: ModuleProfile, area: FsArea) -> FsGeometry:
    """What an image must be like: as the base's own image tells, where it does, else as the module's profile says."""
    fs, of_base = module.fs, container_of(base).geometry
    if of_base is not None:
        return of_base(base, area, fs.read_bytes, fs.program_bytes)
    return fs.geometry(area.size)


def _ending(base: FirmwarePackage) -> str:
    """The ending of the base's outermost shell; the container's own for a bare package."""
    native = container_of(base).ending
    if not base.shells and native == ".pac":
        return native
    name = base.name.lower()
    return next((ending for ending in (".zip", ".bin") if name.endswith(ending)), ".zip")
