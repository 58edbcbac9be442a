"""Every primary key begins with the program, as every other key does: one index less where both were kept."""

from typing import Any

from django.db import migrations

from rewards.migration_tools import lead_with_program, refer

TABLES = (
    "rewards_programversion",
    "rewards_member",
    "rewards_identity",
    "rewards_tombstone",
    "rewards_order",
    "rewards_lot",
    "rewards_notice",
    "rewards_redemption",
    "rewards_movement",
)
REFERENCES = (
    ("rewards_member", "merged_into_id", "rewards_member"),
    ("rewards_identity", "member_id", "rewards_member"),
    ("rewards_order", "member_id", "rewards_member"),
    ("rewards_lot", "member_id", "rewards_member"),
    ("rewards_lot", "order_id", "rewards_order"),
    ("rewards_lot", "parent_id", "rewards_lot"),
    ("rewards_notice", "member_id", "rewards_member"),
    ("rewards_redemption", "member_id", "rewards_member"),
    ("rewards_redemption", "order_id", "rewards_order"),
    ("rewards_movement", "member_id", "rewards_member"),
    ("rewards_movement", "lot_id", "rewards_lot"),
    ("rewards_movement", "order_id", "rewards_order"),
    ("rewards_movement", "redemption_id", "rewards_redemption"),
)
SECOND_KEYS = (
    ("member", "member_of_program"),
    ("order", "order_of_program"),
    ("lot", "lot_of_program"),
    ("redemption", "redemption_of_program"),
)


def change_keys(apps: Any, editor: Any) -> None:
    for table in TABLES:
        lead_with_program(editor, table)
    for table, column, target in REFERENCES:
        refer(editor, table, column, target)
    for model, name in SECOND_KEYS:
        editor.execute(f"ALTER TABLE rewards_{model} DROP CONSTRAINT IF EXISTS {name}")


class Migration(migrations.Migration):
    # Indexes are built, and rows checked, while the app goes on.
    atomic = False

    dependencies = [("rewards", "0010_merged_identities")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(change_keys)],
            state_operations=[
                migrations.RemoveConstraint(model_name=model, name=name) for model, name in SECOND_KEYS
            ],
        ),
    ]
