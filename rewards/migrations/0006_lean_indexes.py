"""Each index costs at every insert: keep those that a query or a reference asks for."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Indexes are built while the app goes on writing.
    atomic = False

    dependencies = [
        ('rewards', '0005_expiry'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='lot',
            index=models.Index(models.F('program'), models.F('member'), models.ExpressionWrapper(models.Q(('pending__gt', 0), ('available__gt', 0), ('reserved__gt', 0), _connector='OR'), output_field=models.BooleanField()), name='lot_of_member'),
        ),
        AddIndexConcurrently(
            model_name='lot',
            index=models.Index(condition=models.Q(('parent__isnull', False)), fields=['program', 'parent'], name='lot_of_parent'),
        ),
        AddIndexConcurrently(
            model_name='member',
            index=models.Index(condition=models.Q(('merged_into__isnull', False)), fields=['program', 'merged_into'], name='member_merged'),
        ),
        RemoveIndexConcurrently(
            model_name='lot',
            name='lot_open',
        ),
        migrations.AlterField(
            model_name='identity',
            name='member',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='identities', to='rewards.member'),
        ),
        migrations.AlterField(
            model_name='identity',
            name='program',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='lot',
            name='member',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='lots', to='rewards.member'),
        ),
        migrations.AlterField(
            model_name='lot',
            name='order',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='lots', to='rewards.order'),
        ),
        migrations.AlterField(
            model_name='lot',
            name='parent',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, to='rewards.lot'),
        ),
        migrations.AlterField(
            model_name='lot',
            name='program',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='member',
            name='merged_into',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, to='rewards.member'),
        ),
        migrations.AlterField(
            model_name='member',
            name='program',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='members', to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='movement',
            name='lot',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='movements', to='rewards.lot'),
        ),
        migrations.AlterField(
            model_name='movement',
            name='member',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='movements', to='rewards.member'),
        ),
        migrations.AlterField(
            model_name='movement',
            name='order',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='movements', to='rewards.order'),
        ),
        migrations.AlterField(
            model_name='movement',
            name='program',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='movement',
            name='redemption',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='movements', to='rewards.redemption'),
        ),
        migrations.AlterField(
            model_name='notice',
            name='member',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='notices', to='rewards.member'),
        ),
        migrations.AlterField(
            model_name='notice',
            name='program',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='order',
            name='member',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='orders', to='rewards.member'),
        ),
        migrations.AlterField(
            model_name='order',
            name='program',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='programversion',
            name='program',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='redemption',
            name='member',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='redemptions', to='rewards.member'),
        ),
        migrations.AlterField(
            model_name='redemption',
            name='order',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='redemptions', to='rewards.order'),
        ),
        migrations.AlterField(
            model_name='redemption',
            name='program',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='tombstone',
            name='program',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
    ]
