"""Runs the judges that are written for Node."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "extensions" / "loyalty-widget"


def judge(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["node", str(Path(__file__).with_name(script)), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
