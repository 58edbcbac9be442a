"""Budgets of rewards, beside those of rules, and rewards that are withheld."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rewards", "0023_past_redemptions")]

    operations = [
        migrations.AlterField("budget", "rule", models.CharField(max_length=60)),
        migrations.AddField("program", "withheld", models.JSONField(default=dict, db_default={})),
    ]
