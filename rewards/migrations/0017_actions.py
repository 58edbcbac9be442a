"""What members do beside ordering, and their birthdays."""

from typing import Any

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from rewards.migration_tools import lead_with_program, refer


def change_keys(apps: Any, editor: Any) -> None:
    lead_with_program(editor, "rewards_action")
    refer(editor, "rewards_action", "member_id", "rewards_member")


class Migration(migrations.Migration):
    # Indexes are built while the app goes on.
    atomic = False

    dependencies = [("rewards", "0016_tiers")]

    operations = [
        migrations.AddField("member", "birthday", models.SmallIntegerField(null=True)),
        migrations.AddField("member", "birthday_since", models.DateField(null=True)),
        AddIndexConcurrently(
            "member",
            models.Index(
                fields=["program", "birthday", "id"],
                condition=models.Q(("birthday__isnull", False)),
                name="member_birthday",
            ),
        ),
        migrations.CreateModel(
            name="Action",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=40)),
                ("occasion", models.CharField(max_length=48)),
                ("version", models.IntegerField()),
                ("points", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("given", "Given"), ("waiting", "Waits for approval"), ("refused", "Refused")],
                        max_length=7,
                    ),
                ),
                ("data", models.JSONField(db_default={}, default=dict)),
                ("happened_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("author", models.CharField(blank=True, db_default="", default="", max_length=120)),
                ("reason", models.CharField(blank=True, db_default="", default="", max_length=300)),
                (
                    "member",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="actions",
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["program", "id"], name="action_waiting"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("program", "member", "rule", "occasion"), name="action_once"
                    )
                ],
            },
        ),
        migrations.RunPython(change_keys),
    ]
