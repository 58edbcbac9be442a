"""Store credit, given and taken by apps. Neither call takes an idempotency key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox import money, store_credit
from sandbox.api.context import number
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.views import StoreCreditTransactionView
from sandbox.model import Customer, StoreCreditAccount, StoreCreditTransaction
from sandbox.orders import Refused

LIMIT = 100_000  # units of the currency: the most that one account may hold


class CreditMutations(MutationSet):
    @mutation()
    def store_credit_account_credit(self, id: str, credit_input: dict[str, Any]) -> Payload:
        """`id` is an account's, or that of a customer, who gets an account with the first credit."""
        given = credit_input["creditAmount"]
        self._check_positive(given, "creditInput", "creditAmount")
        self._check_end(credit_input.get("expiresAt"))
        account = self._credit_account(id, given["currencyCode"], "creditInput", "creditAmount")
        if account is None:
            account = self._new_account(id, given["currencyCode"])
        amount = money.to_minor(given["amount"], account.currency)
        if account.balance + amount > money.to_minor(LIMIT, account.currency):
            message = "The operation would cause the account's credit limit to be exceeded"
            raise Refused(message, ["creditInput", "creditAmount", "amount"], "CREDIT_LIMIT_EXCEEDED")
        made = store_credit.credit(self.world, self.here, account, amount, credit_input.get("expiresAt"))
        return self._moved(made, account)

    @mutation()
    def store_credit_account_debit(self, id: str, debit_input: dict[str, Any]) -> Payload:
        given = debit_input["debitAmount"]
        self._check_positive(given, "debitInput", "debitAmount")
        account = self._credit_account(id, given["currencyCode"], "debitInput", "debitAmount")
        if account is None:
            raise Refused("Store credit account not found", ["id"], "ACCOUNT_NOT_FOUND")
        amount = money.to_minor(given["amount"], account.currency)
        if amount > store_credit.lapse(self.world, self.here, account).balance:
            message = "The store credit account does not have sufficient funds to satisfy the request"
            raise Refused(message, ["debitInput", "debitAmount", "amount"], "INSUFFICIENT_FUNDS")
        return self._moved(store_credit.debit(self.world, self.here, account, amount), account)

    def _moved(self, made: StoreCreditTransaction, account: StoreCreditAccount) -> Payload:
        return {"storeCreditAccountTransaction": StoreCreditTransactionView(self.context, made, account)}

    def _check_positive(self, given: dict[str, Any], *path: str) -> None:
        if given["amount"] <= 0:
            message = "A positive amount must be used"
            raise Refused(message, [*path, "amount"], "NEGATIVE_OR_ZERO_AMOUNT")

    def _check_end(self, expires_at: datetime | None) -> None:
        if expires_at is not None and expires_at <= self.world.now():
            path = ["creditInput", "expiresAt"]
            raise Refused("The expiry date must be in the future", path, "EXPIRES_AT_IN_PAST")

    def _credit_account(self, gid: str, currency: str, *path: str) -> StoreCreditAccount | None:
        """None: the customer has none in this currency yet."""
        if "/StoreCreditAccount/" not in gid:
            return store_credit.account_of(self.here, self._credit_owner(gid).id, currency)
        found = self.here.store_credit.get(number(gid, "StoreCreditAccount"))
        if found is None:
            raise Refused("Store credit account not found", ["id"], "ACCOUNT_NOT_FOUND")
        if found.currency != currency:
            message = "The currency provided does not match the currency of the store credit account"
            raise Refused(message, [*path, "currencyCode"], "MISMATCHING_CURRENCY")
        return found

    def _credit_owner(self, gid: str) -> Customer:
        customer = self.context.customer(gid)
        if customer is None:
            raise Refused("The owner does not exist", ["id"], "OWNER_NOT_FOUND")
        return customer

    def _new_account(self, gid: str, currency: str) -> StoreCreditAccount:
        if currency != self.here.shop.currency:
            path = ["creditInput", "creditAmount", "currencyCode"]
            raise Refused("The currency is not currently supported", path, "UNSUPPORTED_CURRENCY")
        return StoreCreditAccount(self.world.new_id(), self._credit_owner(gid).id, currency)
