from __future__ import annotations

import pytest

from canonical.errors import AuthenticationFailed, ConfigurationError
from connectors import webhook as incoming
from connectors.notify.opening import missing, open_channel
from connectors.notify.port import Outcome
from connectors.notify.spec import Webhook
from connectors.spec import EnvName
from connectors.spec import Webhook as SignedBy
from tests.unit.connectors.loopback import Answer, Server
from tests.unit.connectors.notify.notes import note
from tests.unit.connectors.notify.receivers import MOMENT

SPEC = Webhook(kind="webhook", url=EnvName(env="HOOK"), secret=EnvName(env="HOOK_SECRET"))
OURS = SignedBy(
    event_id_header="Millstream-Event", timestamp_header="Millstream-Timestamp",
    signature_header="Millstream-Signature", prefix="v1=", secrets=(EnvName(env="HOOK_SECRET"),),
)  # fmt: skip


def test_send__is_believed_by_whoever_knows_the_secret(server: Server) -> None:
    server.script = [Answer(204)]
    environ = {"HOOK": f"{server.url}/notices?room=7", "HOOK_SECRET": "s3cret"}
    assert open_channel("hook", SPEC, environ).send(note(), MOMENT).outcome is Outcome.DELIVERED
    asked = server.asked[0]
    assert asked.path == "/notices?room=7"
    event = incoming.believe(OURS, ["s3cret"], asked.headers, asked.body, MOMENT)
    assert event.event_id == "plant/production_supervisor/7"
    assert event.payload["numbers"] == [7]
    with pytest.raises(AuthenticationFailed):
        incoming.believe(OURS, ["other"], asked.headers, asked.body, MOMENT)
    with pytest.raises(AuthenticationFailed):
        incoming.believe(OURS, ["s3cret"], asked.headers, asked.body + b" ", MOMENT)


def test_send__again_bears_the_same_event(server: Server) -> None:
    server.script = [Answer(drop=True), Answer(200)]
    opened = open_channel("hook", SPEC, {"HOOK": server.url, "HOOK_SECRET": "s"})
    assert [opened.send(note(), MOMENT).outcome for _ in range(2)] == [Outcome.UNKNOWN, Outcome.DELIVERED]
    assert len({asked.headers["millstream-event"] for asked in server.asked}) == 1


def test_send__what_no_header_can_bear_is_refused(server: Server) -> None:
    answer = open_channel("hook", SPEC, {"HOOK": server.url, "HOOK_SECRET": "s"}).send(note(id="苏州/1"), MOMENT)
    assert (answer.outcome, server.asked) == (Outcome.REFUSED, [])


def test_open_channel__names_every_variable_that_is_not_set() -> None:
    assert missing(SPEC, {"HOOK": ""}) == ("HOOK", "HOOK_SECRET")
    with pytest.raises(ConfigurationError, match="channel hook: not set: HOOK, HOOK_SECRET"):
        open_channel("hook", SPEC, {})


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/x", "ftp://example.test/", "nonsense", "http://a:b@example.test/"]
)
def test_open_channel__unusable_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_channel("hook", SPEC, {"HOOK": url, "HOOK_SECRET": "s"})
