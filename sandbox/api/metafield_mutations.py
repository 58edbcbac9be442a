"""Metafields, and scopes given back."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import GraphQLError

from sandbox import installation
from sandbox.api.context import REQUIRED_SCOPES
from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.queries import node
from sandbox.api.views import MetafieldView, digest
from sandbox.model import Metafield
from sandbox.orders import Refused

Input = dict[str, Any]
LARGEST_SET = 25
LARGEST_VALUE = 16 * 1024
_TEXTS = (
    "single_line_text_field",
    "multi_line_text_field",
    "id",
    "url",
    "color",
    "date",
    "date_time",
    "money",
)
_WRITE = {
    "Customer": "write_customers",
    "Order": "write_orders",
    "Product": "write_products",
    "ProductVariant": "write_products",
    "Collection": "write_products",
    "DiscountNode": "write_discounts",
    "DiscountCodeNode": "write_discounts",
    "AppInstallation": None,
    "Shop": None,
}


class MetafieldMutations(MutationSet):
    @mutation()
    def metafields_set(self, metafields: list[Input]) -> Payload:
        if len(metafields) > LARGEST_SET:
            text = f"Exceeded the maximum metafields input limit of {LARGEST_SET}."
            raise Refused(text, ["metafields"], "LESS_THAN_OR_EQUAL_TO")
        errors, checked = [], []
        for index, given in enumerate(metafields):
            try:
                checked.append(self._checked(given, ["metafields", str(index)]))
            except Refused as refused:
                error = {"field": refused.field, "message": refused.message, "code": refused.code}
                errors.append(error | {"elementIndex": index})
        if errors:  # all or nothing
            return {"metafields": None, "userErrors": errors}
        return {"metafields": [MetafieldView(self.context, self._set(*each)) for each in checked]}

    def _checked(self, given: Input, path: list[str]) -> tuple[Input, str, str]:
        self._owner(given["ownerId"], path)
        namespace = self._namespace(given.get("namespace"), path)
        present = self.here.metafields.get((given["ownerId"], namespace, given["key"]))
        kind = given.get("type") or (present.type if present else None) or self._declared(given)
        if kind is None:
            raise Refused("Type can't be blank", [*path, "type"], "BLANK")
        declared = self._declared(given)
        if declared is not None and declared != kind:
            raise Refused(f"Type must be {declared}", [*path, "type"], "INVALID_TYPE")
        if present is not None and present.type != kind and declared is None:
            raise Refused(f"Type must be {present.type}", [*path, "type"], "INVALID_TYPE")
        if not re.fullmatch(r"[A-Za-z0-9_-]{2,64}", given["key"]):
            raise Refused("Key is invalid", [*path, "key"], "INVALID")
        _check_value(given["value"], kind, [*path, "value"])
        if "compareDigest" in given:
            current = digest(present.value) if present else None
            if current != given["compareDigest"]:
                raise Refused("The resource has been updated since it was loaded.", path, "STALE_OBJECT")
        return given, namespace, kind

    def _owner(self, gid: str, path: list[str]) -> None:
        kind = gid.split("/")[3] if gid.count("/") == 4 else ""
        if kind not in _WRITE:
            raise GraphQLError(f"Invalid global id '{gid}'", extensions={"code": "RESOURCE_NOT_FOUND"})
        scope = _WRITE[kind]
        if scope is not None:
            self.context.need("metafieldsSet", scope)
        found = kind in REQUIRED_SCOPES or kind in ("Shop", "AppInstallation")
        if not found or node(self.context, gid) is None:
            raise Refused("Owner does not exist", [*path, "ownerId"], "INVALID")

    def _namespace(self, given: str | None, path: list[str]) -> str:
        full = self.context.namespace(given)
        own = self.context.namespace("$app")
        if full.startswith("app--") and not full.startswith(own):
            message = "Access to this namespace and key on Metafields for this resource type is not allowed."
            raise Refused(message, [*path, "namespace"], "APP_NOT_AUTHORIZED")
        return full

    def _declared(self, given: Input) -> str | None:
        """The type of a metafield that the app's configuration declares."""
        if given.get("namespace") not in (None, "$app"):
            return None
        declared: dict[tuple[str, str], str] = self.context.services["app"].metafields
        return declared.get((given["ownerId"].split("/")[3], given["key"]))

    def _set(self, given: Input, namespace: str, kind: str) -> Metafield:
        now = self.world.now()
        present = self.here.metafields.get((given["ownerId"], namespace, given["key"]))
        metafield = present or Metafield(
            self.world.new_id(), given["ownerId"], namespace, given["key"], kind, "", now, now
        )
        metafield.value, metafield.type, metafield.updated_at = given["value"], kind, now
        self.world.save(self.here, metafield)
        return metafield

    @mutation()
    def metafields_delete(self, metafields: list[Input]) -> Payload:
        deleted: list[Input | None] = []
        for index, given in enumerate(metafields):
            path = ["metafields", str(index)]
            self._owner(given["ownerId"], path)
            namespace = self._namespace(given["namespace"], path)
            found = self.here.metafields.get((given["ownerId"], namespace, given["key"]))
            if found is not None:
                self.world.remove(self.here, found)
            deleted.append(given if found else None)
        return {"deletedMetafields": deleted}

    @mutation()
    def app_revoke_access_scopes(self, scopes: list[str]) -> Payload:
        granted = self.here.installation.scopes
        unknown = [scope for scope in scopes if scope not in granted]
        if unknown:
            raise Refused(f"Scopes are not granted: {', '.join(unknown)}", ["scopes"], "UNKNOWN_SCOPES")
        installation.revoke_scopes(self.world, self.here, scopes)
        return {"revoked": [{"handle": s, "description": s.replace("_", " ")} for s in scopes]}


def _check_value(value: str, kind: str, path: list[str]) -> None:
    if value == "":
        raise Refused("Value can't be blank", path, "BLANK")
    if len(value.encode()) > LARGEST_VALUE and kind == "json":
        raise Refused("Value is too long (maximum is 16384 bytes)", path, "TOO_LONG")
    try:
        if kind == "json" or kind.startswith("list."):
            json.loads(value)
        elif kind == "number_integer":
            int(value)
        elif kind == "number_decimal":
            Decimal(value)
        elif kind == "boolean" and value not in ("true", "false"):
            raise ValueError
        elif kind not in (*_TEXTS, "boolean"):
            raise Refused(f"Type {kind} is not one the sandbox knows", path, "INVALID_TYPE")
    except (ValueError, InvalidOperation) as error:
        raise Refused(f"Value is invalid {kind}", path, "INVALID_VALUE") from error
