"""Many codes for one discount: added and taken away a moment after that was asked for."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

from sandbox.api.context import number
from sandbox.api.discount_input import LONGEST
from sandbox.api.discount_views import REDEEM_CODES, CodeCreationView
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.search import compile_query
from sandbox.model import CodeCreation, Discount, NewCode, RedeemCode
from sandbox.orders import Refused
from sandbox.world import ShopState, World

MOST_AT_ONCE = 250


class RedeemCodeMutations(MutationSet):
    @mutation()
    def discount_redeem_code_bulk_add(self, discount_id: str, codes: list[dict[str, str]]) -> Payload:
        if len(codes) > MOST_AT_ONCE:
            message = (
                f"The input array size of {len(codes)} is greater than the maximum allowed of {MOST_AT_ONCE}."
            )
            raise GraphQLError(message, extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"})
        discount = self._code_discount(discount_id)
        if not codes:
            raise Refused("Codes can't be blank", ["codes"], "BLANK")
        wanted = [NewCode(self.world.new_id(), given["code"]) for given in codes]
        creation = CodeCreation(self.world.new_id(), discount.id, self.world.now(), wanted)
        self.world.save(self.here, creation)
        self._soon(lambda: add_codes(self.world, self.here, creation))
        return {"bulkCreation": CodeCreationView(self.context, creation)}

    @mutation()
    def discount_code_redeem_code_bulk_delete(self, discount_id: str, **given: Any) -> Payload:
        chosen = {name: value for name, value in given.items() if value is not None}
        if len(chosen) != 1:
            message = "Missing expected argument key: 'ids', 'search' or 'saved_search_id'."
            if chosen:
                message = "Only one of 'ids', 'search' or 'saved_search_id' is allowed."
            raise Refused(message, None, "TOO_MANY_ARGUMENTS" if chosen else "MISSING_ARGUMENT")
        discount = self._code_discount(discount_id)
        codes = self.here.codes_of(discount)
        doomed = self._by_id(codes, given["ids"]) if "ids" in chosen else self._found(codes, given["search"])
        self._soon(lambda: _remove(self.world, self.here, discount, doomed))
        return {"job": {"id": f"gid://shopify/Job/{uuid.uuid4()}", "done": False}}

    def _by_id(self, codes: list[RedeemCode], ids: list[str]) -> list[RedeemCode]:
        if not ids:
            raise Refused("Something went wrong, please try again.")
        wanted = {number(gid, "DiscountRedeemCode") for gid in ids}
        return [code for code in codes if code.id in wanted]

    def _found(self, codes: list[RedeemCode], search: str) -> list[RedeemCode]:
        if not search.strip():
            raise Refused("'Search' can't be blank.", ["search"], "BLANK")
        return list(filter(compile_query(search, REDEEM_CODES, self.world.now()), codes))

    def _code_discount(self, gid: str) -> Discount:
        found = self.here.discounts.get(number(gid, "DiscountCodeNode"))
        if found is None:
            raise Refused("Code discount does not exist.", ["discountId"], "INVALID")
        return found

    def _soon(self, work: Callable[[], None]) -> None:
        timer = threading.Timer(self.context.services["faults"].job_seconds, work)
        timer.daemon = True
        self.world.after_commit(timer.start)


def add_codes(world: World, state: ShopState, creation: CodeCreation) -> None:
    """Those that may be, one by one; each that may not says why."""
    with world.change():
        discount = state.discounts.get(creation.discount_id)
        seen: set[str] = set()
        for new in creation.codes:
            new.error = (
                "Code discount does not exist." if discount is None else _problem(state, new.code, seen)
            )
            seen.add(new.code.upper())
            if new.error is None:
                made = RedeemCode(world.new_id(), creation.discount_id, new.code.strip(), world.now())
                new.redeem_code_id = made.id
                world.save(state, made)
        creation.done = True
        world.save(state, creation)
        if discount is not None:
            _touch(world, state, discount)


def _problem(state: ShopState, code: str, seen: set[str]) -> str | None:
    if not code.strip():
        return "is too short (minimum is 1 character)"
    if "\n" in code or "\r" in code:
        return "cannot contain newline characters."
    if len(code) > LONGEST:
        return f"is too long (maximum is {LONGEST} characters)"
    if code.upper() in seen:
        return "Codes must be unique within BulkDiscountCodeCreation"
    return "must be unique. Please try a different code." if state.redeem_code(code) else None


def _remove(world: World, state: ShopState, discount: Discount, codes: list[RedeemCode]) -> None:
    with world.change():
        for code in codes:
            world.remove(state, code)
        if discount.id in state.discounts:
            _touch(world, state, discount)


def _touch(world: World, state: ShopState, discount: Discount) -> None:
    discount.updated_at = world.now()
    world.save(state, discount)


def finish_creations(world: World) -> None:
    """What was asked for before a restart is done after it."""
    for state in world.shops.values():
        for creation in [one for one in state.code_creations.values() if not one.done]:
            add_codes(world, state, creation)
