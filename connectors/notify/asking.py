"""One HTTP request to a channel, and how its end is read: what every kind but mail has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from canonical.errors import MillstreamError, OutcomeUnknown, TransientError
from connectors.notify.port import Answer, Outcome
from connectors.spec import Limits
from connectors.transport import Message, Reply, Wire

LIMITS = Limits(timeout_seconds=10, connect_seconds=5, requests_per_second=5, concurrency=2, reply_megabytes=1)
SAID_CHARACTERS = 200


def opened(name: str, base_url: str, ca_file: str | None = None) -> Wire:
    """A wire to a channel's host and to no other."""
    return Wire(name, base_url, LIMITS, ca_file=ca_file)


def ask(wire: Wire, message: Message, judge: Callable[[Reply], Answer], secrets: Iterable[str] = ()) -> Answer:
    """Send once; `judge` reads the reply. No secret stands in what is said."""
    try:
        reply = wire.send(message, writes=True)
    except OutcomeUnknown as error:
        return Answer(Outcome.UNKNOWN, error.message)
    except TransientError as error:
        return Answer(Outcome.LATER, error.message, error.retry_after)
    except MillstreamError as error:
        return Answer(Outcome.REFUSED, error.message)
    except UnicodeError:
        return Answer(Outcome.REFUSED, "a header cannot hold what it was given")
    answer = judge(reply)
    return Answer(answer.outcome, _without(answer.said, secrets), answer.retry_after)


def by_status(reply: Reply) -> Answer:
    """What the HTTP status alone says."""
    said = f"HTTP {reply.status}"
    if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return Answer(Outcome.DELIVERED)
    if reply.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.REQUEST_TIMEOUT}:
        return Answer(Outcome.LATER, said, reply.retry_after)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Answer(Outcome.UNKNOWN, said)
    return Answer(Outcome.REFUSED, said)


def by_code(reply: Reply, code: str, said: str, outcomes: Mapping[object, Outcome]) -> Answer:
    """What a vendor's code in the body says; a code that is not in `outcomes` is a refusal.

    A reply without any code is judged by its status; a good one is then no answer to our request.
    """
    body = reply.body if isinstance(reply.body, dict) else {}
    found = body.get(code)
    if not isinstance(found, int | str):
        answer = by_status(reply)
        return Answer(Outcome.UNKNOWN, f"answered without {code}") if answer.outcome is Outcome.DELIVERED else answer
    outcome = outcomes.get(found, Outcome.REFUSED)
    if outcome is Outcome.DELIVERED:
        return Answer(outcome)
    return Answer(outcome, f"{found} {body.get(said, '')}".strip(), reply.retry_after)


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "…") if secret else text
    return text[:SAID_CHARACTERS]


def listed(text: str) -> list[str]:
    """The parts of a list with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
