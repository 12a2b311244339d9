"""The vendor's published vector, computed again, and what a wrong header does."""

import base64

import pytest

from sandbox.erp.signing import (
    SKEW_SECONDS,
    Credentials,
    api_signature,
    app_id_for,
    client_secret,
    is_authorised,
    kd_signature,
    signed_headers,
)

APP_ID = "100001_MTI2MGM1Pj9qPDk/OT04KHMiKnd0IXMr"
SECRET = "0123456789abcdef0123456789abcdef"
PATH = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc"
CREDENTIALS = Credentials("65f0a1b2c3d4e5", "integ01", APP_ID, SECRET)
TIME = 1700000000


def _headers() -> dict[str, str]:
    made = signed_headers(CREDENTIALS, PATH, str(TIME), str(TIME))
    return {key.lower(): value for key, value in made.items()}


def test_client_secret__vector_a() -> None:
    assert client_secret(APP_ID) == "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"


def test_app_id_for__is_the_inverse() -> None:
    assert app_id_for("100001", base64.b64decode("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY")) == APP_ID


@pytest.mark.parametrize("app_id", ["", "one", "a_b_c", "a_short", "a_" + "!" * 32])
def test_client_secret__id_of_another_form_hides_nothing(app_id: str) -> None:
    assert client_secret(app_id) == ""


def test_api_signature__vector_a() -> None:
    assert (
        api_signature(APP_ID, PATH, "1700000000", "1700000000")
        == "MTBkZjE4ZDA3YmJlZTliZjA5NTgxMzgyYmVhZjhhZDA1OTM2Y2VjMjJlOTYxZjIzMDRjMjQ5OTcwZjE0MTNkNw=="
    )


def test_kd_signature__vector_a() -> None:
    assert (
        kd_signature(APP_ID, SECRET, "65f0a1b2c3d4e5,integ01,2052,100")
        == "MTMyMTdiNTJkZjgwYzY4Y2RlM2ZkMjgzMDM5NWQ2YTczZDM2OTNmZmU0NzdlNjU4MmQ4ZjRmOGNmNGRkOWQ1OA=="
    )


def test_is_authorised__right_headers_within_the_skew() -> None:
    for now in (TIME, TIME + SKEW_SECONDS, TIME - SKEW_SECONDS):
        assert is_authorised(_headers(), PATH, CREDENTIALS, now)


@pytest.mark.parametrize("now", [TIME + SKEW_SECONDS + 1, TIME - SKEW_SECONDS - 1])
def test_is_authorised__stale_time(now: int) -> None:
    assert not is_authorised(_headers(), PATH, CREDENTIALS, now)


@pytest.mark.parametrize(
    "name",
    [
        "x-api-clientid",
        "x-api-auth-version",
        "x-api-timestamp",
        "x-api-nonce",
        "x-api-signheaders",
        "x-api-signature",
        "x-kd-appkey",
        "x-kd-appdata",
        "x-kd-signature",
    ],
)
@pytest.mark.parametrize("value", [None, "wrong", "é"])
def test_is_authorised__every_header_counts(name: str, value: str | None) -> None:
    headers = _headers()
    if value is None:
        del headers[name]
    else:
        headers[name] = value
    assert not is_authorised(headers, PATH, CREDENTIALS, TIME)


def test_is_authorised__signature_of_another_path() -> None:
    assert not is_authorised(_headers(), PATH.replace("Query", "Save"), CREDENTIALS, TIME)


def test_is_authorised__account_of_another() -> None:
    other = Credentials("other", "integ01", APP_ID, SECRET)
    made = signed_headers(other, PATH, str(TIME), str(TIME))
    assert not is_authorised({k.lower(): v for k, v in made.items()}, PATH, CREDENTIALS, TIME)
