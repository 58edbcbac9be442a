"""Places in budgets: of a surprise for the next orders, of a reward that so many can have in all."""

from collections.abc import Iterable, Mapping

from django.db import connection

from rewards.models import Budget


def take(program_id: int, name: str, most: int) -> bool:
    """Take a place, if one is left."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_budget AS b (program_id, rule, used) VALUES (%s, %s, 1)
            ON CONFLICT (program_id, rule) DO UPDATE SET used = b.used + 1 WHERE b.used < %s
            """,
            [program_id, name, most],
        )
        return bool(cursor.rowcount)


def used(program_id: int, names: Iterable[str], *, lock: bool = False) -> dict[str, int]:
    """How many places are taken; `lock`: nobody else takes one before this transaction ends."""
    wanted = sorted(names)
    if not wanted:
        return {}
    if lock:
        # A row that isn't there can't be locked.
        new = [Budget(program_id=program_id, rule=name, used=0) for name in wanted]
        Budget.objects.bulk_create(new, ignore_conflicts=True)
    rows = Budget.objects.filter(program_id=program_id, rule__in=wanted).order_by("rule")
    return dict((rows.select_for_update() if lock else rows).values_list("rule", "used"))


def change(program_id: int, changes: Mapping[str, int]) -> None:
    """Take places, or give them back; always in the same order, so that no two wait for each other."""
    for name, places in sorted(changes.items()):
        if places:
            with connection.cursor() as cursor:
                cursor.execute(CHANGE, [program_id, name, places])


CHANGE = """
    INSERT INTO rewards_budget AS b (program_id, rule, used) VALUES (%s, %s, %s)
    ON CONFLICT (program_id, rule) DO UPDATE SET used = b.used + excluded.used
"""
