"""What a deployment chooses about its pages: where they stand, how long a log-in lasts, who else vouches for people."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.spec import EnvName

_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


def _safe(address: str) -> str:
    if not address.startswith(("https://", *_LOOPBACK)):
        message = "write https://…; plain http is for loopback only"
        raise ValueError(message)
    return address.rstrip("/")


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Provider(_Closed):
    """An OpenID Connect provider: the plant's own directory of people."""

    title: str
    """How the button on the log-in page calls it."""
    issuer: str
    client_id: str
    client_secret: EnvName | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "preferred_username"
    """The claim that says, at the first log-in, who on the roll this is. Take one that people cannot change."""

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        return _safe(value)


class Access(_Closed):
    """The pages of this deployment."""

    public_url: str | None = None
    """Where people find them when a proxy stands before them; without it they are served on loopback only."""
    idle_minutes: int = Field(default=30, ge=1, le=1440)
    longest_hours: int = Field(default=12, ge=1, le=168)
    failures_per_name: int = Field(default=5, ge=1)
    """So many log-ins of one name may fail within `window_minutes`."""
    failures_per_address: int = Field(default=30, ge=1)
    window_minutes: int = Field(default=15, ge=1)
    token_requests_per_minute: int = Field(default=600, ge=1)
    """So often a machine may ask with one token; a batch of queries is one request."""
    link_hours: int = Field(default=24, ge=1)
    """How long a link that sets a password is good for."""
    provider: Provider | None = None

    @field_validator("public_url")
    @classmethod
    def _encrypted(cls, value: str | None) -> str | None:
        return value if value is None else _safe(value)
