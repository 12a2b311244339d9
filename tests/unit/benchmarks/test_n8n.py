import json
from pathlib import Path

from benchmarks import n8n

PRODUCTS = {"FG-1": {"material_code": "0886252", "unit": "pcs"}, "FG-2": {"material_code": "0893123", "unit": "kg"}}
MES = {
    "MILLSTREAM_MES_URL": "http://127.0.0.1:8003",
    "MILLSTREAM_MES_CLIENT_ID": "a-client",
    "MILLSTREAM_MES_CLIENT_SECRET": "a-secret",
}


def test_command__the_folder_named_by_the_environment_comes_before_the_path(tmp_path: Path) -> None:
    _installed(tmp_path / "n8n")
    called = n8n.command({n8n.FOLDER: str(tmp_path), "PATH": str(tmp_path)})
    assert called == ["node", str(tmp_path / "node_modules" / "n8n" / "bin" / "n8n")]


def test_command__found_on_the_path(tmp_path: Path) -> None:
    _installed(tmp_path / "n8n")
    assert n8n.command({"PATH": str(tmp_path)}) == [str(tmp_path / "n8n")]


def test_command__not_installed(tmp_path: Path) -> None:
    assert n8n.command({"PATH": str(tmp_path)}) is None
    assert n8n.command({n8n.FOLDER: "", "PATH": ""}) is None


def test_workflow__a_webhook_a_mapping_and_a_request_in_a_row() -> None:
    drawn = n8n.workflow(MES["MILLSTREAM_MES_URL"], PRODUCTS)
    types = {node["name"]: node["type"].removeprefix("n8n-nodes-base.") for node in drawn["nodes"]}
    after = {name: outputs["main"][0][0]["node"] for name, outputs in drawn["connections"].items()}
    assert types == {"webhook": "webhook", "mapping": "set", "request": "httpRequest"}
    assert after == {"webhook": "mapping", "mapping": "request"}


def test_workflow__answers_where_the_crm_posts_and_when_the_mes_has() -> None:
    webhook, _, request = (node["parameters"] for node in n8n.workflow(MES["MILLSTREAM_MES_URL"], PRODUCTS)["nodes"])
    assert (webhook["httpMethod"], webhook["path"], webhook["responseMode"]) == ("POST", "crm", "lastNode")
    assert request["url"] == "http://127.0.0.1:8003/v1/work_orders"
    assert [one["name"] for one in request["headerParameters"]["parameters"]] == ["Idempotency-Key"]


def test_workflow__the_mapping_is_one_expression_with_every_product() -> None:
    expression = n8n.workflow(MES["MILLSTREAM_MES_URL"], PRODUCTS)["nodes"][1]["parameters"]["jsonOutput"]
    assert expression.startswith("={{ ")
    assert expression.index("}}") == len(expression) - 2  # the first pair of braces ends it
    table = expression[expression.index("...(") + 4 : expression.index(")[")]
    assert json.loads(table) == PRODUCTS


def test_credential__the_secret_stands_there_alone() -> None:
    kept = n8n.credential(MES)
    assert kept["data"]["clientSecret"] == "a-secret"
    drawn = n8n.workflow(MES["MILLSTREAM_MES_URL"], PRODUCTS)
    assert drawn["nodes"][2]["credentials"] == {"oAuth2Api": {"id": kept["id"], "name": kept["name"]}}
    assert "a-secret" not in json.dumps(drawn)


def test_settings__on_loopback_in_its_own_folder_and_nothing_else_of_ours(tmp_path: Path) -> None:
    ours, again = n8n.settings("/bin", tmp_path, 5678), n8n.settings("/bin", tmp_path, 5678)
    assert (ours["N8N_LISTEN_ADDRESS"], ours["N8N_PORT"]) == ("127.0.0.1", "5678")
    assert ours["HOME"] == ours["N8N_USER_FOLDER"] == str(tmp_path)
    assert ours["N8N_ENCRYPTION_KEY"] != again["N8N_ENCRYPTION_KEY"]
    assert {name for name in ours if not name.startswith("N8N_")} == {"PATH", "HOME"}


def _installed(path: Path) -> None:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
