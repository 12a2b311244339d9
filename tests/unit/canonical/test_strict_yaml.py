from __future__ import annotations

from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from canonical.strict_yaml import load_document, parse
from connectors.spec import OAuth2

GOOD = """kind: oauth2_client_credentials
token_path: /token
client_id: {env: THE_ID}
client_secret: {env: THE_SECRET}
"""


def faults_of(folder: Path, text: str) -> list[str]:
    file = folder / "auth.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_document(file, OAuth2, shown_as="auth.yaml")
    return [str(fault) for fault in refused.value.faults]


def test_load_document__names_the_missing_key(tmp_path: Path) -> None:
    assert faults_of(tmp_path, GOOD.replace("token_path: /token\n", "")) == [
        "auth.yaml:1:1 key 'token_path' is missing"
    ]


def test_load_document__a_secret_written_down_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (said,) = faults_of(tmp_path, GOOD.replace("{env: THE_SECRET}", "hunter2"))
    assert said.startswith("auth.yaml:4:1 client_secret: secrets and addresses stand in the environment")
    assert "hunter2" not in said


def test_parse__a_character_yaml_does_not_know_is_placed() -> None:
    with pytest.raises(ConfigurationError, match=r"x\.yaml:2:5 not YAML"):
        parse('a: 1\nb: "\x00"', "x.yaml")


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x", "a: " + "[" * 500, "a: 1\na: 2", "!!python/name:os.system ''"])
def test_parse__refuses_what_could_grow_or_run(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse(text, "x.yaml")
