"""Workers go from shop to shop through what waits, so that one busy shop delays no other for long."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Indexes are built while the app goes on writing.
    atomic = False

    dependencies = [
        ("shopify_bridge", "0010_stages_of_checks"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="inboxrow",
            index=models.Index(
                fields=["shop_id", "due_at", "id"], condition=models.Q(("state", "waiting")), name="inbox_turn"
            ),
        ),
        RemoveIndexConcurrently(model_name="inboxrow", name="inbox_waiting"),
    ]
