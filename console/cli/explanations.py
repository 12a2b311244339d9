"""Chinese for what the verbs' docstrings say about their parameters, and for the titles of help itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EXPLANATIONS: Mapping[str, str] = MappingProxyType(
    {
        # -- help itself ------------------------------------------------------------------------------------------
        "Commands": "命令",
        "Arguments": "参数",
        "Parameters": "选项",
        "Display this message and exit.": "显示帮助并退出。",
        "Display application version.": "显示版本。",
        # -- demo, run, relay -------------------------------------------------------------------------------------
        "How large the plant is; 10 is ten times as large.": "工厂规模；10 即十倍。",
        "The plant's seed: the same seed gives the same plant.": "工厂的随机种子：种子相同，工厂相同。",
        "Where the demo keeps what it makes; an earlier demo there is replaced.": "演示目录；其中旧的演示会被替换。",
        "Make the systems fail at random from this seed: errors, hangs, lost answers, doubles.": (
            "以该种子让系统随机出错：报错、挂起、应答丢失、重复。"
        ),
        "Leave the systems running at the end, until Ctrl-C, so that other verbs can reach them.": (
            "结束后保持系统运行，直到按 Ctrl-C，供其他命令访问。"
        ),
        "A real ERP instead: Tryton in its own process, with a factory of its own; takes --dir and --keep alone.": (
            "改用真实 ERP：Tryton，独立进程，自带工厂数据；仅支持 --dir 与 --keep。"
        ),
        "Only this stage, on what the last pass left behind. All but `deliver` do without Dagster.": (
            "只运行该阶段，沿用上一轮的结果。除 deliver 外均不经 Dagster。"
        ),
        "Pull whole streams, not only what changed since the last pass.": "拉取完整数据流，而非仅上轮之后的变化。",
        "Call the stage functions without Dagster: no history there, but no start-up of seconds either.": (
            "不经 Dagster 直接调用各阶段：没有其历史记录，但省去数秒启动。"
        ),
        "The address to listen on; anything but loopback needs `access: {public_url: https://…}` in the deployment.": (
            "监听地址；非回环地址需在部署文件中设置 `access: {public_url: https://…}`。"
        ),
        "How long the link is good for; as the deployment says where left out.": "链接有效小时数；缺省按部署文件。",
        "The address to listen on; put a proxy with TLS in front before it is anything but loopback.": (
            "监听地址；若非本机回环，请在前面放置带 TLS 的代理。"
        ),
        "The port to listen on.": "监听端口。",
        # -- check, probe, preview, plan, mdm ---------------------------------------------------------------------
        "The deployment file to check; by default the one MILLSTREAM_DEPLOYMENT names.": (
            "要检查的部署文件；默认取 MILLSTREAM_DEPLOYMENT 所指。"
        ),
        "The connector folder's name.": "连接器目录名。",
        "One of its streams.": "其中一个数据流。",
        "Show the values themselves; by default only their kind and length, so that the output may be shared.": (
            "显示实际值；默认只显示类型与长度，便于分享。"
        ),
        "An inbound mapping file.": "入站映射文件。",
        "A JSON file with one raw record, or a list of them.": "含一条原始记录或其列表的 JSON 文件。",
        "Whose time zone holds; by default the system whose folder the mapping stands in.": (
            "以哪个系统的时区为准；默认为映射所在目录的系统。"
        ),
        "A JSON file of the `mrp-case/1` form.": "mrp-case/1 格式的 JSON 文件。",
        "CSV, its first column the key.": "CSV 文件，首列为键。",
        "CSV of the matching keys: left, right.": "匹配键的 CSV：左、右。",
        "YAML policy; without one the columns are profiled.": "YAML 策略；缺省时按列特征生成。",
        "How many decisions a simulated steward takes.": "模拟数据管家作出的判断次数。",
        # -- rules ------------------------------------------------------------------------------------------------
        "One rulebook; by default all of the deployment.": "一本规则手册；默认为部署中的全部。",
        "An event's id, or a record as ENTITY/KEY: its last event.": "事件号，或 实体/键 形式的记录（其最近事件）。",
        "Only what today's rules want for this event (an id, or ENTITY/KEY); by default for everything changed.": (
            "仅针对该事件（事件号或 实体/键）按现行规则试运行；默认针对全部变更。"
        ),
        "At most so many commands are drawn.": "最多显示的指令条数。",
        # -- trace, doctor, outbox --------------------------------------------------------------------------------
        "The order's number in the CRM, or its golden id.": "订单的 CRM 单号或黄金标识。",
        "Do not reach out to the connected systems.": "不访问已连接的系统。",
        "Only commands in this state; may be given several times.": "只列出该状态的指令；可多次给出。",
        "Only commands to this system.": "只列出发往该系统的指令。",
        "Only commands that serve this sales order (number or golden id).": (
            "只列出服务于该销售订单的指令（单号或黄金标识）。"
        ),
        "At most so many.": "最多条数。",
        "Its id, or the first characters of it.": "其编号或编号的前几位。",
        "Why, for whoever finds it parked.": "搁置原因，供后来者查看。",
        "Their ids, or the first characters; `all` approves everything that waits.": (
            "编号或其前几位；all 批准全部等待审批者。"
        ),
        "How it ended: applied (it was carried out), unchanged, rejected or superseded (it was not).": (
            "结果：applied（已执行）、unchanged（无需变更）、rejected（被拒绝）或 superseded（未执行，已被取代）。"
        ),
        "What you saw, for the audit trail.": "您所见的情况，记入审计。",
        "The target's own id of the document it made, where it was applied: later changes then go to that document.": (
            "若已执行：对方系统所建单据的内码，后续变更将作用于该单据。"
        ),
        # -- what waits for people --------------------------------------------------------------------------------
        "Only those held by this stage: conform, reconcile or judge.": (
            "只列出该阶段隔离的：conform、reconcile 或 judge。"
        ),
        "Only records of this system; `golden` for golden records.": "只列出该系统的记录；golden 指黄金记录。",
        "Only records of this entity.": "只列出该实体的记录。",
        "Only records that break this rule.": "只列出违反该规则的记录。",
        "The record's source key.": "记录的源键。",
        "Its entity, where the key alone names several.": "其实体（仅凭键不能唯一确定时）。",
        "Its system, where the key alone names several.": "其系统（仅凭键不能唯一确定时）。",
        "Only golden records of this entity.": "只列出该实体的黄金记录。",
        "Only notices to these people, such as production_supervisor.": (
            "只列出给这些人的通知，如 production_supervisor。"
        ),
        "Only those nobody has acknowledged.": "只列出尚无人确认的。",
        "The number its message carries, without #.": "消息所带的编号，不含 #。",
        "Only tasks of these people, such as production.": "只列出这些人的任务，如 production。",
        "Those that are settled as well.": "也列出已处理的。",
        "The task's number.": "任务编号。",
        "What the next person should know.": "备注，供后续人员参考。",
        "Why not; it is told to those who asked.": "拒绝原因，将告知提出者。",
        "Others.": "其他编号。",
        # -- mdm for stewards -------------------------------------------------------------------------------------
        "item or partner.": "item 或 partner。",
        "What is known of it, as name=value.": "已知信息，写成 名称=值。",
        "A record, as system:key.": "一条记录，写成 系统:键。",
        "Another.": "另一条记录。",
        "Only of this entity.": "只列出该实体的。",
        "match, ambiguous, conflict, duplicate, reference or approval.": (
            "match、ambiguous、conflict、duplicate、reference 或 approval。"
        ),
        "Only what this person was given.": "只列出分配给该人员的。",
        "Only what has this in its title, golden ids or keys.": "只列出标题、黄金标识或键中含此文字的。",
        "same, different, split, pin, approve or reject.": (
            "same（同一）、different（不同）、split（拆分）、pin（固定）、approve（批准）或 reject（驳回）。"
        ),
        "Records as system:key; for pin a golden id; for approve and reject the numbers of decisions.": (
            "记录，写成 系统:键；pin 用黄金标识；approve 与 reject 用决定的编号。"
        ),
        "What is pinned.": "要固定的属性。",
        "The pinned value.": "固定的值。",
        "When a pin ends: 2027-01-31.": "固定截止日期，如 2027-01-31。",
        "Why, for who asks later.": "原因，供日后查问。",
        "Only show what would follow.": "只预览后果，不执行。",
        "The decision's number.": "决定的编号。",
        "Why.": "原因。",
        "item, partner, sales_order or work_order.": "item、partner、sales_order 或 work_order。",
        "The golden record.": "黄金记录。",
        "The moment asked about: 2026-03-01.": "所问的时刻，如 2026-03-01。",
        "The moment of believing; now where left out.": "当时所知的时刻；缺省为现在。",
        "Seconds between two looks at a system that posts no webhooks; 0: such systems are left to the batch pass.": (
            "对不发送 Webhook 的系统，两次查看之间的秒数；0 表示留给批处理。"
        ),
        # -- people, connections ----------------------------------------------------------------------------------
        "The account they work under: of the operating system for this command line, the log-in for the pages.": (
            "其所用账号：命令行为操作系统账号，网页为登录名。"
        ),
        "A role they get; may be given several times. Each may do what the ones before it may: viewer, steward,\n"
        "approver, engineer, admin.": (
            "授予的角色；可多次给出。权限逐级包含：viewer、steward、approver、engineer、admin。"
        ),
        "How they are shown to others.": "对他人显示的名称。",
        "Somebody on the roll.": "已登记的人员。",
        "viewer, steward, approver, engineer or admin.": "viewer、steward、approver、engineer 或 admin。",
        "The role they hold.": "其持有的角色。",
        "The account on the roll. Whoever may use it may act as anybody on the roll.": (
            "已登记的账号。能使用该账号者可代表任何登记人员。"
        ),
        "The account on the roll.": "已登记的账号。",
        "The system's name, as in the deployment file.": "系统名称，与部署文件一致。",
        "live, shadow or paused. Going live releases what was held.": (
            "live（启用）、shadow（影子：只决策不发送）或 paused（暂停）。转为 live 时放行挂起的指令。"
        ),
        # -- plan -------------------------------------------------------------------------------------------------
        "Keep no peg of the plan that stands.": "不保留现行计划的供需挂接。",
        "The item's golden id or code.": "物料的黄金编码或代码。",
        "Where the files go; files of these names there are replaced.": "文件存放的目录；同名文件会被替换。",
        "A planned order, a receipt, a stock or a demand: as the plan, its command or its document is called.": (
            "订单、在途、库存或需求：可用计划中的键、指令的业务键或单据号。"
        ),
        "A planned or firm order: as the plan, its command or its document is called.": (
            "计划订单或确认订单：可用计划中的键、指令的业务键或单据号。"
        ),
        "How many stocking units.": "数量（库存单位）。",
        "The day it is wanted, as 2026-11-30.": "要求日期，如 2026-11-30。",
        "YAML: scenarios by name, each a list of changes.": "YAML 文件：按名称列出方案，每个方案为一组变更。",
        "Only what has to be ordered within so many days.": "只列出若干天内须下单的。",
        # -- tokens, relations, promises, configured products, forecasts -----------------------------------------
        "The target's own id of the document it made, where it was applied: later changes then go "
        "to that document.\nLeft out, the target is asked what stands under our reference.": (
            "若已执行：目标系统为所建单据给出的自有编号，此后的变更发往该单据。不填则按我方引用号向目标系统查询。"
        ),
        "Who will use it: a-z, 0-9, dot, dash and underscore.": "由谁使用：a-z、0-9、点、连字符与下划线。",
        "match: the match API, with the token in the Authorization header. reconcile: a "
        "reconciliation service for\nOpenRefine, with the token in its address.": (
            "match：匹配接口，令牌放在 Authorization 头；reconcile：供 OpenRefine 使用的核对服务，令牌在其地址中。"
        ),
        "How long it holds, at most 366 days.": "有效期，最长 366 天。",
        "The token's name.": "令牌名称。",
        "Table (CSV, semicolons, tabs), its first column the key.": "表格（逗号、分号或制表符分隔），第一列为键。",
        "Table of the matching keys: left, right.": "匹配键对照表：左、右两列。",
        "The golden record it is said of.": "关系所属的黄金记录。",
        (
            "Of partners parent, branch_of, bill_to, ship_to or contact; of items supersedes, replaces, variant_of or\n"
            "package_of."
        ): (
            "往来单位：parent、branch_of、bill_to、ship_to、contact；"
            "物料：supersedes、replaces、variant_of、package_of。"
        ),
        "There is none of this kind at all, whatever systems tell.": "无论各系统怎么说，均不存在此类关系。",
        "The golden record it leads to.": "关系指向的黄金记录。",
        "For a contact: who it is, where that is no golden record.": "联系人：若不是黄金记录，写明是谁。",
        "The first day on which it holds.": "开始生效之日。",
        "The first day on which it no longer holds.": "不再生效之日。",
        "A golden record; a retired id is followed.": "黄金记录；已停用的标识会自动转到现用标识。",
        "Only what held at this moment: 2026-03-01.": "只看在此时有效的：2026-03-01。",
        "As it was believed at this moment.": "按当时所认为的。",
        "The sales order line it is for, such as SO-26-00138|2; it may be one that is still to come.": (
            "为哪一销售订单行，如 SO-26-00138|2；也可以是尚未到来的订单行。"
        ),
        "Promise it: hold its supply and its time at the work centres, so that no later promise takes them.": (
            "予以承诺：占住所需供应与工作中心工时，之后的承诺不得占用。"
        ),
        "How long an accepted promise holds them; for good where it is not given.": "承诺占用多久；不填则一直有效。",
        "The sales order's golden id.": "销售订单的黄金标识。",
        "One day for all lines, for an order that ships complete.": "所有行同一天，用于整单发货的订单。",
        "Promise every line.": "对每一行予以承诺。",
        "How long accepted promises hold what they need; for good where it is not given.": (
            "承诺占用所需资源多久；不填则一直有效。"
        ),
        "Those that were released, that ran out or are done as well.": "包括已释放、已过期和已完成的。",
        "What it is promised for, as `millstream plan promises` shows it.": (
            "承诺的对象，即 `millstream plan promises` 所显示的。"
        ),
        "The days of a week together, or each day for itself.": "按周合计，或逐日列出。",
        "Only where it is too much.": "只列出超负荷的。",
        "A model of planning/option_models, or a YAML file. Without choices its options are listed.": (
            "planning/option_models 中的模型，或 YAML 文件。不给选择时列出其选项。"
        ),
        "What is chosen, as option=value.": "所作选择，写作 选项=值。",
        "The sales order line, as ORDER|LINE.": "销售订单行，写作 订单|行。",
        "One item only, with every model that was tried and what people said.": (
            "只看一个物料，并列出试过的每个模型和人工修正。"
        ),
        "Forecast the records as they are now instead of showing what is kept; nothing is kept of it.": (
            "按当前记录重新预测，而不是显示已保存的；结果不保存。"
        ),
        "The month, as 2026-12.": "月份，写作 2026-12。",
        "Stocking units in that month, or `none` to take an earlier word back.": (
            "该月的数量（库存单位）；写 `none` 则撤回先前的修正。"
        ),
        "Why: it stands beside the number at the next review.": "原因：下次评审时与数字并列显示。",
        "YAML: maintenance, and scenarios by name, each a list of changes.": (
            "YAML：检修计划，以及按名称列出的情景，每个情景是一组变更。"
        ),
        "How many months, this one included.": "多少个月，含本月。",
        "By how many percent capacity can be stretched; without it, as far as is needed.": (
            "产能最多可提高百分之几；不填则按需提高。"
        ),
        "The system's name: small letters, digits, underscores.": "系统名称：小写字母、数字、下划线。",
        "What its records are: item, stock, partner, sales_order, …": "记录的类型：item、stock、partner、sales_order……",
        "A file, or an address to read one reply from, logged in as --auth says.": (
            "样例文件，或读取一个应答的地址；登录方式由 --auth 指定。"
        ),
        "What rules call it.": "规则中对它的称呼。",
        "How one logs in.": "登录方式。",
        "The header an api_key goes into. [default: X-API-Key]": "api_key 所放的请求头。[默认：X-API-Key]",
        "What the stream is called; for a description, part of the path or operation to draft.": (
            "数据流的名称；若给的是接口描述，则为要起草的路径或操作名的一部分。"
        ),
        "Where the records stand in the reply, where the longest list is not it.": (
            "记录在应答中的位置；最长的列表不是记录时才需要。"
        ),
        "Of times without an offset.": "没有时差的时间所用的时区。",
        "Also write the least deployment that runs into this file.": "同时把可运行的最小部署写入此文件。",
    }
)
