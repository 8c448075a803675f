"""summarise.py OUT: what results.jsonl, the JUnit files and the sanitizers' logs say, as a short table."""

from __future__ import annotations

import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def main() -> None:
    out = Path(sys.argv[1])
    rows = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines() if line.strip()]
    print("== stages")
    stages(rows)
    print("== facts")
    of_kind(rows, "versions", "device", "copy", "served natively on cuda")
    print("== smoke")
    of_kind(rows, "smoke", "first losses apart")
    of_kind(rows, "WRONG", most=25)
    print("== probes")
    of_kind(rows, "probe")
    print("== tests")
    for name, log in (("junit.xml", "tests.log"), ("junit-large.xml", "large.log")):
        if (out / name).exists():
            tests(out / name)
        else:
            lines_of(Path(os.environ.get("DETAILS", ".")) / log)
    print("== compute-sanitizer")
    for path in [out / "sanitizer.txt"]:
        if path.exists():
            print(
                "\n".join(
                    f"  {line.strip()}"
                    for line in path.read_text(errors="replace").splitlines()
                    if re.search(r"SUMMARY|Error:|hazard|Invalid", line)
                )[:1500]
            )
    print("== training")
    of_kind(rows, "bit-equality", "train")
    print("== ops, microseconds on the device")
    for row in rows:
        if row.get("kind") == "op":
            times = "  ".join(f"{key[:-3]} {value:8.1f}" for key, value in row.items() if key.endswith("_us"))
            share = row.get("share_of_copy_bandwidth")
            print(
                f"  {row['case']:58s} {row['direction']:17s} {row['label']:21s} {times}"
                + (f"  {share:.0%} of copy" if share else "")
            )
    of_kind(rows, "op not measured")
    print("== whole steps, ms")
    for path in sorted(Path(os.environ.get("DETAILS", ".")).glob("steps*.json")):
        try:
            for row in json.loads(path.read_text())["rows"]:
                print(
                    f"  {row['workload']}, {row['rounds']} rounds ({path.stem}); "
                    f"losses apart {max(row['losses_apart']['zoo']):.0e}, {row['gigaflop_per_step']:.0f} GFLOP"
                )
                for name, value in sorted(row["seconds"].items(), key=lambda item: item[1]):
                    low, high = row["spread"][name]
                    print(
                        f"    {name:66s} {value * 1e3:8.3f} ({low * 1e3:.3f} to {high * 1e3:.3f})  "
                        f"{row['ratios'].get(name, 1):.2f} x zoo's at its precision"
                    )
                for name, why in row["absent"].items():
                    if why != "not asked for":
                        print(f"    {name}: {why}")
        except (ValueError, KeyError) as error:
            print(f"  {path.name}: {error!r}")


def stages(rows: list[dict]) -> None:
    for row in rows:
        if "stage" in row:
            print(f"  {row['stage']:32s} status {row['rc']}  {row['seconds']} s")


def of_kind(rows: list[dict], *kinds: str, most: int = 60) -> None:
    for row in [row for row in rows if row.get("kind") in kinds][:most]:
        print(
            "  "
            + row["kind"]
            + ": "
            + ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items() if k != "kind")[
                :400
            ]
        )


def lines_of(path: Path) -> None:
    """Of a run of tests that left no report: what its lines say so far."""
    text = path.read_text(errors="replace") if path.exists() else ""
    counts = {word: len(re.findall(rf"\b{word}\b", text)) for word in ("PASSED", "FAILED", "ERROR", "SKIPPED")}
    print(f"  {path.name}, without a report: {counts}")
    for name in sorted(set(re.findall(r"FAILED (tests/\S+)", text)))[:30]:
        print(f"    failed: {name}")


def tests(path: Path) -> None:
    suite = ElementTree.parse(path).getroot()
    suite = suite if suite.tag == "testsuite" else suite.find("testsuite")
    print(
        f"  {path.name}: "
        + ", ".join(f"{suite.get(key)} {key}" for key in ("tests", "failures", "errors", "skipped", "time"))
    )
    reasons: dict[str, int] = {}
    for case in suite.iter("testcase"):
        for kind in ("failure", "error"):
            bad = case.find(kind)
            if bad is not None:
                lines = (bad.get("message") or bad.text or "").strip().splitlines()
                print(f"    {kind}: {case.get('name')}: {lines[0][:150] if lines else ''}")
        skipped = case.find("skipped")
        if skipped is not None:
            reason = (skipped.get("message") or "")[:110]
            reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in reasons.items():
        print(f"    {count} skipped: {reason}")


if __name__ == "__main__":
    main()
