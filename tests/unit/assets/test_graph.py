"""The asset graph, from the shipped configuration alone: nothing is opened."""

import dagster as dg
import pytest

from assets import keys
from assets.judged import check_results
from assets.steps import each, plain_errors
from canonical.errors import MillstreamError, StreamHalted, SystemUnavailable
from orchestration.definitions import defs
from pipeline.artefacts import ARTEFACTS
from pipeline.hub import Configuration, load_configuration
from pipeline.judge import Judged
from pipeline.settings import Settings
from store.verdicts import Verdict


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load_configuration(Settings.from_environment({}))


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


def _specs(definitions: dg.Definitions) -> dict[dg.AssetKey, dg.AssetSpec]:
    return {spec.key: spec for spec in definitions.resolve_all_asset_specs()}


def test_graph__has_an_asset_for_each_stream_and_each_entity(
    configuration: Configuration, definitions: dg.Definitions
) -> None:
    wanted = {
        *(keys.raw(system, stream) for system, stream in configuration.streams()),
        *(keys.canonical(entity, system) for system, entity in configuration.inbound),
        *(keys.golden(entity) for entity in configuration.entities),
        *(keys.judged(entity) for entity in configuration.entities),
        *(keys.mastering(name, entity) for name in ARTEFACTS for entity in ("item", "partner")),
        *(keys.delivered(system) for system in ("crm", "erp", "mes", "wms")),
        keys.REQUIREMENTS, keys.ADOPTED, keys.COMMANDS, keys.PEOPLE, keys.PROGRESS,
    }  # fmt: skip
    assert set(_specs(definitions)) == wanted


def test_graph__groups_are_the_first_part_of_the_key(definitions: dg.Definitions) -> None:
    assert {key.path[0] == spec.group_name for key, spec in _specs(definitions).items()} == {True}


def test_graph__follows_mappings_and_references(definitions: dg.Definitions) -> None:
    specs = _specs(definitions)
    assert {dep.asset_key for dep in specs[keys.canonical("sales_order", "crm")].deps} == {keys.raw("crm", "orders")}
    lines = {dep.asset_key for dep in specs[keys.golden("sales_order_line")].deps}
    assert {keys.canonical("sales_order_line", "crm"), keys.golden("item"), keys.golden("sales_order")} <= lines


def test_graph__matching_leads_to_golden_records_step_by_step(definitions: dg.Definitions) -> None:
    specs = _specs(definitions)
    deps = {key: {dep.asset_key for dep in spec.deps} for key, spec in specs.items()}
    assert deps[keys.mastering("standardised", "item")] == {
        keys.canonical("item", system) for system in ("crm", "erp", "mes", "wms")
    }
    assert deps[keys.mastering("edges", "item")] == {keys.mastering("standardised", "item")}
    assert deps[keys.mastering("clusters", "item")] == {keys.mastering("edges", "item")}
    assert keys.mastering("clusters", "item") in deps[keys.golden("item")]
    assert deps[keys.mastering("crosswalk", "item")] == {keys.golden("item")}


def test_graph__one_step_and_one_pool_a_system(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("one_pass")
    pools = {node.name: pool for node in job.nodes for pool in node.definition.pools}
    assert pools == {
        "land_crm": "crm", "land_erp": "erp", "land_mes": "mes", "land_wms": "wms", "deliver": "delivery"
    }  # fmt: skip
    assert len(job.nodes) <= 16


def test_graph__columns_know_their_origin(definitions: dg.Definitions) -> None:
    metadata = _specs(definitions)[keys.canonical("item", "erp")].metadata
    schema, lineage = metadata["dagster/column_schema"], metadata["dagster/column_lineage"]
    assert "drawing_number" in {column.name for column in schema.columns}
    assert lineage.deps_by_column["drawing_number"][0].asset_key == keys.raw("erp", "materials")


def test_graph__checks_every_dataset_rule(configuration: Configuration, definitions: dg.Definitions) -> None:
    found = definitions.resolve_asset_graph().asset_check_keys
    for entity in configuration.entities:
        names = {key.name for key in found if key.asset_key == keys.judged(entity)}
        assert {rule.name for rule in configuration.rulebooks[entity].of_scope("dataset").rules} <= names
    streams = [key for key in found if key.name == "reachable"]
    assert len(streams) == len(configuration.streams())


def _verdict(rule: str, *, severity: str, passed: bool) -> Verdict:
    return Verdict("judge", "item", rule, severity, rule == "enough_items", passed, 5, 0 if passed else 2)


def test_check_results__say_what_each_rule_said(configuration: Configuration) -> None:
    rulebook = configuration.rulebooks["item"]
    verdicts = tuple(
        _verdict(rule.name, severity=rule.severity, passed=rule.name != "drawing_number_unique")
        for rule in rulebook.rules
    )
    results = {result.check_name: result for result in check_results(rulebook, Judged("item", 3, 2, verdicts, False))}
    assert [name for name, result in results.items() if not result.passed] == ["drawing_number_unique"]
    assert results["drawing_number_unique"].severity is dg.AssetCheckSeverity.WARN


def test_check_results__without_records_only_blocking_rules_fail(configuration: Configuration) -> None:
    results = check_results(configuration.rulebooks["item"], Judged("item", 0, 0, (), False))
    assert [result.check_name for result in results if not result.passed] == ["enough_items"]


def test_each__does_the_others_before_it_names_what_failed() -> None:
    def work(part: str) -> dg.MaterializeResult[None]:
        if part == "b":
            raise MillstreamError("broken")
        return dg.MaterializeResult(asset_key=part)

    parts = each(["a", "b", "c"], work)
    assert [next(parts).asset_key, next(parts).asset_key] == [dg.AssetKey("a"), dg.AssetKey("c")]
    with pytest.raises(dg.Failure, match="b: broken") as caught:
        next(parts)
    assert not caught.value.allow_retries


@pytest.mark.parametrize(("error", "again"), [(SystemUnavailable("later"), True), (StreamHalted("never"), False)])
def test_plain_errors__only_transient_ones_are_tried_again(error: MillstreamError, again: bool) -> None:
    with pytest.raises(dg.Failure) as caught, plain_errors():
        raise error
    assert caught.value.allow_retries is again
