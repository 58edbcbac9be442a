"""`manage.py rotate_keys`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from shopify_bridge import vault
from shopify_bridge.models import Shop

FIELDS = {"access_token": "access", "refresh_token": "refresh"}


class Command(BaseCommand):
    help = (
        "Seal all stored tokens with the first key of TOKEN_KEYS. Put the new key first and keep the old "
        "one behind it, restart the app, run this, then remove the old key."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=500, help="shops per transaction (default 500)")

    def handle(self, *args: Any, **options: Any) -> None:
        done = resealed = last = 0
        failed: list[str] = []
        total = Shop.objects.count()
        while True:
            with transaction.atomic():
                batch = list(
                    Shop.objects.select_for_update().filter(pk__gt=last).order_by("pk")[: options["batch"]]
                )
                for shop in batch:
                    try:
                        resealed += _reseal(shop)
                    except vault.Unopenable as error:
                        failed.append(f"{shop.domain}: {error}")
            if not batch:
                break
            last, done = batch[-1].pk, done + len(batch)
            self.stdout.write(f"{done} of {total} shops looked at")
        self.stdout.write(f"{resealed} shops sealed with the first key, {len(failed)} can't be opened.")
        if failed:
            raise CommandError("these shops must open the app again:\n" + "\n".join(failed))


def _reseal(shop: Shop) -> bool:
    stale = [name for name in FIELDS if getattr(shop, name) and not vault.is_current(getattr(shop, name))]
    for name in stale:
        secret = vault.unseal(getattr(shop, name), FIELDS[name], shop.domain)
        setattr(shop, name, vault.seal(secret, FIELDS[name], shop.domain))
    if stale:
        shop.save(update_fields=stale)
    return bool(stale)
