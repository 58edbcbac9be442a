"""Rows that tests begin with: a merchant's shop with its program, a member of it, a delivery to it.

A second `ShopFactory()` is a stranger's: another program, which nothing of the first may touch.
"""

import hashlib
from datetime import UTC, datetime, timedelta

import factory
from factory.django import DjangoModelFactory

from rewards import programs
from rewards.models import Identity, Member
from shopify_bridge.models import InboxRow, Shop


class ShopFactory(DjangoModelFactory[Shop]):
    class Meta:
        model = Shop

    domain = factory.Sequence(lambda n: f"shop-{n}.myshopify.com")
    shopify_id = factory.Sequence(lambda n: 60_000 + n)
    name = factory.Sequence(lambda n: f"Shop {n}")
    currency = "USD"
    program_id = factory.LazyAttribute(lambda shop: programs.start(shop.name, shop.currency, "UTC").pk)


class IdentityFactory(DjangoModelFactory[Identity]):
    """A customer of a shop who is a member of its program; `.member` is the member."""

    class Meta:
        model = Identity

    class Params:
        shop = factory.SubFactory(ShopFactory)

    source_id = factory.LazyAttribute(lambda identity: identity.shop.pk)
    program_id = factory.LazyAttribute(lambda identity: identity.shop.program_id)
    external_id = factory.Sequence(lambda n: 7_000 + n)
    member = factory.LazyAttribute(
        lambda identity: Member.objects.create(program_id=identity.program_id, joined_at=datetime.now(UTC))
    )


class InboxRowFactory(DjangoModelFactory[InboxRow]):
    """A delivery that waits; `age` is how long ago it came."""

    class Meta:
        model = InboxRow

    class Params:
        shop = factory.SubFactory(ShopFactory)
        age = timedelta()

    program_id = factory.LazyAttribute(lambda row: row.shop.program_id)
    shop_id = factory.LazyAttribute(lambda row: row.shop.pk)
    shop_domain = factory.LazyAttribute(lambda row: row.shop.domain)
    webhook_id = factory.Sequence(lambda n: f"delivery-{n}")
    topic = "orders/paid"
    body = b'{"id": 1}'
    body_hash = factory.LazyAttribute(lambda row: hashlib.sha256(row.body).digest())
    received_at = factory.LazyAttribute(lambda row: datetime.now(UTC) - row.age)
    due_at = factory.SelfAttribute("received_at")
