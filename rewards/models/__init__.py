"""The tables of the domain. Each carries the program, the tenant, and leads its keys with it.

Primary keys are (program, id) in the database, though Django knows the id alone; foreign keys inside the
domain refer to both. They stand in the migrations as SQL: a row of one program can't point into another,
whatever a query forgets. Django's own index for each foreign key is off: an index costs at every insert,
so each is one that a query, or a reference, asks for. For the same reason rows that name a member have no
key to the program besides.
"""

from rewards.models.actions import Achievement, Action
from rewards.models.ledger import Bucket, Lot, Movement
from rewards.models.orders import Order
from rewards.models.people import Identity, Member, Notice, Tombstone
from rewards.models.programs import Budget, Program, ProgramVersion
from rewards.models.promotions import PromoCode, Promotion
from rewards.models.redemptions import Drawing, GiftRound, Payout, Redemption, Tally, Wait
from rewards.models.referrals import Advocate, Claim, Referral
from rewards.models.tiers import MemberTier, TierChange, TierGrant

__all__ = [
    "Achievement",
    "Action",
    "Advocate",
    "Bucket",
    "Budget",
    "Claim",
    "Drawing",
    "GiftRound",
    "Identity",
    "Lot",
    "Member",
    "MemberTier",
    "Movement",
    "Notice",
    "Order",
    "Payout",
    "Program",
    "ProgramVersion",
    "PromoCode",
    "Promotion",
    "Redemption",
    "Referral",
    "Tally",
    "TierChange",
    "TierGrant",
    "Tombstone",
    "Wait",
]
