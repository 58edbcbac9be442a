"""What the bridge promises about its own rows, checked with the ledger's promises."""

from rewards.promises import Check

CHECKS = [
    Check(
        "deliveries",
        "Each delivery is done, parked with its reason, or has its turn within the hour.",
        """
        SELECT program_id AS program, id AS delivery, topic, state, received_at, due_at
        FROM shopify_bridge_inboxrow
        WHERE {scope} AND ((state = 'waiting' AND due_at < now() - interval '1 hour')
                           OR (state = 'parked' AND reason = '') OR (state = 'done' AND done_at IS NULL)
                           OR state NOT IN ('waiting', 'done', 'parked'))
        """,
    ),
    Check(
        "shops",
        "Nobody is a member through the shop of another program.",
        """
        SELECT i.program_id AS program, i.member_id AS member, s.domain, s.program_id AS program_of_shop
        FROM (SELECT * FROM rewards_identity WHERE {scope}) i
        JOIN shopify_bridge_shop s ON s.id = i.source_id
        WHERE s.program_id <> i.program_id
        """,
    ),
]
