"""A program in which members invite friends, and short ways to say what they do."""

from datetime import timedelta

from rewards import advocates, claims, people, programs, referrals
from rewards.claims import Friend
from rewards.facts import FetchedOrder
from rewards.mail_addresses import Mail
from rewards.models import Referral
from tests.rewards.conftest import NOW, line, order

ADVOCATE, FRIEND, THIRD = 7001, 7002, 7003
HOME, CAFE, ELSEWHERE = "192.0.2.1", "198.51.100.2", "203.0.113.3"
LATER = NOW + timedelta(hours=1)


class Inviting:
    """A program with referrals, and its people by customer id."""

    def __init__(self, world, **changes):
        self.world, self.program = world, world.program
        self.says(**changes)
        self.keys = iter(range(1000))
        self.orders = iter(range(6000, 7000))

    def says(self, **changes):
        said = {"active": True, "points": 100, **changes}
        self.world.apply({**programs.document(self.program), "referrals": said})

    def member(self, customer):
        people.enrol(self.program, {(1, customer): NOW}, now=NOW)
        return self.world.member(customer)

    def link(self, customer=ADVOCATE, mail="advo.cate@example.com", address=HOME):
        advocate = advocates.made(self.program, self.member(customer).pk)
        seen = advocates.traces(self.program, Mail.of(mail) if mail else None, address)
        advocates.remember(advocate, seen, now=NOW)
        return advocate.code

    def friend(self, customer=None, mail="friend@example.com", address=CAFE):
        member = self.member(customer).pk if customer else None
        return Friend(1, customer, member, Mail.of(mail) if mail else None, address)

    def take(self, code, friend=None, now=NOW, key=None):
        key = key or f"key {next(self.keys)}"
        return claims.take(self.program, code, friend or self.friend(), key, now=now)

    def code(self, link, friend=None, now=NOW):
        claim, is_new = self.take(link, friend, now)
        assert is_new
        assert claim.state == "reserved", claim.reasons
        claims.issued(claim, "gid://1")
        return claim.code

    def buy(self, *codes, customer=FRIEND, euros=50, now=LATER, ordinal=1, **changes):
        """The first order of a friend, as it is asked for."""
        number = changes.pop("external_id", None) or next(self.orders)
        fact = order(
            line(euros * 100),
            external_id=number,
            customer_id=customer,
            codes=codes,
            **{"processed_at": now, "updated_at": now, **changes},
        )
        self.world.settle(FetchedOrder(fact, paid_at=now, ordinal=ordinal), now=now)
        return Referral.objects.filter(program=self.program, order__external_id=number).first()

    def cancel(self, number, now):
        fact = order(line(5000), external_id=number, customer_id=FRIEND, cancelled=True,
                     processed_at=LATER, updated_at=now)  # fmt: skip
        self.world.settle(FetchedOrder(fact, paid_at=LATER, ordinal=1), now=now)

    def work(self, now=LATER):
        return referrals.work_due(now=now)

    def points(self, customer=ADVOCATE):
        return self.world.member(customer).available
