"""Who is published next is the next in an index, however many wait behind."""

import django.db.models.expressions
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built while the app goes on writing.
    atomic = False

    dependencies = [
        ('rewards', '0012_redemptions_at_hand'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='member',
            index=models.Index(models.F('program'), models.ExpressionWrapper(models.Q(('published_version', django.db.models.expressions.CombinedExpression(models.Value(-2), '-', models.F('version')))), output_field=models.BooleanField()), models.F('id'), condition=models.Q(('version__gt', models.F('published_version'))), name='member_unpublished'),
        ),
        RemoveIndexConcurrently(
            model_name='member',
            name='member_to_publish',
        ),
    ]
