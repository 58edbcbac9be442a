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


@register.simple_tag
def counted(number: int, names: dict[str, str]) -> str:
    """`1 point`, `1,234 points`"""
    return f"{number:,} {names['one'] if abs(number) == 1 else names['many']}"
