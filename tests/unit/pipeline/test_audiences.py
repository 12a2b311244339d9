from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from canonical.errors import ConfigurationError
from canonical.strict_yaml import load
from pipeline.audiences import Notifications, QuietHours
from pipeline.settings import DEPLOYMENTS, Deployment

NIGHT = QuietHours.model_validate({"begin": "22:00", "end": "06:30"})
LUNCH = QuietHours.model_validate({"begin": "12:00", "end": "13:00"})


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("hours", "zone", "moment", "until"),
    [
        (NIGHT, "Asia/Shanghai", at(2026, 11, 2, 13, 59), None),
        (NIGHT, "Asia/Shanghai", at(2026, 11, 2, 14, 0), at(2026, 11, 2, 22, 30)),
        (NIGHT, "Asia/Shanghai", at(2026, 11, 2, 17, 0), at(2026, 11, 2, 22, 30)),
        (NIGHT, "Asia/Shanghai", at(2026, 11, 2, 22, 30), None),
        (LUNCH, "UTC", at(2028, 2, 29, 12, 0), at(2028, 2, 29, 13, 0)),
        (LUNCH, "UTC", at(2028, 2, 29, 13, 0), None),
        # The night the clocks go back: 06:30 comes an hour later in UTC.
        (NIGHT, "Europe/Berlin", at(2026, 10, 24, 21, 0), at(2026, 10, 25, 5, 30)),
        (NIGHT, "Europe/Berlin", at(2026, 3, 28, 22, 0), at(2026, 3, 29, 4, 30)),
    ],
)
def test_quiet_hours__until(hours: QuietHours, zone: str, moment: datetime, until: datetime | None) -> None:
    assert hours.until(moment, zone) == until


CHANNEL = {"kind": "wecom", "key": {"env": "KEY"}}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"audiences": {"a": {"channels": ["grp"]}}, "channels": {"grup": CHANNEL}}, "Did you mean 'grup'"),
        ({"audiences": {"a": {"channels": []}}}, "at least 1 item"),
        ({"channels": {"x": {"kind": "pigeon"}}}, "pigeon"),
        ({"channels": {"x": {"kind": "wecom", "key": "plain secret"}}}, "key"),
        ({"channels": {"x": CHANNEL}, "audiences": {
            "a": {"channels": ["x"], "escalate": {"to": "b", "after_minutes": 5}}}},
         "'b' is not known"),
        ({"channels": {"x": CHANNEL}, "audiences": {
            "a": {"channels": ["x"], "escalate": {"to": "b", "after_minutes": 5}},
            "b": {"channels": ["x"], "escalate": {"to": "a", "after_minutes": 5}}}}, "circle: a → b → a"),
        ({"channels": {"x": CHANNEL}, "audiences": {"a": {"channels": ["x"], "quiet": {"begin": "25:00", "end": "6"}}}},
         "write 22:00"),
        ({"channels": {"x": {
            "kind": "sms_aliyun", "access_key_id": {"env": "A"}, "access_key_secret": {"env": "B"},
            "phone_numbers": {"env": "C"}, "sign_name": "s", "template_code": "t", "params": {"v": "{nobody}"}}}},
         "nobody"),
    ],
)  # fmt: skip
def test_notifications__faults(said: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Notifications.model_validate(said)


def test_deployment__faults_have_a_place(tmp_path: Path) -> None:
    file = tmp_path / "plant.yaml"
    base = (DEPLOYMENTS / "plant.yaml").read_text(encoding="utf-8").partition("\n# Whom notices")[0]
    file.write_text(f"{base}\nnotifications:\n  chanels: {{}}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="Did you mean 'channels'"):
        load(file, Deployment)


def test_plant__commented_example_is_true(tmp_path: Path) -> None:
    text = (DEPLOYMENTS / "plant.yaml").read_text(encoding="utf-8")
    assert load(DEPLOYMENTS / "plant.yaml", Deployment).notifications == Notifications()
    _, _, example = text.partition("# notifications:\n")
    lines = ["notifications:", *(line.removeprefix("# ") for line in example.splitlines())]
    said = yaml.safe_load("\n".join(lines))
    assert set(Notifications.model_validate(said["notifications"]).audiences) == {
        "production_supervisor", "plant_manager", "operator"
    }  # fmt: skip
