"""The input is wrong: files, images, packages, projects, recipes."""

from __future__ import annotations

from moduline.errors.tree import FormatError, Text


class BadFormat(FormatError):
    """Bytes that break the rules of their format."""

    code = "ML-E0801"
    slug = "format.broken"
    text = Text("{format}: {reason} at offset {offset}", "{format}：偏移 {offset} 处{reason}")
    hint = Text("the file is damaged or of another kind; fetch it again", "文件已损坏或类型不符，请重新获取")


class BadChecksum(FormatError):
    """A stored check value does not match the bytes."""

    code = "ML-E0802"
    slug = "format.checksum"
    text = Text("{format}: {name} is {found}, expected {expected}", "{format}：{name} 为 {found}，应为 {expected}")
    hint = Text("the file is damaged; fetch it again", "文件已损坏，请重新获取")


class UnknownFormat(FormatError):
    """Content that no reader recognises."""

    code = "ML-E0803"
    slug = "format.unknown"
    text = Text("{name}: not a known {kind}", "{name}：不是已知的{kind}")
    hint = Text("supported: {supported}", "支持：{supported}")


class Unsupported(FormatError):
    """A valid input that asks for something not implemented or not documented."""

    code = "ML-E0804"
    slug = "format.unsupported"
    text = Text("{format}: {reason}", "{format}：{reason}")
    hint = Text("{remedy}", "{remedy}")


class BadProject(FormatError):
    """A project folder that may not be merged."""

    code = "ML-E0805"
    slug = "project.rule"
    text = Text("{path}:{line}: {reason}", "{path}:{line}：{reason}")
    hint = Text("{remedy}", "{remedy}")


class BadRecipe(FormatError):
    """A TOML file of ours (profile, recipe, scenario, project) that breaks its schema."""

    code = "ML-E0806"
    slug = "recipe.broken"
    text = Text("{path}: {key}: {reason}", "{path}：{key}：{reason}")
    hint = Text("see docs/reference for the keys", "字段说明见 docs/reference")


class CompileFailed(FormatError):
    """A script that the bytecode compiler rejects."""

    code = "ML-E0807"
    slug = "project.compile"
    text = Text("{path}: {reason}", "{path}：{reason}")
    hint = Text(
        "fix the script; the module's language level is older than desktop Python",
        "请修改脚本；模组的语言版本低于桌面 Python",
    )


class MissingArea(FormatError):
    """A package that does not say where a file system of scripts belongs, and nobody else does."""

    code = "ML-E0808"
    slug = "package.no-area"
    text = Text("{package} does not say where '{role}' belongs", "{package} 未指明“{role}”的位置")
    hint = Text(
        "use a QuecPython package, or name the module so that its table can be used",
        "请使用 QuecPython 固件包，或指定模组型号以使用其分区表",
    )


class AreaConflict(FormatError):
    """An assumed area overlaps something the package writes."""

    code = "ML-E0809"
    slug = "package.area-conflict"
    text = Text(
        "{area} would lie at {address}, {size} bytes, over '{part}'",
        "{area} 位于 {address}（{size} 字节），与“{part}”重叠",
    )
    hint = Text("the module named does not fit this package", "指定的模组型号与该固件包不符")


class BadPackage(FormatError):
    """A package that can be read but must not be burnt."""

    code = "ML-E0810"
    slug = "package.invalid"
    text = Text("{count} errors in {package}; first: {first}", "{package} 有 {count} 处错误；首个：{first}")
    hint = Text("fetch the package again", "请重新获取固件包")
