"""Load over HTTP: as fast as it goes with wrk, or at a steady rate, each with the times of the answers."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.stage import VAR, BenchError

HERE = Path(__file__).resolve().parent
ID_LENGTH = 29
"""What `{id}` becomes: nanoseconds, a dash, nine digits."""


@dataclass(frozen=True)
class Load:
    """What came of it: answered requests, and times in seconds."""

    requests: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def flat_out(
    address: str, requests: Sequence[bytes], *, seconds: float, connections: int = 32, warm_up: float = 1
) -> Load:
    """wrk with keep-alive, one thread. In each request `{id}` becomes a number of its own.

    Every answer has to be a 200: a load that is refused measures nothing.
    """
    if warm_up:
        _wrk(address, requests, warm_up, connections)
    return _wrk(address, requests, seconds, connections)


def _wrk(address: str, requests: Sequence[bytes], seconds: float, connections: int) -> Load:
    spool = VAR / "requests.bin"
    with open(spool, "wb") as file:
        for request in requests:
            file.write(b"%d\n%b" % (len(request), request))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
    done = subprocess.run(
        [*command, "-s", str(HERE / "load.lua"), address, "--", str(spool), str(time.time_ns())],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise BenchError(f"wrk: {done.stderr or done.stdout}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    if found["refused"] or found["broken"]:
        raise BenchError(f"{found['refused']} requests were refused, {found['broken']} broke: {address}")
    if not found["requests"]:
        raise BenchError(f"nothing was answered in {seconds:.0f} s: {address}")
    return Load(found["requests"], found["seconds"], found["p50"], found["p99"])


def steadily(
    port: int, requests: Callable[[int], bytes], *, rate: float, seconds: float, connections: int = 32
) -> Load:
    """Requests at a rate that doesn't wait for answers; a time counts from when the request was due."""
    total, times = int(rate * seconds), []
    lock, numbers = threading.Lock(), iter(range(total))
    began = time.monotonic() + 0.1

    def send() -> None:
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                due = began + number / rate
                time.sleep(max(0.0, due - time.monotonic()))
                line.sendall(requests(number))
                _expect_200(line)
                times.append(time.monotonic() - due)

    senders = [threading.Thread(target=send) for _ in range(connections)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if len(times) != total:
        raise BenchError(f"only {len(times)} of {total} requests were answered with 200")
    times.sort()
    return Load(total, time.monotonic() - began, times[total // 2], times[total * 99 // 100])


def _expect_200(line: socket.socket) -> None:
    head, data = b"", b""
    while not head:
        data += _received(line)
        if b"\r\n\r\n" in data:
            head, _, data = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise BenchError(f"answered {head[:80]!r}")
    head = head.lower()
    if b"transfer-encoding: chunked" in head:
        while not data.endswith(b"0\r\n\r\n"):
            data += _received(line)
        return
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    missing = int(length or 0) - len(data)
    while missing > 0:
        missing -= len(_received(line))


def _received(line: socket.socket) -> bytes:
    data = line.recv(65536)
    if not data:
        raise BenchError("the server ended a connection")
    return data
