"""Members' links for friends, what friends took by them, and the first orders that came of it."""

from typing import Any

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from rewards.migration_tools import lead_with_program, refer

REFERENCES = (
    ("rewards_advocate", "member_id", "rewards_member"),
    ("rewards_claim", "advocate_id", "rewards_advocate"),
    ("rewards_claim", "member_id", "rewards_member"),
    ("rewards_referral", "advocate_id", "rewards_advocate"),
    ("rewards_referral", "claim_id", "rewards_claim"),
    ("rewards_referral", "order_id", "rewards_order"),
    ("rewards_referral", "member_id", "rewards_member"),
)


def change_keys(apps: Any, editor: Any) -> None:
    for table in ("rewards_advocate", "rewards_claim", "rewards_referral"):
        lead_with_program(editor, table)
    for table, column, target in REFERENCES:
        refer(editor, table, column, target)


class Migration(migrations.Migration):
    # Indexes are built while the app goes on.
    atomic = False

    dependencies = [
        ('rewards', '0021_gift_rules'),
    ]

    operations = [
        migrations.CreateModel(
            name='Advocate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=12)),
                ('former', models.BooleanField(db_default=False, default=False)),
                ('clicks', models.BigIntegerField(db_default=0, default=0)),
                ('mail_digest', models.BinaryField(max_length=32, null=True)),
                ('stem_digest', models.BinaryField(max_length=32, null=True)),
                ('place_digest', models.BinaryField(max_length=32, null=True)),
                ('digests_until', models.DateTimeField(null=True)),
                ('blocked_at', models.DateTimeField(null=True)),
                ('blocked_by', models.CharField(blank=True, db_default='', default='', max_length=120)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('member', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='advocates', to='rewards.member')),
                ('program', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program')),
            ],
        ),
        migrations.CreateModel(
            name='Claim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source_id', models.BigIntegerField()),
                ('customer_id', models.BigIntegerField(db_default=0, default=0)),
                ('key', models.CharField(blank=True, db_default='', default='', max_length=100)),
                ('version', models.IntegerField()),
                ('reward', models.JSONField(db_default={}, default=dict)),
                ('value', models.BigIntegerField(null=True)),
                ('state', models.CharField(choices=[('visited', 'Followed the link'), ('reserved', 'Being made'), ('issued', 'Ready to use'), ('used', 'Used'), ('failed', 'Failed'), ('ended', 'Ended unused'), ('refused', 'Refused')], max_length=8)),
                ('reasons', models.JSONField(db_default=[], default=list)),
                ('code', models.CharField(max_length=64, null=True)),
                ('external_ref', models.CharField(blank=True, db_default='', default='', max_length=120)),
                ('mail_digest', models.BinaryField(max_length=32, null=True)),
                ('stem_digest', models.BinaryField(max_length=32, null=True)),
                ('place_digest', models.BinaryField(max_length=32, null=True)),
                ('digests_until', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('attempts', models.IntegerField(db_default=0, default=0)),
                ('absent_since', models.DateTimeField(null=True)),
                ('note', models.TextField(blank=True, db_default='', default='')),
                ('created_at', models.DateTimeField()),
                ('advocate', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='claims', to='rewards.advocate')),
                ('member', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='claims', to='rewards.member')),
                ('program', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program')),
            ],
        ),
        migrations.CreateModel(
            name='Referral',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('known_by', models.CharField(max_length=4)),
                ('version', models.IntegerField()),
                ('points', models.BigIntegerField()),
                ('state', models.CharField(choices=[('waiting', 'On hold'), ('held', 'Waits for you'), ('paid', 'Paid'), ('refused', 'Refused'), ('blocked', 'Blocked'), ('returned', 'Taken back')], max_length=8)),
                ('reasons', models.JSONField(db_default=[], default=list)),
                ('happened_at', models.DateTimeField()),
                ('pay_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(null=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('author', models.CharField(blank=True, db_default='', default='', max_length=120)),
                ('advocate', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='referrals', to='rewards.advocate')),
                ('claim', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='referrals', to='rewards.claim')),
                ('member', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='referrals', to='rewards.member')),
                ('order', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='referrals', to='rewards.order')),
                ('program', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program')),
            ],
        ),
        migrations.AddIndex(
            model_name='advocate',
            index=models.Index(fields=['program', 'member'], name='advocate_of_member'),
        ),
        migrations.AddIndex(
            model_name='advocate',
            index=models.Index(condition=models.Q(('digests_until__isnull', False)), fields=['program', 'digests_until'], name='advocate_digests'),
        ),
        migrations.AddConstraint(
            model_name='advocate',
            constraint=models.UniqueConstraint(fields=('program', 'code'), name='advocate_code_once'),
        ),
        migrations.AddConstraint(
            model_name='advocate',
            constraint=models.UniqueConstraint(condition=models.Q(('former', False)), fields=('program', 'member'), name='advocate_link_once'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(fields=['program', 'advocate'], name='claim_of_advocate'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(condition=models.Q(('member__isnull', False)), fields=['program', 'member'], name='claim_of_member'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(condition=models.Q(('mail_digest__isnull', False)), fields=['program', 'mail_digest'], name='claim_by_mail'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(condition=models.Q(('place_digest__isnull', False)), fields=['program', 'place_digest', 'created_at'], name='claim_by_place'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(condition=models.Q(('digests_until__isnull', False)), fields=['program', 'digests_until'], name='claim_digests'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='claim_due'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.UniqueConstraint(fields=('program', 'code'), name='claim_code_once'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.UniqueConstraint(condition=models.Q(('key', ''), _negated=True), fields=('program', 'advocate', 'key'), name='claim_key_once'),
        ),
        migrations.AddIndex(
            model_name='referral',
            index=models.Index(fields=['program', 'advocate', '-id'], name='referral_of_advocate'),
        ),
        migrations.AddIndex(
            model_name='referral',
            index=models.Index(fields=['program', 'member'], name='referral_of_friend'),
        ),
        migrations.AddIndex(
            model_name='referral',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['program', 'due_at', 'id'], name='referral_due'),
        ),
        migrations.AddIndex(
            model_name='referral',
            index=models.Index(condition=models.Q(('state', 'held')), fields=['program', 'id'], name='referral_held'),
        ),
        migrations.AddIndex(
            model_name='referral',
            index=models.Index(condition=models.Q(('decided_at__isnull', False)), fields=['program', '-decided_at'], name='referral_decided'),
        ),
        migrations.AddConstraint(
            model_name='referral',
            constraint=models.UniqueConstraint(fields=('program', 'order'), name='referral_of_order_once'),
        ),
        migrations.AddConstraint(
            model_name='referral',
            constraint=models.UniqueConstraint(fields=('program', 'claim'), name='referral_of_claim_once'),
        ),
        migrations.RunPython(change_keys),
    ]
