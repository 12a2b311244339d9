"""New orders in the simulated CRM, and its webhook about them, signed as the CRM signs."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import requests

SECRET = "a-secret-of-this-test"
API = "/services/data/v59.0"
ORDER = (
    "SELECT Id, OrderNumber, AccountId, Account.AccountNumber, EffectiveDate, Status, Urgent__c, Custom__c,"
    " SystemModstamp FROM Order"
)
LINES = (
    "SELECT Id, OrderId, Order.OrderNumber, LineNumber__c, Product2Id, Product2.ProductCode,"
    " Product2.QuantityUnitOfMeasure, Quantity, UnitPrice, EndDate, SystemModstamp FROM OrderItem"
)


@dataclass
class SalesDesk:
    """Whoever takes orders in the CRM."""

    environ: Mapping[str, str]
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        login = (self.environ["MILLSTREAM_CRM_CLIENT_ID"], self.environ["MILLSTREAM_CRM_CLIENT_SECRET"])
        reply = self.session.post(
            f"{self._url}/services/oauth2/token", {"grant_type": "client_credentials"}, auth=login, timeout=30
        )
        self.session.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"

    @property
    def _url(self) -> str:
        return self.environ["MILLSTREAM_CRM_URL"]

    def query(self, text: str) -> list[dict[str, Any]]:
        """All records of a SOQL query."""
        reply = self.session.get(f"{self._url}{API}/query", params={"q": text}, timeout=30).json()
        found: list[dict[str, Any]] = list(reply["records"])
        while not reply.get("done", True):
            reply = self.session.get(f"{self._url}{reply['nextRecordsUrl']}", timeout=30).json()
            found += reply["records"]
        return found

    def take(self, numbers: Sequence[str], products: Sequence[str], day: str, due: str) -> dict[str, dict[str, Any]]:
        """New orders of one line each; order number → the payload of its webhook."""
        account = self.query("SELECT Id FROM Account WHERE AccountNumber != null")[0]["Id"]
        head = {"AccountId": account, "EffectiveDate": day, "Status": "Activated"}
        ids = self._create("Order", [{**head, "OrderNumber": number} for number in numbers])
        line = {"LineNumber__c": 1, "Quantity": 1, "UnitPrice": 10, "EndDate": due}
        wanted = [products[place % len(products)] for place in range(len(ids))]
        self._create(
            "OrderItem",
            [{**line, "OrderId": key, "Product2Id": one} for key, one in zip(ids, wanted, strict=True)],
        )
        heads = {row["OrderNumber"]: row for row in self.query(ORDER)}
        lines = {row["Order"]["OrderNumber"]: row for row in self.query(LINES)}
        return {number: {"order": heads[number], "items": [lines[number]]} for number in numbers}

    def _create(self, kind: str, rows: Sequence[dict[str, Any]]) -> list[str]:
        records = [{"attributes": {"type": kind}, **row} for row in rows]
        made: list[dict[str, Any]] = []
        for first in range(0, len(records), 200):
            body = {"allOrNone": True, "records": records[first : first + 200]}
            made += self.session.post(f"{self._url}{API}/composite/sobjects", json=body, timeout=60).json()
        assert all(one["success"] for one in made), made[:2]
        return [one["id"] for one in made]


def post(port: int, event_id: str, payload: object) -> int:
    """Post a signed event as the CRM does; the status it was answered with."""
    with closing(Post(port)) as door:
        return door(event_id, payload)


class Post:
    """Posts events one after the other over one connection."""

    def __init__(self, port: int) -> None:
        self._door = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def close(self) -> None:
        """Hang up."""
        self._door.close()

    def __call__(self, event_id: str, payload: object) -> int:
        """Sign and post an event; the status it was answered with."""
        said = {"id": event_id, **payload} if isinstance(payload, dict) else payload
        body, stamp = json.dumps(said).encode(), str(int(time.time()))
        digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json", "X-CRM-Event-Id": event_id, "X-CRM-Timestamp": stamp,
            "X-CRM-Signature": f"v1={digest}",
        }  # fmt: skip
        self._door.request("POST", "/webhooks/crm", body, headers)
        answer = self._door.getresponse()
        answer.read()
        return answer.status
