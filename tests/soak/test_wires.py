"""The wires of the soak carry what they are given, and nothing while they are held still."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak import wires
from tests.soak.wires import Wires

SECONDS = 30


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Path]:
    """A server that says back what it hears."""
    path = tmp_path / "echo"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=repeat, args=(near,), daemon=True).start()

        def repeat(near: socket.socket) -> None:
            with near:
                while data := near.recv(65536):
                    near.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def laid(echo: Path) -> Iterator[Wires]:
    with wires.laid({"echo": echo, "nowhere": echo.with_name("nowhere")}) as laid:
        yield laid


def reach(laid: Wires, name: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", laid.ports[name]), timeout=SECONDS)


def hear(connection: socket.socket, size: int) -> bytes:
    heard = b""
    while len(heard) < size and (data := connection.recv(65536)):
        heard += data
    return heard


def test_all_that_is_said_arrives_in_order(laid: Wires) -> None:
    said = bytes(range(256)) * 20_000
    with reach(laid, "echo") as connection:
        talking = threading.Thread(target=connection.sendall, args=(said,))
        talking.start()
        assert hear(connection, len(said)) == said
        talking.join()


def test_while_held_nothing_comes_through_and_afterwards_all_of_it(laid: Wires) -> None:
    with reach(laid, "echo") as old:
        old.sendall(b"first")
        assert hear(old, 5) == b"first"
        began = time.monotonic()
        laid.hold("echo", 1)
        laid.hold("echo", 0.1)  # the longer one counts
        with reach(laid, "echo") as new:
            for connection, said in ((old, b"second"), (new, b"third")):
                connection.sendall(said)
                assert hear(connection, len(said)) == said
                assert time.monotonic() - began >= 1


def test_where_nobody_answers_the_wire_ends(laid: Wires) -> None:
    with reach(laid, "nowhere") as connection, contextlib.suppress(ConnectionResetError):
        assert connection.recv(1) == b""
