"""The addresses of the app proxy. No trailing slashes, no redirects: both would leak the signature."""

from django.urls import path

from loyalty_app.storefront import actions, own, referrals, views
from shopify_bridge.auth import app_proxy

VIEWS = {
    "program": views.program,
    "me": views.me,
    "activity": views.activity,
    "ways": actions.ways,
    "actions/<slug:name>": actions.act,
    "referral": referrals.mine,
    "referral/link": referrals.link,
    "referrals/<slug:code>/visits": referrals.visit,
    "referrals/<slug:code>/claims": referrals.claim,
    "enrol": views.enrol,
    "rewards/<slug:draw_id>/draw": own.draw,
    "rewards/<slug:reward_id>/waits": own.wait,
    "rewards/<slug:reward_id>/waits/leave": own.leave,
    "redemptions": views.own_redemptions,
    "redemptions/<int:id>": views.redemption,
    "redemptions/<int:id>/cancel": views.cancel,
}
urlpatterns = [path(route, app_proxy(view)) for route, view in VIEWS.items()]
