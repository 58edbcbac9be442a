"""How numbers stand in the panel."""

from django import template

register = template.Library()


@register.filter
def grouped(number: int) -> str:
    """`1,234,567`"""
    return f"{int(number):,}"


@register.filter
def signed(number: int) -> str:
    """`+1,234` or `−12`, with a real minus."""
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{abs(int(number)):,}"
