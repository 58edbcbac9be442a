"""How news travels up: versions in rows say what changed, this signal says that something did."""

from django.dispatch import Signal

standing_changed = Signal()
"""Sent after a commit in which members of `program_id` changed."""
