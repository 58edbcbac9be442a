"""Amounts on their way to store credit."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from rewards.migration_tools import lead_with_program, refer


def change_keys(apps: Any, editor: Any) -> None:
    lead_with_program(editor, "shopify_bridge_credit", "program_id, redemption_id")
    refer(editor, "shopify_bridge_credit", "redemption_id", "rewards_redemption")


class Migration(migrations.Migration):
    # The index of the key is built while the app goes on.
    atomic = False

    dependencies = [("shopify_bridge", "0014_customer_tags"), ("rewards", "0024_limits_of_rewards")]

    operations = [
        migrations.CreateModel(
            name="Credit",
            fields=[
                ("program_id", models.BigIntegerField()),
                (
                    "redemption",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="rewards.redemption",
                    ),
                ),
                ("shop_id", models.BigIntegerField()),
                ("customer_id", models.BigIntegerField()),
                ("after", models.BigIntegerField(db_default=0, default=0)),
                ("asked_at", models.DateTimeField(null=True)),
                ("parked_at", models.DateTimeField(null=True)),
                ("seen", models.JSONField(db_default=[], default=list)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("parked_at__isnull", False)),
                        fields=["program_id", "parked_at"],
                        name="credit_parked",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("customer_id__gt", 0)),
                        fields=("program_id", "shop_id", "customer_id"),
                        name="credit_one_at_a_time",
                    )
                ],
            },
        ),
        migrations.RunPython(change_keys),
    ]
