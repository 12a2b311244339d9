"""OpenID Connect: the authorization code flow with PKCE, state and nonce, and an ID token whose every claim is checked.

OpenID Connect Core 1.0, section 3.1; RFC 7636. What the flow has to remember is tied to the browser's cookie.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from canonical.errors import AuthenticationFailed, ConfigurationError, SystemUnavailable
from pipeline.access import Provider

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures only the provider can make; `none` and shared secrets are not among them."""
TIMEOUT_SECONDS = 10
KEPT_SECONDS = 600
LEEWAY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Vouched:
    """Who the provider says this is."""

    issuer: str
    subject: str
    name: str


@dataclass(frozen=True, slots=True)
class Flow:
    """What ties the way back to the way out: three values that only this browser's cookie brings forth."""

    state: str
    nonce: str
    verifier: str


class OpenId:
    """One provider; what it publishes about itself is kept for ten minutes. Safe to share between threads."""

    def __init__(self, provider: Provider, secret: str | None, back: str) -> None:
        self._provider, self._secret, self._back = provider, secret, back
        self._lock = threading.Lock()
        self._known: tuple[float, Mapping[str, Any], KeySet] | None = None

    def address(self, flow: Flow) -> str:
        """Where to send the browser."""
        published, _ = self._published()
        with self._session() as session:
            address, _ = session.create_authorization_url(
                published["authorization_endpoint"], state=flow.state, nonce=flow.nonce, code_verifier=flow.verifier
            )
        return str(address)

    def vouched(self, flow: Flow, code: str) -> Vouched:
        """Who the browser came back as; raises `AuthenticationFailed` for whatever does not hold."""
        published, keys = self._published()
        try:
            with self._session() as session:
                token = session.fetch_token(
                    published["token_endpoint"], code=code, code_verifier=flow.verifier, timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                )  # fmt: skip
            claims = self._claims(str(token.get("id_token", "")), keys, flow.nonce)
        except (OAuthError, JoseError, ValueError, KeyError) as error:
            raise AuthenticationFailed(f"{self._provider.title}: {type(error).__name__}") from error
        except OSError as error:
            raise self._silent(error) from error
        return Vouched(self._provider.issuer, str(claims["sub"]), str(claims.get(self._provider.name_claim) or ""))

    def _claims(self, token: str, keys: KeySet, nonce: str) -> Mapping[str, Any]:
        """Of an ID token signed by the provider, for us, now, and for this very log-in."""
        decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
        jwt.JWTClaimsRegistry(
            now=int(time.time()), leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._provider.issuer},
            aud={"essential": True, "value": self._provider.client_id},
            sub={"essential": True}, exp={"essential": True}, iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(decoded.claims)  # fmt: skip
        audience = decoded.claims["aud"]
        party = decoded.claims.get("azp")
        if isinstance(audience, list) and len(audience) > 1 and party != self._provider.client_id:
            raise ValueError("the token was made for somebody else as well")
        return decoded.claims

    def _session(self) -> OAuth2Session:
        return OAuth2Session(
            self._provider.client_id, self._secret, scope=" ".join(self._provider.scopes), redirect_uri=self._back,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
        )  # fmt: skip

    def _published(self) -> tuple[Mapping[str, Any], KeySet]:
        """What the provider says about itself, and the keys it signs with."""
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > KEPT_SECONDS:
                self._known = (time.monotonic(), *self._fetched())
            return self._known[1], self._known[2]

    def _fetched(self) -> tuple[Mapping[str, Any], KeySet]:
        place = f"{self._provider.issuer}/.well-known/openid-configuration"
        try:
            with self._session() as session:
                published = self._got(session, place)
                if published.get("issuer") != self._provider.issuer:
                    raise ConfigurationError(f"{place} speaks for {published.get('issuer')!r}", hint="check the issuer")
                return published, KeySet.import_key_set(self._got(session, published["jwks_uri"]))
        except (OSError, ValueError, KeyError) as error:
            raise self._silent(error) from error

    def _got(self, session: OAuth2Session, place: str) -> Any:  # noqa: ANN401 - JSON of the provider
        answer = session.get(place, withhold_token=True, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        answer.raise_for_status()
        return answer.json()

    def _silent(self, error: Exception) -> SystemUnavailable:
        return SystemUnavailable(f"{self._provider.title}: {type(error).__name__}")


def verifier_of(secret: str) -> str:
    """A PKCE verifier of 64 characters from a secret of the browser's cookie."""
    return hashlib.sha256(secret.encode()).hexdigest()
