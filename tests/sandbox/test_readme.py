"""What README.md tells and what the sandbox does are the same."""

from pathlib import Path

from flask.testing import FlaskClient

from sandbox.faults import OPERATION_FAULTS

README = (Path(__file__).parents[2] / "sandbox/README.md").read_text()


def test_every_call_of_the_driver_is_described(client: FlaskClient) -> None:
    every = client.application.url_map.iter_rules()
    rules = {rule.rule for rule in every if rule.endpoint.startswith("driver.")}
    told = {rule.split("<")[0] for rule in rules}
    assert {rule for rule in told if rule not in README} == set()


def test_every_accident_is_described() -> None:
    assert {fault for fault in OPERATION_FAULTS if f"`{fault}`" not in README} == set()
