"""The OTA platform: its database, and what its rules do not let anybody do."""

from __future__ import annotations

from moduline.errors.tree import Refusal, Text, UsageError, WorldError


class DatabaseFull(WorldError):
    """No space is left where the database lives."""

    code = "ML-E1304"
    slug = "database.full"
    exit_code = 13
    http_status = 507
    text = Text("{database}: no space left on the disk", "{database}：磁盘空间已满")
    hint = Text("make room; nothing of the refused change was kept", "请清理磁盘；被拒绝的更改未写入任何内容")


class DatabaseBusy(WorldError):
    """Others hold the database for too long, or too many changes wait."""

    code = "ML-E0502"
    slug = "database.busy"
    exit_code = 5
    text = Text("{database} is busy: {reason}", "数据库 {database} 忙：{reason}")
    hint = Text("try again; end the other program that writes to it", "请稍后重试，或结束正在写入的其他程序")


class DatabaseReadOnly(WorldError):
    """The database cannot be written by this user or on this disk."""

    code = "ML-E0503"
    slug = "database.read-only"
    exit_code = 5
    text = Text("{database} cannot be written: {reason}", "无法写入数据库 {database}：{reason}")
    hint = Text("check the owner of the folder and the disk", "请检查目录所有者与磁盘")


class DatabaseUnreachable(WorldError):
    """The database server does not answer, or the connection to it broke."""

    code = "ML-E1403"
    slug = "database.unreachable"
    exit_code = 14
    text = Text("no connection to {database}: {reason}", "无法连接数据库 {database}：{reason}")
    hint = Text("check its address, its user and that it runs", "请检查地址、用户以及服务是否运行")


class StoreUnreachable(WorldError):
    """The file store does not answer, or is too busy."""

    code = "ML-E1406"
    slug = "store.unreachable"
    exit_code = 14
    text = Text("no connection to the file store {store}: {reason}", "无法连接文件存储 {store}：{reason}")
    hint = Text("check its endpoint and that it runs; then try again", "请检查 endpoint 以及服务是否运行，然后重试")


class StoreUnusable(WorldError):
    """The file store refuses this user, has no such bucket, or lacks its client."""

    code = "ML-E0504"
    slug = "store.unusable"
    exit_code = 5
    text = Text("the file store {store} cannot be used: {reason}", "无法使用文件存储 {store}：{reason}")
    hint = Text(
        "check the bucket, its region, and the keys in the environment",
        "请检查存储桶、区域以及环境变量中的密钥",
    )


class ServerUnreachable(WorldError):
    """An OTA platform does not answer, or what answers is none."""

    code = "ML-E1404"
    slug = "cloud.server-unreachable"
    exit_code = 14
    text = Text("no OTA platform answers at {server}: {reason}", "{server} 没有响应的 OTA 平台：{reason}")
    hint = Text("start it with moduline ota serve, or check --server", "请用 moduline ota serve 启动，或检查 --server")


class BusUnreachable(WorldError):
    """No node at the other end of the bus answers, or there is no connection to the bus."""

    code = "ML-E1405"
    slug = "bus.unreachable"
    exit_code = 14
    text = Text("nobody answers on the bus {bus}: {reason}", "总线 {bus} 无响应：{reason}")
    hint = Text("check --nats, and that a worker runs", "请检查 --nats 以及工作节点是否运行")


class FleetUnfinished(WorldError):
    """Simulated devices did not all come to the end of an upgrade in the time given."""

    code = "ML-E1241"
    slug = "fleet.unfinished"
    exit_code = 124
    text = Text(
        "{waiting} of {devices} devices have not come to an end within {seconds} s",
        "{seconds} 秒内，{devices} 台设备中有 {waiting} 台未结束升级",
    )
    hint = Text(
        "give --for more seconds; does a running plan take these devices, inside its window?",
        "请增大 --for；并确认有运行中的计划包含这些设备且处于推送时段",
    )


class JobBroken(WorldError):
    """Work in the background that came to no end: too large, too long, or a fault of ours."""

    code = "ML-E0104"
    slug = "cloud.job-broken"
    http_status = 500
    text = Text("the work was given up: {reason}", "任务已放弃：{reason}")
    hint = Text("try a smaller input, or give the worker more", "请减小输入，或提高工作进程的限额")


class NoSuchObject(UsageError):
    """A product, device, artifact, plan or account that is not there, or belongs to somebody else."""

    code = "ML-E0207"
    slug = "cloud.no-such-object"
    http_status = 404
    text = Text("no {kind} '{name}'", "没有{kind}“{name}”")
    hint = Text("look at the list; names are exact", "请查看列表；名称须完全一致")


class BadField(UsageError):
    """A field of a request has a value that it cannot have."""

    code = "ML-E0208"
    slug = "cloud.bad-field"
    http_status = 422
    text = Text("{field}: {reason}", "{field}：{reason}")
    hint = Text("correct the field and send it again", "请更正后重新提交")


class NoSuchAddress(UsageError):
    """A path that the operator API does not have."""

    code = "ML-E0209"
    slug = "cloud.no-such-address"
    http_status = 404
    text = Text("nothing is at {path}", "{path} 不存在")
    hint = Text("/docs lists every address", "所有接口见 /docs")


class MethodForbidden(UsageError):
    """An address of the operator API that is asked by a method it does not have."""

    code = "ML-E0210"
    slug = "cloud.method-forbidden"
    http_status = 405
    text = Text("{path} takes {allowed}, not {method}", "{path} 只接受 {allowed}，不接受 {method}")
    hint = Text("/docs lists every address", "所有接口见 /docs")


class TokenRefused(Refusal):
    """A request without a token that is known, valid and of an enabled account."""

    code = "ML-E1510"
    slug = "cloud.token-refused"
    http_status = 401
    text = Text("the token is not accepted", "令牌无效")
    hint = Text("ask for a new one; they expire and can be revoked", "请申请新令牌；令牌会过期，也可被吊销")


class LoginRefused(Refusal):
    """A name and a password that do not belong together, or to no account that may come in: nobody is told which."""

    code = "ML-E1516"
    slug = "cloud.login-refused"
    http_status = 401
    text = Text("this name and this password do not go together", "账号或密码不正确")
    hint = Text(
        "mind capital letters and the keyboard's language; an admin can set a new password",
        "请检查大小写与输入法；管理员可重新设置密码",
    )


class TooManyTries(Refusal):
    """Passwords that were tried too often, or by too many at the same time."""

    code = "ML-E1517"
    slug = "cloud.too-many-tries"
    http_status = 429
    text = Text("too many tries; the next one in {retry_s} s", "尝试次数过多，请 {retry_s} 秒后再试")
    hint = Text("nothing is locked: wait, then try once", "账号未被锁定：请稍候再试一次")


class RoleTooLow(Refusal):
    """Something that needs a higher role."""

    code = "ML-E1511"
    slug = "cloud.role-too-low"
    http_status = 403
    text = Text("{verb} needs the role {needed}; {name} is {role}", "{verb} 需要角色 {needed}，{name} 为 {role}")
    hint = Text("ask an admin of the account", "请联系账号管理员")


class NameTaken(Refusal):
    """A name that must be unique and is in use."""

    code = "ML-E1512"
    slug = "cloud.name-taken"
    text = Text("{kind} '{name}' exists already", "{kind}“{name}”已存在")
    hint = Text("choose another name", "请换一个名称")


class StateForbids(Refusal):
    """A change that the present state of an object does not allow."""

    code = "ML-E1513"
    slug = "cloud.state-forbids"
    text = Text("{kind} '{name}': {reason}", "{kind}“{name}”：{reason}")
    hint = Text("look at its state first", "请先查看其状态")


class NotRehearsable(Refusal):
    """An update that no virtual module can try: another kind of file, an unknown model, no interpreter here."""

    code = "ML-E1515"
    slug = "cloud.not-rehearsable"
    text = Text("cannot be rehearsed on a virtual module: {reason}", "无法在虚拟模组上演练：{reason}")
    hint = Text(
        "try it on a device (moduline ota verify), or waive the rehearsal with a reason",
        "请在设备上验证（moduline ota verify），或填写理由豁免演练",
    )
