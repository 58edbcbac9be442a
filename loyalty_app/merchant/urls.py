"""The addresses of the panel, under `/app/`."""

from django.urls import path

from loyalty_app.merchant import (
    backfill,
    data_requests,
    home,
    inbox,
    members,
    orders_check,
    program,
    reward,
    shop,
)
from loyalty_app.merchant.answers import by_method, post_only

urlpatterns = [
    path("", home.home),
    path("steps", post_only(home.step)),
    path("embed", post_only(home.embed)),
    path("program", by_method(get=program.program, post=program.save)),
    path("program/example", post_only(program.example)),
    path("disputes", post_only(program.disputes_changed)),
    path("rewards", by_method(get=reward.listed, post=reward.create)),
    path("rewards/new/<slug:kind>", reward.new),
    path("rewards/cost/<slug:kind>", post_only(reward.cost)),
    path("rewards/<slug:reward_id>", by_method(get=reward.one, post=reward.save)),
    path("rewards/<slug:reward_id>/archive", post_only(reward.archive)),
    path("members", members.listed),
    path("members/<int:member_id>", members.one),
    path("members/<int:member_id>/adjustments", post_only(members.adjust)),
    path("members/<int:member_id>/data", members.data),
    path("data-requests", data_requests.listed),
    path("data-requests/<int:data_request_id>/data", data_requests.data),
    path("data-requests/<int:data_request_id>/answered", post_only(data_requests.answered)),
    path("inbox", inbox.listed),
    path("inbox/replay", post_only(inbox.replay_all)),
    path("inbox/<int:row_id>/replay", post_only(inbox.replay)),
    path("orders-check", by_method(get=orders_check.listed, post=orders_check.begin)),
    path("orders-check/progress", orders_check.progress),
    path("orders-check/repair", post_only(orders_check.repair_all)),
    path("orders-check/<int:gap_id>/repair", post_only(orders_check.repair)),
    path("backfill", by_method(get=backfill.shown_page, post=backfill.begin)),
    path("backfill/progress", backfill.progress),
    path("backfill/<slug:step>", post_only(backfill.change)),
    path("settings", shop.settings_page),
    path("settings/audit", post_only(shop.audit)),
]
