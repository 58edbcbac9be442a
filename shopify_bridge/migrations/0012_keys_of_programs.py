"""Keys of the tenant's own rows begin with the program. The inbox keeps its own: it is the queue of all tenants."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from rewards.migration_tools import lead_with_program, refer

TABLES = (
    "shopify_bridge_gap",
    "shopify_bridge_ordercheck",
    "shopify_bridge_backfill",
    "shopify_bridge_backfillcustomer",
    "shopify_bridge_datarequest",
)


def change_keys(apps: Any, editor: Any) -> None:
    for table in TABLES:
        lead_with_program(editor, table)
    refer(editor, "shopify_bridge_backfillcustomer", "backfill_id", "shopify_bridge_backfill")


class Migration(migrations.Migration):
    # Indexes are built, and rows checked, while the app goes on.
    atomic = False

    dependencies = [("shopify_bridge", "0011_turns"), ("rewards", "0011_keys_of_programs")]

    operations = [
        migrations.AlterField(
            model_name="backfillcustomer",
            name="backfill",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="shopify_bridge.backfill",
            ),
        ),
        migrations.RunPython(change_keys),
        migrations.RemoveConstraint(model_name="backfillcustomer", name="backfill_customer_once"),
        migrations.AddConstraint(
            model_name="backfillcustomer",
            constraint=models.UniqueConstraint(
                fields=("program_id", "backfill", "customer_id"), name="backfill_customer_once"
            ),
        ),
    ]
