from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import load_document, parse
from connectors.spec import OAuth2


class _NoPages(BaseModel):
    kind: Literal["none"]


class _Cursor(BaseModel):
    kind: Literal["cursor"]
    at: str


class _Paged(BaseModel):
    paging: Annotated[_NoPages | _Cursor, Field(discriminator="kind")]


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


def _refused(file: Path) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_document(file, OAuth2, shown_as="auth.yaml")
    return str(refused.value)


def test_load_document__two_gigabytes_cost_neither_time_nor_memory(tmp_path: Path) -> None:
    file = tmp_path / "auth.yaml"
    with file.open("wb") as stream:
        stream.truncate(2 * 1024**3)  # sparse: it takes no room on the disk
    tracemalloc.start()
    try:
        assert _refused(file).startswith("auth.yaml:1:1 larger than 1048576 bytes. Is this the right file?")
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024**2
    finally:
        tracemalloc.stop()


def test_load_document__another_encoding_is_placed(tmp_path: Path) -> None:
    file = tmp_path / "auth.yaml"
    file.write_bytes(b"kind: bearer\n# \xe8\xbd\xa6" + "车间".encode("gbk"))
    assert _refused(file) == "auth.yaml:2:4 byte 0xb3 is no UTF-8. Save the file as UTF-8"
    file.write_bytes(GOOD.encode("utf-16"))
    assert _refused(file).startswith("auth.yaml:1:1 byte 0xff is no UTF-8")


def test_load_document__missing_or_no_file(tmp_path: Path) -> None:
    assert _refused(tmp_path / "none.yaml") == "auth.yaml:1:1 there is no such file"
    assert _refused(tmp_path) == "auth.yaml:1:1 cannot be read: Is a directory"


@pytest.mark.parametrize("text", ["- a\n- b\n", "hello"])
def test_load_document__no_keys_at_all(tmp_path: Path, text: str) -> None:
    assert faults_of(tmp_path, text) == ["auth.yaml:1:1 the file: keys with values belong here (`key: value`)"]


def test_joined__one_fault_found_on_many_ways_is_said_once() -> None:
    errors = [ConfigurationError(faults=(Fault("x.yaml", 1, 1, "wrong"),)) for _ in range(5)]
    assert str(ConfigurationError.joined(errors)) == "x.yaml:1:1 wrong"


def test_load_document__a_kind_nobody_knows_is_named_with_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "paging.yaml"
    file.write_text("paging:\n  kind: curser\n  at: next_cursor\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_document(file, _Paged, shown_as="paging.yaml")
    assert [str(fault) for fault in refused.value.faults] == [
        "paging.yaml:2:3 unknown kind 'curser'; known: none, cursor. Did you mean 'cursor'?"
    ]
