"""What stands for the database where statements are shared: one group at a time, when it is told to."""

import threading

SECONDS = 20


class Disk:
    """`groups`: whose rows came together."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go_on = threading.Event()
        self.failure: Exception | None = None

    def write(self, rows: list[int]) -> None:
        self.groups.append(rows)
        assert self.go_on.wait(SECONDS)
        if self.failure is not None:
            raise self.failure
