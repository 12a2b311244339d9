"""What the verbs of tasks and timers say: key → (English, Chinese)."""

from __future__ import annotations

TASKS: dict[str, tuple[str, str]] = {
    "help.tasks": ("What people have to settle.", "待处理任务。"),
    "help.tasks.list": ("List tasks, the nearest deadline first.", "按期限列出任务。"),
    "help.tasks.done": ("Settle a task: it is done, or agreed to.", "完成任务（或同意）。"),
    "help.tasks.refuse": ("Settle a task: no, and why.", "拒绝任务，并说明原因。"),
    "help.timers": ("What rules wait for.", "规则的定时器。"),
    "help.timers.list": ("List timers, the first to run out first.", "按到期先后列出定时器。"),
    "col.deadline": ("by", "期限"),
    "col.note": ("note", "备注"),
    "col.owner": ("owner", "负责人"),
    "col.task": ("task", "任务"),
    "tasks.unknown": ("no task {number}", "没有任务 {number}"),
    "tasks.settled": ("task {number} was settled before: {state}", "任务 {number} 已处理：{state}"),
    "tasks.done": ("Task {number} is done; the next pass takes it up.", "任务 {number} 已完成，下一轮流程生效。"),
    "tasks.refused": ("Task {number} is refused; the next pass takes it up.", "任务 {number} 已拒绝，下一轮流程生效。"),
    "task.open": ("open", "待处理"),
    "task.done": ("done", "已完成"),
    "task.refused": ("refused", "已拒绝"),
    "task.withdrawn": ("withdrawn", "已撤回"),
    "timer.waiting": ("waiting", "等待中"),
    "timer.fired": ("fired", "已触发"),
}
