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
    assert "by Ada\n         Points for each 1.00 EUR: 1 became 7.\n" in history
    assert "2 versions; 2 is in force." in history


def written(tmp_path: Path, **changes: Any) -> str:
    file = tmp_path / "program.json"
    file.write_text(json.dumps({**exported(), **changes}))
    return str(file)


def test_what_was_exported_applies_without_a_change(shop: Shop, tmp_path: Path) -> None:
    said = run("apply", "--shop", SHOP, written(tmp_path))
    assert said == "Version 1 of “Demo” says the same; nothing to change.\n"
    assert "1 versions" in run("history", "--shop", SHOP)


def test_a_dry_run_says_what_would_change_and_what_is_risky(shop: Shop, tmp_path: Path) -> None:
    earning = {"rate": {"points": 5, "per": "1"}}
    file = written(tmp_path, earning=earning)
    said = run("apply", "--shop", SHOP, file, "--dry-run")
    assert said.splitlines() == [
        "This would change:",
        "         Points for each 1.00 EUR: 1 became 5.",
        "         Bonus for joining: 50 became 0.",
        "Mind this:",
        "         Shoppers get back up to 25% of what they spend: "
        "5 for each 1.00 EUR and “5.00 off” for 100.",
    ]
    assert exported()["earning"]["rate"]["points"] == 1
    assert "Mind this:" in run("apply", "--shop", SHOP, file)
    assert exported()["earning"]["rate"]["points"] == 5


def test_an_apply_can_expect_a_version_and_leave_a_note(shop: Shop, tmp_path: Path) -> None:
    run("apply", "--shop", SHOP, written(tmp_path, name="A"), "--expect", "1", "--note", "A better name")
    with pytest.raises(CommandError, match="version 2 is in force"):
        run("apply", "--shop", SHOP, written(tmp_path, name="B"), "--expect", "1")
    assert exported()["name"] == "A"
    assert "by manage.py: A better name" in run("history", "--shop", SHOP)


def test_versions_and_files_are_compared_in_words(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="only one version"):
        run("diff", "--shop", SHOP)
    file = written(tmp_path, name="Second")
    run("apply", "--shop", SHOP, file)
    run("apply", "--shop", SHOP, written(tmp_path, name="Third"))
    became = "Program name: “{}” became “{}”.\n"
    assert run("diff", "--shop", SHOP).endswith(became.format("Second", "Third"))
    assert run("diff", "--shop", SHOP, "1").endswith(became.format("Demo Rewards", "Third"))
    assert run("diff", "--shop", SHOP, "2", "1").endswith(became.format("Second", "Demo Rewards"))
    assert "Nothing differs." in run("diff", "--shop", SHOP, "3", str(tmp_path / "program.json"))
    with pytest.raises(CommandError, match="two versions or files"):
        run("diff", "--shop", SHOP, "1", "2", "3")
    with pytest.raises(CommandError, match="no version 4"):
        run("diff", "--shop", SHOP, "4")


def test_an_old_version_is_restored(shop: Shop, tmp_path: Path) -> None:
    before = exported()
    run("apply", "--shop", SHOP, written(tmp_path, name="Second"))
    said = run("restore", "--shop", SHOP, "--number", "1", "--dry-run")
    assert "This would change:\n         Program name: “Second” became “Demo Rewards”.\n" in said
    assert "Version 3" in run("restore", "--shop", SHOP, "--number", "1", "--author", "Ada")
    assert exported() == before
    assert "by Ada: As in version 1" in run("history", "--shop", SHOP)
    with pytest.raises(CommandError, match="no version 9"):
        run("restore", "--shop", SHOP, "--number", "9")


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
