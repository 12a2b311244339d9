"""What the pages of an order's life and of what is stuck say: key → (English, Chinese)."""

from __future__ import annotations

ORDERS: dict[str, tuple[str, str]] = {
    "home.queue": ("for the stewards to settle", "待数据管家处理"),
    "menu.orders": ("Orders", "订单追踪"),
    "menu.stuck": ("What is stuck", "卡点"),
    "order.number": ("Number in the CRM, or golden id", "CRM 单号或黄金编码"),
    "order.lead": (
        "Type a number to see the order from the CRM to the truck.",
        "输入单号，查看订单从 CRM 到发货的全过程。",
    ),
    "order.unknown": ("Nobody knows an order {number}.", "没有订单 {number}。"),
    "order.customer": ("customer {customer}", "客户 {customer}"),
    "order.progress": (
        "{stage}, {percent} % done, promised for {promised}",
        "{stage}，完成 {percent} %，承诺日期 {promised}",
    ),
    "order.late": ("late", "延误"),
    "order.rest": ("{count} more", "其余 {count} 条"),
    "order.what": ("what to do", "操作"),
    "order.from": ("from", "来源"),
    "order.expected": ("expected", "预计"),
    "order.more": (
        "{count} more are not shown: millstream trace",
        "另有 {count} 条未显示：millstream trace",
    ),
    "stuck.lead": (
        "What does not go on by itself, since when, and what to do.",
        "无法自行继续的事项、起始时间与处理办法。",
    ),
    "stuck.nothing": ("Nothing is stuck.", "没有卡住的事项。"),
    "stuck.days": ("{days} days {hours} h", "{days} 天 {hours} 小时"),
    "stuck.hours": ("{hours} h {minutes} min", "{hours} 小时 {minutes} 分钟"),
    "stuck.minutes": ("{minutes} min", "{minutes} 分钟"),
    "stuck.press": ("What to do", "处理办法"),
    "stuck.commands": ("Commands, and the oldest in each state", "指令及各状态中最久的一条"),
    "stuck.count": ("how many", "数量"),
    "stuck.oldest": ("the oldest", "最久的一条"),
    "stuck.doubles": ("Documents that stand twice", "重复的单据"),
    "stuck.doubles.press": (
        "Cancel one of them in that system; the next pass sees that it is gone.",
        "请在该系统中作废其中一张，下一轮会识别。",
    ),
    "stuck.press.parked": (
        "Open it, mend the cause, then send it again; or look in the target and say how it ended.",
        "打开查看，排除原因后重发；或在目标系统核实后说明结果。",
    ),
    "stuck.press.rejected": (
        "Mend the data: what changes is decided anew. Or send it again as it is.",
        "更正数据后将重新决定；也可原样重发。",
    ),
    "stuck.press.in_doubt": ("Nothing yet: it is looked up before it is sent again.", "暂不处理：重发之前会先查询。"),
    "stuck.press.held": ("Approve it, or set its connection live.", "批准，或将连接设为启用。"),
    "stuck.press.awaiting": ("Look at what it waits for: the cause names it.", "查看其等待的单据，原因中已注明。"),
    "stuck.press.pending": ("Nothing: it is sent in its turn.", "无需处理：将依次发送。"),
}
