"""What staff do with codes, and the register in which they find them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.fields.json import KT


class Migration(migrations.Migration):
    # Indexes are built while the app goes on.
    atomic = False

    dependencies = [("rewards", "0019_gifts")]

    operations = [
        migrations.AddField(
            "redemption",
            "ending_with",
            models.CharField(
                blank=True,
                choices=[
                    ("points", "Points back"),
                    ("nothing", "Points stay spent"),
                    ("new_code", "A new code"),
                ],
                db_default="",
                default="",
                max_length=10,
            ),
        ),
        migrations.AddField("redemption", "extends_to", models.DateTimeField(null=True)),
        AddIndexConcurrently(
            "redemption", models.Index(fields=["program", "state", "-id"], name="redemption_by_state")
        ),
        AddIndexConcurrently(
            "redemption",
            models.Index(
                "program", KT("reward__id"), models.F("id").desc(), name="redemption_by_reward"
            ),
        ),
    ]
