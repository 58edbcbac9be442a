"""Budgets of rewards, beside those of rules."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rewards", "0022_referrals")]

    operations = [
        migrations.AlterField("budget", "rule", models.CharField(max_length=60)),
    ]
