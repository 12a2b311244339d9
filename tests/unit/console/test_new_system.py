"""A new system is drafted, checked and pulled from with nothing but what the guide says, on a copy of the sources."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from canonical.entities import ENTITIES, mandatory_fields
from canonical.strict_yaml import parse
from console.cli.probe import gathered
from console.cli.scaffold import QUALITY
from tests.conformance.test_connectors import RULES
from tests.unit.connectors.loopback import Answer, Asked, Server, serving

Call = Any
ROOT = Path(__file__).parents[3]
COPIED = ("connectors", "mappings")
PARTS = [
    {"id": n, "part_no": f"{n:03d}", "title": "Bolt", "uom": "ROLL" if n == 1 else "EA", "sourcing": "bought",
     "modified_at": "2026-11-02T08:00:00Z"} for n in range(60)
]  # fmt: skip


def catalogue(asked: Asked) -> Answer:
    """A small REST system: a token, numbered pages of at most 50, and what changed since."""
    if asked.headers.get("authorization") != "Bearer right":
        return Answer(401, {"error": "who are you?"})
    query = {name: said[0] for name, said in parse_qs(urlsplit(asked.path).query).items()}
    rows = [row for row in PARTS if str(row["modified_at"]) >= query.get("updated_since", "")]
    size, page = min(int(query["per_page"]), 50), int(query["page"])
    return Answer(body={"total": len(rows), "results": rows[(page - 1) * size : page * size]})


@pytest.fixture
def system() -> Iterator[Server]:
    with serving() as server:
        server.reply = catalogue
        yield server


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The sources as a newcomer has them; what a draft writes goes into the copy."""
    root = tmp_path / "sources"
    root.mkdir()
    for folder in (one for one in ROOT.iterdir() if (one / "__init__.py").exists()):
        if folder.name in COPIED:
            shutil.copytree(folder, root / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (root / folder.name).symlink_to(folder)
    (root / ".venv" / "bin").mkdir(parents=True)
    verb = root / ".venv" / "bin" / "millstream"
    verb.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m console.cli.main "$@"\n')
    verb.chmod(0o755)
    return root


def shell(sources: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {name: said for name, said in os.environ.items() if not name.startswith("MILLSTREAM_")}
    environ |= {"PYTHONPATH": str(sources), "MILLSTREAM_HOME": str(sources / "home"), "MILLSTREAM_LANG": "en", **more}
    return subprocess.run(
        ["/bin/sh", "-ec", script], cwd=sources, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def said(file: Path) -> Mapping[str, str]:
    values = parse(file.read_text(encoding="utf-8"), file.name).values["fields"]
    return {str(name): str(value) for name, value in values.items()}


def commands(guide: str) -> str:
    """What a guide says to type."""
    text = (ROOT / "docs" / "howto" / guide).read_text(encoding="utf-8")
    return "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def test_guide__says_the_same_in_both_languages() -> None:
    assert commands("connect-a-system.zh-CN.md").replace(" --lang zh", "") == commands("connect-a-system.md")


def test_guide__its_commands_connect_a_system(sources: Path, system: Server) -> None:
    script = commands("connect-a-system.md")
    assert script.count(".venv/bin/millstream") == 3
    script = script.replace("https://parts.plant.example", system.url).replace("_TOKEN=...", "_TOKEN=right")
    script = script.replace("probe acme_parts parts", "probe acme_parts parts --json || test $? = 1")

    done = shell(sources, script)

    assert done.returncode == 0, done.stderr + done.stdout
    answer = json.loads(done.stdout[done.stdout.index("\n{") :])
    [mapped] = answer["mapped"]
    assert (answer["records"], mapped["entity"], mapped["mapped"]) == (50, "item", 49)
    [fault] = mapped["missing"]
    assert "ROLL" in fault["message"], "the page tells exactly what is missing"
    assert fault["records"] == 1
    fields = said(sources / "mappings" / "acme_parts" / "item.inbound.yaml")
    assert (fields["code"], fields["unit"]) == ("part_no", "uom")


def test_probe__an_empty_first_page_and_a_short_one_ask_what_they_mean(sources: Path, system: Server) -> None:
    draft = f"""
    export MILLSTREAM_ACME_URL={system.url} MILLSTREAM_ACME_TOKEN=right
    .venv/bin/millstream new system acme --entity item --from "$MILLSTREAM_ACME_URL/parts?page=1&per_page=50" > draft
    sed -i 's/limit: 50, first: 1/limit: 80, first: 1/' connectors/acme/system.yaml
    .venv/bin/millstream probe acme parts || true
    sed -i 's/per_page: /since: "2027-01-01", updated_since: "2027-01-01", per_page: /' connectors/acme/system.yaml
    .venv/bin/millstream probe acme parts
    """
    done = shell(sources, draft)
    assert "50 records for the 80 asked for" in " ".join(done.stdout.split())
    assert "No record on page 1" in done.stdout, done.stderr


def test_new_system__never_writes_over_what_stands(sources: Path) -> None:
    sample = sources / "sample.json"
    sample.write_text(json.dumps({"rows": PARTS[:2]}), encoding="utf-8")
    draft = ".venv/bin/millstream new system acme --entity stock --auth none --from sample.json --json"
    first = json.loads(shell(sources, draft).stdout)
    assert len(first["written"]) == 5
    assert not first["kept"]
    assert set(first["open"]) == {"warehouse", "status", "quantity", "lot"}
    mine = sources / "mappings" / "acme" / "stock.inbound.yaml"
    mine.write_text("mine", encoding="utf-8")
    again = json.loads(shell(sources, draft).stdout)
    assert (sorted(again["kept"]), again["written"]) == (sorted(first["written"]), [])
    assert mine.read_text(encoding="utf-8") == "mine"


def test_new_system__a_second_entity_says_what_to_put_into_the_system_that_stands(sources: Path) -> None:
    (sources / "parts.json").write_text(json.dumps({"rows": PARTS[:2]}), encoding="utf-8")
    (sources / "stock.json").write_text(json.dumps({"data": [{"part_no": "1", "uom": "STK"}]}), encoding="utf-8")
    draft = ".venv/bin/millstream new system acme --auth api_key --header X-Acme"
    shell(sources, f"{draft} --entity item --from parts.json")
    assert "header: X-Acme" in (sources / "connectors" / "acme" / "system.yaml").read_text(encoding="utf-8")
    done = shell(sources, f"{draft} --entity stock --stream stock --from stock.json")
    assert "put it under `streams`:\n  stock:\n    entity: stock" in done.stdout, done.stderr
    assert "records: data" in done.stdout
    assert "units.yaml stands; see that it knows these codes: STK" in done.stdout


def test_gathered__one_fault_with_many_values_stands_once() -> None:
    times = [f"changed_at: not a time: '0{day}.03.2026'" for day in range(1, 10)]
    units = ["unit: unit is not in the unit map: 'Stk'", "unit: unit is not in the unit map: 'Mtr'"]
    found = gathered(Counter([*times, *units, *units, "lot: part of the key, but empty"]))
    assert [(one["message"], one["records"], one["values"]) for one in found] == [
        (times[0], 9, 9), (units[0], 2, 1), (units[1], 2, 1), ("lot: part of the key, but empty", 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("draft", "named"),
    [
        (("Acme", "--entity", "item"), "small letters"),
        (("acme", "--entity", "itm"), "did you mean 'item'"),
        (("acme", "--entity", "item", "--from", "nowhere.json"), "nowhere.json"),
        (("acme", "--entity", "item", "--from", "http://127.0.0.1:9/parts"), "millstream_acme_token is not set"),
    ],
)
def test_new_system__says_what_is_wrong(call: Call, draft: tuple[str, ...], named: str) -> None:
    ended = call("new", "system", *draft)
    assert ended.code == 2
    assert named in ended.err.lower()
    assert not (ROOT / "connectors" / "acme").exists()


def test_quality__the_draft_answers_every_rule() -> None:
    assert set(QUALITY) == RULES


def test_reference__lists_every_entity_and_field() -> None:
    text = (ROOT / "docs" / "reference" / "mapping-yaml.md").read_text(encoding="utf-8")
    for name, model in ENTITIES.items():
        needed = {*model.key, *mandatory_fields(model)}
        fields = ", ".join(f"**`{one}`**" if one in needed else f"`{one}`" for one in model.model_fields)
        assert f"| `{name}` | {fields} |" in text
