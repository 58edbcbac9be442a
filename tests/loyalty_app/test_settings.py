"""What the settings read is what `.env.example` explains."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INNER = {"LOYALTY_ROLE", "PROMETHEUS_MULTIPROC_DIR"}
"""Set by the app itself."""


def test_every_setting_is_explained_and_every_explained_one_is_read() -> None:
    source = (ROOT / "loyalty_app" / "settings.py").read_text() + (ROOT / "bin" / "demo.py").read_text()
    read = set(re.findall(r'(?:env[a-z]+|environ\.get)\(\s*"([A-Z_]+)"', source)) - INNER
    explained = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert explained == read
