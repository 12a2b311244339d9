"""Option models in YAML: what loads, and where every fault of a file is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from pipeline.option_models import OPTION_MODELS, load_option_model, load_option_models
from planning.configuration import NotConfigurable, configure
from planning.configuration_variants import Variants

CART = """\
item: CART
options:
  size: {type: number, from: 10, to: 30, step: 10}
  drive: {values: [hand, motor], default: hand}
  volts: {type: number, values: [24, 48], when: drive == "motor"}
computed:
  bolts: size * 2 / 5
constraints:
  - {name: heavy, when: size > 20, requires: drive == "motor", why: {en: Too heavy, zh: 过重}}
structure:
  CART:
    bom:
      - {item: BODY, quantity: "1"}
      - {item: MOTOR, when: drive == "motor"}
  BODY:
    lead_time_days: "4"
    bom: [{item: BOLT, quantity: bolts, operation: 10}]
    routing: [{sequence: 10, work_centre: WELD, run_minutes: size * 1.5}]
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "cart.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_load__a_model_that_can_be_asked(tmp_path: Path) -> None:
    model = load_option_model(written(tmp_path, CART))
    variants = Variants(model)
    code = variants.build(configure(model, {"size": Decimal(20)}).values)
    body = next(one for one in variants.below(code) if one.template == "BODY")
    assert [(one.item, one.quantity, one.operation) for one in body.lines] == [("BOLT", Decimal(8), 10)]
    assert body.operations[0].run_minutes == Decimal(30)
    assert body.lead_time_days == 4
    with pytest.raises(NotConfigurable, match="heavy"):
        configure(model, {"size": Decimal(30)})


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("default: hand", "default: foot", "cart.yaml:4:34 foot is none of hand, motor"),
        ('drive == "motor"}\ncomputed', 'drive == "moter"}\ncomputed', 'cart.yaml:5:43 drive is never "moter"'),
        ("bolts: size", "bolts: sise", "cart.yaml:7:3 nothing here is called 'sise'. Did you mean 'size'?"),
        ("when: size > 20", 'when: size > "x"', "cart.yaml:9:19 size > "),
        ("quantity: bolts", "quantity: drive", "cart.yaml:17:24 drive is a text, not a number"),
        ("operation: 10}", "operation: 20}", "cart.yaml:17:41 the routing has no operation 20"),
        ("item: CART", "item: CARD", "cart.yaml:1:1 `structure` has no 'CARD'"),
        ("{item: BOLT,", "{item: CART,", "these contain one another"),
        ("step: 10}", "step: 10, values: [1]}", "cart.yaml:3:3"),
        ("why: {en: Too heavy, zh: 过重}", "why: {en: Too heavy}", "why is missing in 'zh'"),
        ("structure:", "strcture:", "unknown key 'strcture'. Did you mean 'structure'?"),
        ("values: [24, 48]", "values: [24, many]", "'many' is no number"),
    ],
)
def test_load__every_fault_has_its_place(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in CART
    with pytest.raises(ConfigurationError) as caught:
        load_option_model(written(tmp_path, CART.replace(before, after, 1)), "cart.yaml")
    assert said in str(caught.value)


def test_load__options_that_wait_for_one_another(tmp_path: Path) -> None:
    text = CART.replace("default: hand}", "default: hand, when: volts == 24}")
    with pytest.raises(ConfigurationError, match="wait for one another"):
        load_option_model(written(tmp_path, text))


def test_load__two_models_of_one_item_are_refused(tmp_path: Path) -> None:
    written(tmp_path, CART)
    (tmp_path / "again.yaml").write_text(CART, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="both configure CART"):
        load_option_models(["cart.yaml", "again.yaml"], tmp_path)


def test_shipped_models__load_and_every_default_is_offered() -> None:
    names = [path.stem for path in OPTION_MODELS.glob("*.yaml")]
    models = load_option_models(names)
    assert {model.name for model in models.values()} == set(names)
    truck = models["FORKLIFT"]
    found = configure(truck, {"capacity": Decimal("2.5"), "lift_height": Decimal(4700)})
    variants = Variants(truck)
    lines = {one.item: one.quantity for one in variants.items[variants.build(found.values)].lines}
    assert lines["COUNTERWEIGHT"] == 1600
    assert found.values["chain_metres"] == Decimal("9.75")


@pytest.mark.parametrize("guide", ["configure-a-product.md", "configure-a-product.zh-CN.md"])
def test_guide__its_model_does_what_it_says(tmp_path: Path, guide: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "howto" / guide).read_text(encoding="utf-8")
    model = load_option_model(written(tmp_path, text.split("```yaml\n")[1].split("```")[0]))
    with pytest.raises(NotConfigurable) as caught:
        configure(model, {"size": Decimal(30)})
    assert dict(caught.value.violations[0].conflict) == {"size": Decimal(30), "drive": "hand"}
    variants = Variants(model)
    code = variants.build(configure(model, {"size": Decimal(30), "drive": "motor", "volts": Decimal(48)}).values)
    assert [line.item for line in variants.items[code].lines if "~" not in line.item] == ["MOTOR-48"]
