"""What is due is looked for program by program, in order of its moment."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Indexes are built while the app goes on writing.
    atomic = False

    dependencies = [
        ('rewards', '0007_disputes'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='lot',
            index=models.Index(condition=models.Q(('pending__gt', 0)), fields=['program', 'available_at', 'id'], name='lot_held_until'),
        ),
        AddIndexConcurrently(
            model_name='lot',
            index=models.Index(condition=models.Q(('available__gt', 0), ('expires_at__isnull', False)), fields=['program', 'expires_at', 'id'], name='lot_lapsing'),
        ),
        AddIndexConcurrently(
            model_name='member',
            index=models.Index(condition=models.Q(('available__gt', 0)), fields=['program', 'active_at', 'id'], name='member_idle'),
        ),
        RemoveIndexConcurrently(
            model_name='lot',
            name='lot_on_hold',
        ),
        RemoveIndexConcurrently(
            model_name='lot',
            name='lot_ending',
        ),
        RemoveIndexConcurrently(
            model_name='member',
            name='member_resting',
        ),
    ]
