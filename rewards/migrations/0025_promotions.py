"""Promo codes in bulk."""

from typing import Any

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from rewards.migration_tools import lead_with_program, refer


def change_keys(apps: Any, editor: Any) -> None:
    for table in ("rewards_promotion", "rewards_promocode"):
        lead_with_program(editor, table)
    refer(editor, "rewards_promocode", "promotion_id", "rewards_promotion")
    refer(editor, "rewards_promocode", "order_id", "rewards_order")


def of(model: str, **how: Any) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to=model, **how
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("rewards", "0024_limits_of_rewards")]

    operations = [
        migrations.CreateModel(
            name="Promotion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_id", models.BigIntegerField()),
                ("name", models.CharField(max_length=80)),
                ("reward", models.JSONField()),
                ("value", models.BigIntegerField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("making", "Being made"),
                            ("ready", "Ready to use"),
                            ("failed", "Failed"),
                            ("ending", "Being ended"),
                            ("ended", "Ended"),
                        ],
                        default="making",
                        max_length=7,
                    ),
                ),
                ("external_ref", models.CharField(blank=True, default="", max_length=120)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(null=True)),
                ("author", models.CharField(max_length=120)),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.IntegerField(default=0)),
                ("problem", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "program",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="rewards.program"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="promotion_due"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PromoCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "To be made"),
                            ("asked", "Being made"),
                            ("ready", "Ready to use"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("part", models.CharField(blank=True, default="", max_length=120)),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("used_at", models.DateTimeField(null=True)),
                ("order", of("rewards.order", null=True, related_name="promo_codes")),
                ("promotion", of("rewards.promotion", related_name="codes")),
                (
                    "program",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="rewards.program",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["program", "promotion", "state", "id"], name="promo_code_of_promotion"
                    ),
                    models.Index(
                        condition=models.Q(("order__isnull", False)),
                        fields=["program", "order"],
                        name="promo_code_of_order",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("program", "code"), name="promo_code_once")
                ],
            },
        ),
        migrations.RunPython(change_keys),
    ]
