"""How small are our patches of real firmware, beside every peer at its best settings? And what do they cost to make?

    python bench/delta.py [PAIR ...] [--saved-peers] [--save] [--where]

For each pair of the corpus: bytes of our stream, of each peer's smallest patch, and ours divided by the smallest of
all peers. Every patch is applied by the one who made it and compared before it counts. Peers are the extra ``bench``
(``pip install -e '.[bench]'``) and xdelta3 of the system; one that is not there is left out, and the table says so.

Each figure is a process of its own, so that peak RSS is its own and a peer may fail alone; ours runs on one core. All
eight pairs take about twenty minutes, nearly all of it the peers': ``--save`` keeps their figures (and ours) in
bench/baseline.json, ``--saved-peers`` uses them for pairs that are the same bytes. ``--where`` tells what our bytes are
spent on, by kind of operand and part of a cover.
"""

import argparse
import bz2
import io
import itertools
import json
import lzma
import math
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from moduline.digest import sha256_hex

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
BASELINE = Path(__file__).with_name("baseline.json")
KEY = "delta"
OTHERS = ("lua-littlefs",)
"""Pairs that are no ARM code."""
BAR, AIM, OTHERS_BAR = 0.42, 0.38, 0.90
MOST_SECONDS, MOST_RSS_MIB, MOST_RAM_BYTES = 60, 600, 64 << 10
PEER_SECONDS = 600


class Absent(Exception):  # noqa: N818  a reason, not a failure
    """This peer cannot be asked here."""


# ---- peers: each yields (setting, patch bytes, what applies it) ----


def of_bsdiff4(old, new):
    import bsdiff4

    patch = bsdiff4.diff(old, new)
    yield "bz2", patch, lambda: bsdiff4.patch(old, patch)


def raw(lc, lp, pb, bytes_):
    size = max(1 << 16, 1 << (bytes_ - 1).bit_length()) if bytes_ > 1 else 1 << 16
    return [
        {
            "id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": size, "nice_len": 273,
            "lc": lc, "lp": lp, "pb": pb,
        }
    ]  # fmt: skip


def best_lzma(data):
    """The smallest raw LZMA stream: lc, lp and pb are improved in turn until none helps."""
    best, found = (3, 0, 0), {}

    def size(setting):
        if setting not in found:
            found[setting] = lzma.compress(data, lzma.FORMAT_RAW, filters=raw(*setting, len(data)))
        return len(found[setting])

    while True:
        lc, lp, pb = before = best
        for tried in (
            [(lc, lp, i) for i in range(5)],
            [(i, j, pb) for j in range(5) for i in range(5 - j) if len(data) < 1 << 20 or j == lp or i == lc],
        ):
            best = min([*tried, best], key=size)
            lc, lp, pb = best
        if best == before:
            return found[best], best


def of_bsdiff4_lzma(old, new):
    """The three streams of bsdiff4 under LZMA; the header's magic has room for their settings."""
    import bsdiff4

    patch = bsdiff4.diff(old, new)
    _, control, difference, _ = struct.unpack("<8sqqq", patch[:32])
    ends = (32, 32 + control, 32 + control + difference, len(patch))
    streams = [bz2.decompress(patch[a:b]) for a, b in itertools.pairwise(ends)]
    packed = [best_lzma(one) for one in streams]

    def apply():
        plain = [
            lzma.decompress(data, lzma.FORMAT_RAW, filters=raw(*setting, len(one)))
            for (data, setting), one in zip(packed, streams, strict=True)
        ]
        parts = [bz2.compress(one) for one in plain]
        head = struct.pack("<8sqqq", b"BSDIFF40", len(parts[0]), len(parts[1]), len(new))
        return bsdiff4.patch(old, head + b"".join(parts))

    settings = " ".join("{}{}{}".format(*setting) for _, setting in packed)
    yield f"lc lp pb {settings}", bytes(32) + b"".join(data for data, _ in packed), apply


def of_hdiffpatch(old, new):
    import hdiffpatch as h

    window = min(30, max(16, len(new).bit_length() + 1))
    configs = {
        "none": None,
        "zlib": h.ZlibConfig(level=9, memory_level=9, window=15),
        "lzma": h.LzmaConfig(level=9, window=window),
        "lzma2": h.Lzma2Config(level=9, window=window),
        "xz": h.XzConfig(level=9, window=window),
        "zstd": h.ZStdConfig(level=22, window=min(27, window)),
        "bzip2": h.BZip2Config(level=9),
        "brotli": h.BrotliConfig(level=11, window=min(24, window)),
        "lzham": h.LzhamConfig(level=5),
        "tamp": h.TampConfig(window=15),
        "tuz": h.TuzConfig(dict_size=1 << 22),
        "lz4hc": h.Lz4HCConfig(level=12),
    }
    for name, config in configs.items():
        patch = h.diff(old, new, "none" if config is None else config, validate=False)
        yield name, patch, lambda patch=patch: h.apply(old, patch)
    for name in ("lzma", "lzma2", "brotli"):
        patch = h.diff_lite(old, new, compression=configs[name], validate=False)
        yield f"lite {name}", patch, lambda patch=patch: h.apply_lite(old, patch)


def by_detools(old, new, **settings):
    import detools

    made = io.BytesIO()
    detools.create_patch(io.BytesIO(old), io.BytesIO(new), made, use_mmap=False, **settings)

    def apply():
        given = io.BytesIO()
        detools.apply_patch(io.BytesIO(old), io.BytesIO(made.getvalue()), given)
        return given.getvalue()

    return made.getvalue(), apply


def of_detools(old, new):
    yield "lzma", *by_detools(old, new, compression="lzma")
    yield "crle", *by_detools(old, new, compression="crle")
    for score in (0, 2, 4):
        settings = {"algorithm": "hdiffpatch", "patch_type": "hdiffpatch", "match_score": score}
        yield f"hdiffpatch {score}, lzma", *by_detools(old, new, compression="lzma", **settings)
    yield (
        "heatshrink",
        *by_detools(old, new, compression="heatshrink", heatshrink_window_sz2=14, heatshrink_lookahead_sz2=7),
    )


def of_detools_m4(old, new):
    """Branches and literal loads; then also pointers, taking the image's last part for data."""
    yield "lzma, code", *by_detools(old, new, compression="lzma", data_format="arm-cortex-m4")
    yield "crle, code", *by_detools(old, new, compression="crle", data_format="arm-cortex-m4")
    from moduline.delta import mapped

    base = mapped.find_base(old)
    if base is None:
        return
    for eighths in (6, 7):
        place = {}
        for side, image in (("from", old), ("to", new)):
            place |= {
                f"{side}_data_offset_begin": len(image) * eighths // 8 & ~3, f"{side}_data_offset_end": len(image) & ~3,
                f"{side}_code_begin": base, f"{side}_code_end": base + len(image),
                f"{side}_data_begin": 0x2000_0000, f"{side}_data_end": 0x2010_0000,
            }  # fmt: skip
        made = by_detools(old, new, compression="lzma", data_format="arm-cortex-m4", **place)
        yield f"lzma, data from {eighths}/8", *made


def of_zstd(old, new):
    """As ``--patch-from``: the old image is a prefix of raw content; the window spans both."""
    import zstandard as z

    prefix = z.ZstdCompressionDict(old, dict_type=z.DICT_TYPE_RAWCONTENT)
    window = min(27, (len(old) + len(new)).bit_length())
    for is_long in (False, True):
        for length in (999, 256):
            settings = z.ZstdCompressionParameters.from_level(
                22, source_size=len(old) + len(new), window_log=window, chain_log=window, hash_log=window - 1,
                search_log=window - 1, min_match=3, target_length=length, enable_ldm=is_long,
                write_content_size=False, write_checksum=False, write_dict_id=False,
            )  # fmt: skip
            patch = z.ZstdCompressor(dict_data=prefix, compression_params=settings).compress(new)
            yield (
                f"22{', ldm' if is_long else ''}, target {length}",
                patch,
                lambda patch=patch: (
                    z.ZstdDecompressor(dict_data=prefix, max_window_size=1 << 27).decompressobj().decompress(patch)
                ),
            )


def of_xdelta3(old, new):
    program = shutil.which("xdelta3")
    if program is None:
        raise Absent("no xdelta3 on PATH (Debian package xdelta3)")
    with tempfile.TemporaryDirectory(prefix="moduline-bench-") as folder:
        left, right, patch, back = (Path(folder, name) for name in ("old", "new", "patch", "back"))
        left.write_bytes(old)
        right.write_bytes(new)
        for second in ("lzma", "djw"):
            # -W: one window for the whole image; -A -n: neither file names nor checksums
            options = ["-e", "-9", "-S", second, "-W", str(16 << 20), "-A=", "-n", "-f", "-s"]
            subprocess.run([program, *options, left, right, patch], check=True, capture_output=True)

            def apply():
                subprocess.run([program, "-d", "-f", "-s", left, patch, back], check=True, capture_output=True)
                return back.read_bytes()

            yield f"-9 -S {second}", patch.read_bytes(), apply


PEERS = {
    "bsdiff4": of_bsdiff4,
    "bsdiff4+lzma": of_bsdiff4_lzma,
    "hdiffpatch": of_hdiffpatch,
    "detools": of_detools,
    "detools m4": of_detools_m4,
    "zstd": of_zstd,
    "xdelta3": of_xdelta3,
}


# ---- one figure, in a process of its own ----


def pair(name):
    return tuple((CORPUS / name / file).read_bytes() for file in ("old.bin", "new.bin"))


def peer_once(peer, name):
    """One line for every setting tried: the best until then."""
    old, new = pair(name)
    began, best, wrong = time.process_time(), {}, []
    try:
        for setting, patch, apply in PEERS[peer](old, new):
            try:
                is_right = apply() == new
            except Exception as failure:  # noqa: BLE001  whatever a peer raises is its own result
                wrong.append(f"{setting}: {type(failure).__name__}")
            else:
                if not is_right:
                    wrong.append(f"{setting}: other bytes")
                elif not best or len(patch) < best["bytes"]:
                    best = {"bytes": len(patch), "setting": setting}
            seconds = round(time.process_time() - began, 1)
            yield (best or {"absent": "nothing it made came back right"}) | {"wrong": wrong, "seconds": seconds}
    except (Absent, ImportError) as reason:
        yield {"absent": str(reason)}


def grouped(spent):
    """Bytes by what a category begins with."""
    groups = {}
    for kind, bytes_ in spent.items():
        group = kind.partition(":")[0]
        groups[group] = groups.get(group, 0) + bytes_
    return {group: round(bytes_) for group, bytes_ in groups.items()}


def ours_once(name):
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    old, new = pair(name)
    began, used = time.perf_counter(), time.process_time()
    from moduline.delta import mapped

    made = mapped.make(old, new)  # decodes and compares, too
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.process_time()
    assert mapped.apply(old, made.stream, len(new)) == new, "our own patch gives other bytes"
    return {
        "codec": "mapped",
        "bytes": len(made.stream),
        "wall_s": round(seconds, 1),
        "cpu_s": round(cpu, 1),
        "peak_rss_mib": round(peak),
        "decode_s": round(time.process_time() - began, 2),
        "ram_bytes": made.ram_bytes,
        "covers": made.covers,
        "spent": grouped(made.spent),
        "where": {kind: round(spent) for kind, spent in made.spent.items() if spent >= 1},
    }


def window_once(name):
    """As ``ours_once``, with the coder whose window is the old image."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    old, new = pair(name)
    began, used = time.perf_counter(), time.process_time()
    from moduline.delta import window, window_native

    made = window.coded(old, new)  # decodes and compares, too
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    decoder = window_native.Decoder(lambda at, count: old[at : at + count], len(old), made.stream, len(new))
    began = time.process_time()
    assert decoder.read(len(new)) == new, "our own patch gives other bytes"
    return {
        "codec": "window",
        "bytes": len(made.stream),
        "wall_s": round(seconds, 1),
        "cpu_s": round(cpu, 1),
        "peak_rss_mib": round(peak),
        "decode_s": round(time.process_time() - began, 2),
        "ram_bytes": decoder.ram_bytes,
        "covers": 0,
        "spent": {kind: round(spent) for kind, spent in made.spent.items()},
        "where": {kind: round(spent) for kind, spent in made.spent.items() if spent >= 1},
    }


def smaller_once(name):
    """Both coders, each in a process of its own; the smaller counts, as in ``delta make``."""
    both = [in_process(codec, name) for codec in ("mapped", "window")]
    made = [one for one in both if "bytes" in one]
    best = min(made, key=lambda one: one["bytes"]) if made else both[0]
    return best | {"others": {one["codec"]: one["bytes"] for one in made if one is not best}}


def in_process(*arguments):
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [sys.executable, __file__, "--once", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=PEER_SECONDS, env=environment)
    except subprocess.TimeoutExpired as late:
        lines, end = (late.stdout or b"").splitlines(), f"stopped after {PEER_SECONDS} s"
    else:
        lines, end = done.stdout.splitlines(), f"ended with {done.returncode}: {done.stderr[-200:].decode()}"
        if not done.returncode:
            return json.loads(lines[-1])
    if not lines:
        return {"absent": end}
    found = json.loads(lines[-1])
    return found | {"wrong": [*found.get("wrong", []), end]}


# ---- the table ----


def measure(name, saved, use_saved):
    bytes_ = sha256_hex(b"".join(pair(name)))[:16]
    peers = saved.get("peers", {}) if saved.get("sha256") == bytes_ and use_saved else {}
    found = {"sha256": bytes_, "ours": smaller_once(name)}
    found["peers"] = {peer: peers.get(peer) or in_process(peer, name) for peer in PEERS}
    there = {peer: one for peer, one in found["peers"].items() if "bytes" in one}
    found["best"] = min(there, key=lambda peer: there[peer]["bytes"]) if there else None
    if found["best"] and "bytes" in found["ours"]:
        found["ratio"] = round(found["ours"]["bytes"] / there[found["best"]]["bytes"], 3)
    return found


def shown(one):
    return f"{one['bytes']:>13}" if "bytes" in one else f"{'-':>13}"


def print_row(name, found):
    cells = "".join(shown(found["peers"][peer]) for peer in PEERS)
    ours = found["ours"]
    told = f"{found.get('ratio', '-')!s:<6} of {found['best']}, by {ours.get('codec', '-')}"
    print(f"{name:<16}{shown(ours)}{cells}   {told}", flush=True)


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def print_means(table):
    groups = {
        f"ARM (bar {BAR}, aim {AIM})": ([name for name in table if name not in OTHERS], BAR),
        f"others (bar {OTHERS_BAR})": ([name for name in table if name in OTHERS], OTHERS_BAR),
    }
    print()
    for title, (names, bar) in groups.items():
        ratios = [table[name]["ratio"] for name in names if "ratio" in table[name]]
        if ratios:
            verdict = "met" if mean(ratios) <= bar else "MISSED"
            print(
                f"geometric mean, {title}: {mean(ratios):.3f} over {len(ratios)} pairs, worst {max(ratios)}: {verdict}"
            )


def print_costs(table):
    print(f"\n{'ours':<16}{'cpu s':>8}{'wall s':>8}{'RSS MiB':>9}{'decode s':>10}{'RAM':>8}{'covers':>8}   spent on")
    for name, found in table.items():
        one = found["ours"]
        if "absent" in one:
            print(f"{name:<16}{one['absent']}")
            continue
        is_within = (
            one["cpu_s"] <= MOST_SECONDS and one["peak_rss_mib"] <= MOST_RSS_MIB and one["ram_bytes"] <= MOST_RAM_BYTES
        )
        spent = ", ".join(f"{kind} {bytes_}" for kind, bytes_ in one["spent"].items())
        print(
            f"{name:<16}{one['cpu_s']:>8}{one['wall_s']:>8}{one['peak_rss_mib']:>9}{one['decode_s']:>10}"
            f"{one['ram_bytes']:>8}{one['covers']:>8}   {spent}{'' if is_within else '   OVER THE BAR'}"
        )
    print(f"bars: {MOST_SECONDS} s on one core, {MOST_RSS_MIB} MiB, {MOST_RAM_BYTES} bytes of decoder RAM")


def print_where(table):
    print("\nwhere our bytes are")
    for name, found in table.items():
        spent = sorted(found["ours"].get("where", {}).items(), key=lambda one: -one[1])
        print(f"{name:<16}{', '.join(f'{kind} {bytes_}' for kind, bytes_ in spent)}")


def print_settings(table):
    print("\nsettings that gave the peers' sizes; what a peer got wrong or why it is absent")
    for name, found in table.items():
        for peer, one in found["peers"].items():
            wrong = f"   wrong: {'; '.join(one['wrong'])}" if one.get("wrong") else ""
            told = one.get("setting") or f"absent: {one['absent']}"
            took = f", {one['seconds']} s" if "seconds" in one else ""
            print(f"{name:<16}{peer:<14}{told}{took}{wrong}")


def main():
    if sys.argv[1:2] == ["--once"]:
        what, name = sys.argv[2:]
        own = {"mapped": ours_once, "window": window_once}.get(what)
        for line in [own(name)] if own else peer_once(what, name):
            print(json.dumps(line), flush=True)
        return
    if not CORPUS.is_dir():
        print(f"no firmware corpus beside the repository ({CORPUS.name}): third-party data, never committed")
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="*", help="all when none is named")
    parser.add_argument("--saved-peers", action="store_true")
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--where", action="store_true")
    asked = parser.parse_args()
    names = asked.pairs or sorted(path.name for path in CORPUS.iterdir() if path.is_dir())
    saved = json.loads(BASELINE.read_text()).get(KEY, {}) if BASELINE.exists() else {}
    print(f"{'pair':<16}{'ours':>13}{''.join(f'{peer:>13}' for peer in PEERS)}   ours / best")
    table = {}
    for name in names:
        table[name] = measure(name, saved.get(name, {}), asked.saved_peers)
        print_row(name, table[name])
    print_means(table)
    print_costs(table)
    print_settings(table)
    if asked.where:
        print_where(table)
    for found in table.values():
        found["ours"].pop("where", None)
    if asked.save:
        baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
        baseline[KEY] = baseline.get(KEY, {}) | table
        BASELINE.write_text(json.dumps(baseline, indent=1, sort_keys=True) + "\n")
        print(f"saved to {BASELINE.name}")
    if any("absent" in found["ours"] for found in table.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
