"""From what a deployment says about a channel to the open channel, with the environment's places and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from canonical.errors import ConfigurationError
from connectors.notify import dingtalk, feishu, sms_aliyun, wecom
from connectors.notify.asking import listed, opened
from connectors.notify.port import Channel
from connectors.notify.smtp import PORTS, MailChannel, MailServer
from connectors.notify.spec import AliyunSms, ChannelSpec, DingTalk, Feishu, Smtp, WeCom
from connectors.notify.spec import Webhook as WebhookSpec
from connectors.notify.webhook import SignedWebhook
from connectors.spec import EnvName
from connectors.transport import Wire


def variables(spec: ChannelSpec) -> tuple[str, ...]:
    """Every environment variable a channel asks for."""
    return tuple(value.env for _, value in spec if isinstance(value, EnvName))


def missing(spec: ChannelSpec, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Those that are not set, or empty."""
    return tuple(name for name in variables(spec) if not environ.get(name))


def open_channel(name: str, spec: ChannelSpec, environ: Mapping[str, str]) -> Channel:
    """The channel; raises `ConfigurationError` naming every variable that is not set."""
    if unset := missing(spec, environ):
        raise ConfigurationError(f"channel {name}: not set: {', '.join(unset)}")
    return _Opening(name, environ).channel(spec)


class _Opening:
    """Looks the named values up while a channel is made."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self._name, self._environ = name, environ

    def channel(self, spec: ChannelSpec) -> Channel:
        of = self._of
        match spec:
            case DingTalk():
                wire = self._wire(spec, dingtalk.BASE_URL)
                return dingtalk.DingTalkRobot(wire, of(spec.access_token), of(spec.secret) or None, of(spec.at_mobiles))
            case WeCom():
                return wecom.WeComRobot(self._wire(spec, wecom.BASE_URL), of(spec.key), of(spec.at_mobiles))
            case Feishu():
                return feishu.FeishuRobot(self._wire(spec, feishu.BASE_URL), of(spec.token), of(spec.secret) or None)
            case AliyunSms():
                key = sms_aliyun.AccessKey(of(spec.access_key_id), of(spec.access_key_secret))
                wire = self._wire(spec, sms_aliyun.BASE_URL)
                return sms_aliyun.AliyunSmsChannel(wire, spec, key, of(spec.phone_numbers))
            case Smtp():
                return MailChannel(self._server(spec), of(spec.sender), listed(of(spec.to)))
            case WebhookSpec():
                return self._webhook(spec)

    def _of(self, named: EnvName | None) -> str:
        return "" if named is None else self._environ[named.env]

    def _wire(self, spec: DingTalk | WeCom | Feishu | AliyunSms, base_url: str) -> Wire:
        return opened(self._name, self._of(spec.base_url) or base_url, self._of(spec.ca_file) or None)

    def _server(self, spec: Smtp) -> MailServer:
        host, _, port = self._of(spec.server).partition(":")
        if port and not port.isdigit():
            raise ConfigurationError(f"channel {self._name}: {spec.server.env} must be host or host:port")
        return MailServer(
            host=host,
            port=int(port) if port else PORTS[spec.security],
            security=spec.security,
            timeout_seconds=spec.timeout_seconds,
            ca_file=self._of(spec.ca_file) or None,
            user=self._of(spec.user) or None,
            password=self._of(spec.password) or None,
        )

    def _webhook(self, spec: WebhookSpec) -> SignedWebhook:
        """The path of the address may hold a secret of its own, so it is looked up with it."""
        parts = urlsplit(self._of(spec.url))
        wire = opened(self._name, f"{parts.scheme}://{parts.netloc}", self._of(spec.ca_file) or None)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return SignedWebhook(wire, path, self._of(spec.secret))
