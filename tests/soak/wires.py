"""TCP wires between the app and its stores, which can be held still: nothing comes through, nobody is told.

`python -m tests.soak.wires NAME=SOCKET ...` listens at a free port for each name, prints the ports, and holds
the wires of a name still for as long as a line `NAME SECONDS` on its standard input says; it ends with that.
A process of its own, since the one that drives the soak is too busy to carry the app's data.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from tests.smoke.demo import ROOT


class Wires:
    """The running process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._say, self._hear = process.stdin, process.stdout
        self.ports: dict[str, int] = json.loads(self._hear.readline())

    def hold(self, name: str, seconds: float) -> None:
        """From now on, and for so long, nothing comes through."""
        self._say.write(f"{name} {seconds}\n")
        self._say.flush()
        self._hear.readline()


@contextmanager
def laid(sockets: dict[str, Path]) -> Iterator[Wires]:
    """Wires to these Unix sockets, which needn't be there yet."""
    ends = [f"{name}={socket}" for name, socket in sockets.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.soak.wires", *ends],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Wires(process)
    finally:
        process.communicate()  # the end of its input ends it


class _Bundle:
    """All wires to one server."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._ends: set[_End] = set()
        self._holds = 0

    async def listen(self) -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Near(self), "127.0.0.1", 0)
        return cast(int, server.sockets[0].getsockname()[1])

    async def reach(self, near: _Near) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_unix_connection(lambda: _Far(self, near), self._socket)
        except OSError:
            near.transport.abort()

    def join(self, end: _End) -> None:
        self._ends.add(end)
        if self._holds:
            end.transport.pause_reading()

    def part(self, end: _End) -> None:
        self._ends.discard(end)

    def hold(self, seconds: float) -> None:
        self._holds += 1
        for end in self._ends:
            end.transport.pause_reading()
        asyncio.get_running_loop().call_later(seconds, self._release)

    def _release(self) -> None:
        self._holds -= 1
        if not self._holds:
            for end in list(self._ends):
                end.transport.resume_reading()


class _End(asyncio.Protocol):
    """One end of a wire: what comes in here goes out there."""

    transport: asyncio.Transport

    def __init__(self, bundle: _Bundle) -> None:
        self.bundle = bundle
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.bundle.part(self)
        if self.other is not None:
            self.other.transport.close()


class _Near(_End):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()  # until there is a far end
        self._reaching = asyncio.ensure_future(self.bundle.reach(self))


class _Far(_End):
    def __init__(self, bundle: _Bundle, near: _Near) -> None:
        super().__init__(bundle)
        self.other, near.other = near, self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.other is not None
        if self.other.transport.is_closing():
            self.transport.close()
            return
        self.other.transport.resume_reading()
        for end in (self, self.other):
            self.bundle.join(end)


async def _serve(sockets: dict[str, str]) -> None:
    bundles = {name: _Bundle(socket) for name, socket in sockets.items()}
    _tell({name: await bundle.listen() for name, bundle in bundles.items()})
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb"))
    while line := await reader.readline():
        name, seconds = line.decode().split()
        bundles[name].hold(float(seconds))
        _tell("held")


def _tell(what: object) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(dict(end.split("=", 1) for end in sys.argv[1:])))
