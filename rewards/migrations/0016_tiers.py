"""Tiers: what each order counts for, where each member stands, how they got there, and what was given."""

from typing import Any

import django.db.models.deletion
import django.db.models.functions.datetime
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from rewards.migration_tools import lead_with_program, refer
from rewards.money import exponent

BATCH = 10_000
# The last movement of an order explains the amount it had then. One that never earned counts for nothing.
COUNT_OLD_ORDERS = """
    UPDATE rewards_order o
    SET counts_on = (w.moment AT TIME ZONE %(zone)s)::date,
        firm_on = (w.moment AT TIME ZONE %(zone)s)::date + w.hold_days,
        spend = w.spend
    FROM (
        SELECT p.id,
               CASE WHEN v.document->'earning'->>'award_on' = 'fulfilled'
                    THEN GREATEST(p.paid_at, p.fulfilled_at) ELSE p.paid_at END AS moment,
               COALESCE((v.document->'earning'->>'hold_days')::int, 0) AS hold_days,
               COALESCE((
                   SELECT floor(rtrim(m.explanation->>'basis', '…')::numeric * %(units)s)
                   FROM rewards_movement m
                   WHERE m.program_id = %(program)s AND m.order_id = p.id AND m.kind IN ('order', 'refund')
                   ORDER BY m.id DESC LIMIT 1
               ), 0) AS spend
        FROM rewards_order p
        JOIN rewards_programversion v
          ON v.program_id = %(program)s AND v.number = (p.context->>'version')::int
        WHERE p.program_id = %(program)s AND p.id > %(last)s AND p.id <= %(end)s
          AND p.context IS NOT NULL AND p.paid_at IS NOT NULL AND p.counts_on IS NULL
    ) w
    WHERE o.program_id = %(program)s AND o.id = w.id
"""
ENDS = """
    SELECT max(id) FROM (
        SELECT id FROM rewards_order WHERE program_id = %s AND id > %s ORDER BY id LIMIT %s
    ) part
"""
CHANGES_STAY = """
CREATE OR REPLACE FUNCTION rewards_tierchange_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Only the erasure of a whole program may delete; it says so for its own transaction.
    IF TG_OP = 'DELETE' AND current_setting('rewards.erasing', true) = OLD.program_id::text THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the history of tiers is never changed or deleted'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE TRIGGER rewards_tierchange_stays BEFORE UPDATE OR DELETE ON rewards_tierchange
FOR EACH ROW EXECUTE FUNCTION rewards_tierchange_stays();
"""
FORGET_CHANGES_STAY = """
DROP TRIGGER rewards_tierchange_stays ON rewards_tierchange; DROP FUNCTION rewards_tierchange_stays()
"""


def count_old_orders(apps: Any, editor: Any) -> None:
    programs = apps.get_model("rewards", "Program").objects.order_by("pk")
    for program, currency, zone in programs.values_list("pk", "currency", "timezone"):
        last = 0
        with editor.connection.cursor() as cursor:
            while True:
                cursor.execute(ENDS, [program, last, BATCH])
                (end,) = cursor.fetchone()
                if end is None:
                    break
                values = {"program": program, "zone": zone, "units": 10 ** exponent(currency)}
                cursor.execute(COUNT_OLD_ORDERS, {**values, "last": last, "end": end})
                last = end


def change_keys(apps: Any, editor: Any) -> None:
    lead_with_program(editor, "rewards_membertier", "program_id, member_id")
    lead_with_program(editor, "rewards_tierchange")
    lead_with_program(editor, "rewards_tiergrant")
    for table, column, target in (
        ("rewards_membertier", "member_id", "rewards_member"),
        ("rewards_tierchange", "member_id", "rewards_member"),
        ("rewards_tiergrant", "member_id", "rewards_member"),
        ("rewards_tiergrant", "order_id", "rewards_order"),
    ):
        refer(editor, table, column, target)


PROGRAM = dict(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program')
MEMBER = dict(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='rewards.member')
ID = ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID'))


class Migration(migrations.Migration):
    # Indexes of large tables are built while the app goes on writing.
    atomic = False

    dependencies = [
        ('rewards', '0015_version_notes'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='counts_on',
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='firm_on',
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='spend',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='program',
            name='tiered_version',
            field=models.IntegerField(db_default=1, default=1),
        ),
        migrations.CreateModel(
            name='MemberTier',
            fields=[
                ('member', models.OneToOneField(primary_key=True, related_name='standing', serialize=False, **MEMBER)),
                ('tier', models.CharField(blank=True, default='', max_length=40)),
                ('earned', models.CharField(blank=True, default='', max_length=40)),
                ('version', models.IntegerField()),
                ('falls_on', models.DateField(null=True)),
                ('stepped_on', models.DateField(null=True)),
                ('amount', models.BigIntegerField(default=0)),
                ('until', models.DateField(null=True)),
                ('ends_on', models.DateField(null=True)),
                ('due_on', models.DateField(null=True)),
                ('reviewed', models.IntegerField()),
                ('changed_at', models.DateTimeField(null=True)),
                ('program', models.ForeignKey(**PROGRAM)),
            ],
            options={
                'indexes': [
                    models.Index(condition=models.Q(('due_on__isnull', False)), fields=['program', 'due_on', 'member'], name='member_tier_due'),
                    models.Index(condition=models.Q(('tier', ''), _negated=True), fields=['program', 'tier', 'member'], name='member_tier_held'),
                ],
            },
        ),
        migrations.CreateModel(
            name='TierChange',
            fields=[
                ID,
                ('tier', models.CharField(blank=True, max_length=40)),
                ('previous', models.CharField(blank=True, max_length=40)),
                ('reason', models.CharField(max_length=20)),
                ('version', models.IntegerField()),
                ('happened_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('member', models.ForeignKey(related_name='tier_changes', **MEMBER)),
                ('program', models.ForeignKey(**PROGRAM)),
            ],
            options={
                'indexes': [models.Index(fields=['program', 'member', 'happened_at', 'id'], include=('tier',), name='tier_change_of_member')],
            },
        ),
        migrations.CreateModel(
            name='TierGrant',
            fields=[
                ID,
                ('level', models.CharField(max_length=40)),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField(null=True)),
                ('days', models.IntegerField(null=True)),
                ('author', models.CharField(blank=True, default='', max_length=120)),
                ('reason', models.CharField(blank=True, default='', max_length=300)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('revoked_at', models.DateTimeField(null=True)),
                ('revoked_by', models.CharField(blank=True, default='', max_length=120)),
                ('member', models.ForeignKey(related_name='tier_grants', **MEMBER)),
                ('order', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='tier_grants', to='rewards.order')),
                ('program', models.ForeignKey(**PROGRAM)),
            ],
            options={
                'indexes': [models.Index(fields=['program', 'member'], name='tier_grant_of_member')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('order__isnull', False)), fields=('program', 'order', 'level'), name='tier_grant_of_order_once')],
            },
        ),
        migrations.RunPython(change_keys, migrations.RunPython.noop),
        migrations.RunSQL(CHANGES_STAY, FORGET_CHANGES_STAY),
        migrations.RunPython(count_old_orders, migrations.RunPython.noop),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('counts_on__isnull', False)), fields=['program', 'member', 'counts_on'], include=('firm_on', 'spend', 'points'), name='order_counted'),
        ),
        AddIndexConcurrently(
            model_name='lot',
            index=models.Index(condition=models.Q(('order__isnull', True), ('parent__isnull', True)), fields=['program', 'member'], name='lot_of_no_order'),
        ),
    ]
