"""What the module does before main.py, in the module's own words and with its own misspelling.

Source: device-api 2.2.
"""

import vfs

from boot import data_call, language, native
from boot.state import life

CONFIG = "/usr/system_config.json"
APN = "/usr/apn_cfg.json"
CONFIG_LIMIT = 16384  # more than any firmware writes; a longer one is cut and so no JSON


def run(g):
    """Mount, restore, update; whatever fails in there, the module goes on."""
    quiet = life.facts["quiet"]
    try:
        _mount(g)
        if not quiet:
            print("mount.")
        backup_restore = __import__("backup_restore")
        backup_restore.main()
        app_fota = __import__("app_fota")
        fota = app_fota.new()
        g["fota"] = fota
        fota.update()
    except Exception as fault:
        print("error ocurs in boot step.")
        life.calls.ask("notice", slug="virt.boot-step", reason=repr(fault))
    for step in (_apply_config, _dial):  # a full /usr must not keep the module from dialling
        try:
            step(g)
        except Exception as fault:
            life.calls.ask("notice", slug="virt.boot-config", reason=repr(fault))


def _dial(g):
    if g["datacall_flag"] == 1:
        data_call.begin()


def _mount(g):
    """The file systems, and the names that the boot script of a real module leaves in the global name space."""
    plans = life.facts["mounts"]
    systems = [life.partitions.device_fs(plan["partition"], plan["protected"], twin) for plan in plans]
    g.update(zip(("bdev", "udev"), systems))
    for fs, plan in zip(systems, plans):
        vfs.mount(fs, plan["path"])
    if "/usr" in life.partitions.formatted or _is_bare("/usr"):
        _write(APN, "{}")
    for name in ("gc", "uos", "ujson", "backup_restore", "app_fota", "misc", "dial", "dataCall"):
        g[name] = __import__(name)


def _is_bare(mount):
    """True for the empty image of a stock package, and for one whose first file a power cut kept from being written."""
    entries = list(native.os.ilistdir(mount))
    return not entries or (len(entries) == 1 and entries[0][0] == APN.rsplit("/", 1)[1] and not entries[0][3])


def _apply_config(g):
    """REPL protection and the flag of the data call; a file that says neither changes nothing."""
    g["datacall_flag"] = 1
    config = _read_config()
    if config is None:
        _write(CONFIG, native.json.dumps({"replFlag": 0}))
        return
    flag = config.get("datacallFlag", 1)
    g["datacall_flag"] = flag if isinstance(flag, (int, bool)) else 1
    if config.get("replFlag", 0):
        password = config.get("replPswd", "") if life.facts["has_repl_password"] else ""
        if not _is_hash(password):
            life.calls.ask("notice", slug="virt.bad-config", path=CONFIG, reason="replPswd")
            password = ""
        life.calls.ask("repl_protect", is_on=True, password=password)


def _read_config():
    """The configuration; None when there is none, or an empty one that a power cut left. What is bad counts as {}."""
    try:
        with native.builtins.open(CONFIG) as file:
            text = file.read(CONFIG_LIMIT)
        if not text:
            return None
        config = native.json.loads(text)
        if isinstance(config, dict):
            return config
        reason = "not an object"
    except OSError as fault:
        if fault.errno == 2:
            return None
        reason = repr(fault)
    except Exception as fault:
        reason = repr(fault)
    life.calls.ask("notice", slug="virt.bad-config", path=CONFIG, reason=reason[:200])
    return {}


def _is_hash(text):
    if not isinstance(text, str) or len(text) not in (0, 64):
        return False
    return all(letter in "0123456789abcdef" for letter in text)


def _write(path, text):
    with native.builtins.open(path, "w") as file:
        file.write(text)


def twin(path, data):
    """What the importer gets for a file: itself, or for bytecode of the real module its twin for this interpreter.

    A twin is kept by the supervisor under the file's SHA-256, made when the package was built.
    """
    if path.endswith(".py"):
        language.admit(path, data)
    if not path.endswith(".mpy") or data[:2] != b"M\x05":
        return data
    digest = native.hashlib.sha256(data).digest()
    name = "".join("%02x" % byte for byte in digest)
    found = b""
    while True:  # piece by piece
        size, piece = life.calls.ask_bytes("twin", b"", sha256=name, path=path, at=len(found))
        if size < 0:
            raise ImportError(
                "%s is bytecode version 5 and has no twin for the virtual module; build the package with moduline"
                % path
            )
        found += piece
        if len(found) >= size or not piece:
            return found
