"""How numbers stand in the panel, and how its scripts come into a page."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

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
def script(name: str) -> SafeString:
    """The module `static/merchant/<name>.js`.

    Nothing is drawn, and so nothing clicked, before it has run: a button that nobody listens to yet would
    swallow the click.
    """
    address = static(f"merchant/{name}.js")
    return format_html('<script type="module" blocking="render" src="{}"></script>', address)
