"""Forecast and demand review: two assets of a deployment that plans with forecasts, each with a picture."""

from dataclasses import asdict

import dagster as dg

from assets import keys
from assets.door import HubDoor
from assets.metadata import Metadata, described, look, table_schema
from assets.plots import review_plot
from assets.steps import Result, plain_errors
from pipeline.demand import SCHEMA, make_forecast
from pipeline.hub import Configuration
from pipeline.plan_desk import desk
from pipeline.sop import demand_review, names
from planning.sop import review

MONTHS = 3
"""How far the review looks that every pass makes; `millstream plan review` takes any."""


def expected_assets(configuration: Configuration) -> list[dg.AssetsDefinition]:
    """The forecast before the plan and the review after it; none where the deployment has no forecast."""
    return [_forecast_asset(), _review_asset()] if configuration.deployment.forecast is not None else []


def _forecast_asset() -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        keys.FORECAST,
        deps=[keys.judged("sales_order"), keys.judged("sales_order_line")],
        group_name="plan",
        kinds={"python"},
        description="What customers are expected to order, by the model that said the last months best.",
        metadata=described(table_schema(SCHEMA)),
    )

    @dg.multi_asset(name="forecast", specs=[spec])
    def forecast(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Result:
        opened, run = hub.enter("forecast", context.run.run_id)
        with plain_errors():
            done = make_forecast(opened, run)
        known = {name: value for name, value in asdict(done).items() if value is not None}
        return dg.MaterializeResult(metadata={"dagster/row_count": done.items, **known, "next": look("plan forecast")})

    return forecast


def _review_asset() -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        keys.REVIEW,
        deps=[keys.REQUIREMENTS],
        group_name="insight",
        kinds={"scipy"},
        description="Demand of the coming months beside what capacity and parts leave of it.",
    )

    @dg.multi_asset(name="review", specs=[spec])
    def demand(context: dg.AssetExecutionContext, hub: dg.ResourceParam[HubDoor]) -> Result:
        opened, run = hub.enter("review", context.run.run_id)
        with plain_errors():
            at = desk(opened, run.as_of)
            found = review(demand_review(opened, at, MONTHS))
        titles = names(at)
        metadata: Metadata = {
            "feasible": found.plan.total,
            "held back by": ", ".join(titles.get(name, name) for name in found.plan.binding) or "nothing",
            "bands": {titles.get(band.stretched, band.stretched): band.plan.total for band in found.bands},
            "review": dg.MetadataValue.md(review_plot(found)),
            "next": look("plan review"),
        }
        return dg.MaterializeResult(metadata=metadata)

    return demand
