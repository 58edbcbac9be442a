"""A program with a history, among others, and a stand-in that answers for Shopify."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from bench import fill
from rewards import programs
from rewards.models import Program
from shopify_bridge import vault
from shopify_bridge.models import Shop
from tests.factories import ShopFactory
from tests.shopify_bridge.conftest import Scripted, json_answer, scripted  # noqa: F401
from tests.statements.paths import Scene

MEMBERS = 1500
STRANGERS = 3
INBOX = """
    INSERT INTO shopify_bridge_inboxrow (program_id, shop_id, shop_domain, webhook_id, topic, api_version,
                                         body, body_hash, event_id, state, received_at)
    SELECT %s, %s, 'a.myshopify.com', 'old-' || n, 'orders/paid', '',
           '{}', sha256(n::text::bytea), '', 'done', now() - interval '10 days'
    FROM generate_series(1, 1000) n
"""
FORGOTTEN = """
    INSERT INTO rewards_tombstone (program_id, digest)
    SELECT %s, sha256(n::text::bytea) FROM generate_series(1, 1000) n
"""
PRODUCTS = """
    INSERT INTO shopify_bridge_product (program_id, shop_id, external_id, facts, read_at)
    SELECT %s, %s, n, '{"tags": [], "collections": []}', now() FROM generate_series(1, 1000) n
    WHERE n <> 901
"""
TAGS = """
    INSERT INTO shopify_bridge_customertag (program_id, shop_id, customer_id, tag, state, asked, attempts,
                                            due_at)
    SELECT %s, %s, 10000000 + n, 'Gold', CASE WHEN due THEN 'add' ELSE 'held' END, true, 0,
           CASE WHEN due THEN now() END
    FROM (SELECT n, n <= %s AS due FROM generate_series(1, %s) n)
"""
REDEMPTIONS = """
    INSERT INTO rewards_redemption (program_id, member_id, source_id, customer_id, key, reward, points, state,
                                    code, external_ref, turns, reason, starts_at, ending_as, attempts)
    SELECT program_id, id, %s, 1, 'old', '{"kind": "free_shipping"}', 1, 'used',
           'OLD' || id, '', 2, '', now(), '', 0
    FROM rewards_member WHERE program_id = %s
"""
ACTIONS = """
    INSERT INTO rewards_action (program_id, member_id, rule, occasion, version, points, state, happened_at)
    SELECT program_id, id, 'old', n, 1, 1, 'given', now() - interval '60 days'
    FROM rewards_member, generate_series(1, 2) n WHERE program_id = %s
"""
# Each member has a link, and came by somebody's.
FRIENDS = """
    INSERT INTO rewards_advocate (program_id, member_id, code, mail_digest, digests_until)
    SELECT program_id, id, 'L' || id, sha256(id::text::bytea), now() + interval '300 years'
    FROM rewards_member WHERE program_id = %(program)s;
    INSERT INTO rewards_claim (program_id, advocate_id, member_id, source_id, key, version, state, code,
                               mail_digest, place_digest, digests_until, created_at)
    SELECT program_id, id, member_id, %(shop)s, 'k', 1, 'used', 'F' || id,
           sha256(id::text::bytea), sha256(id::text::bytea), now() + interval '300 years', now()
    FROM rewards_advocate WHERE program_id = %(program)s;
    INSERT INTO rewards_referral (program_id, advocate_id, claim_id, order_id, member_id, known_by, version,
                                  points, state, happened_at, pay_at)
    SELECT c.program_id, c.advocate_id, c.id, o.id, c.member_id, 'code', 1, 5, 'refused', now(), now()
    FROM rewards_claim c JOIN (
        SELECT member_id, min(id) AS id FROM rewards_order WHERE program_id = %(program)s GROUP BY member_id
    ) o ON o.member_id = c.member_id
    WHERE c.program_id = %(program)s;
"""
PROMO_CODES = """
    WITH made AS (
        INSERT INTO rewards_promotion (program_id, source_id, name, reward, state, external_ref, starts_at,
                                       author, attempts, problem)
        VALUES (%s, %s, 'Flyer', '{}', 'ready', '', now(), '', 0, '') RETURNING program_id, id
    )
    INSERT INTO rewards_promocode (program_id, promotion_id, code, state, part, reason)
    SELECT program_id, id, 'PROMO' || n, 'ready', '', '' FROM made, generate_series(1, 3000) n
"""


@pytest.fixture
def scene(db: None, scripted: Scripted, client: Any) -> Scene:  # noqa: F811
    scripted.answer = _shopify
    shops = [_shop() for _ in range(STRANGERS + 1)]
    with connection.cursor() as cursor:
        for number, shop in enumerate(shops):
            # Of each program a small part is due.
            size = MEMBERS if number == 0 else MEMBERS // 5
            due = size // 75
            cursor.execute(TAGS, [shop.program_id, shop.pk, size // 150, size])
            cursor.execute(FORGOTTEN, [shop.program_id])
            fill.members(cursor, shop.program_id, shop.pk, size, orders_each=2, on_hold=due, ending=due)
        cursor.execute(INBOX, [shops[0].program_id, shops[0].pk])
        cursor.execute(REDEMPTIONS, [shops[0].pk, shops[0].program_id])
        cursor.execute(ACTIONS, [shops[0].program_id])
        cursor.execute(PROMO_CODES, [shops[0].program_id, shops[0].pk])
        cursor.execute(PRODUCTS, [shops[0].program_id, shops[0].pk])
        cursor.execute(FRIENDS, {"program": shops[0].program_id, "shop": shops[0].pk})
        fill.look(cursor)
        cursor.execute("ANALYZE shopify_bridge_customertag, rewards_promocode, rewards_action")
    return Scene(shops[0], Program.objects.get(pk=shops[0].program_id), client)


def _shop() -> Shop:
    shop: Shop = ShopFactory.create()
    shop.access_token = vault.seal("shpat_1", "access", shop.domain)
    shop.access_token_expires_at = timezone.now() + timedelta(hours=1)
    shop.scopes = "write_customers"
    shop.app_installation_gid = "gid://shopify/AppInstallation/1"
    shop.save()
    program = Program.objects.get(pk=shop.program_id)
    document = {**programs.document(program), "expiry": {"policy": "rolling", "months": 12}}
    programs.apply(program, document, "test")
    program.versions.update(effective_from=programs.BEGINNING)
    Program.objects.filter(pk=program.pk).update(dated_version=program.version, expiry_since=None)
    return shop


def _shopify(asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """Yes to everything, and no order carries a code."""
    name = asked["operationName"]
    node = {"codeDiscountNode": {"id": "gid://shopify/DiscountCodeNode/1"}, "userErrors": []}
    answers: dict[str, Any] = {
        "discount_basic_create": {"discountCodeBasicCreate": node},
        "discount_deactivate": {"discountCodeDeactivate": node},
        "discount_by_code": {"codeDiscountNodeByCode": None},
        "metafields_set": {"metafieldsSet": {"metafields": [], "userErrors": []}},
        "customer_mail": {"customer": None},
        "products": {"nodes": [None]},
        "customer_tags": {"nodes": [{"tags": []}] * len(asked["variables"].get("ids", []))},
        "tags_add": {f"change{n}": {"userErrors": []} for n in range(25)},
        "store_credit_seen": {"customer": {"storeCreditAccounts": {"nodes": []}}},
        "store_credit_add": {
            "storeCreditAccountCredit": {"storeCreditAccountTransaction": {"id": "gid://1"}, "userErrors": []}
        },
        "orders_changed": {"orders": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}},
    }
    return json_answer({"data": answers[name]})
