"""`python -m bench.shop PORT [FILE]`: just enough of Shopify. The file is what a bulk operation found.

Whatever is written is taken, after as long as Shopify takes for it; no cost is ever too high.
"""

import json
import shutil
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WRITE_SECONDS = 0.1
COST = {
    "requestedQueryCost": 10,
    "throttleStatus": {"currentlyAvailable": 20_000, "maximumAvailable": 20_000, "restoreRate": 1_000},
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """A call to the Admin API."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"data": self._data(asked["operationName"]), "extensions": {"cost": COST}}).encode()
        self._begin(200, len(body))
        self.wfile.write(body)

    def do_GET(self) -> None:
        """The file, from the byte on that is asked for."""
        with open(sys.argv[2], "rb") as file:
            length = file.seek(0, 2)
            begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            self._begin(206 if begin else 200, length - begin)
            file.seek(begin)
            shutil.copyfileobj(file, self.wfile)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing that comes here is worth a line."""

    def _begin(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _data(self, operation: str) -> dict[str, Any]:
        if operation == "bulk_state":
            url = f"http://127.0.0.1:{sys.argv[1]}/sandbox/bulk/orders.jsonl"
            state = {"status": "COMPLETED", "errorCode": None, "rootObjectCount": "1", "url": url}
            return {"bulkOperation": state}
        time.sleep(WRITE_SECONDS)
        return {"metafieldsSet": {"metafields": [], "userErrors": []}}


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
