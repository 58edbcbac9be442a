"""A mistake in the environment is a sentence that names the variable."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from loyalty_app import env


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("0", False), ("", False)])
def test_switches(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("SWITCH", text)
    assert env.envbool("SWITCH", default=not value) is value


def test_seconds_have_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.envseconds("PATIENCE", 8.0) == 8
    monkeypatch.setenv("PATIENCE", "0.5")
    assert env.envseconds("PATIENCE", 8.0) == 0.5


def test_lists_have_no_empty_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTS", " a.example.com, ,b.example.com,")
    assert env.envlist("HOSTS") == ["a.example.com", "b.example.com"]


def test_an_address_has_no_closing_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP", "https://app.example.com/")
    assert env.envurl("APP", ("https",)) == "https://app.example.com"


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (lambda: env.envbool("IT"), "maybe", "IT must be 1 or 0, not 'maybe'."),
        (lambda: env.envint("IT", 1), "-1", "IT must be a whole number of at least 0, not '-1'."),
        (lambda: env.envint("IT", 1), "٣", "IT must be a whole number"),
        (lambda: env.envint("IT", 1, least=1), "0", "at least 1"),
        (lambda: env.envseconds("IT", 1), "0.0", "IT must be a number of seconds above 0"),
        (lambda: env.envseconds("IT", 1), "nan", "IT must be a number of seconds above 0"),
        (lambda: env.envchoice("IT", "a", ("a", "b")), "c", "IT must be one of a, b, not 'c'."),
        (lambda: env.envurl("IT", ("https",)), "ftp://x", "IT must be an address of the form https://"),
    ],
)
def test_mistakes(monkeypatch: pytest.MonkeyPatch, read: object, text: str, sentence: str) -> None:
    monkeypatch.setenv("IT", text)
    assert callable(read)
    with pytest.raises(ImproperlyConfigured) as caught:
        read()
    assert sentence in str(caught.value)


def test_a_wrong_address_does_not_repeat_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hush@db")
    with pytest.raises(ImproperlyConfigured) as caught:
        env.envurl("DATABASE_URL", ("postgresql",))
    assert "hush" not in str(caught.value)


def test_an_address_set_to_nothing_is_as_if_it_was_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", " ")
    assert env.envurl("REDIS_URL", ("redis",), default="redis://here/0") == "redis://here/0"
