"""What `millstream check` says of the configuration, and `doctor` of connections: key → (English, Chinese)."""

from __future__ import annotations

CHECK: dict[str, tuple[str, str]] = {
    "check.fine": (
        "Fine. Systems: {systems}, mappings: {mappings}, policies: {policies}, rulebooks: {rulebooks}, rules: {rules}.",
        "正常：{systems} 个系统、{mappings} 个映射、{policies} 个策略、{rulebooks} 个质量规则手册、{rules} 条规则。",
    ),
    "check.faults": ("Faults: {count}", "错误 {count} 处"),
    "check.role": ("note: nobody plays the role {role}", "提示：无系统担任角色 {role}"),
    "check.outbound": (
        "note: {system} has no outbound mapping for {command} (rule {rule})",
        "提示：{system} 缺少 {command} 的出站映射（规则 {rule}）",
    ),
    "check.unsaid": (
        "note: rule {rule} leaves out {fields} under `with`; without it {system} gets no {command}: all are parked",
        "提示：规则 {rule} 的 with 中没有 {fields}，{system} 的 {command} 缺它不可：其命令都将被搁置",
    ),
    "check.shadow": (
        "note: {system} says no `state`: it starts in shadow and sends nothing until connections set {system} live",
        "提示：{system} 未写明 `state`：从影子状态开始，不发送；启用：connections set {system} live",
    ),
    "doctor.shadow": (
        "in shadow: decides and never sends. To go live: millstream connections set {system} live",
        "影子状态：只决策不发送。启用：millstream connections set {system} live",
    ),
    "check.audience": (
        "note: {audience} has no channel: what rules tell them stays on the board",
        "提示：{audience} 未设置通知渠道，相关通知仅列出",
    ),
    "check.policy": (
        "note: entity {entity} has no policy: it is not reconciled",
        "提示：实体 {entity} 没有主数据策略，不会归一",
    ),
    "check.rulebook": ("note: entity {entity} has no quality rulebook", "提示：实体 {entity} 没有质量规则手册"),
}
