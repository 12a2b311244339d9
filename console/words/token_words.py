"""What is said about the tokens of machines: key → (English, Chinese)."""

from __future__ import annotations

TOKENS: dict[str, tuple[str, str]] = {
    "help.tokens": ("What machines may ask.", "机器令牌。"),
    "help.tokens.list": ("List the tokens of machines.", "列出机器令牌。"),
    "help.tokens.make": ("Make a token for a machine.", "生成机器令牌。"),
    "help.tokens.revoke": ("End a token at once.", "吊销令牌。"),
    "menu.tokens": ("Machine tokens", "机器令牌"),
    "page.tokens.lead": (
        "Other systems ask with a token whether something exists already. It opens nothing else and changes nothing.",
        "其他系统凭令牌查询物料或往来单位是否已存在。令牌不能访问其他内容，也不能修改任何数据。",
    ),
    "page.tokens.made": ("Copy it now: it is not shown again.", "请立即复制保存：仅显示一次。"),
    "page.tokens.token": ("Token", "令牌"),
    "page.tokens.address": ("Address for OpenRefine: {entity}", "OpenRefine 匹配服务地址：{entity}"),
    "page.tokens.days": ("days it holds", "有效天数"),
    "page.tokens.made_by": ("made by", "创建人"),
    "page.tokens.revoked": ("revoked", "已吊销"),
    "page.tokens.ended": ("ran out", "已过期"),
    "page.tokens.revoke": ("Revoke", "吊销"),
    "page.tokens.make": ("Make a token", "生成令牌"),
    "page.tokens.none": ("No machine has a token yet.", "尚无机器令牌。"),
    "page.tokens.choose": ("choose what it opens and for how many days", "请选择用途与有效天数"),
    "scope.match": ("Match API (token in the header)", "匹配接口（令牌置于请求头）"),
    "scope.reconcile": (
        "Reconciliation service for OpenRefine (token in the address)",
        "OpenRefine 匹配服务（令牌置于地址）",
    ),
    "done.token_revoked": ("The token opens nothing any more.", "令牌已失效。"),
    "tokens.made": (
        "{name} opens: {scope}, until {until}. It is not shown again:",
        "{name}：{scope}，有效期至 {until}。仅显示一次：",
    ),
    "address.assumed": (
        "The deployment has no access.public_url: port {port} is assumed; put in yours if `serve` runs on another.",
        "部署文件未设置 access.public_url：以上地址按默认端口 {port} 生成；若 `serve` 使用其他端口，请自行替换。",
    ),
    "tokens.revoked": ("{name} opens nothing any more", "{name} 已吊销"),
    "tokens.unchanged": ("no token {name} holds", "没有有效的令牌 {name}"),
    "tokens.state.holds": ("holds", "有效"),
    "col.token_scope": ("opens", "用途"),
    "col.holds_until": ("until", "有效期至"),
    "col.used": ("last used", "最近使用"),
    "col.uses": ("requests", "请求数"),
}
