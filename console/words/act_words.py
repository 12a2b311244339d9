"""The acts that the audit trail names, as people read them: `audited.` and the act → (English, Chinese)."""

from __future__ import annotations

_ACTS: dict[str, tuple[str, str]] = {
    # -- coming in ----------------------------------------------------------------------------------------------
    "logged in": ("logged in", "登录"),
    "log-in failed": ("log-in failed", "登录失败"),
    "logged out": ("logged out", "退出"),
    "denied": ("denied", "拒绝访问"),
    "password link made": ("password link made", "生成密码链接"),
    "password set": ("password set", "设置密码"),
    "identity bound": ("identity bound", "绑定身份"),
    "sessions ended": ("logged out everywhere", "强制退出"),
    "token made": ("token made", "生成令牌"),
    "token revoked": ("token revoked", "吊销令牌"),
    "token used": ("token used", "使用令牌"),
    # -- people and their roles ---------------------------------------------------------------------------------
    "person added": ("put on the roll", "登记人员"),
    "person removed": ("taken off the roll", "移除人员"),
    "role granted": ("role granted", "授予角色"),
    "role revoked": ("role revoked", "收回角色"),
    "may speak for others": ("may speak for others", "允许代他人操作"),
    "may no longer speak for others": ("may no longer speak for others", "不再允许代他人操作"),
    # -- commands and connections -------------------------------------------------------------------------------
    "command parked": ("command parked", "搁置指令"),
    "command retried": ("command sent again", "重发指令"),
    "command resolved": ("command's end told", "登记结果"),
    "command approved": ("command approved", "批准指令"),
    "held commands released": ("held commands released", "放行挂起的指令"),
    "connection state set": ("connection state set", "设置连接状态"),
    "webhook accepted": ("webhook accepted", "接收推送"),
    "older store noticed": ("older store noticed", "发现旧库恢复"),
    # -- what stewards decide -----------------------------------------------------------------------------------
    "mdm.same": ("decided: same", "判为相同"),
    "mdm.different": ("decided: different", "判为不同"),
    "mdm.split": ("split", "拆分"),
    "mdm.pin": ("pinned a value", "固定取值"),
    "mdm.relate": ("set a relation", "设置关系"),
    "mdm.revoke": ("took a decision back", "撤回决定"),
    "mdm.approve": ("approved a decision", "批准决定"),
    "mdm.reject": ("rejected a decision", "驳回决定"),
    "queue.assign": ("assigned", "分派"),
    "record mended": ("record mended", "修正记录"),
    "record sent again": ("record sent through again", "重新处理记录"),
    # -- tasks, notices, promises, forecasts --------------------------------------------------------------------
    "task_done": ("task done", "完成任务"),
    "task_refused": ("task refused", "拒绝任务"),
    "acknowledge": ("took note", "确认通知"),
    "promise_accepted": ("promise accepted", "接受承诺"),
    "promise_released": ("promise released", "释放承诺"),
    "promise_expired": ("promise expired", "承诺到期失效"),
    "promise_done": ("promise kept", "承诺已兑现"),
    "forecast overridden": ("forecast overridden", "修正预测"),
    "forecast override taken back": ("forecast override taken back", "撤回预测修正"),
}
ACTS: dict[str, tuple[str, str]] = {f"audited.{act}": said for act, said in _ACTS.items()}
