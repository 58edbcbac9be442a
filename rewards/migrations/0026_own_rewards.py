"""Rewards that no order uses up: how many are taken, who waits for one, what was paid out and drawn."""

from typing import Any

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.fields.json import KT
from django.db.models.functions import Now

from rewards.migration_tools import lead_with_program, refer

ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
PROGRAM = (
    "program",
    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="rewards.program"),
)
DRAWINGS_STAY = """
CREATE OR REPLACE FUNCTION rewards_drawing_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Only the erasure of a whole program may delete; it says so for its own transaction.
    IF TG_OP = 'DELETE' AND current_setting('rewards.erasing', true) = OLD.program_id::text THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'what was drawn is never changed or deleted'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE TRIGGER rewards_drawing_stays BEFORE UPDATE OR DELETE ON rewards_drawing
FOR EACH ROW EXECUTE FUNCTION rewards_drawing_stays();
"""
FORGET_DRAWINGS_STAY = """
DROP TRIGGER rewards_drawing_stays ON rewards_drawing; DROP FUNCTION rewards_drawing_stays()
"""


def change_keys(apps: Any, editor: Any) -> None:
    for table in ("rewards_tally", "rewards_wait", "rewards_payout", "rewards_drawing"):
        lead_with_program(editor, table)
    refer(editor, "rewards_wait", "member_id", "rewards_member")


class Migration(migrations.Migration):
    # Indexes are built while the app goes on.
    atomic = False

    dependencies = [("rewards", "0025_promotions")]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ID,
                ("reward", models.CharField(max_length=40)),
                ("count", models.BigIntegerField(db_default=0, default=0)),
                ("value", models.BigIntegerField(db_default=0, default=0)),
                PROGRAM,
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("program", "reward"), name="tally_once"),
                    models.CheckConstraint(
                        condition=models.Q(("count__gte", 0), ("value__gte", 0)), name="tally_not_below_nothing"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Wait",
            fields=[
                ID,
                ("reward", models.CharField(max_length=40)),
                ("created_at", models.DateTimeField(db_default=Now())),
                ("kept_until", models.DateTimeField(null=True)),
                (
                    "member",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="waits",
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
                "indexes": [models.Index(fields=["program", "reward", "id"], name="wait_in_line")],
                "constraints": [
                    models.UniqueConstraint(fields=("program", "member", "reward"), name="wait_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Payout",
            fields=[
                ID,
                ("reward", models.CharField(max_length=40)),
                ("amount", models.BigIntegerField()),
                ("paid_on", models.DateField()),
                ("receipt", models.CharField(max_length=300)),
                ("author", models.CharField(blank=True, default="", max_length=120)),
                ("key", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(db_default=Now())),
                PROGRAM,
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("program", "reward", "key"), name="payout_once"),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payout_of_money"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Drawing",
            fields=[
                ID,
                ("reward", models.CharField(max_length=40)),
                ("turn", models.IntegerField()),
                ("called_off", models.BooleanField(default=False)),
                ("seed", models.CharField(blank=True, default="", max_length=64)),
                ("entries", models.JSONField(default=list)),
                ("prizes", models.IntegerField(default=0)),
                ("winners", models.JSONField(default=list)),
                ("left_out", models.IntegerField(default=0)),
                ("author", models.CharField(blank=True, default="", max_length=120)),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("drawn_at", models.DateTimeField(db_default=Now())),
                PROGRAM,
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("program", "reward", "turn"), name="drawing_once")
                ],
            },
        ),
        migrations.RunSQL(DRAWINGS_STAY, FORGET_DRAWINGS_STAY),
        migrations.RunPython(change_keys),
        migrations.AddField(
            "notice", "reward", models.CharField(blank=True, db_default="", default="", max_length=40)
        ),
        AddIndexConcurrently(
            "redemption",
            models.Index(
                models.F("program"),
                models.F("state"),
                KT("reward__id"),
                models.F("id"),
                condition=models.Q(("reward__kind__in", ["exclusive", "donation", "draw"])),
                name="redemption_own",
            ),
        ),
    ]
