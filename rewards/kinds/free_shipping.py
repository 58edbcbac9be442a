"""The shipping of one order."""

from collections.abc import Iterator

from rewards.kinds.base import Json, Kind, Problem
from rewards.rules.words import Saying, listed

_COUNTRIES = (
    "AC AD AE AF AG AI AL AM AN AO AR AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET FI FJ FK FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GW GY HK HM HN HR HT HU ID "
    "IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU "
    "LV LY MA MC MD ME MF MG MK ML MM MN MO MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR "
    "NU NZ OM PA PE PF PG PH PK PL PM PN PS PT PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM "
    "SN SO SR SS ST SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA "
    "VC VE VG VN VU WF WS XK YE YT ZA ZM ZW "
)
COUNTRIES = frozenset(_COUNTRIES.split())
"""Where a shop can ship to, as Shopify calls it: `CountryCode` of its Admin API."""


class FreeShipping(Kind):
    name = "free_shipping"
    amounts = ("maximum_price",)

    def errors(self, reward: Json, currency: str) -> Iterator[Problem]:
        for index, country in enumerate(reward["countries"]):
            if country not in COUNTRIES:
                yield f"countries.{index}", f"“{country}” is no country: write two letters, such as DE."

    def discount_class(self, reward: Json) -> str:
        return "shipping"

    def start(self, currency: str) -> Json:
        return {"title": "Free shipping", "points": 150}

    def gives(self, reward: Json, saying: Saying) -> str:
        most = f" of up to {saying.money(reward['maximum_price'])}" if reward["maximum_price"] else ""
        to = f" to {listed(reward['countries'], 'or')}" if reward["countries"] else ""
        return f"the shipping{most} of an order{to}"

    def at_worst(self, reward: Json, saying: Saying) -> str:
        return "" if reward["maximum_price"] else "However much the shipping costs."
