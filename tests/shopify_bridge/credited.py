"""An account of store credit that a scripted Shopify keeps, with answers that the sandbox never gives."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from rewards import ledger, people, programs, reservations
from rewards.models import Program, Redemption
from shopify_bridge import issuing, vault
from shopify_bridge.models import Shop
from tests.factories import ShopFactory
from tests.shopify_bridge.conftest import Scripted, json_answer

CUSTOMER = 7001
Json = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
REWARDS = [
    {"id": "credit", "kind": "store_credit", "title": "5.00 of credit", "points": 100, "value": "5.00"},
    {
        "id": "year",
        "kind": "store_credit",
        "title": "A year",
        "points": 100,
        "value": "5.00",
        "credit_days": 365,
    },
    {"id": "card", "kind": "gift_card", "title": "Card of 10.00", "points": 200, "value": "10.00"},
]


class Account:
    """The transactions of one customer, newest first."""

    def __init__(self, scripted: Scripted) -> None:
        self.transactions: list[Json] = []
        self.is_gone = False
        # What becomes of a request to add something; each is used once, then they are carried out.
        self.moods: list[Callable[[Json], Answer]] = []
        self.asked: list[Json] = []
        scripted.answer = self.answer

    def answer(self, asked: Json) -> Answer:
        if asked["operationName"] == "store_credit_seen":
            return json_answer({"data": {"customer": None if self.is_gone else self._customer()}})
        assert asked["operationName"] == "store_credit_add"
        credit = asked["variables"]["credit"]
        self.asked.append(credit)
        return self.moods.pop(0)(credit) if self.moods else self.done(credit)

    def add(self, amount: str = "5.00", ends: str | None = None, at: datetime | None = None) -> Json:
        """By whomever."""
        node = {
            "__typename": "StoreCreditAccountCreditTransaction",
            "id": f"gid://shopify/StoreCreditAccountCreditTransaction/{len(self.transactions) + 1}",
            "createdAt": (at or datetime.now(UTC)).isoformat(),
            "expiresAt": ends,
            "amount": {"amount": amount},
        }
        self.transactions.insert(0, node)
        return node

    def done(self, credit: Json) -> Answer:
        added = self.add(credit["creditAmount"]["amount"], credit["expiresAt"])
        return self._payload({"id": added["id"]})

    def done_and_lost(self, credit: Json) -> Answer:
        """Carried out, and the answer went astray."""
        self.done(credit)
        return 502, {}, b""

    def lost(self, credit: Json) -> Answer:
        """Nobody knows, and nothing was done (yet)."""
        return 502, {}, b""

    def refused(self, credit: Json) -> Answer:
        error = {"field": ["id"], "message": "The limit is exceeded.", "code": "CREDIT_LIMIT_EXCEEDED"}
        return self._payload(None, [error])

    def throttled(self, credit: Json) -> Answer:
        return 429, {"Retry-After": "1"}, b""

    def forbidden(self, credit: Json) -> Answer:
        return json_answer({"errors": [{"message": "No.", "extensions": {"code": "ACCESS_DENIED"}}]})

    def _payload(self, transaction: Json | None, errors: list[Json] | None = None) -> Answer:
        made = {"storeCreditAccountTransaction": transaction, "userErrors": errors or []}
        return json_answer({"data": {"storeCreditAccountCredit": made}})

    def _customer(self) -> Json:
        debit = {"__typename": "StoreCreditAccountDebitTransaction"}
        page = {
            "nodes": [*self.transactions[:100], debit],
            "pageInfo": {"hasNextPage": len(self.transactions) > 100},
        }
        of_euro = {
            "id": "gid://2",
            "balance": {"currencyCode": "EUR"},
            "transactions": {"nodes": [], "pageInfo": {}},
        }
        mine = {"id": "gid://1", "balance": {"currencyCode": "USD"}, "transactions": page}
        return {
            "id": "gid://7",
            "storeCreditAccounts": {"nodes": [of_euro, *([mine] if self.transactions else [])]},
        }


def shop() -> Shop:
    """A shop with a token, and a program with these rewards."""
    made = ShopFactory.create()
    made.access_token = vault.seal("shpat_1", "access", made.domain)
    made.access_token_expires_at = timezone.now() + timedelta(hours=1)
    made.save()
    program = Program.objects.get(pk=made.program_id)
    programs.apply(program, {**programs.document(program), "rewards": REWARDS}, "test")
    return made


def member(of: Shop, points: int = 500, customer: int = CUSTOMER) -> int:
    """A member with so many points, those for joining included."""
    program = Program.objects.get(pk=of.program_id)
    ref = (of.pk, customer)
    member_id = people.enrol(program, {ref: datetime.now(UTC)})[ref]
    ledger.adjust(program.pk, member_id, points - 50, key=f"points:{member_id}", reason="Test")
    return member_id


def reserved(of: Shop, member_id: int, reward: str = "credit", key: str = "key") -> Redemption:
    program = Program.objects.get(pk=of.program_id)
    wanted = reservations.Request(member_id, of.pk, CUSTOMER, reward, key)
    return reservations.reserve(program, wanted)[0]


def waited(redemption: Redemption, minutes: int = 16) -> Redemption:
    """The same after some minutes: what waits for a moment has come."""
    earlier = timedelta(minutes=minutes)
    rows = Redemption.objects.filter(pk=redemption.pk)
    if redemption.absent_since:
        rows.update(absent_since=redemption.absent_since - earlier)
    rows.exclude(due_at=None).update(due_at=datetime.now(UTC))
    redemption.refresh_from_db()
    return redemption


def looked_at(redemption: Redemption, times: int = 1) -> Redemption:
    """After so many looks, a quarter of an hour apart."""
    for _ in range(times):
        redemption = issuing.work_on(waited(redemption))
    return redemption
