"""Gifts by rule: how far each round of a tier's members is, and the orders of a day."""

from typing import Any

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from rewards.migration_tools import lead_with_program


def change_keys(apps: Any, editor: Any) -> None:
    lead_with_program(editor, "rewards_giftround")


class Migration(migrations.Migration):
    # Indexes are built while the app goes on.
    atomic = False

    dependencies = [("rewards", "0020_register")]

    operations = [
        migrations.CreateModel(
            name="GiftRound",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=40)),
                ("ends_on", models.DateField()),
                ("last_member", models.BigIntegerField(default=0)),
                ("is_over", models.BooleanField(default=False)),
                (
                    "program",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="rewards.program"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("program", "rule", "ends_on"), name="gift_round_once")
                ],
            },
        ),
        migrations.RunPython(change_keys),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["program", "counts_on", "member"],
                condition=models.Q(("counts_on__isnull", False)),
                name="order_of_day",
            ),
        ),
        migrations.AlterField(
            "redemption",
            "ending_with",
            models.CharField(
                blank=True,
                choices=[
                    ("points", "Points back"),
                    ("nothing", "Points stay spent"),
                    ("new_code", "A new code"),
                    ("taken", "A gift taken back"),
                ],
                db_default="",
                default="",
                max_length=10,
            ),
        ),
    ]
