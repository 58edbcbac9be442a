"""The usual design: the door asks for one job for each order, and django-rq's worker forks for each job.

The signature is checked as ours is; the job carries the order, and posts its points by the same call.
"""

import base64
import hashlib
import hmac

import django_rq
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from rewards.models import Program
from rewards.orders import settle_orders
from shopify_bridge import payloads
from shopify_bridge.models import Shop


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    digest = base64.b64encode(hmac.digest(settings.SHOPIFY_API_SECRET.encode(), request.body, hashlib.sha256))
    if not hmac.compare_digest(digest, request.headers.get("X-Shopify-Hmac-Sha256", "").encode()):
        return HttpResponse(status=401)
    django_rq.enqueue(post_points, request.headers["X-Shopify-Shop-Domain"], request.body.decode())
    return HttpResponse()


def post_points(domain: str, body: str) -> None:
    """The job."""
    shop = Shop.objects.get(domain=domain)
    program = Program.objects.get(pk=shop.program_id)
    settle_orders(program, [payloads.order(payloads.parse(body.encode()), shop.pk)])


urlpatterns = [path("webhooks", webhook)]
