"""The documents we send to the Admin API: one operation per `.graphql` file, named after the file."""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def document(operation: str) -> str:
    """The text of one operation."""
    return (FOLDER / f"{operation}.graphql").read_text()


@cache
def repeated(operation: str, times: int) -> str:
    """An operation with one named field, asked so many times in one request.

    Its variables and answers are numbered from 0: `$id` becomes `$id0`, `$id1`, and `change:` becomes
    `change0:`, `change1:`.
    """
    found = re.fullmatch(r"([^(]*)\((.*?)\) \{\n(.*)\}\n", document(operation), re.DOTALL)
    assert found is not None  # a mistake in the file, which its test finds
    head, variables, field = found.groups()

    def numbered(text: str) -> list[str]:
        return [re.sub(r"\$(\w+)", rf"$\g<1>{n}", text) for n in range(times)]

    fields = [re.sub(r"^(\s*\w+):", rf"\g<1>{n}:", text) for n, text in enumerate(numbered(field))]
    return f"{head}({', '.join(numbered(variables))}) {{\n{''.join(fields)}}}\n"
