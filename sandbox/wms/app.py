"""The WMS on the wire: `POST /wms` for SOAP, `GET /wms?wsdl` for the contract with this server's address in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from sandbox.common.hostile import Dialect, Reply
from sandbox.common.state import SystemState
from sandbox.wms.contract import Application, Guard, Operation, WmsFault, fault_bytes, wsdl
from sandbox.wms.lists import Lists
from sandbox.wms.movements import Movements
from sandbox.wms.seeding import create_tables
from sandbox.wms.tables import stamp
from sandbox.wms.transfers import Transfers

USER: Final = "MILLSTREAM_WMS_USER"
PASSWORD: Final = "MILLSTREAM_WMS_PASSWORD"  # noqa: S105 - the name under which the secret is passed
PATH: Final = "/wms"
XML: Final = "text/xml; charset=utf-8"
# ExpeditePicking is left out: its reply echoes nothing by which a client could tell a repeated reply.
ECHOING_WRITES: Final = (
    "CreateShipment", "ChangeShipment", "CancelShipment", "CreateReceipt", "CreateTransfer", "ChangeTransfer",
    "CancelTransfer", "SetItemCode",
)  # fmt: skip


def create_app(state: SystemState) -> Starlette:
    """The WMS over `state`; a database of an earlier release gets the tables it lacks."""
    with state.transaction() as db:
        create_tables(db)
    guard = Guard(state.secrets[USER], state.secrets[PASSWORD])
    application = Application(guard, operations(state))

    async def contract(request: Request) -> Response:
        if "wsdl" not in (name.lower() for name in request.query_params):
            return PlainTextResponse("Ask for ?wsdl, or POST a SOAP envelope", 400)
        return Response(wsdl(f"http://{request.headers['host']}{PATH}"), media_type=XML)

    async def call(request: Request) -> Response:
        action = request.headers.get("SOAPAction", "").strip('"')
        kind = request.headers.get("Content-Type", XML)
        answer = await run_in_threadpool(application.answer, await request.body(), action, kind)
        status, media_type, body = answer
        return Response(body, status, media_type=media_type)

    return Starlette(routes=[Route(PATH, contract, methods=["GET"]), Route(PATH, call, methods=["POST"])])


def operations(state: SystemState) -> dict[str, Operation]:
    """The contract's operations, each in a transaction of its own."""

    def read(choose: Callable[[Lists], Operation]) -> Operation:
        def operation(**asked: Any) -> dict[str, Any]:  # noqa: ANN401 - members as the WSDL types them
            with state.transaction() as db:
                return choose(Lists(db))(**asked)

        return operation

    def write(choose: Callable[[Movements], Operation]) -> Operation:
        def operation(**asked: Any) -> dict[str, Any]:  # noqa: ANN401 - members as the WSDL types them
            with state.transaction() as db:
                return choose(Movements(db, state.ledger, stamp(state.now())))(**asked)

        return operation

    def move(choose: Callable[[Transfers], Operation]) -> Operation:
        def operation(**asked: Any) -> dict[str, Any]:  # noqa: ANN401 - members as the WSDL types them
            with state.transaction() as db:
                return choose(Transfers(db, state.ledger, stamp(state.now())))(**asked)

        return operation

    return {
        "ListItems": read(lambda lists: lists.items),
        "ListWarehouses": read(lambda lists: lists.warehouses),
        "ListStock": read(lambda lists: lists.stock),
        "ListShipments": read(lambda lists: lists.shipments),
        "ListReceipts": read(lambda lists: lists.receipts),
        "ListTransfers": read(lambda lists: lists.transfers),
        "CreateShipment": write(lambda movements: movements.create_shipment),
        "ChangeShipment": write(lambda movements: movements.change_shipment),
        "CancelShipment": write(lambda movements: movements.cancel_shipment),
        "CreateReceipt": write(lambda movements: movements.create_receipt),
        "CreateTransfer": move(lambda transfers: transfers.create),
        "ChangeTransfer": move(lambda transfers: transfers.change),
        "CancelTransfer": move(lambda transfers: transfers.cancel),
        "SetItemCode": write(lambda movements: movements.set_item_code),
        "ExpeditePicking": write(lambda movements: movements.expedite_picking),
    }


def stock_levels(state: SystemState, _: dict[str, Any]) -> dict[str, Any]:
    """Control `stock`: every stock row as the warehouse keeps it, in each item's smallest unit.

    `drawing` is the one on the goods' own label: the true material, None where there is no label.
    """
    names = ("warehouse", "sku", "lot", "status", "quantity", "drawing")
    with state.lock:
        rows = state.db.execute(
            f"SELECT {', '.join(names)} FROM stock LEFT JOIN labels USING (sku) ORDER BY warehouse, sku, lot, status"
        ).fetchall()
    return {"stock": [dict(zip(names, row, strict=True)) for row in rows]}


def _operation(scope: Scope, body: bytes) -> str:  # noqa: ARG001 - the shape hostile mode asks for
    headers = {name.lower(): value for name, value in scope["headers"]}
    return str(headers.get(b"soapaction", b"").decode().strip('"').rsplit("/", 1)[-1])


def _is_write(scope: Scope, body: bytes) -> bool:
    return _operation(scope, body) in ECHOING_WRITES


def _expired(scope: Scope, body: bytes) -> Reply:  # noqa: ARG001 - the shape hostile mode asks for
    """A UsernameToken has no session to lose; what expires here is the server's own, behind the service."""
    fault = WmsFault("SESSION_EXPIRED", "The warehouse session has expired, try again", retryable=True)
    return Reply(500, fault_bytes(fault), ((b"content-type", XML.encode()),))


DIALECT: Final = Dialect(is_write=_is_write, operation=_operation, expired_response=_expired)
