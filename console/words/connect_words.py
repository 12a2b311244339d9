"""What is said while a new system is connected, in English and Chinese."""

from __future__ import annotations

CONNECT: dict[str, tuple[str, str]] = {
    "help.new": ("Draft what is new.", "生成新内容的草稿。"),
    "help.new.system": ("Draft a new system's folders from a sample.", "根据样例生成新系统的文件夹草稿。"),
    "new.name": (
        "{name!r} is no name for a system: small letters, digits and underscores, a letter first",
        "{name!r} 不能作系统名：只用小写字母、数字和下划线，以字母开头",
    ),
    "new.entity": ("no entity {entity!r}; known: {known}", "没有实体 {entity!r}；已知：{known}"),
    "new.written": ("written: {path}", "已写入：{path}"),
    "new.kept": ("left as it stands: {path}", "已存在，未改动：{path}"),
    "new.stream": (
        "system.yaml stands and does not declare this stream yet; put it under `streams`:",
        "system.yaml 已存在但尚未声明此数据流，请加到 streams 之下：",
    ),
    "new.codes": (
        "units.yaml stands; see that it knows these codes: {codes}",
        "units.yaml 已存在，请确认其中有这些单位代码：{codes}",
    ),
    "new.header": ("--header goes with --auth api_key", "--header 仅用于 --auth api_key"),
    "new.path": ("the path it is read from", "读取所用的路径"),
    "new.next": ("Next, in this shell:", "接下来在此终端："),
    "new.deploy": (
        "  into the deployment's `systems`: {name}: {{role: {role}}}",
        "  在部署文件的 systems 中加入：{name}: {{role: {role}}}",
    ),
    "new.system": (
        "A draft: read every line. Keys: docs/reference/system-yaml.md",
        "草稿：请逐行核对。各键说明见 docs/reference/system-yaml.md",
    ),
    "new.timezone": ("of times without an offset", "无时区偏移的时间所用时区"),
    "new.wsdl": ("without `wsdl: FILE` the system serves its own", "未写 wsdl: 文件 时向系统索取"),
    "new.limits": ("what the system bears", "系统可承受的负荷"),
    "new.paging": ("is there a second page?", "是否有第二页？"),
    "new.pages": (
        "is the first page 0 or 1? limit: no more than the system gives at once",
        "首页编号是 0 还是 1？limit 不得超过系统单页上限",
    ),
    "new.size": ("limit: no more than the system gives at once", "limit 不得超过系统单页上限"),
    "new.since": (
        "does the system tell what changed since a time? Then put {{since?}} into the request, and say:",
        "系统能否按时间只返回变化？能则在请求中写入 {{since?}}，并启用：",
    ),
    "new.complete": ("a full pull lists every live record", "全量拉取列出全部有效记录"),
    "new.mapping": (
        "A draft: canonical field: raw field. Keys: docs/reference/mapping-yaml.md",
        "草稿：规范字段: 原始字段。各键说明见 docs/reference/mapping-yaml.md",
    ),
    "new.needed": ("NEEDED, {kind}: no raw field fits", "必填，{kind}：没有合适的原始字段"),
    "new.unclear": ("{kind}; say what these mean: {codes}", "{kind}；请说明这些代码：{codes}"),
    "new.open": ("could be told too: {fields}", "还可提供：{fields}"),
    "new.left": ("raw fields nothing is made of: {fields}", "未使用的原始字段：{fields}"),
    "new.units": (
        "The system's unit code: ours (pcs, kg, g, m, mm, m2, l, h, box, …)",
        "系统的单位代码: 我方单位（pcs、kg、g、m、mm、m2、l、h、box……）",
    ),
    "new.quality": (
        "What this connector does for its users; `todo` says why.",
        "此连接器的完成情况；todo 须说明原因。",
    ),
    "new.todo": ("a draft; nobody has looked yet", "草稿，尚未核对"),
    "new.readme": (
        "A draft: say which versions this was seen with, and what was observed.",
        "草稿：请写明验证过的版本与观察到的行为。",
    ),
    "new.set": ("Set", "须设置"),
    "probe.short": (
        "{count} records for the {limit} asked for: if there are more, lower `limit`, or each pull ends too soon.",
        "本页 {count} 条，请求了 {limit} 条。若实际更多，说明系统单页上限小于 limit：请调低，否则拉取会提前结束。",
    ),
    "probe.none": (
        "No record on page {first}, the first: does the system count from {other}?",
        "首页（第 {first} 页）没有记录：系统是否从 {other} 开始编号？",
    ),
    "probe.mapped": (
        "{entity}: {mapped} of {records} records become canonical",
        "{entity}：{records} 条记录中 {mapped} 条可转换为规范记录",
    ),
    "probe.passed": ("passed over by `where`: {count}", "被 where 略过：{count} 条"),
    "probe.more": ("and {count} other values", "等，另有 {count} 个值"),
    "probe.missing": ("What is missing:", "缺少："),
}
