"""`python -m bench [quick|usual|full] [NAME ...]`: measures, and writes var/bench.json.

With RECORD=1 the rows of what was run replace those in bench/RESULTS.md.
"""

import json
import os
import shutil
import subprocess
import sys
import time

from bench import report, stage, tools

FREE_BYTES = 15 * 10**9


def main() -> None:
    words = sys.argv[1:]
    size = words.pop(0) if words and words[0] in ("quick", "usual", "full") else "usual"
    names = _names()
    if unknown := [word for word in words if word not in names]:
        raise SystemExit(f"There is no bench {unknown[0]!r}; there are {', '.join(names)}.")
    if size == "full" and shutil.disk_usage(stage.ROOT).free < FREE_BYTES:
        raise SystemExit("make bench-full loads ten million rows and needs 15 GB free on this disk.")
    try:
        tools.install()
        with stage.opened(size):
            pass  # the schema is made, for all that follow
    except stage.BenchError as error:
        raise SystemExit(str(error)) from error
    measured, failed = [], []
    for name in words or names:
        found = _run(name, size)
        (measured if found else failed).append(found or name)
    report.write(measured, record=bool(os.environ.get("RECORD")))
    if failed:
        raise SystemExit(f"Not measured: {', '.join(failed)}.")


def _names() -> list[str]:
    stage.configure()
    from bench.registry import BENCHES  # some benches import models, which need the settings

    return list(BENCHES)


def _run(name: str, size: str) -> report.Found | None:
    """In a process of its own, so that none finds what another one left."""
    print(f"{name} ...", flush=True)
    began = time.monotonic()
    file = stage.file_of(name)
    file.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "bench.one", name, size], stdin=subprocess.DEVNULL, check=False)
    if not file.exists():
        return None
    print(f"{time.monotonic() - began:.0f} s\n", flush=True)
    found: report.Found = json.loads(file.read_text())
    return found


if __name__ == "__main__":
    main()
