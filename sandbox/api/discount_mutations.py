"""Discount codes: made, changed, switched, deleted."""

from __future__ import annotations

from copy import deepcopy

from sandbox.api.context import app_number, number
from sandbox.api.discount_input import ROOTS, Filler, Input, check_code, check_complete
from sandbox.api.discount_views import DiscountCodeNodeView
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.discounts import status
from sandbox.model import Discount, RedeemCode
from sandbox.orders import Refused


class DiscountMutations(MutationSet):
    @mutation()
    def discount_code_basic_create(self, basic_code_discount: Input) -> Payload:
        return self._create_discount(basic_code_discount, "basic")

    @mutation()
    def discount_code_free_shipping_create(self, free_shipping_code_discount: Input) -> Payload:
        return self._create_discount(free_shipping_code_discount, "free_shipping")

    @mutation()
    def discount_code_bxgy_create(self, bxgy_code_discount: Input) -> Payload:
        return self._create_discount(bxgy_code_discount, "bxgy")

    @mutation()
    def discount_code_basic_update(self, id: str, basic_code_discount: Input) -> Payload:
        return self._update_discount(id, basic_code_discount, "basic")

    @mutation()
    def discount_code_free_shipping_update(self, id: str, free_shipping_code_discount: Input) -> Payload:
        return self._update_discount(id, free_shipping_code_discount, "free_shipping")

    @mutation()
    def discount_code_bxgy_update(self, id: str, bxgy_code_discount: Input) -> Payload:
        return self._update_discount(id, bxgy_code_discount, "bxgy")

    def _create_discount(self, given: Input, kind: str) -> Payload:
        check_complete(given, kind)
        now = self.world.now()
        discount = Discount(
            id=self.world.new_id(),
            kind=kind,
            title=given["title"],
            starts_at=given["startsAt"],
            ends_at=None,
            created_at=now,
            updated_at=now,
            app_id=app_number(self.context.config),
        )
        code = check_code(self.here, given["code"], discount, ROOTS[kind])
        Filler(self.here, discount).fill(given)
        self.world.save(self.here, RedeemCode(self.world.new_id(), discount.id, code, now))
        return self._keep_discount(discount)

    def _update_discount(self, id: str, given: Input, kind: str) -> Payload:
        known = self._discount(id)
        if known.kind != kind:
            raise Refused("Discount does not exist", ["id"], "INVALID")
        discount = deepcopy(known)
        Filler(self.here, discount).fill(given)
        if given.get("code"):
            self._rename(discount, given["code"])
        return self._keep_discount(discount)

    def _rename(self, discount: Discount, wanted: str) -> None:
        code = check_code(self.here, wanted, discount, ROOTS[discount.kind])
        known = self.here.codes_of(discount)
        if len(known) > 1:
            raise Refused("Cannot update the code of a bulk discount.", ["id"], "INVALID")
        renamed = known[0] if known else RedeemCode(self.world.new_id(), discount.id, "", self.world.now())
        renamed.code = code
        self.world.save(self.here, renamed)

    def _keep_discount(self, discount: Discount) -> Payload:
        discount.updated_at = self.world.now()
        self.world.save(self.here, discount)
        return {"codeDiscountNode": DiscountCodeNodeView(self.context, discount)}

    def _discount(self, gid: str) -> Discount:
        found = self.here.discounts.get(number(gid, "(?:DiscountCodeNode|DiscountNode)"))
        if found is None:
            raise Refused("Discount does not exist", ["id"], "INVALID")
        return found

    # -- switches ------------------------------------------------------------------------------------

    @mutation()
    def discount_code_activate(self, id: str) -> Payload:
        discount = self._discount(id)
        now = self.world.now()
        if discount.starts_at > now:
            discount.starts_at = now
        if discount.ends_at is not None and discount.ends_at <= now:
            discount.ends_at = None
        return self._keep_discount(discount)

    @mutation()
    def discount_code_deactivate(self, id: str) -> Payload:
        """Shopify ends the discount now; one that has not begun begins and ends now."""
        discount = self._discount(id)
        now = self.world.now()
        if status(discount, now) != "EXPIRED":
            discount.starts_at = min(discount.starts_at, now)
            discount.ends_at = now
        return self._keep_discount(discount)

    @mutation()
    def discount_code_delete(self, id: str) -> Payload:
        discount = self._discount(id)
        for code in self.here.codes_of(discount):
            self.world.remove(self.here, code)
        self.world.remove(self.here, discount)
        return {"deletedCodeDiscountId": id}
