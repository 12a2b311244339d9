"""The vendor's replies: everything, refusals included, is HTTP 200 with one envelope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SESSION_LOST = 1
EXCEPTION = 4
NO_FORM = 5
BAD_PARAMETER = 8
NOT_FOUND = 9
NO_RECORD = 10
INVALID = 11
NOT_OPERABLE = 12

Json = dict[str, object]


class Refused(Exception):
    """The ERP says no. `msg_code` is the vendor's MsgCode, `field` the field at fault, if one is."""

    def __init__(self, message: str, msg_code: int = INVALID, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.msg_code = msg_code
        self.field = field


@dataclass(frozen=True, slots=True)
class Success:
    """One document an operation went through on; `index` is its place in the request."""

    id: int
    number: str
    index: int


@dataclass(frozen=True, slots=True)
class Failure:
    """One refusal inside an operation; `index` is its place in the request."""

    message: str
    msg_code: int
    field: str
    index: int


def failed(error: Refused, index: int = 0) -> Failure:
    return Failure(error.message, error.msg_code, error.field, index)


def status(successes: Sequence[Success], failures: Sequence[Failure]) -> Json:
    """The `ResponseStatus` object for what went through and what was refused."""
    body: Json = {
        "IsSuccess": not failures,
        "Errors": [{"FieldName": f.field or None, "Message": f.message, "DIndex": f.index} for f in failures],
        "SuccessEntitys": [{"Id": s.id, "Number": s.number, "DIndex": s.index} for s in successes],
        "SuccessMessages": [],
        "MsgCode": failures[0].msg_code if failures else 0,
    }
    return {"ErrorCode": 500, **body} if failures else body


def refusal(error: Refused) -> Json:
    """The whole reply to a call that was refused as such."""
    return {"Result": {"ResponseStatus": status((), (failed(error),))}}


def session_lost() -> Json:
    """What a wrong signature and an expired session both look like."""
    return refusal(Refused("会话信息已丢失，请重新登录", SESSION_LOST))
