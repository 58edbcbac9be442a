"""Where each table lies when the database is spread over machines with Citus.

A table with rows of tenants is distributed by its program, so that all of a program lies in one place, and
every statement about it goes there. What is small and asked for by everybody is copied to every machine.
"""

DISTRIBUTED = (
    # Its rows are what others of the same program are found by, so the rest lies beside it.
    "rewards_member",
    "rewards_programversion",
    "rewards_identity",
    "rewards_tombstone",
    "rewards_order",
    "rewards_lot",
    "rewards_redemption",
    "rewards_promotion",
    "rewards_promocode",
    "rewards_movement",
    "rewards_notice",
    "rewards_budget",
    "rewards_giftround",
    "rewards_tally",
    "rewards_wait",
    "rewards_payout",
    "rewards_drawing",
    "rewards_membertier",
    "rewards_tierchange",
    "rewards_tiergrant",
    "rewards_action",
    "rewards_achievement",
    "rewards_advocate",
    "rewards_claim",
    "rewards_referral",
    "shopify_bridge_gap",
    "shopify_bridge_ordercheck",
    "shopify_bridge_backfill",
    "shopify_bridge_backfillcustomer",
    "shopify_bridge_datarequest",
    "shopify_bridge_product",
    "shopify_bridge_customertag",
    "shopify_bridge_credit",
)
COPIED = (
    "rewards_program",
    # A shop is found by its domain before anybody knows its program.
    "shopify_bridge_shop",
)
AT_THE_COORDINATOR = (
    # The one queue of all tenants. Workers claim rows of many at once and skip what others hold, and a replay
    # under another shop's name is found among all rows: Citus does neither across shards.
    "shopify_bridge_inboxrow",
    "django_migrations",
)
