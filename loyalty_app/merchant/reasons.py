"""Why something was decided, in words that a customer reads."""

from loyalty_app.merchant.answers import Json, Unprocessable
from shopify_bridge import payloads

REASON_LENGTH_MAX = 300


def reason_in(typed: Json, why: str = "Say why: the customer reads this.") -> str:
    """What was typed as the reason. Raises Unprocessable."""
    reason = payloads.printable(typed.get("reason")).strip()
    if not reason:
        raise Unprocessable({"reason": why})
    if len(reason) > REASON_LENGTH_MAX:
        raise Unprocessable({"reason": f"Use at most {REASON_LENGTH_MAX} characters."})
    return reason
