"""`manage.py give --shop S --customer N --rule R --key K`: points for something that happened elsewhere."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rewards import actions, people
from rewards.models import Program
from shopify_bridge.models import Shop


class Command(BaseCommand):
    help = "Give a customer the points of a way to earn (a review, something custom), once for each key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shop", required=True, help="the shop's domain, like my-shop.myshopify.com")
        parser.add_argument("--customer", required=True, type=int, help="the customer's number in Shopify")
        parser.add_argument("--rule", required=True, help="the rule's id")
        parser.add_argument("--key", required=True, help="the same key again gives nothing")
        parser.add_argument("--picture", action="store_true", help="a review with a picture")

    def handle(self, *args: Any, **options: Any) -> None:
        shop = Shop.objects.filter(domain=options["shop"]).first()
        if shop is None:
            raise CommandError(f"{options['shop']} has no program here.")
        ref = (shop.pk, options["customer"])
        member_id = people.find(shop.program_id, [ref]).get(ref)
        if member_id is None:
            raise CommandError(f"Customer {options['customer']} is no member.")
        program = Program.objects.get(pk=shop.program_id)
        try:
            action, is_new = actions.told(
                program, member_id, options["rule"], f"key {options['key']}", picture=options["picture"]
            )
        except actions.NotGiven as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"{action.points} given." if is_new else "It was given before.")
