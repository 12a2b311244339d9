"""What a deployment may say about its channels, as pydantic models; places and secrets by environment name only."""

from __future__ import annotations

import string
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.spec import EnvName

WORDS = ("number", "count", "title", "hub", "audience", "text")
"""What the text of a template's variable may name."""


def _named(text: str) -> str:
    for _, name, _, _ in string.Formatter().parse(text):
        if name is not None and name not in WORDS:
            raise ValueError(f"no word {name!r}; known: {', '.join(WORDS)}")
    return text


Template = Annotated[str, AfterValidator(_named)]


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Rates(_Closed):
    """At most so many messages; None where there is no such limit."""

    per_minute: int | None = Field(default=None, gt=0)
    per_hour: int | None = Field(default=None, gt=0)
    per_day: int | None = Field(default=None, gt=0)


class _Channel(_Closed):
    rates: Rates = Rates()
    base_url: EnvName | None = None
    """Another address than the vendor's own: a private deployment, or a gateway."""
    ca_file: EnvName | None = None


class DingTalk(_Channel):
    """A DingTalk group robot; `secret` where the robot is secured by signature."""

    kind: Literal["dingtalk"]
    access_token: EnvName
    secret: EnvName | None = None
    at_mobiles: EnvName | None = None
    """Telephones of the people to mention in an urgent note, with commas between them."""
    rates: Rates = Rates(per_minute=20)


class WeCom(_Channel):
    """A WeCom group robot."""

    kind: Literal["wecom"]
    key: EnvName
    at_mobiles: EnvName | None = None
    rates: Rates = Rates(per_minute=20)


class Feishu(_Channel):
    """A Feishu (Lark) custom robot; `secret` where the robot is secured by signature."""

    kind: Literal["feishu"]
    token: EnvName
    secret: EnvName | None = None
    rates: Rates = Rates(per_minute=100)


class AliyunSms(_Channel):
    """Text messages through Aliyun; signature and template are approved there beforehand.

    `params` are the template's variables; their texts know `{number}`, `{count}`, `{title}`, `{hub}`,
    `{audience}` and `{text}`.
    """

    kind: Literal["sms_aliyun"]
    access_key_id: EnvName
    access_key_secret: EnvName
    phone_numbers: EnvName
    sign_name: str
    template_code: str
    params: dict[str, Template] = {"number": "{number}", "text": "{text}"}
    param_characters: int = Field(default=35, gt=0)
    rates: Rates = Rates(per_minute=1, per_hour=5, per_day=10)


class Smtp(_Closed):
    """Mail. `server` names a variable with `host` or `host:port`, `to` one with addresses between commas."""

    kind: Literal["smtp"]
    server: EnvName
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: EnvName | None = None
    password: EnvName | None = None
    sender: EnvName
    to: EnvName
    ca_file: EnvName | None = None
    timeout_seconds: float = Field(default=15, gt=0, le=60)
    rates: Rates = Rates()


class Webhook(_Closed):
    """Any program that takes signed JSON."""

    kind: Literal["webhook"]
    url: EnvName
    secret: EnvName
    ca_file: EnvName | None = None
    rates: Rates = Rates()


ChannelSpec = Annotated[DingTalk | WeCom | Feishu | AliyunSms | Smtp | Webhook, Field(discriminator="kind")]
