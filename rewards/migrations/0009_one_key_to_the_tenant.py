"""Rows that name a member have a key to (program, member): a second one to the program costs each insert."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rewards', '0008_due_by_program'),
    ]

    operations = [
        migrations.AlterField(
            model_name='identity',
            name='program',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='lot',
            name='program',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='movement',
            name='program',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='notice',
            name='program',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
        migrations.AlterField(
            model_name='redemption',
            name='program',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='rewards.program'),
        ),
    ]
