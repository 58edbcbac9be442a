"""What Django can't say: foreign keys that contain the tenant, and movements that stay as they are."""

from django.db import migrations

# (table, column, target table). The composite key keeps each row inside its own program.
REFERENCES = [
    ("rewards_member", "merged_into_id", "rewards_member"),
    ("rewards_identity", "member_id", "rewards_member"),
    ("rewards_order", "member_id", "rewards_member"),
    ("rewards_lot", "member_id", "rewards_member"),
    ("rewards_lot", "order_id", "rewards_order"),
    ("rewards_lot", "parent_id", "rewards_lot"),
    ("rewards_redemption", "member_id", "rewards_member"),
    ("rewards_redemption", "order_id", "rewards_order"),
    ("rewards_movement", "member_id", "rewards_member"),
    ("rewards_movement", "lot_id", "rewards_lot"),
    ("rewards_movement", "order_id", "rewards_order"),
    ("rewards_movement", "redemption_id", "rewards_redemption"),
]

# Deferred: a new identity is inserted before its member, so that of two first orders
# of one customer only one makes a member.
ADD = """
ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (program_id, {column})
REFERENCES {target} (program_id, id) DEFERRABLE INITIALLY DEFERRED
"""

IMMUTABLE = """
CREATE FUNCTION rewards_movement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Only the erasure of a whole program may delete; it says so for its own transaction.
    IF TG_OP = 'DELETE' AND current_setting('rewards.erasing', true) = OLD.program_id::text THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'movements are never changed or deleted; post another one'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER rewards_movement_stays BEFORE UPDATE OR DELETE ON rewards_movement
FOR EACH ROW EXECUTE FUNCTION rewards_movement_stays();
"""


def _name(table: str, column: str) -> str:
    return f"{table}_{column}_in_program"


class Migration(migrations.Migration):
    dependencies = [("rewards", "0001_initial")]

    operations = [
        *(
            migrations.RunSQL(
                ADD.format(table=table, column=column, target=target, name=_name(table, column)),
                f"ALTER TABLE {table} DROP CONSTRAINT {_name(table, column)}",
            )
            for table, column, target in REFERENCES
        ),
        migrations.RunSQL(
            IMMUTABLE,
            "DROP TRIGGER rewards_movement_stays ON rewards_movement; DROP FUNCTION rewards_movement_stays()",
        ),
    ]
