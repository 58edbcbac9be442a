"""Accidents on demand. Repeatable: the same seed and the same calls meet the same accidents."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, fields
from typing import Any

OPERATION_FAULTS = {
    "timeout_after_work": "does the work and answers after the caller has given up",
    "late_create": "answers 504 at once and does the work some seconds later",
    "5xx": "answers 502 without doing the work",
    "throttle": "answers THROTTLED inside HTTP 200",
    "too_many": "answers HTTP 429 with Retry-After",
    "taken": "answers the user error TAKEN without doing the work",
    "html": "answers an HTML page with status 200 without doing the work",
    "cut": "does the work and cuts the answer in the middle",
    "unauthorized": "answers 401 without doing the work",
    "frozen": "answers 402 without doing the work, as for a shop that doesn't pay",
    "locked": "answers 423 without doing the work",
}


JOB_SECONDS = 0.2  # from the asking for codes to their being there or gone


@dataclass
class OperationFault:
    operation: str  # a root field such as discountCodeBasicCreate, or *
    fault: str
    rate: float = 1.0
    times: int | None = None  # how often still; None: for ever
    seconds: float = 12.0  # for timeout_after_work and late_create


@dataclass
class WebhookFaults:
    duplicate: float = 0.0  # share of deliveries that are sent twice
    renamed: float = 0.0  # share of those whose second copy has ids of its own
    drop: float = 0.0  # share that is never sent
    shuffle: float = 0.0  # each delivery is held back by up to so many seconds
    delay: float = 0.0  # every delivery is held back by so many seconds


@dataclass
class Faults:
    webhooks: WebhookFaults = field(default_factory=WebhookFaults)
    operations: list[OperationFault] = field(default_factory=list)
    seed: int = 1
    job_seconds: float = JOB_SECONDS

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def configure(self, wanted: dict[str, Any]) -> None:
        """`{"reset": true, "seed": 7, "webhooks": {...}, "operations": [{...}], "job_seconds": 5}`; raises
        ValueError.
        """
        webhooks = WebhookFaults(**_numbers(wanted.get("webhooks", {}), WebhookFaults))
        operations = [_operation(entry) for entry in wanted.get("operations", [])]
        job_seconds = float(wanted.get("job_seconds", 0))
        unknown = set(wanted) - {"reset", "seed", "webhooks", "operations", "job_seconds"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        with self._lock:
            if wanted.get("reset"):
                self.webhooks, self.operations, self.job_seconds = WebhookFaults(), [], JOB_SECONDS
            if "webhooks" in wanted:
                self.webhooks = webhooks
            if "seed" in wanted:
                self.seed = int(wanted["seed"])
                self._random = random.Random(self.seed)
            self.job_seconds = job_seconds if "job_seconds" in wanted else self.job_seconds
            self.operations += operations

    def as_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "job_seconds": self.job_seconds,
            "webhooks": vars(self.webhooks),
            "operations": [vars(operation) for operation in self.operations],
        }

    def copies(self) -> list[float]:
        """When the copies of a delivery leave, in seconds from now; none when it is lost."""
        with self._lock:
            wanted = self.webhooks
            if self._random.random() < wanted.drop:
                return []
            count = 2 if self._random.random() < wanted.duplicate else 1
            return [wanted.delay + wanted.shuffle * self._random.random() for _ in range(count)]

    def renames(self) -> bool:
        """Whether the second copy of a delivery comes under new ids."""
        with self._lock:
            return self.webhooks.renamed > 0 and self._random.random() < self.webhooks.renamed

    def strike(self, root_fields: list[str]) -> OperationFault | None:
        """The accident that meets a call of these root fields, if any."""
        with self._lock:
            for fault in self.operations:
                if fault.operation != "*" and fault.operation not in root_fields:
                    continue
                if fault.times == 0 or self._random.random() >= fault.rate:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


def _numbers(given: Any, kind: type) -> dict[str, float]:
    if not isinstance(given, dict):
        raise ValueError("webhooks must be an object")
    unknown = set(given) - {f.name for f in fields(kind)}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return {name: float(value) for name, value in given.items()}


def _operation(given: Any) -> OperationFault:
    if not isinstance(given, dict) or not {"operation", "fault"} <= set(given):
        raise ValueError("each of operations needs operation and fault")
    if given["fault"] not in OPERATION_FAULTS:
        raise ValueError(f"unknown fault {given['fault']}; known: {', '.join(OPERATION_FAULTS)}")
    unknown = set(given) - {f.name for f in fields(OperationFault)}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return OperationFault(**given)
