"""What is known of products that orders name."""

from django.db import migrations, models

# Before there are rows, its key can be changed at once.
LEAD_WITH_PROGRAM = """
    ALTER TABLE shopify_bridge_product
    DROP CONSTRAINT shopify_bridge_product_pkey,
    ADD CONSTRAINT shopify_bridge_product_pkey PRIMARY KEY (program_id, id)
"""


class Migration(migrations.Migration):
    dependencies = [("shopify_bridge", "0012_keys_of_programs")]

    operations = [
        migrations.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("program_id", models.BigIntegerField()),
                ("shop_id", models.BigIntegerField()),
                ("external_id", models.BigIntegerField()),
                ("facts", models.JSONField(null=True)),
                ("read_at", models.DateTimeField()),
                ("told", models.CharField(blank=True, db_default="", max_length=64)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("program_id", "shop_id", "external_id"), name="product_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(LEAD_WITH_PROGRAM, migrations.RunSQL.noop),
    ]
