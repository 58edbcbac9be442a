"""The documents we send to the Admin API: one operation per `.graphql` file, named after the file."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def document(operation: str) -> str:
    """The text of one operation."""
    return (FOLDER / f"{operation}.graphql").read_text()
