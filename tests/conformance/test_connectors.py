"""One suite over every folder under `connectors/`: a new system is held to it without a line of its own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from canonical.commands import DeliveryClass
from canonical.entities import ENTITIES
from canonical.strict_yaml import parse
from connectors.checking import READ_NAMES, WRITE_NAMES
from connectors.port import Connector
from connectors.registry import FOLDER, discover, load_system, missing_variables, open_connector
from connectors.template import names_in

SYSTEMS = discover()
RULES = {
    "secrets_by_name", "streams_followed", "deletions_noticed", "exact_numbers", "delivery_classes",
    "looked_up_by_reference", "replies_echo_reference", "session_renewed", "retry_after_honoured",
    "tested_against_sandbox", "tested_hostile", "tested_against_vendor", "batch_writes", "webhooks",
}  # fmt: skip


def _environment(system: str) -> dict[str, str]:
    names = {str(fault.message).split()[2] for fault in missing_variables(load_system(system), {})}
    return {name: "http://127.0.0.1:9" if name.endswith("URL") else "secret" for name in names}


def _has_client(system: str) -> bool:
    """A folder's own client may know names that YAML cannot."""
    return (FOLDER / system / "client.py").exists()


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_discover__finds_folders() -> None:
    assert SYSTEMS


def test_folder__is_complete(system: str) -> None:
    readme = (FOLDER / system / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# ")
    missing = [name for name in _environment(system) if name not in readme]
    assert not missing, f"README.md does not name {missing}"


def test_quality_scale__every_rule_is_answered(system: str) -> None:
    file = FOLDER / system / "quality_scale.yaml"
    rules: dict[str, Any] = parse(file.read_text(encoding="utf-8"), file.name).values["rules"]
    assert set(rules) == RULES
    for name, answer in rules.items():
        assert answer["status"] in ("done", "todo", "exempt"), name
        assert answer["status"] == "done" or answer.get("reason"), f"{name}: say why"


def test_secrets__stand_by_name_only(system: str) -> None:
    text = (FOLDER / system / "system.yaml").read_text(encoding="utf-8")
    spec = load_system(system).system
    declared = spec.auth.model_dump(exclude={"kind"})
    for name in ("client_secret", "app_secret", "password", "token"):
        assert name not in declared or set(declared[name]) == {"env"}
    assert not re.search(r"https?://", text), "addresses come from the environment"


def test_entities__are_canonical(system: str) -> None:
    spec = load_system(system).system
    named = {stream.entity for stream in spec.streams.values()} | {each.entity for each in spec.operations.values()}
    assert named <= set(ENTITIES)


def test_streams__can_be_followed(system: str) -> None:
    for name, stream in load_system(system).system.streams.items():
        assert stream.watermark or stream.complete, name
        asked = names_in([stream.request.params, stream.request.body])
        assert asked <= READ_NAMES or _has_client(system), f"{name} asks for {asked - READ_NAMES}"
        if stream.watermark:
            assert {"since", "since_clause"} & asked or _has_client(system), (
                f"{name} has a watermark, but its request never uses it"
            )


def test_streams__pages_that_are_counted_stand_in_an_order_that_holds(system: str) -> None:
    """A record changed under way would leave its page, and the one that slips into its place be passed over."""
    for name, stream in load_system(system).system.streams.items():
        if stream.paging.kind in {"offset", "number"} and stream.watermark:
            ordered = re.search(
                rf"\b{re.escape(stream.watermark.field)}\W+(ASC|DESC)\b", repr(stream.request.body), re.IGNORECASE
            )
            assert not ordered, f"{name} is paged by the time of change"


def test_operations__keep_their_promises(system: str) -> None:
    for name, operation in load_system(system).system.operations.items():
        assert "create" in operation.variants, name
        used = {step for steps in operation.variants.values() for step in steps}
        assert used == set(operation.steps), f"{name} declares steps no variant uses"
        for step_name, step in operation.steps.items():
            where = f"{name}.{step_name}"
            request = step.request
            templates = [request.path, request.params, request.headers, request.body]
            asked = {part.split(".")[0] for part in names_in(templates)}
            assert asked <= WRITE_NAMES or _has_client(system), f"{where} asks for {asked - WRITE_NAMES}"
            if step.delivery is DeliveryClass.LOOKED_UP:
                assert operation.look_up, where
                assert operation.settle_seconds > 0, f"{where}: class B needs a settle time"
                told = step_name in operation.look_up.done_steps or step_name not in operation.variants["create"]
                assert told, f"{where}: the look-up must tell whether it is done"
            if step.delivery is DeliveryClass.KEYED:
                sent = names_in([request.path, request.headers, request.body, step.fields])
                keyed = sent & {"idempotency_key", "reference", "existing.version"}
                # A PATCH of a record that stands says what its fields shall be: again is the same.
                patched = request.method == "PATCH" and names_in(request.path)
                assert keyed or patched, f"{where} sends no key of ours"


def test_replies__are_recognised(system: str) -> None:
    numbered = load_system(system).system.protocol == "jsonrpc"  # its replies carry the call's number
    for name, operation in load_system(system).system.operations.items():
        for step_name, step in operation.steps.items():
            recognised = step.reply.reference or step.reply.echo or step.read_back or numbered
            assert recognised or step.delivery is DeliveryClass.BLIND, f"{name}.{step_name} takes any reply for its own"


def test_open_connector__fulfils_the_port(system: str) -> None:
    connector: Connector = open_connector(system, _environment(system))
    spec = load_system(system).system
    assert connector.system == system
    assert connector.role == spec.role
    assert set(connector.streams) == set(spec.streams)
    assert set(connector.operations) == set(spec.operations)
    connector.close()
