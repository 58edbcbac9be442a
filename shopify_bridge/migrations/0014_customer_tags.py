"""Tags on customers for their tiers."""

from django.db import migrations, models

# Before there are rows, its key can be changed at once.
LEAD_WITH_PROGRAM = """
    ALTER TABLE shopify_bridge_customertag
    DROP CONSTRAINT shopify_bridge_customertag_pkey,
    ADD CONSTRAINT shopify_bridge_customertag_pkey PRIMARY KEY (program_id, id)
"""


class Migration(migrations.Migration):
    dependencies = [("shopify_bridge", "0013_products")]

    operations = [
        migrations.CreateModel(
            name="CustomerTag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("program_id", models.BigIntegerField()),
                ("shop_id", models.BigIntegerField()),
                ("customer_id", models.BigIntegerField()),
                ("tag", models.CharField(max_length=40)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("add", "To be put"),
                            ("held", "Put by us"),
                            ("foreign", "Was there before"),
                            ("refused", "Not possible"),
                            ("remove", "To be taken away"),
                        ],
                        default="add",
                        max_length=7,
                    ),
                ),
                ("asked", models.BooleanField(default=False)),
                ("attempts", models.IntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("program_id", "shop_id", "customer_id", "tag"), name="customer_tag_once"
                    )
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["program_id", "shop_id", "due_at", "id"],
                        name="customer_tag_due",
                    )
                ],
            },
        ),
        migrations.RunSQL(LEAD_WITH_PROGRAM, migrations.RunSQL.noop),
    ]
