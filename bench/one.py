"""`python -m bench.one NAME [SIZE]`: one bench, alone in this process. It leaves its result in var/bench."""

import json
import signal
import sys
from typing import get_args

from bench import stage as stages
from bench.figures import HEAD, Result
from bench.stage import BenchError, Size, Stage


def main() -> None:
    name, size = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "usual"
    if size not in get_args(Size):
        raise SystemExit(f"The size is one of {', '.join(get_args(Size))}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it started ends with it
    stages.configure()
    try:
        with stages.opened(size) as stage:  # type: ignore[arg-type]
            result = _run(name, stage)
    except BenchError as error:
        raise SystemExit(f"{name}: {error}") from error
    stages.file_of(name).write_text(json.dumps({"entry": result.as_json(), "row": result.as_row()}))
    print(f"{HEAD}\n{result.as_row()}", flush=True)


def _run(name: str, stage: Stage) -> Result:
    from bench.registry import BENCHES  # some of them import models, which need the settings

    if name not in BENCHES:
        raise BenchError(f"There is no such bench; there are {', '.join(BENCHES)}.")
    bench, result = BENCHES[name], Result(name, BENCHES[name], [], [])
    with bench.open(stage) as turns:
        for _ in range(1 if stage.size == "quick" else bench.runs):
            result.ours.append(turns.ours())
            result.peer.append(turns.peer())
    return result


if __name__ == "__main__":
    main()
