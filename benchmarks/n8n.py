"""n8n as a plain forwarding workflow: a webhook, a node that maps it to the MES's words, a request to the MES.

It answers when the MES has, and like the stand-in (`benchmarks.forwarding`) knows neither stock nor plan. It runs as
`n8n start` does when nothing is set: one process without task runners, its own SQLite, no limit of executions at once.
Of each execution it saves, as is its default, what came in, what every node gave and the workflow itself, once at the
end (EXECUTIONS_DATA_SAVE_ON_SUCCESS=all, EXECUTIONS_DATA_SAVE_ON_PROGRESS=false). Only what reaches out is turned off.
The mapping is an "Edit Fields" node, for a "Code" node took a fifth more CPU. The MES's token n8n gets by itself.

It is looked for in the folder that MILLSTREAM_BENCH_N8N names, the one that has `node_modules`, then on the path. To
have it there, with Node 20 and in an empty folder (the override replaces an archive that the npm registry has not):

    echo '{"dependencies": {"n8n": "1.121.3"}, "overrides": {"xlsx": "0.18.5"}}' > package.json && npm install
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any

FOLDER = "MILLSTREAM_BENCH_N8N"
_ID, _VERSION = "forwarding", "00000000-0000-4000-8000-000000000001"
_CREDENTIAL = {"id": "mes", "name": "MES"}
_REACHING_OUT = ("DIAGNOSTICS", "VERSION_NOTIFICATIONS", "TEMPLATES", "PERSONALIZATION")
_END_SECONDS = 60

Words = Mapping[str, Mapping[str, str]]
"""Product code → what the MES calls the item and its unit."""


def command(environ: Mapping[str, str]) -> list[str] | None:
    """How n8n is called on this machine; None where it is not installed."""
    if folder := environ.get(FOLDER):
        return ["node", str(Path(folder).resolve() / "node_modules" / "n8n" / "bin" / "n8n")]
    found = shutil.which("n8n", path=environ.get("PATH", ""))
    return [found] if found else None


def workflow(mes_url: str, products: Words) -> dict[str, Any]:
    """What somebody would draw: three nodes in a row."""
    nodes = [_webhook(), _mapping(products), _request(mes_url)]
    names = [node["name"] for node in nodes]
    return {
        "id": _ID,
        "versionId": _VERSION,
        "name": "An order of the CRM becomes a work order of the MES",
        "active": False,
        "settings": {"executionOrder": "v1"},
        "nodes": [{**node, "id": node["name"], "position": [200 * place, 0]} for place, node in enumerate(nodes)],
        "connections": {
            name: {"main": [[{"node": after, "type": "main", "index": 0}]]} for name, after in pairwise(names)
        },
    }


def _webhook() -> dict[str, Any]:
    accepted = {"responseCode": {"values": {"responseCode": HTTPStatus.ACCEPTED.value}}}
    return {
        "name": "webhook",
        "type": "n8n-nodes-base.webhook",
        "typeVersion": 2.1,
        "webhookId": _ID,
        "parameters": {
            "httpMethod": "POST",
            "path": "crm",
            "responseMode": "lastNode",
            "responseData": "noData",
            "options": accepted,
        },
    }


def _mapping(products: Words) -> dict[str, Any]:
    table = json.dumps(products, indent=1)  # no two braces side by side, for those end an expression of n8n
    line = "$json.body.items[0]"
    order = (
        "{ external_ref: 'F-' + $json.body.id,"
        f" ...({table})[{line}.Product2.ProductCode], quantity: {line}.Quantity, due_on: {line}.EndDate }}"
    )
    return {
        "name": "mapping",
        "type": "n8n-nodes-base.set",
        "typeVersion": 3.4,
        "parameters": {"mode": "raw", "jsonOutput": f"={{{{ ({order}) }}}}", "options": {}},
    }


def _request(mes_url: str) -> dict[str, Any]:
    return {
        "name": "request",
        "type": "n8n-nodes-base.httpRequest",
        "typeVersion": 4.3,
        "credentials": {"oAuth2Api": _CREDENTIAL},
        "parameters": {
            "method": "POST",
            "url": f"{mes_url}/v1/work_orders",
            "authentication": "genericCredentialType",
            "genericAuthType": "oAuth2Api",
            "sendHeaders": True,
            "headerParameters": {"parameters": [{"name": "Idempotency-Key", "value": "={{ $json.external_ref }}"}]},
            "sendBody": True,
            "specifyBody": "json",
            "jsonBody": "={{ $json }}",
            "options": {},
        },
    }


def credential(environ: Mapping[str, str]) -> dict[str, Any]:
    """The MES's client, with which n8n asks for a token."""
    return {
        **_CREDENTIAL,
        "type": "oAuth2Api",
        "data": {
            "grantType": "clientCredentials",
            "accessTokenUrl": f"{environ['MILLSTREAM_MES_URL']}/oauth/token",
            "clientId": environ["MILLSTREAM_MES_CLIENT_ID"],
            "clientSecret": environ["MILLSTREAM_MES_CLIENT_SECRET"],
            "authentication": "header",
        },
    }


def settings(path: str, folder: Path, port: int) -> dict[str, str]:
    """Its whole environment: what it keeps in one folder, on loopback, reaching out to nobody."""
    return {
        "PATH": path,
        "HOME": str(folder),
        "N8N_USER_FOLDER": str(folder),
        "N8N_ENCRYPTION_KEY": secrets.token_hex(16),
        "N8N_LISTEN_ADDRESS": "127.0.0.1",
        "N8N_PORT": str(port),
        "N8N_ENDPOINT_WEBHOOK": "webhooks",
        **{f"N8N_{what}_ENABLED": "false" for what in _REACHING_OUT},
    }


@contextmanager
def forwarding(
    call: Sequence[str], folder: Path, port: int, environ: Mapping[str, str], products: Words
) -> Iterator[int]:
    """n8n with the workflow active, in a process of its own; its process id. It may not answer yet."""
    folder.mkdir(mode=0o700)
    ours, log = settings(environ["PATH"], folder, port), folder / "n8n.log"
    try:
        with log.open("w") as said:
            for arguments in _imports(folder, environ, products):
                subprocess.run([*call, *arguments], cwd=folder, env=ours, stdout=said, stderr=said, check=True)
            process = subprocess.Popen([*call, "start"], cwd=folder, env=ours, stdout=said, stderr=said)
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(_END_SECONDS)
    except Exception:
        print(*log.read_text().splitlines()[-20:], sep="\n", file=sys.stderr)
        raise


def _imports(folder: Path, environ: Mapping[str, str], products: Words) -> Iterator[list[str]]:
    """What n8n is asked to do before it starts."""
    wanted = {"credentials": credential(environ), "workflow": workflow(environ["MILLSTREAM_MES_URL"], products)}
    for what, content in wanted.items():
        file = folder / f"{what}.json"
        file.write_text(json.dumps([content]))
        yield [f"import:{what}", f"--input={file}"]
    yield ["update:workflow", f"--id={_ID}", "--active=true"]
