"""What has a start or an end: whether it is still coming, running, or over."""

from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty_app.merchant.answers import Json
from rewards.rules.base import Period


def is_campaign(setting: Json) -> bool:
    return bool(setting["starts"] or setting["ends"])


def state(setting: Json, moment: datetime, zone: ZoneInfo) -> tuple[str, str]:
    """How it is called at this moment, and the tone of that; nothing for what always holds."""
    if not is_campaign(setting):
        return "", ""
    period = Period.of(setting, zone)
    if period.covers(moment):
        return "Running", "success"
    return ("Coming", "info") if period.starts and moment < period.starts else ("Ended", "neutral")
