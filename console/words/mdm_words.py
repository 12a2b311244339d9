"""What the verbs of stewardship say: key → (English, Chinese)."""

from __future__ import annotations

MDM: dict[str, tuple[str, str]] = {
    "help.mdm.match": (
        "Does this exist already? Find golden records like a description.",
        "查重：按描述查找相似的黄金记录。",
    ),
    "help.mdm.explain": ("Why two records are taken for one thing, or not.", "解释两条记录的匹配得分。"),
    "help.mdm.queue": ("What waits for a steward, what matters most first.", "数据管家待办队列，按影响排序。"),
    "help.mdm.decide": (
        "Decide on records: same, different, split, pin, approve, reject.",
        "对记录作出决定：相同、不同、拆分、固定、批准、驳回。",
    ),
    "help.mdm.unmerge": ("Take a decision back.", "撤销一项决定（取消合并）。"),
    "help.mdm.history": (
        "Every version of a golden record, or what was believed when.",
        "黄金记录的全部版本，或某时刻的认知。",
    ),
    "mdm.none": ("nothing like it is known", "未找到相似的记录"),
    "mdm.queue.total": ("{shown} of {total}: {kinds}", "显示 {shown} 条，共 {total} 条：{kinds}"),
    "mdm.queue.empty": ("nothing waits for a steward", "没有待处理的事项"),
    "mdm.explained": (
        "posterior {posterior}, band {band}, model {model}",
        "后验概率 {posterior}，区间 {band}，模型 {model}",
    ),
    "mdm.vetoed": ("they exclude each other: {vetoes}", "相互排斥的部分：{vetoes}"),
    "mdm.decided": ("decision {number}: {kind}; {moved} records moved", "决定 {number}：{kind}；移动 {moved} 条记录"),
    "mdm.redirect": ("{retired} now leads to {target}", "{retired} 现指向 {target}"),
    "mdm.waiting": ("it waits for a second person", "等待第二人批准"),
    "mdm.undo.hint": ("take it back: millstream mdm unmerge {number}", "撤销：millstream mdm unmerge {number}"),
    "mdm.attribute.wanted": (
        "write attributes as name=value, not {given!r}",
        "属性请写作 name=value，而不是 {given!r}",
    ),
    "mdm.ref.wanted": ("write records as system:key, not {given!r}", "记录请写作 system:key，而不是 {given!r}"),
    "mdm.moment.wanted": (
        "write the moment as 2026-03-01 or 2026-03-01T08:00, not {given!r}",
        "时间请写作 2026-03-01 或 2026-03-01T08:00，而不是 {given!r}",
    ),
    "mdm.decide.refs": ("{kind} needs {needed}", "{kind} 需要 {needed}"),
    "col.record": ("record", "记录"),
    "col.records": ("records", "记录"),
    "col.posterior": ("posterior", "后验概率"),
    "col.band": ("band", "区间"),
    "col.feature": ("feature", "特征"),
    "col.weight": ("weight", "权重"),
    "col.sum": ("sum", "累计"),
    "col.title": ("what", "事项"),
    "col.open": ("open", "未清单据"),
    "col.assignee": ("for", "负责人"),
    "col.queue_item": ("number", "编号"),
    "col.until": ("due", "期限"),
    "col.version": ("version", "版本"),
    "col.believed": ("believed since", "记录时间"),
    "col.effective": ("in effect since", "生效时间"),
    "col.content": ("content", "内容"),
}
