"""The theme app extension, judged by Shopify's theme-check and by what theme-check leaves out."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rewards import documents
from rewards.rules import KINDS, Surprise
from tests.judges.node import EXTENSION, judge

# Those that app blocks may use: https://shopify.dev/docs/storefronts/themes/architecture/settings/input-settings
SETTING_TYPES = {
    "article", "blog", "checkbox", "collection", "collection_list", "color", "font_picker",
    "header", "html", "image_picker", "inline_richtext", "link_list", "liquid", "metaobject",
    "metaobject_list", "number", "page", "paragraph", "product", "product_list", "radio", "range",
    "richtext", "select", "text", "text_alignment", "textarea", "url", "video", "video_url",
}  # fmt: skip
TARGETS = {"section", "head", "compliance_head", "body"}
SCHEMA_KEYS = {
    "name", "target", "settings", "javascript", "stylesheet", "enabled_on", "disabled_on", "class", "tag",
    "available_if",
}  # fmt: skip
WINDOWS = documents.schema()["properties"]["tiers"]["properties"]["window"]["enum"]
CHALLENGES = documents.schema()["$defs"]["challenge"]["properties"]["kind"]["enum"]
SCHEMA_TAG = re.compile(r"\{%-?\s*schema\s*-?%\}(.*?)\{%-?\s*endschema\s*-?%\}", re.DOTALL)
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
BRACED = re.compile(r"\{(\w+)\}")


# -- theme-check and sizes -------------------------------------------------------------------------


def test_theme_check_finds_nothing_of_any_level() -> None:
    result = judge("theme_check.mjs", EXTENSION)
    assert json.loads(result.stdout) == [], result.stdout
    assert result.returncode == 0


def test_theme_check_would_find_a_fault(copy: Path) -> None:
    embed = copy / "blocks" / "loyalty-embed.liquid"
    embed.write_text(embed.read_text().replace(" defer></script>", "></script>"))
    found = judge("theme_check.mjs", copy)
    assert [offence["check"] for offence in json.loads(found.stdout)] == ["ParserBlockingScript"]


def test_every_file_keeps_its_size() -> None:
    result = judge("sizes.mjs", EXTENSION)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_heavy_entry_script_is_noticed(copy: Path) -> None:
    entry = copy / "assets" / "loyalty.js"
    entry.write_text(entry.read_text() + "/" * 10_000)
    result = judge("sizes.mjs", copy)
    assert (result.returncode, result.stderr) == (1, "too big: assets/loyalty.js\n")


# -- schema tags -----------------------------------------------------------------------------------


def test_schemas_are_what_shopify_accepts() -> None:
    assert schema_faults(schemas(EXTENSION)) == []


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('"type": "url"', '"type": "uri"', "unknown setting type uri"),
        ('"id": "page"', '"id": "label"', "setting id twice: label"),
        ('"target": "body"', '"target": "footer"', "unknown target footer"),
        ('"name": "t:embed.name"', '"name": "The launcher of the loyalty program"', "25 characters or more"),
        ('"default": "right"', '"default": "top"', "default of position is no option"),
        ('"max": 24', '"max": 25', "radius: step does not divide the range"),
    ],
)
def test_schema_faults_are_noticed(copy: Path, before: str, after: str, fault: str) -> None:
    embed = copy / "blocks" / "loyalty-embed.liquid"
    embed.write_text(embed.read_text().replace(before, after))
    assert [found for found in schema_faults(schemas(copy)) if fault in found]


def test_a_trailing_comma_is_noticed(copy: Path) -> None:
    embed = copy / "blocks" / "loyalty-embed.liquid"
    embed.write_text(embed.read_text().replace('"default": true }', '"default": true, }'))
    with pytest.raises(json.JSONDecodeError):
        schemas(copy)


# -- locale files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["", ".schema"])
def test_every_language_says_the_same(kind: str) -> None:
    texts = locales(EXTENSION, kind)
    assert set(texts) == {"ar", "de", "en"}
    for language, own in texts.items():
        assert own.keys() == texts["en"].keys(), language
        for key, text in own.items():
            assert text.strip() == text != "", (language, key)
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(texts["en"][key])), (
                language,
                key,
            )


def test_every_language_has_the_words_that_come_with_the_panel() -> None:
    texts = words_of(EXTENSION)
    assert set(texts) == {"ar", "de", "en"}
    for language, own in texts.items():
        assert own.keys() == texts["en"].keys(), language
        for key, text in own.items():
            assert text.strip() == text != "", (language, key)
            assert sorted(BRACED.findall(text)) == sorted(BRACED.findall(texts["en"][key])), (language, key)


def test_whatever_the_program_says_has_its_text() -> None:
    texts = locales(EXTENSION, "")["en"]
    source = (EXTENSION / "snippets" / "loyalty-way.liquid").read_text()
    # Nobody is told of a surprise.
    assert [kind for kind in KINDS if f"way.{kind}" not in texts and kind != Surprise.kind] == []
    assert [kind for kind in re.findall(r"when '(\w+)'", source) if kind not in KINDS] == []
    assert [
        kind for kind in CHALLENGES if not {f"challenge.{kind}", f"challenge.{kind}_one"} <= texts.keys()
    ] == []
    assert [window for window in WINDOWS if f"tiers.window_{window}" not in texts] == []


@pytest.mark.parametrize("kind", ["", ".schema"])
def test_every_text_is_used(kind: str) -> None:
    source = "".join(path.read_text() for path in EXTENSION.glob("*/*.liquid"))
    # What is printed in a loop or by its kind.
    source += " ".join(f"panel.tab_{name}" for name in ("points", "rewards", "codes", "activity"))
    source += " ".join(f"way.{kind}" for kind in KINDS)
    source += " ".join(f"challenge.{kind} challenge.{kind}_one" for kind in CHALLENGES)
    source += " ".join(f"tiers.window_{window}" for window in WINDOWS)
    # A kind of reward may have a sentence of its own or not; see snippets/loyalty-kind.liquid.
    unused = [
        key for key in locales(EXTENSION, kind)["en"] if key not in source and not key.startswith("gives.")
    ]
    assert unused == []


def test_the_panel_gets_every_text_that_it_asks_for_with_its_values() -> None:
    config = (EXTENSION / "snippets" / "loyalty-config.liquid").read_text()
    given = {
        name: set(re.findall(r"'\{(\w+)\}'", rest)) for name, rest in re.findall(r'"(\w+)": (\{\{.*)', config)
    }
    given |= {name: set(BRACED.findall(text)) for name, text in words_of(EXTENSION)["en"].items()}
    scripts = "".join(path.read_text() for path in (EXTENSION / "assets").glob("*.js"))
    asked = re.findall(r"\.text\('(\w+)'(?:, \{ (.*?) \})?\)", scripts)
    assert len(asked) > 30
    for name, values in asked:
        assert given[name] == set(re.findall(r"(?:^|, )(\w+)(?=:|,|$)", values)), name
    spoken = set(re.findall(r"'((?:copied|copy|applied|apply|error)_?\w*)'", scripts))
    assert spoken <= given.keys() | {"error"}


# -- what no linter knows --------------------------------------------------------------------------


def test_no_script_reads_data_as_markup() -> None:
    for path in (EXTENSION / "assets").glob("*.js"):
        risky = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setHTMLUnsafe"
        assert not re.search(risky, path.read_text()), path.name


def test_scripts_come_only_from_the_extension() -> None:
    assets = {path.name for path in (EXTENSION / "assets").iterdir()}
    for path in (EXTENSION / "assets").glob("*.js"):
        imported = re.findall(r"from '\./([\w.-]+)'", path.read_text())
        assert set(imported) <= assets, path.name
        assert "://" not in path.read_text().replace("https://shopify.dev", ""), path.name


def test_merchant_texts_are_escaped_where_they_are_printed() -> None:
    """`t` escapes what it is given; all else of the program or a setting needs a filter of its own."""
    printed = re.compile(
        r"\{\{-?\s*((?:program|reward|standing|way|challenge|milestone|level|next|answer|perk|title"
        r"|block\.settings|heading|intro|label)\b[^}]*)\}\}"
    )
    safe = re.compile(
        r"\| (escape|json|asset_url|t\b)|settings\.(position|radius)|\.(points|rate\.points)\b(?!\.)"
    )
    for path in EXTENSION.glob("*/*.liquid"):
        for expression in printed.findall(SCHEMA_TAG.sub("", path.read_text())):
            assert safe.search(expression), f"{path.name}: {expression}"


# -- reading ---------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    target = tmp_path / "loyalty-widget"
    shutil.copytree(EXTENSION, target)
    return target


def schemas(extension: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted((extension / "blocks").glob("*.liquid")):
        tags = SCHEMA_TAG.findall(path.read_text())
        assert len(tags) == 1, f"{path.name}: {len(tags)} schema tags"
        found[path.name] = json.loads(tags[0], object_pairs_hook=without_doubles)
    return found


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a key twice: {names}"
    return dict(pairs)


def schema_faults(found: dict[str, dict[str, Any]]) -> list[str]:
    texts = locales(EXTENSION, ".schema")
    return [f"{file}: {fault}" for file, schema in found.items() for fault in faults_of(schema, texts)]


def faults_of(schema: dict[str, Any], texts: dict[str, dict[str, str]]) -> Iterator[str]:
    yield from (f"unknown key {key}" for key in schema.keys() - SCHEMA_KEYS)
    if schema["target"] not in TARGETS:
        yield f"unknown target {schema['target']}"
    for language, own in texts.items():
        name = own.get(schema["name"].removeprefix("t:"), schema["name"])
        if len(name) >= 25:
            yield f"name has 25 characters or more in {language}: {name}"
    ids = [setting["id"] for setting in schema["settings"] if "id" in setting]
    yield from (f"setting id twice: {one}" for one in {one for one in ids if ids.count(one) > 1})
    for setting in schema["settings"]:
        yield from setting_faults(setting, texts["en"])


def setting_faults(setting: dict[str, Any], texts: dict[str, str]) -> Iterator[str]:
    kind = setting["type"]
    name = setting.get("id", kind)
    if kind not in SETTING_TYPES:
        yield f"unknown setting type {kind}"
    if kind not in ("header", "paragraph") and not ("id" in setting and "label" in setting):
        yield f"{name}: without id or label"
    for value in setting.values():
        if isinstance(value, str) and value.startswith("t:") and value.removeprefix("t:") not in texts:
            yield f"{name}: no text {value}"
    if kind == "select" and setting["default"] not in [option["value"] for option in setting["options"]]:
        yield f"default of {name} is no option"
    if kind == "range" and (setting["max"] - setting["min"]) % setting["step"]:
        yield f"{name}: step does not divide the range"
    if kind == "range" and not 3 <= (setting["max"] - setting["min"]) / setting["step"] + 1 <= 101:
        yield f"{name}: a range has 3 to 101 steps"


def locales(extension: Path, kind: str) -> dict[str, dict[str, str]]:
    """Language -> dotted key -> text."""
    found = {}
    for path in (extension / "locales").glob("*.json"):
        if path.name.endswith(".schema.json") == bool(kind):
            language = path.name.split(".")[0]
            found[language] = dict(flat(json.loads(path.read_text(), object_pairs_hook=without_doubles)))
    return found


def words_of(extension: Path) -> dict[str, dict[str, str]]:
    """Language -> key -> text, of what the panel's script fetches."""
    paths = (extension / "assets").glob("loyalty-words-*.json")
    return {
        path.stem.removeprefix("loyalty-words-"): json.loads(
            path.read_text(), object_pairs_hook=without_doubles
        )
        for path in paths
    }


def flat(texts: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in texts.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
