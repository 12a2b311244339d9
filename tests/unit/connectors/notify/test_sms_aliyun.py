from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.notify.opening import open_channel
from connectors.notify.port import Channel, Outcome
from connectors.notify.sms_aliyun import AccessKey, canonical_query, canonical_request, signed_headers
from connectors.notify.spec import AliyunSms
from connectors.spec import EnvName
from tests.unit.connectors.loopback import Answer, Asked, Server
from tests.unit.connectors.notify import receivers
from tests.unit.connectors.notify.notes import note
from tests.unit.connectors.notify.receivers import MOMENT

KEY = AccessKey("LTAI5tDEMOdemoDEMOdemo12", "demoSecretKey0123456789abcdefXY")
NONCE = "3156853299f313e23d1673dc12e1703d"
QUERY = canonical_query(
    {
        "OutId": "evt-0001", "PhoneNumbers": "13900000000", "SignName": "演示科技", "TemplateCode": "SMS_100000001",
        "TemplateParam": '{"order":"PO-2401"}',
    }
)  # fmt: skip
CANONICAL = """\
POST
/
OutId=evt-0001&PhoneNumbers=13900000000&SignName=%E6%BC%94%E7%A4%BA%E7%A7%91%E6%8A%80&TemplateCode=SMS_100000001\
&TemplateParam=%7B%22order%22%3A%22PO-2401%22%7D
host:dysmsapi.aliyuncs.com
x-acs-action:SendSms
x-acs-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
x-acs-date:2026-01-02T03:04:05Z
x-acs-signature-nonce:3156853299f313e23d1673dc12e1703d
x-acs-version:2017-05-25

host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"""


def channel(server: Server, secret: str = KEY.secret, **said: Any) -> Channel:
    spec = AliyunSms(
        kind="sms_aliyun", base_url=EnvName(env="URL"), access_key_id=EnvName(env="ID"),
        access_key_secret=EnvName(env="SECRET"),
        phone_numbers=EnvName(env="PHONES"), sign_name="演示科技", template_code="SMS_100000001", **said,
    )  # fmt: skip
    environ = {"URL": server.url, "ID": KEY.id, "SECRET": secret, "PHONES": "13900000000, 13900000001"}
    return open_channel("sms", spec, environ)


def test_signature__vector() -> None:
    headers = signed_headers(QUERY, "dysmsapi.aliyuncs.com", KEY, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), NONCE)
    signed = {name: value for name, value in headers.items() if name != "Authorization"}
    assert canonical_request(QUERY, signed) == CANONICAL
    assert headers["Authorization"].endswith(
        "Signature=8d8146e0430c4106385a5710e4a53fd59f822b708d4d26be023d61c8b51d2e2b"
    )


def test_receiver__agrees_with_the_vector() -> None:
    headers = signed_headers(QUERY, "dysmsapi.aliyuncs.com", KEY, MOMENT, NONCE)
    asked = Asked("POST", f"/?{QUERY}", {name.lower(): value for name, value in headers.items()}, b"")
    assert receivers.AliyunSms().judge(asked).body["Code"] == "OK"


def test_send__fills_the_template(server: Server) -> None:
    receiver = receivers.AliyunSms()
    server.reply = receiver.reply
    assert channel(server).send(note(), MOMENT).outcome is Outcome.DELIVERED
    got = receiver.got[0]
    assert (got["PhoneNumbers"], got["OutId"]) == ("13900000000,13900000001", "plant/production_supervisor/7")
    assert got["param"] == {"number": "#7", "text": note().text.replace("\n", " ")[:35]}


def test_send__params_are_the_deployments(server: Server) -> None:
    receiver = receivers.AliyunSms()
    server.reply = receiver.reply
    channel(server, params={"n": "{count}", "wer": "{hub}/{audience}"}).send(note(numbers=(7, 9)), MOMENT)
    assert receiver.got[0]["param"] == {"n": "2", "wer": "plant/production_supervisor"}


def test_send__each_attempt_has_a_nonce_of_its_own(server: Server) -> None:
    receiver = receivers.AliyunSms()
    server.reply = receiver.reply
    opened = channel(server)
    assert {opened.send(note(), MOMENT).outcome for _ in range(3)} == {Outcome.DELIVERED}


@pytest.mark.parametrize(("secret", "moment"), [("other", MOMENT), (KEY.secret, MOMENT - timedelta(hours=1))])
def test_send__bad_signature_or_clock_is_refused(server: Server, secret: str, moment: datetime) -> None:
    server.reply = receivers.AliyunSms().reply
    assert channel(server, secret).send(note(), moment).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("reply", "outcome", "wait"),
    [
        (("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1", 200), Outcome.LATER, 60.0),
        (("isv.BUSINESS_LIMIT_CONTROL", "触发小时级流控Permits:5", 200), Outcome.LATER, 3600.0),
        (("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:10", 200), Outcome.REFUSED, None),
        (("isv.DAY_LIMIT_CONTROL", "quota", 200), Outcome.REFUSED, None),
        (("isv.AMOUNT_NOT_ENOUGH", "balance", 200), Outcome.REFUSED, None),
        (("isp.SYSTEM_ERROR", "system", 200), Outcome.LATER, None),
        (("Throttling.User", "slow down", 400), Outcome.LATER, None),
        (("InvalidAccessKeyId.NotFound", "who", 404), Outcome.REFUSED, None),
    ],
)
def test_send__codes(server: Server, reply: tuple[str, str, int], outcome: Outcome, wait: float | None) -> None:
    code, text, status = reply
    server.script = [Answer(status, {"Code": code, "Message": text, "RequestId": "r"})]
    answer = channel(server).send(note(), MOMENT)
    assert (answer.outcome, answer.retry_after) == (outcome, wait)


def test_send__telephones_do_not_stand_in_answers(server: Server) -> None:
    server.script = [Answer(body={"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "13900000001 is illegal"})]
    assert "13900000001" not in channel(server).send(note(), MOMENT).said
