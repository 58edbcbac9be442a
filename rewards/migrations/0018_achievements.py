"""Challenges that members have done; contributions in the sequence of their decision."""

from typing import Any

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from rewards.migration_tools import lead_with_program, refer


def change_keys(apps: Any, editor: Any) -> None:
    lead_with_program(editor, "rewards_achievement")
    refer(editor, "rewards_achievement", "member_id", "rewards_member")


class Migration(migrations.Migration):
    # Indexes are built while the app goes on.
    atomic = False

    dependencies = [("rewards", "0017_actions")]

    operations = [
        migrations.CreateModel(
            name="Achievement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("challenge", models.CharField(max_length=40)),
                ("turn", models.IntegerField()),
                ("points", models.BigIntegerField()),
                ("badge", models.CharField(max_length=40)),
                ("achieved_at", models.DateTimeField()),
                (
                    "member",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="achievements",
                        to="rewards.member",
                    ),
                ),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("program", "member", "challenge", "turn"), name="achievement_once"
                    )
                ],
            },
        ),
        migrations.RunPython(change_keys),
        AddIndexConcurrently(
            "action",
            models.Index(
                fields=["program", "-decided_at"],
                condition=models.Q(("decided_at__isnull", False)),
                name="action_decided",
            ),
        ),
    ]
