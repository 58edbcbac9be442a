"""Points become store credit once, whatever Shopify answers: its own way to make it knows no "once"."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.db import IntegrityError, connection, connections, transaction

from rewards import people, redemptions
from rewards.audit import audit
from rewards.models import Member, Program, Redemption
from rewards.redemptions import State
from shopify_bridge import credits, issuing
from shopify_bridge.models import Credit, Shop
from tests.shopify_bridge import credited
from tests.shopify_bridge.conftest import Scripted
from tests.shopify_bridge.credited import CUSTOMER, Account, looked_at, reserved, waited

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(scripted: Scripted) -> Account:
    return Account(scripted)


@pytest.fixture
def shop(db: None) -> Iterator[Shop]:
    """The promises hold at the end of each story."""
    yield credited.shop()
    assert [finding.check.name for finding in audit() if finding.rows] == []


@pytest.fixture
def redemption(shop: Shop) -> Redemption:
    return reserved(shop, credited.member(shop))


def balances(redemption: Redemption) -> tuple[int, int, int]:
    member = Member.objects.get(pk=redemption.member_id)
    return member.available, member.reserved, member.debt


def test_points_become_store_credit_and_are_spent(account: Account, redemption: Redemption) -> None:
    worked_on = issuing.work_on(redemption)
    assert worked_on.state == State.USED
    assert worked_on.external_ref == account.transactions[0]["id"]
    assert account.asked == [{"creditAmount": {"amount": "5.00", "currencyCode": "USD"}, "expiresAt": None}]
    assert balances(redemption) == (400, 0, 0)
    credits.forget_done()
    assert not Credit.objects.exists()


def test_credit_that_ends_says_so_in_whole_seconds(account: Account, shop: Shop) -> None:
    redemption = reserved(shop, credited.member(shop), "year")
    account.moods = [account.done_and_lost]
    issuing.work_on(redemption)
    assert redemption.expires_at is not None
    ends = datetime.fromisoformat(account.asked[0]["expiresAt"])
    assert ends == redemption.expires_at.replace(microsecond=0)
    assert ends - redemption.starts_at.replace(microsecond=0) == timedelta(days=365)
    assert looked_at(redemption).state == State.USED


def test_an_answer_that_was_lost_is_found_in_the_account(account: Account, redemption: Redemption) -> None:
    account.add("5.00")
    account.moods = [account.done_and_lost]
    assert issuing.work_on(redemption).state == State.RESERVED
    found = issuing.work_on(waited(redemption))
    assert (found.state, found.external_ref) == (State.USED, account.transactions[0]["id"])
    assert len(account.asked) == 1


def test_what_never_arrives_is_asked_for_once_and_fails_after_two_looks(
    account: Account, redemption: Redemption
) -> None:
    account.moods = [account.lost]
    issuing.work_on(redemption)
    assert looked_at(redemption).state == State.RESERVED
    assert balances(redemption) == (400, 100, 0)
    assert looked_at(redemption).state == State.FAILED
    assert balances(redemption) == (500, 0, 0)
    assert looked_at(redemption).due_at is None
    assert len(account.asked) == 1


def test_what_arrives_after_it_was_given_up_takes_the_points_again(
    account: Account, redemption: Redemption
) -> None:
    account.moods = [account.lost]
    issuing.work_on(redemption)
    assert looked_at(redemption, 2).state == State.FAILED
    account.add("5.00")
    assert looked_at(redemption).state == State.USED
    assert balances(redemption) == (400, 0, 0)


def test_nothing_sent_is_simply_asked_again(account: Account, redemption: Redemption) -> None:
    account.moods = [account.throttled, account.throttled]
    for _ in range(2):
        assert issuing.work_on(waited(redemption)).state == State.RESERVED
    assert issuing.work_on(waited(redemption)).state == State.USED
    assert len(account.transactions) == 1


def test_a_refusal_frees_the_points_and_the_turn(
    account: Account, shop: Shop, redemption: Redemption
) -> None:
    account.moods = [account.refused]
    refused = issuing.work_on(redemption)
    assert (refused.state, "The limit is exceeded." in refused.reason) == (State.FAILED, True)
    assert balances(redemption) == (500, 0, 0)
    # What others add meanwhile isn't taken for it.
    account.add("5.00")
    assert looked_at(redemption).state == State.FAILED
    other = reserved(shop, redemption.member_id, key="other")
    assert issuing.work_on(other).state == State.USED


def test_a_missing_permission_frees_the_points(account: Account, redemption: Redemption) -> None:
    account.moods = [account.forbidden]
    assert issuing.work_on(redemption).state == State.FAILED
    assert balances(redemption) == (500, 0, 0)


def test_of_two_for_one_customer_the_second_waits_until_the_first_is_known(
    account: Account, shop: Shop, redemption: Redemption
) -> None:
    second = reserved(shop, redemption.member_id, key="second")
    account.moods = [account.lost]
    issuing.work_on(redemption)
    for _ in range(3):
        waiting = issuing.work_on(waited(second))
        assert waiting.state == State.RESERVED
        assert waiting.due_at is not None
    assert len(account.asked) == 1
    assert looked_at(redemption, 3).state == State.FAILED
    assert issuing.work_on(waited(second)).state == State.USED
    assert len(account.asked) == 2


def test_another_customer_waits_for_nobody(account: Account, shop: Shop, redemption: Redemption) -> None:
    account.moods = [account.lost]
    issuing.work_on(redemption)
    member_id = credited.member(shop, customer=7002)
    other = reserved(shop, member_id)
    Redemption.objects.filter(pk=other.pk).update(customer_id=7002)
    other.refresh_from_db()
    assert issuing.work_on(other).state == State.USED


def test_two_at_once_ask_once(account: Account, scripted: Scripted, redemption: Redemption) -> None:
    scripted.delay = 0.3

    def work(_: int) -> None:
        issuing.work_on(Redemption.objects.get(pk=redemption.pk))
        connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    scripted.delay = 0
    assert len(account.asked) == 1
    assert looked_at(redemption).state == State.USED
    assert len(account.transactions) == 1


def test_a_death_before_the_answer_is_an_unknown_outcome(account: Account, redemption: Redemption) -> None:
    """Whoever goes on finds the row, though nobody noted the try."""
    credit = credits.turn(redemption)
    assert credit is not None
    assert credits.begin(credit, 0)
    account.add("5.00")
    assert issuing.work_on(redemption).state == State.USED
    assert account.asked == []


def test_a_death_before_the_question_costs_nothing(account: Account, redemption: Redemption) -> None:
    assert credits.turn(redemption) is not None
    assert issuing.work_on(redemption).state == State.USED


@pytest.mark.parametrize("story", ["two of the amount", "another end", "much later", "too many", "gone"])
def test_in_doubt_a_person_decides(account: Account, redemption: Redemption, story: str) -> None:
    account.moods = [account.lost]
    issuing.work_on(redemption)
    if story == "two of the amount":
        account.add("5.00")
        account.add("5.00")
    elif story == "another end":
        account.add("5.00", ends="2027-01-01T00:00:00Z")
    elif story == "much later":
        account.add("5.00", at=datetime.now(UTC) + timedelta(minutes=20))
    elif story == "too many":
        for _ in range(101):
            account.add("1.00")
    else:
        account.is_gone = True
    assert looked_at(redemption, 4).state == State.RESERVED
    assert balances(redemption) == (400, 100, 0)
    assert len(account.asked) == 1
    (parked,) = credits.parked(Shop.objects.get(pk=redemption.source_id))
    assert parked.redemption_id == redemption.pk


def test_a_person_who_says_it_arrived_ends_it(account: Account, shop: Shop, redemption: Redemption) -> None:
    _park(account, redemption)
    (parked,) = credits.parked(shop)
    assert [seen["expires_at"] for seen in parked.seen] == ["2027-01-01T00:00:00+00:00"]
    credits.arrived(parked)
    redemption.refresh_from_db()
    assert (redemption.state, redemption.external_ref) == (State.USED, account.transactions[0]["id"])
    assert balances(redemption) == (400, 0, 0)
    assert not credits.parked(shop)


def test_a_person_who_says_it_never_arrived_frees_the_points(
    account: Account, shop: Shop, redemption: Redemption
) -> None:
    _park(account, redemption)
    (parked,) = credits.parked(shop)
    credits.never_arrived(parked, "staff 7")
    redemption.refresh_from_db()
    assert (redemption.state, redemption.reason) == (State.FAILED, "It never arrived, said staff 7.")
    assert balances(redemption) == (500, 0, 0)
    # What somebody else added isn't taken for it afterwards.
    assert looked_at(redemption).due_at is None
    assert balances(redemption) == (500, 0, 0)


def test_who_asked_to_be_forgotten_is_nowhere(account: Account, shop: Shop, redemption: Redemption) -> None:
    account.moods = [account.lost]
    issuing.work_on(redemption)
    program = Program.objects.get(pk=shop.program_id)
    people.forget(program, (shop.pk, CUSTOMER))
    credits.forget_customer(program.pk, shop.pk, CUSTOMER)
    assert Credit.objects.get().customer_id == 0
    account.is_gone = True
    looked_at(redemption)
    (parked,) = credits.parked(shop)
    credits.never_arrived(parked, "staff 7")


def test_who_was_forgotten_before_gets_the_points_back_unasked(
    account: Account, redemption: Redemption
) -> None:
    Redemption.objects.filter(pk=redemption.pk).update(customer_id=0)
    redemption.refresh_from_db()
    assert issuing.work_on(redemption).state == State.FAILED
    assert account.asked == []


def test_the_database_itself_keeps_to_one_open_credit_of_a_customer(
    shop: Shop, redemption: Redemption
) -> None:
    second = reserved(shop, redemption.member_id, key="second")
    account = {"program_id": shop.program_id, "shop_id": shop.pk, "customer_id": CUSTOMER}
    Credit.objects.create(redemption=redemption, **account)
    with pytest.raises(IntegrityError), transaction.atomic():
        Credit.objects.create(redemption=second, **account)


def test_a_credit_of_no_redemption_is_refused(shop: Shop) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(credits.TAKE_TURN, [shop.program_id, 1, shop.pk, CUSTOMER])


def test_nobody_undoes_what_is_the_shoppers_own(account: Account, redemption: Redemption) -> None:
    issuing.work_on(redemption)
    assert not redemptions.start_ending(redemption.program_id, redemption.pk, State.CANCELLED)


def _park(account: Account, redemption: Redemption) -> None:
    account.moods = [account.lost]
    issuing.work_on(redemption)
    account.add("5.00", ends="2027-01-01T00:00:00+00:00")
    looked_at(redemption)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_there_are_as_many_credits_as_points_were_spent_for(
    account: Account, shop: Shop, seed: int
) -> None:
    random = Random(seed)
    moods = [account.done, account.done_and_lost, account.lost, account.throttled, account.refused]
    member_id = credited.member(shop)
    made = [reserved(shop, member_id, key=f"life-{number}") for number in range(4)]
    for _ in range(12):
        one = random.choice(made)
        one.refresh_from_db()
        account.moods = [random.choice(moods)]
        issuing.work_on(waited(one))
    account.moods = []
    for _ in range(5):
        for one in made:
            one.refresh_from_db()
            if one.due_at is not None:
                looked_at(one)
    states = [Redemption.objects.get(pk=one.pk).state for one in made]
    assert set(states) <= {State.USED, State.FAILED}
    assert len(account.transactions) == states.count(State.USED)
    assert balances(made[0]) == (500 - 100 * states.count(State.USED), 0, 0)


def test_what_was_begun_goes_on_when_the_app_is_installed_again(
    account: Account, shop: Shop, redemption: Redemption
) -> None:
    account.moods = [account.done_and_lost]
    issuing.work_on(redemption)
    Shop.objects.filter(pk=shop.pk).update(state=Shop.State.UNINSTALLED)
    away = looked_at(redemption)
    assert (away.state, away.due_at is None) == (State.RESERVED, False)
    Shop.objects.filter(pk=shop.pk).update(state=Shop.State.ACTIVE)
    assert looked_at(redemption).state == State.USED
    assert len(account.asked) == 1
