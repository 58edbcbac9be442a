"""Places in the budgets of surprises, counted."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from rewards.migration_tools import lead_with_program


def change_key(apps: Any, editor: Any) -> None:
    lead_with_program(editor, "rewards_budget")


class Migration(migrations.Migration):
    # The key's index is built on its own.
    atomic = False

    dependencies = [("rewards", "0013_unpublished_in_turn")]

    operations = [
        migrations.CreateModel(
            name="Budget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=40)),
                ("used", models.IntegerField()),
                (
                    "program",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="rewards.program"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("program", "rule"), name="budget_once")],
            },
        ),
        migrations.RunPython(change_key),
    ]
