"""Judged assets: one for each entity, with a check for each dataset rule and one for all its row rules."""

from collections.abc import Iterable, Iterator

import dagster as dg

from assets import keys
from assets.door import HubDoor
from assets.metadata import Metadata, look, of_judged
from assets.steps import Result, each
from pipeline.hub import Configuration, Hub, Run
from pipeline.judge import Judged, judge
from quality.spec import Rule, Rulebook
from store.verdicts import Verdict

ROW_RULES = "row_rules"
_SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


def judged_assets(configuration: Configuration) -> dg.AssetsDefinition:
    """The golden records that passed; a blocking rule that fails stops whatever depends on them."""
    entities = {keys.judged(entity): entity for entity in configuration.entities}

    @dg.multi_asset(
        name="judge",
        specs=[_spec(configuration, entity) for entity in entities.values()],
        check_specs=[spec for entity in entities.values() for spec in _check_specs(configuration.rulebooks[entity])],
        can_subset=True,
    )
    def judging(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Iterator[Result]:
        opened, run = hub.enter("judge", context.run.run_id)
        chosen = [entity for key, entity in entities.items() if key in context.selected_asset_keys]
        yield from each(chosen, lambda entity: _judged(opened, entity, run))

    return judging


def _spec(configuration: Configuration, entity: str) -> dg.AssetSpec:
    looked_at = {entity, *configuration.rulebooks[entity].needs()}
    return dg.AssetSpec(
        keys.judged(entity),
        deps=[keys.golden(other) for other in configuration.entities if other in looked_at],
        group_name="judged",
        kinds={"polars", "greatexpectations"},
        description=f"The {entity} records that keep their rulebook.",
        metadata=of_judged(entity),
    )


def _check_specs(rulebook: Rulebook) -> Iterator[dg.AssetCheckSpec]:
    key = keys.judged(rulebook.entity)
    if rulebook.of_scope("row").rules:
        yield dg.AssetCheckSpec(ROW_RULES, asset=key, description="No golden record breaks a row rule.")
    for rule in rulebook.of_scope("dataset").rules:
        named = ", ".join(rule.fields)
        yield dg.AssetCheckSpec(
            rule.name, asset=key, blocking=rule.blocking, description=f"{rule.kind} {named}".strip()
        )


def _judged(hub: Hub, entity: str, run: Run) -> Result:
    done = judge(hub, entity, run)
    metadata: Metadata = {
        "dagster/row_count": done.rows,
        "quarantined": done.quarantined,
        **of_judged(entity),
        **({"next": look("quarantine list")} if done.quarantined else {}),
    }
    checks = list(check_results(hub.configuration.rulebooks[entity], done))
    return dg.MaterializeResult(asset_key=keys.judged(entity), metadata=metadata, check_results=checks)


def check_results(rulebook: Rulebook, done: Judged) -> Iterator[dg.AssetCheckResult]:
    """One result for each check of the entity; where there was no record to judge, only blocking rules fail."""
    verdicts = {verdict.rule: verdict for verdict in done.verdicts}
    row_rules = rulebook.of_scope("row").rules
    if row_rules:
        yield _row_rules(rulebook.entity, row_rules, verdicts.values())
    for rule in rulebook.of_scope("dataset").rules:
        yield _dataset_rule(rulebook.entity, rule, verdicts.get(rule.name))


def _row_rules(entity: str, rules: Iterable[Rule], verdicts: Iterable[Verdict]) -> dg.AssetCheckResult:
    names = {rule.name for rule in rules}
    failed = {verdict.rule: verdict for verdict in verdicts if verdict.rule in names and not verdict.passed}
    grave = any(verdict.severity == "error" for verdict in failed.values())
    return dg.AssetCheckResult(
        asset_key=keys.judged(entity),
        check_name=ROW_RULES,
        passed=not failed,
        severity=_SEVERITY["error" if grave else "warning"],
        metadata={rule: verdict.failed for rule, verdict in failed.items()},
    )


def _dataset_rule(entity: str, rule: Rule, verdict: Verdict | None) -> dg.AssetCheckResult:
    metadata: Metadata = {} if verdict is None else {"checked": verdict.checked, "failed": verdict.failed}
    if verdict is not None and not verdict.passed:
        metadata["detail"] = dg.MetadataValue.json(verdict.detail)
    return dg.AssetCheckResult(
        asset_key=keys.judged(entity),
        check_name=rule.name,
        passed=not rule.blocking if verdict is None else verdict.passed,
        severity=_SEVERITY[rule.severity],
        metadata=metadata,
    )
