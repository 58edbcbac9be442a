"""Redemptions of no points, the rule that gave them, and what happened to each."""

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models


class Migration(migrations.Migration):
    # Indexes are built while the app goes on.
    atomic = False

    dependencies = [("rewards", "0018_achievements")]

    operations = [
        migrations.AddField(
            "redemption", "rule", models.CharField(blank=True, db_default="", default="", max_length=40)
        ),
        migrations.AddField("redemption", "history", models.JSONField(db_default=[], default=list)),
        AddConstraintNotValid(
            "redemption",
            models.CheckConstraint(
                condition=models.Q(("points__gte", 0)), name="redemption_costs_nothing_or_points"
            ),
        ),
        ValidateConstraint("redemption", name="redemption_costs_nothing_or_points"),
        migrations.RemoveConstraint("redemption", "redemption_costs_points"),
        AddIndexConcurrently(
            "redemption",
            models.Index(
                fields=["program", "member", "-id"],
                condition=models.Q(("points", 0)),
                name="redemption_gift",
            ),
        ),
    ]
