"""Notices on their way to people: over real HTTP to receivers on loopback, under a clock the test moves."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from canonical.actors import Actor
from connectors.notify.wecom import WeComRobot
from orchestration.sensors import fail
from pipeline.hub import Hub
from pipeline.notify import Notified, message_id, notify
from pipeline.processes import process_token
from store import leases, notices
from store.notice_deliveries import Batch
from tests.unit.connectors.loopback import Answer, Asked
from tests.unit.pipeline.plants import TWO, Plant, plants

BUSY = Answer(body={"errcode": 45009, "errmsg": "api freq out of limit"})
GONE = Answer(body={"errcode": 93000, "errmsg": "invalid webhook url"})
ONE = ("line",)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    yield from plants(tmp_path, f"sqlite:///{tmp_path}/hub.sqlite")


def test_notify__without_audiences_nothing_leaves_the_board(plant: Plant) -> None:
    plant.tell("M-1")
    assert notify(plant.hub({})) == Notified()
    assert (plant.line, plant.ways(1)) == ([], [])


def test_notify__one_notice_arrives_once_with_its_number_in_both_languages(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE}})
    plant.tell("M-1")
    assert notify(hub).delivered == 1
    assert notify(hub).delivered == 0
    assert plant.line == ["【plant #1】通知 / Notice\n缺料 M-1\nShort of M-1"]
    assert plant.states(1) == {"supervisor/line": "delivered"}


def test_notify__an_audience_reads_its_own_languages(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE, "languages": ["en"]}})
    plant.tell("M-1", urgent=True)
    notify(hub)
    assert plant.line == ["【plant #1】Urgent notice\nShort of M-1"]


def test_notify__refused_falls_to_the_next_channel_at_once(plant: Plant) -> None:
    plant.receivers["line"].next_answers = [GONE]
    plant.tell("M-1")
    told = notify(plant.hub({"supervisor": {"channels": TWO}}))
    assert (told.fell, told.delivered, len(plant.line), len(plant.office)) == (1, 1, 0, 1)
    assert plant.states(1) == {"supervisor/line": "fell", "supervisor/office": "delivered"}
    assert "93000" in str(plant.ways(1)[0].last_error)


def test_notify__refused_everywhere_is_failed(plant: Plant) -> None:
    for receiver in plant.receivers.values():
        receiver.next_answers = [GONE]
    plant.tell("M-1")
    assert notify(plant.hub({"supervisor": {"channels": TWO}})).failed == 1
    assert plant.states(1) == {"supervisor/line": "fell", "supervisor/office": "failed"}


def test_notify__too_many_waits_and_is_tried_again(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": TWO}})
    plant.receivers["line"].next_answers = [BUSY]
    plant.tell("M-1")
    notify(hub)
    plant.later(seconds=30)
    assert notify(hub).waiting == 1
    plant.later(seconds=31)
    assert notify(hub).delivered == 1
    assert (len(plant.line), len(plant.office)) == (1, 0)


def test_notify__too_many_for_an_urgent_one_goes_to_the_next_at_once(plant: Plant) -> None:
    plant.receivers["line"].next_answers = [BUSY]
    plant.tell("M-1", urgent=True)
    assert notify(plant.hub({"supervisor": {"channels": TWO}})).delivered == 1
    assert len(plant.office) == 1


def test_notify__five_attempts_and_then_the_next(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": TWO}})
    plant.receivers["line"].next_answers = [BUSY] * 9
    plant.tell("M-1")
    for _ in range(5):
        notify(hub)
        plant.later(hours=1)
    assert (len(plant.receivers["line"].next_answers), len(plant.office)) == (4, 1)


def test_notify__the_last_channel_is_tried_for_ever_but_not_what_is_too_old(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE}})
    plant.receivers["line"].next_answers = [BUSY] * 200
    plant.tell("M-1")
    for _ in range(7):
        notify(hub)
        plant.later(hours=10)
    assert plant.states(1) == {"supervisor/line": "waiting"}
    plant.later(hours=10)
    notify(hub)
    assert [(one.state.value, one.last_error) for one in plant.ways(1)] == [("failed", "too old")]


def test_notify__no_answer_is_sent_again_under_the_same_number(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE, "digest": {"at_least": 2}}})
    receiver, server = plant.receivers["line"], plant.servers["line"]
    server.reply = lambda asked: receiver.reply(asked) and Answer(drop=True)
    plant.tell("M-1", "M-2")
    assert notify(hub).delivered == 0
    server.reply = receiver.reply
    plant.tell("M-3")
    plant.later(minutes=2)
    assert notify(hub).delivered == 3
    assert plant.line[0] == plant.line[1]
    assert [text.split("】")[0] for text in plant.line] == ["【plant #1–#2", "【plant #1–#2", "【plant #3"]


def test_notify__killed_between_sending_and_marking_sends_again(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    sending = WeComRobot.send

    def send_and_die(*arguments: Any) -> None:
        sending(*arguments)
        raise Killed

    plant.tell("M-1")
    monkeypatch.setattr(WeComRobot, "send", send_and_die)
    with pytest.raises(Killed):
        notify(plant.hub({"supervisor": {"channels": ONE}}))
    assert plant.states(1) == {"supervisor/line": "sending"}
    monkeypatch.setattr(WeComRobot, "send", sending)
    assert notify(plant.hub({"supervisor": {"channels": ONE}})).delivered == 1
    assert len(plant.line) == 2
    assert plant.line[0] == plant.line[1]


def test_notify__another_process_that_sends_is_not_disturbed(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE}})
    plant.tell("M-1")
    with plant.store.begin() as tx:
        leases.acquire(tx, "notify/line", "other.host:1:cafe:1", plant.moment, 300)
    assert (notify(hub).delivered, plant.line) == (0, [])
    plant.later(seconds=301)
    assert notify(hub).delivered == 1


def test_notify__lease_of_a_dead_process_of_this_host_is_not_waited_out(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE}})
    plant.tell("M-1")
    with plant.store.begin() as tx:
        leases.acquire(tx, "notify/line", f"{process_token().split(':')[0]}:4194305:cafe:1", plant.moment, 300)
    assert notify(hub).delivered == 1


def test_notify__who_lost_the_lease_marks_nothing(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    sending = WeComRobot.send

    def send_slowly(*arguments: Any) -> Any:
        answer = sending(*arguments)
        plant.later(seconds=400)
        with plant.store.begin() as tx:
            assert leases.acquire(tx, "notify/line", "other.host:1:cafe:1", plant.moment, 300)
        return answer

    monkeypatch.setattr(WeComRobot, "send", send_slowly)
    plant.tell("M-1")
    assert notify(plant.hub({"supervisor": {"channels": ONE}})).delivered == 0
    assert plant.states(1) == {"supervisor/line": "sending"}


def test_notify__limits_of_a_channel_hold_over_processes(plant: Plant) -> None:
    said: Callable[[], Hub] = lambda: plant.hub(  # noqa: E731
        {"supervisor": {"channels": ONE, "digest": {"at_least": 9}}}, line={"rates": {"per_minute": 2, "per_hour": 3}}
    )
    plant.tell("M-1", "M-2", "M-3", "M-4")
    assert notify(said()).delivered == 2
    plant.later(seconds=30)
    assert notify(said()).delivered == 0
    plant.later(seconds=31)
    assert notify(said()).delivered == 1
    plant.later(minutes=5)
    assert notify(said()).delivered == 0
    plant.later(hours=1)
    assert (notify(said()).delivered, len(plant.line)) == (1, 4)


def test_notify__urgent_ones_go_first_and_fall_where_limits_leave_no_room(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": TWO, "digest": {"at_least": 9}}}, line={"rates": {"per_minute": 1}})
    plant.tell("M-1", "M-2")
    plant.tell("M-3", urgent=True)
    plant.tell("M-4", urgent=True)
    notify(hub)
    assert [text.splitlines()[-1] for text in plant.line] == ["Short of M-3"]
    assert [text.splitlines()[-1] for text in plant.office] == ["Short of M-4"]


def test_notify__many_go_as_one_message(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE, "digest": {"at_most": 4, "rest": "sent"}}})
    plant.tell(*(f"M-{number}" for number in range(1, 7)))
    told = notify(hub)
    assert (told.messages["line"], told.delivered) == (3, 6)
    assert plant.line[0].startswith("【plant #1–#4】4 条通知 / 4 notices\n#1 缺料 M-1\n    Short of M-1\n#2 缺料")
    assert plant.line[1].startswith("【plant #5】")


def test_notify__hundreds_go_as_one_message_that_counts_the_rest(plant: Plant) -> None:
    """As after a first pass: people get one message, and the board has all of them."""
    hub = plant.hub({"supervisor": {"channels": ONE}})
    plant.tell(*(f"M-{number}" for number in range(1, 337)))
    told = notify(hub)
    assert (told.messages["line"], told.delivered, told.waiting) == (1, 336, 0)
    [said] = plant.line
    assert said.startswith("【plant #1–#336】336 条通知 / 336 notices\n#1 缺料 M-1\n    Short of M-1\n#2 缺料")
    told_in_full = said.count("缺料 M-")
    assert 2 <= told_in_full <= 30
    assert said.endswith(f"… and {336 - told_in_full} more on the board: millstream notices list")
    assert len(said.encode()) <= WeComRobot.text_bytes


@pytest.mark.parametrize("rule", [{}, {"escalate": {"to": "manager", "after_minutes": 30}}])
def test_notify__what_each_has_to_be_known_of_is_never_only_counted(plant: Plant, rule: dict[str, Any]) -> None:
    """What is urgent, and what is escalated unless acknowledged."""
    hub = plant.hub({"supervisor": {"channels": ONE, "digest": {"at_most": 4}, **rule}, "manager": {"channels": TWO}})
    plant.tell(*(f"M-{number}" for number in range(1, 10)), urgent=not rule)
    notify(hub)
    assert sum(text.count("缺料 M-") for text in plant.line) == 9


def test_notify__a_digest_is_never_longer_than_a_message_holds(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE, "digest": {"rest": "sent"}}})
    plant.tell(*(f"M-{number} " + "缺" * 100 for number in range(20)))
    notify(hub)
    assert sum(text.count("缺料 M-") for text in plant.line) == 20
    assert not [text for text in plant.line if text.endswith("…")]


def test_notify__urgent_ones_are_in_no_digest_with_others(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE, "digest": {"at_least": 2}}})
    plant.tell("M-1", "M-2")
    plant.tell("M-3", urgent=True)
    notify(hub)
    assert [text.split("】")[0] for text in plant.line] == ["【plant #3", "【plant #1–#2"]


def test_notify__waits_for_others_to_go_with(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE, "digest": {"at_least": 2, "wait_minutes": 10}}})
    plant.tell("M-1")
    assert notify(hub).waiting == 1
    plant.later(minutes=6)
    plant.tell("M-2")
    plant.tell("M-3", urgent=True)
    assert notify(hub).delivered == 1
    plant.later(minutes=5)
    notify(hub)
    plant.later(minutes=6)
    notify(hub)
    assert [text.split("】")[0] for text in plant.line] == ["【plant #3", "【plant #1", "【plant #2"]


def test_notify__quiet_hours_hold_back_all_but_the_urgent(plant: Plant) -> None:
    hub = plant.hub({"supervisor": {"channels": ONE, "quiet": {"begin": "22:00", "end": "06:30"}}})
    plant.moment = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
    plant.tell("M-1")
    plant.tell("M-2", urgent=True)
    notify(hub)
    assert [text.splitlines()[1] for text in plant.line] == ["缺料 M-2"]
    assert plant.ways(1)[0].not_before == datetime(2026, 11, 2, 22, 30, tzinfo=UTC)
    plant.later(hours=7, minutes=29)
    assert notify(hub).delivered == 0
    plant.later(minutes=1)
    assert notify(hub).delivered == 1


ESCALATING: dict[str, dict[str, Any]] = {
    "supervisor": {"channels": ["line"], "escalate": {"to": "manager", "after_minutes": 30}},
    "manager": {"channels": ["office"], "escalate": {"to": "director", "after_minutes": 60}},
    "director": {"channels": ["office"]},
}


def test_notify__what_nobody_acknowledges_goes_up_the_chain(plant: Plant) -> None:
    hub = plant.hub(ESCALATING)
    plant.tell("M-1")
    notify(hub)
    assert plant.line[0].endswith("\n确认： / Acknowledge with millstream notices ack 1")
    plant.later(minutes=29)
    assert notify(hub).escalated == 0
    plant.later(minutes=1)
    assert notify(hub).escalated == 1
    assert "升级：supervisor 未确认。\nEscalated: supervisor did not acknowledge.\n缺料 M-1" in plant.office[0]
    plant.later(minutes=59)
    assert notify(hub).escalated == 0
    plant.later(minutes=1)
    notify(hub)
    plant.later(hours=9)
    notify(hub)
    assert plant.states(1) == dict.fromkeys(["supervisor/line", "manager/office", "director/office"], "delivered")
    assert (len(plant.line), len(plant.office)) == (1, 2)


def test_notify__acknowledged_is_told_to_nobody_more(plant: Plant) -> None:
    hub = plant.hub(ESCALATING)
    plant.tell("M-1", "M-2")
    with plant.store.begin() as tx:
        assert notices.acknowledge(tx, [2], Actor("person", "li.wei"), plant.moment) == [2]
    notify(hub)
    with plant.store.begin() as tx:
        assert notices.acknowledge(tx, [1, 2], Actor("person", "li.wei"), plant.moment) == [1]
    plant.later(hours=2)
    assert notify(hub).escalated == 0
    assert (len(plant.line), plant.office) == (1, [])


def test_notify__whom_no_channel_reaches_is_escalated_at_once(plant: Plant) -> None:
    plant.receivers["line"].next_answers = [GONE]
    plant.tell("M-1")
    told = notify(plant.hub(ESCALATING))
    assert (told.failed, told.escalated, len(plant.office)) == (1, 1, 1)


def test_notify__urgent_only_escalation_leaves_the_rest(plant: Plant) -> None:
    rule = {"to": "manager", "after_minutes": 30, "urgent_only": True}
    hub = plant.hub({"supervisor": {"channels": ONE, "escalate": rule}, "manager": {"channels": ["office"]}})
    plant.tell("M-1")
    plant.tell("M-2", urgent=True)
    notify(hub)
    plant.later(hours=1)
    assert notify(hub).escalated == 1


def test_notify__channel_whose_secret_is_not_set_is_passed_over_or_waits(plant: Plant) -> None:
    audiences = {"supervisor": {"channels": TWO}, "worker": {"channels": ONE}}
    hub = plant.hub(audiences, {"LINE_KEY": ""})
    plant.tell("M-1")
    plant.tell("M-2", audience="worker")
    told = notify(hub)
    assert told.unusable == {"line": "channel line: not set: LINE_KEY"}
    assert (plant.states(1)["supervisor/office"], plant.states(2)) == ("delivered", {"worker/line": "waiting"})
    assert notify(plant.hub(audiences)).delivered == 1


def test_notify__channel_taken_from_an_audience_is_left(plant: Plant) -> None:
    plant.receivers["line"].next_answers = [BUSY]
    plant.tell("M-1")
    notify(plant.hub({"supervisor": {"channels": ONE}}))
    assert notify(plant.hub({"supervisor": {"channels": ["office"]}})).delivered == 1
    assert plant.states(1) == {"supervisor/line": "fell", "supervisor/office": "delivered"}


def test_notify__old_notices_stay_on_the_board_when_channels_are_first_set_up(plant: Plant) -> None:
    plant.tell("M-1")
    plant.later(hours=73)
    plant.tell("M-2")
    assert notify(plant.hub({"supervisor": {"channels": ONE}})).delivered == 1
    assert plant.ways(1) == []


def test_notify__on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    for plant in plants(tmp_path, postgres_database):
        plant.receivers["line"].next_answers = [GONE]
        hub = plant.hub({**ESCALATING, "supervisor": {**ESCALATING["supervisor"], "channels": list(TWO)}})
        plant.tell("M-1", "M-2", "M-3")
        told = notify(hub)
        assert (told.fell, told.delivered, told.messages["office"]) == (3, 3, 1)
        plant.later(hours=1)
        assert notify(hub).escalated == 3


def test_message_id__is_ascii() -> None:
    assert message_id("苏州", Batch("line", "主管", (7, 9))) == "%E8%8B%8F%E5%B7%9E/%E4%B8%BB%E7%AE%A1/7"


def test_fail__tells_the_operator_at_once(plant: Plant) -> None:
    fail(plant.hub({"operator": {"channels": ONE}}), "r-1", "the ERP is down")
    assert plant.line == [
        "【plant #1】通知 / Notice\n运行 r-1 失败：the ERP is down\nThe pass r-1 failed: the ERP is down"
    ]


def test_notify__two_at_once_send_each_notice_once(plant: Plant) -> None:
    audiences = {"supervisor": {"channels": TWO, "digest": {"at_least": 99}}}
    plant.tell(*(f"M-{number}" for number in range(8)))
    hubs = [plant.hub(audiences) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(notify, hubs))
    assert sum(one.delivered for one in told) == 8
    assert len(set(plant.line)) == len(plant.line) == 8


CHILD = """
from pipeline.hub import open_hub
from pipeline.notify import notify
notify(open_hub())
"""
FILE = """
name: plant
systems: {crm: {role: crm}}
rulebooks: []
sales_order_system: crm
notifications:
  channels: {line: {kind: wecom, key: {env: LINE_KEY}, base_url: {env: LINE_URL}}}
  audiences: {supervisor: {channels: [line]}}
"""


def test_notify__killed_process_is_taken_over_at_once(plant: Plant) -> None:
    """SIGKILL after the robot took the message and before its answer was heard."""
    plant.moment = datetime.now(UTC)
    plant.tell("M-1")
    (plant.folder / "plant.yaml").write_text(FILE)
    server, receiver, taken = plant.servers["line"], plant.receivers["line"], threading.Event()

    def take_and_keep_silent(asked: Asked) -> Answer:
        answer = receiver.reply(asked)
        answer.drip_seconds = 30.0
        taken.set()
        return answer

    server.reply = take_and_keep_silent
    environ = {
        **os.environ, "MILLSTREAM_HOME": str(plant.folder), "MILLSTREAM_DEPLOYMENT": str(plant.folder / "plant.yaml"),
        "LINE_KEY": receiver.key, "LINE_URL": server.url,
    }  # fmt: skip
    child = subprocess.Popen([sys.executable, "-c", CHILD], env=environ, cwd=Path(__file__).parents[3])
    assert taken.wait(60)
    child.kill()
    child.wait()
    server.reply = receiver.reply
    assert plant.states(1) == {"supervisor/line": "sending"}
    assert notify(plant.hub({"supervisor": {"channels": ONE}})).delivered == 1
    assert plant.line == [plant.line[0]] * 2
