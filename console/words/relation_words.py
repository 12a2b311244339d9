"""How golden records hang together, in words: key → (English, Chinese)."""

from __future__ import annotations

RELATIONS: dict[str, tuple[str, str]] = {
    "relation.title": ("Hangs together with", "关联关系"),
    "relation.none": ("Nothing is said about how it hangs together with others.", "尚无关联关系。"),
    "relation.kind": ("Relation", "关系"),
    "relation.with": ("With", "关联对象"),
    "relation.from": ("From", "起始日期"),
    "relation.until": ("Until (no longer on that day)", "截止日期（当日失效）"),
    "relation.said": ("Who said so, and why", "来源与理由"),
    "relation.always": ("always", "始终"),
    "relation.set": ("Set a relation", "设置关系"),
    "relation.to": ("The other golden record's id", "另一条黄金记录的编码"),
    "relation.text": ("or, for a contact, who it is", "或联系人信息"),
    "relation.choose": ("choose a relation", "请选择关系"),
    "relation.day": ("{given} is no day", "{given} 不是有效日期"),
    "relation.parent": ("parent company", "母公司"),
    "relation.parent.inverse": ("subsidiary", "子公司"),
    "relation.branch_of": ("branch of", "所属总公司"),
    "relation.branch_of.inverse": ("has the branch", "分公司"),
    "relation.bill_to": ("invoices go to", "开票方"),
    "relation.bill_to.inverse": ("pays for", "代为付款的单位"),
    "relation.ship_to": ("goods go to", "收货方"),
    "relation.ship_to.inverse": ("receives for", "代为收货的单位"),
    "relation.contact": ("contact", "联系人"),
    "relation.contact.inverse": ("contact of", "担任联系人的单位"),
    "relation.supersedes": ("supersedes", "取代"),
    "relation.supersedes.inverse": ("superseded by", "被取代为"),
    "relation.replaces": ("may replace", "可替代"),
    "relation.replaces.inverse": ("may be replaced by", "可被替代为"),
    "done.related": ("The relation is set.", "关系已设置。"),
}
