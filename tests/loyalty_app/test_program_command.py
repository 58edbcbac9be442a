"""`manage.py program`: the program is data."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from rewards import programs
from shopify_bridge.models import Shop

SHOP = "demo.myshopify.com"


@pytest.fixture
def shop(db: None) -> Shop:
    program = programs.start("Demo", "EUR", "UTC")
    return Shop.objects.create(program_id=program.pk, domain=SHOP, currency="EUR")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("program", *arguments, stdout=out)
    return out.getvalue()


def exported(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run("export", "--shop", SHOP, *arguments))
    return document


def test_what_was_exported_can_be_changed_and_applied(shop: Shop, tmp_path: Path) -> None:
    document = exported()
    document["earning"]["rate"]["points"] = 7
    file = tmp_path / "program.json"
    file.write_text(json.dumps(document))
    assert "Version 2" in run("apply", "--shop", SHOP, str(file), "--author", "Ada")
    assert exported() == document
    assert exported("--number", "1")["earning"]["rate"]["points"] == 1
    history = run("history", "--shop", SHOP)
    assert "by Ada" in history
    assert "2 versions; 2 is in force." in history


def test_errors_are_named_by_path_and_change_nothing(shop: Shop, tmp_path: Path) -> None:
    before = exported()
    file = tmp_path / "program.json"
    file.write_text(json.dumps({**before, "earning": {"rate": {"points": -1, "per": "1"}}, "debts": "x"}))
    with pytest.raises(CommandError) as problem:
        run("apply", "--shop", SHOP, str(file))
    assert "earning.rate.points:" in str(problem.value)
    assert "Did you mean “debt”?" in str(problem.value)
    assert exported() == before


@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_a_file_that_is_no_program_is_refused(shop: Shop, tmp_path: Path, content: str) -> None:
    file = tmp_path / "program.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(CommandError):
        run("apply", "--shop", SHOP, str(file))
    with pytest.raises(CommandError, match="can't be read"):
        run("apply", "--shop", SHOP, str(tmp_path / "missing.json"))


def test_an_unknown_shop_or_version_is_named(shop: Shop) -> None:
    with pytest.raises(CommandError, match="other has no program"):
        run("history", "--shop", "other")
    with pytest.raises(CommandError, match="no version 9"):
        run("export", "--shop", SHOP, "--number", "9")
