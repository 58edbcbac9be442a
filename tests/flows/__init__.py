"""Whole journeys through the sandbox, over HTTP, against the app's real processes."""
