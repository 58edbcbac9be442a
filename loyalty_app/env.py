"""Reading the environment so that a mistake there is a sentence at the start, not a surprise later."""

import os
import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def envtext(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def envbool(name: str, default: bool = False) -> bool:
    text = os.environ.get(name, "1" if default else "0").strip().lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {text!r}.")


def envint(name: str, default: int, least: int = 0) -> int:
    text = envtext(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}, not {text!r}.")
    return int(text)


def envseconds(name: str, default: float) -> float:
    text = envtext(name, str(default))
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) or not float(text):
        raise ImproperlyConfigured(f"{name} must be a number of seconds above 0, not {text!r}.")
    return float(text)


def envlist(name: str, default: str = "") -> list[str]:
    """Values separated by commas."""
    return [part.strip() for part in envtext(name, default).split(",") if part.strip()]


def envchoice(name: str, default: str, choices: tuple[str, ...]) -> str:
    text = envtext(name, default)
    if text not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {text!r}.")
    return text


def envurl(name: str, schemes: tuple[str, ...], default: str = "") -> str:
    """An address without its closing slash; the value itself is not repeated, it may hold a password."""
    text = (envtext(name) or default).rstrip("/")  # set to nothing is not set
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in schemes or not (parts.netloc or parts.path or parts.query):
        forms = " or ".join(f"{scheme}://..." for scheme in schemes)
        raise ImproperlyConfigured(f"{name} must be an address of the form {forms}.")
    return text
