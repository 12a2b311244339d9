from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.notify import dingtalk, feishu
from connectors.notify.opening import open_channel
from connectors.notify.port import Channel, Outcome
from connectors.notify.spec import DingTalk, Feishu, WeCom
from tests.unit.connectors.loopback import Answer, Server
from tests.unit.connectors.notify import receivers
from tests.unit.connectors.notify.notes import note
from tests.unit.connectors.notify.receivers import MOMENT

ENVIRON = {
    "DING_TOKEN": "demo", "DING_SECRET": "SECdemo0123456789abcdef0123456789abcdef0123456789abcdef0123456789",
    "MOBILES": "13900000000, 13900000001", "WECOM_KEY": "00000000-0000-4000-8000-000000000001",
    "FEISHU_TOKEN": "00000000-demo", "FEISHU_SECRET": "demoFeishuSecret123",
}  # fmt: skip
SPECS: dict[str, Callable[..., Any]] = {"dingtalk": DingTalk, "wecom": WeCom, "feishu": Feishu}
SAID: dict[str, dict[str, Any]] = {
    "dingtalk": {
        "access_token": {"env": "DING_TOKEN"}, "secret": {"env": "DING_SECRET"}, "at_mobiles": {"env": "MOBILES"}
    },
    "wecom": {"key": {"env": "WECOM_KEY"}, "at_mobiles": {"env": "MOBILES"}},
    "feishu": {"token": {"env": "FEISHU_TOKEN"}, "secret": {"env": "FEISHU_SECRET"}},
}  # fmt: skip
RECEIVERS: dict[str, Callable[[], receivers.Receiver]] = {
    "dingtalk": receivers.DingTalk, "wecom": receivers.WeCom, "feishu": receivers.Feishu
}  # fmt: skip


def channel(kind: str, server: Server, **environ: str) -> Channel:
    spec = SPECS[kind](kind=kind, base_url={"env": "URL"}, **SAID[kind])
    return open_channel(kind, spec, {**ENVIRON, "URL": server.url, **environ})


def test_dingtalk_signature__vector() -> None:
    found = dingtalk.signature("1700000000000", "SECdemo0123456789abcdef0123456789abcdef0123456789abcdef0123456789")
    assert found == "/H5ss4iEeDECT6Lmst0Q+KopXyaTje+tqbe2Vz+5/es="


def test_dingtalk_signature__stands_encoded_in_the_address(server: Server) -> None:
    server.script = [Answer(body={"errcode": 0, "errmsg": "ok"})]
    channel("dingtalk", server).send(note(), datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))
    assert (
        "timestamp=1700000000000&sign=%2FH5ss4iEeDECT6Lmst0Q%2BKopXyaTje%2Btqbe2Vz%2B5%2Fes%3D" in server.asked[0].path
    )


def test_feishu_signature__vector(server: Server) -> None:
    assert feishu.signature("1700000000", "demoFeishuSecret123") == "VvnHMECWfX3HOhkmnsNpSTY0FoPm3TiknYkcbv6UJ2Y="
    server.script = [Answer(body={"code": 0, "msg": "success"})]
    channel("feishu", server).send(note(), datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))
    sent = server.asked[0].json
    assert (sent["timestamp"], sent["sign"]) == ("1700000000", "VvnHMECWfX3HOhkmnsNpSTY0FoPm3TiknYkcbv6UJ2Y=")


@pytest.mark.parametrize("kind", ["dingtalk", "wecom", "feishu"])
def test_robot__takes_what_we_send(server: Server, kind: str) -> None:
    receiver = RECEIVERS[kind]()
    server.reply = receiver.reply
    answer = channel(kind, server).send(note(), MOMENT)
    assert answer.outcome is Outcome.DELIVERED
    assert receiver.texts == [note().whole]
    assert "#7" in receiver.texts[0]


@pytest.mark.parametrize("kind", ["dingtalk", "wecom"])
def test_robot__mentions_people_in_an_urgent_note_only(server: Server, kind: str) -> None:
    receiver = RECEIVERS[kind]()
    server.reply = receiver.reply
    opened = channel(kind, server)
    opened.send(note(), MOMENT)
    opened.send(note(urgent=False), MOMENT)
    assert ["13900000001" in str(one) for one in receiver.got] == [True, False]


@pytest.mark.parametrize(
    ("kind", "environ", "said"),
    [
        ("dingtalk", {"DING_TOKEN": "other"}, "300001"),
        ("dingtalk", {"DING_SECRET": "SECother"}, "310000 sign not match"),
        ("wecom", {"WECOM_KEY": "other"}, "93000"),
        ("feishu", {"FEISHU_TOKEN": "other"}, "19001"),
        ("feishu", {"FEISHU_SECRET": "other"}, "19021"),
    ],
)
def test_robot__wrong_secret_is_refused(server: Server, kind: str, environ: dict[str, str], said: str) -> None:
    server.reply = RECEIVERS[kind]().reply
    answer = channel(kind, server, **environ).send(note(), MOMENT)
    assert answer.outcome is Outcome.REFUSED
    assert answer.said.startswith(said)


@pytest.mark.parametrize("kind", ["dingtalk", "feishu"])
def test_robot__stale_time_stamp_is_refused(server: Server, kind: str) -> None:
    server.reply = RECEIVERS[kind]().reply
    assert channel(kind, server).send(note(), MOMENT - timedelta(hours=2)).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("kind", "body", "outcome", "wait"),
    [
        ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, Outcome.LATER, 600.0),
        ("dingtalk", {"errcode": 410100, "errmsg": "发送速度太快"}, Outcome.LATER, 600.0),
        ("dingtalk", {"errcode": -1, "errmsg": "系统繁忙"}, Outcome.LATER, None),
        ("dingtalk", {"errcode": 310000, "errmsg": "keywords not in content"}, Outcome.REFUSED, None),
        ("dingtalk", {"message": "what"}, Outcome.UNKNOWN, None),
        ("wecom", {"errcode": 45009, "errmsg": "api freq out of limit"}, Outcome.LATER, 60.0),
        ("wecom", {"errcode": 45033, "errmsg": "concurrency"}, Outcome.LATER, 60.0),
        ("wecom", {"errcode": -1, "errmsg": "busy"}, Outcome.LATER, 60.0),
        ("wecom", {"errcode": 40058, "errmsg": "validation"}, Outcome.REFUSED, None),
        ("feishu", {"code": 11232, "msg": "frequency limited"}, Outcome.LATER, None),
        ("feishu", {"code": 9499, "msg": "too many requests"}, Outcome.LATER, None),
        ("feishu", {"code": 9499, "msg": "Bad Request"}, Outcome.REFUSED, None),
        ("feishu", {"code": 19024, "msg": "Key Words Not Found"}, Outcome.REFUSED, None),
        ("feishu", {"code": 19022, "msg": "Ip Not Allowed"}, Outcome.REFUSED, None),
    ],
)
def test_robot__codes_in_a_good_reply(
    server: Server, kind: str, body: dict[str, Any], outcome: Outcome, wait: float | None
) -> None:
    server.script = [Answer(body=body)]
    answer = channel(kind, server).send(note(), MOMENT)
    assert (answer.outcome, answer.retry_after) == (outcome, wait)


@pytest.mark.parametrize(
    ("reply", "outcome", "wait"),
    [
        (Answer(429, {"code": 99991400, "msg": "limited"}, {"Retry-After": "7"}), Outcome.LATER, 7.0),
        (Answer(400, {"code": 99991400, "msg": "limited"}), Outcome.LATER, None),
        (Answer(503, b"", {"Retry-After": "9"}), Outcome.LATER, 9.0),
        (Answer(502, b"<html>", kind="text/html"), Outcome.UNKNOWN, None),
        (Answer(404, b""), Outcome.REFUSED, None),
        (Answer(302, b"", {"Location": "http://203.0.113.1/"}), Outcome.REFUSED, None),
        (Answer(drop=True), Outcome.UNKNOWN, None),
        (Answer(body={"code": 0}, cut=True), Outcome.UNKNOWN, None),
        (Answer(body=b"<html>sign in</html>", kind="text/html"), Outcome.UNKNOWN, None),
    ],
)
def test_robot__status_and_broken_lines(server: Server, reply: Answer, outcome: Outcome, wait: float | None) -> None:
    server.script = [reply]
    answer = channel("feishu", server).send(note(), MOMENT)
    assert (answer.outcome, answer.retry_after) == (outcome, wait)
    assert len(server.asked) == 1


def test_robot__nobody_there_is_tried_later() -> None:
    answer = channel("wecom", Server(url="http://127.0.0.1:9")).send(note(), MOMENT)
    assert answer.outcome is Outcome.LATER


@pytest.mark.parametrize("kind", ["dingtalk", "wecom", "feishu"])
def test_robot__no_secret_in_logs_or_answers(server: Server, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = [value for name, value in ENVIRON.items() if "MOBILES" not in name]
    key = "code" if kind == "feishu" else "errcode"
    server.script = [Answer(body={key: 40035, "errmsg": " ".join(secrets), "msg": " ".join(secrets)})]
    answer = channel(kind, server).send(note(), MOMENT)
    mine = [ENVIRON[said["env"]] for name, said in SAID[kind].items() if name != "at_mobiles"]
    assert not [secret for secret in mine if secret in answer.said or secret in caplog.text]


def test_wecom__long_text_is_cut_between_characters(server: Server) -> None:
    receiver = receivers.WeCom()
    server.reply = receiver.reply
    assert channel("wecom", server).send(note(text="缺料" * 900), MOMENT).outcome is Outcome.DELIVERED
    assert receiver.texts[0].endswith("…")
    assert len(receiver.texts[0].encode()) <= 2048


def test_feishu__a_name_in_the_text_calls_nobody(server: Server) -> None:
    receiver = receivers.Feishu()
    server.reply = receiver.reply
    channel("feishu", server).send(note(text='<at user_id="all"></at> Ltd.'), MOMENT)
    assert "<at" not in receiver.texts[0]
