"""`manage.py connect_store --shop my-shop.myshopify.com`"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shopify_bridge import install
from shopify_bridge.errors import NeedsHuman, TryAgain


class Command(BaseCommand):
    help = (
        "Connect a store of your own organisation with the client-credentials grant: for a merchant who "
        "runs the app for one store. The app must be installed in that store."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--shop", required=True, help="the store's domain, like my-shop.myshopify.com")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            shop = install.connect(options["shop"])
        except (TryAgain, NeedsHuman) as error:
            raise CommandError(f"{options['shop']} is not connected: {error}") from error
        note = f" ({shop.state_reason})" if shop.state_reason else ""
        self.stdout.write(f"{shop.domain} is connected as shop {shop.pk}, program {shop.program_id}{note}.")
