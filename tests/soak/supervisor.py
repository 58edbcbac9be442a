"""The demo, with the app at the other end of wires: SOAK_POSTGRES and SOAK_VALKEY are their ports."""

from __future__ import annotations

import os
import sys

from loyalty_app import embedded
from tests.smoke.demo import ROOT

sys.path.insert(0, str(ROOT / "bin"))

from demo import Demo, DemoError


class WiredDemo(Demo):
    def _start(self) -> None:
        # The stores are ours all the same; what the app is told of them leads over the wires.
        embedded.join_postgres(self.var)
        embedded.join_valkey(self.var)
        super()._start()

    def environment(self) -> dict[str, str]:
        postgres = f"127.0.0.1:{os.environ['SOAK_POSTGRES']}"
        return {
            **super().environment(),
            "DATABASE_URL": f"postgresql://postgres@{postgres}/{embedded.DATABASE}",
            "REDIS_URL": f"redis://127.0.0.1:{os.environ['SOAK_VALKEY']}/0",
        }


if __name__ == "__main__":
    try:
        WiredDemo().run()
    except (DemoError, embedded.EmbeddedError) as error:
        sys.exit(f"demo: {error}")
