"""A member's redemptions that are over, for their list of them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The index is built while the app goes on.
    atomic = False

    dependencies = [("rewards", "0022_referrals")]

    operations = [
        AddIndexConcurrently(
            model_name="redemption",
            index=models.Index(
                condition=models.Q(("state__in", ["used", "failed", "expired", "cancelled", "returned"])),
                fields=["program", "member", "-id"],
                name="redemption_over",
            ),
        ),
    ]
