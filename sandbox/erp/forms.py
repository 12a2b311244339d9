"""The business objects of this ERP: which fields each form has, and what each field accepts.

One description serves the tables, the queries and the Save checks, so that a field cannot be readable
under one name and writable under another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sandbox.erp.envelope import EXCEPTION, NO_FORM, Refused

Kind = Literal["text", "number", "integer", "date", "time", "base", "flag"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. A `base` field refers to a record of form `base` by its number."""

    key: str
    title: str
    kind: Kind = "text"
    required: bool = False
    base: str = ""
    default: str | None = None
    positive: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """One business object: a head, and rows under it when `entity` names them."""

    form_id: str
    title: str
    id_key: str
    number_key: str
    prefix: str
    head: tuple[Field, ...]
    entity: str = ""
    rows: tuple[Field, ...] = ()
    bill: bool = True
    cancellable: bool = False

    def fields(self) -> tuple[Field, ...]:
        return self.head + self.rows


def _text(key: str, title: str, *, required: bool = False) -> Field:
    return Field(key, title, required=required)


def _number(key: str, title: str, *, required: bool = False, default: str | None = None) -> Field:
    return Field(key, title, "number", required, default=default, positive=required)


def _date(key: str, title: str, *, required: bool = False) -> Field:
    return Field(key, title, "date", required)


def _base(key: str, title: str, base: str, *, required: bool = False) -> Field:
    return Field(key, title, "base", required, base=base)


_MATERIAL = _base("FMaterialId", "物料编码", "BD_MATERIAL", required=True)
_UNIT = _base("FUnitId", "单位", "BD_UNIT", required=True)
_REFERENCE = _text("F_MS_Ref", "外部参考号")
_PARTNER = (
    _text("FName", "名称", required=True),
    _text("FTaxRegisterCode", "纳税登记号"),
    _text("FCity", "城市"),
    _text("FTel", "联系电话"),
    Field("FForbidStatus", "禁用状态", default="A", read_only=True),
)

_ALL = (
    Form(
        "BD_UNIT",
        "计量单位",
        "FUNITID",
        "FNumber",
        "U",
        (
            _text("FName", "名称", required=True),
            Field("FForbidStatus", "禁用状态", default="A", read_only=True),
        ),
        bill=False,
    ),
    Form(
        "BD_MATERIAL",
        "物料",
        "FMATERIALID",
        "FNumber",
        "WL",
        (
            _text("FName", "名称", required=True),
            _text("FSpecification", "规格型号"),
            _base("FBaseUnitId", "基本单位", "BD_UNIT", required=True),
            _text("FErpClsID", "物料属性", required=True),
            _text("F_MS_DrawingNo", "图号"),
            Field("FFixLeadTime", "固定提前期", "integer"),
            _number("FSafeStock", "安全库存"),
            _number("FMinPOQty", "最小订货量"),
            _number("FIncreaseQty", "最小包装量"),
            Field("FOrderPolicy", "订货策略", default="0"),
            _number("FEOQ", "固定/经济批量"),
            Field("FOrderIntervalTime", "订货间隔期", "integer"),
            _number("FMaxPOQty", "最大订货量"),
            _number("F_MS_OrderUpTo", "补货至"),
            Field("F_MS_SafeTime", "安全时间", "integer"),
            Field("FPlanTimeZone", "计划时界", "integer"),
            _number("F_MS_ScrapRate", "损耗率%"),
            Field("FPlanMode", "计划模式"),
            _text("F_MS_GoldenCode", "主数据编码"),
            Field("FForbidStatus", "禁用状态", default="A", read_only=True),
        ),
        bill=False,
    ),
    Form("BD_Customer", "客户", "FCUSTID", "FNumber", "CUST", _PARTNER, bill=False),
    Form("BD_Supplier", "供应商", "FSupplierId", "FNumber", "VEN", _PARTNER, bill=False),
    Form(
        "PUR_PriceCategory",
        "采购价目表",
        "FID",
        "FNumber",
        "CGJM",
        (
            _base("FSupplierID", "供应商", "BD_Supplier", required=True),
            _base("FMaterialId", "物料编码", "BD_MATERIAL", required=True),
            _number("FPrice", "单价", required=True),
            _base("FCurrencyId", "币别", "BD_Currency", required=True),
            Field("F_MS_LeadTime", "供货提前期", "integer"),
            _number("F_MS_MinQty", "最小订货量"),
            _number("F_MS_Multiple", "订货倍量"),
            Field("F_MS_Priority", "优先级", "integer"),
            _number("F_MS_Quota", "配额%"),
            _date("FEFFECTIVEDATE", "生效日期"),
            _date("FEXPIRYDATE", "失效日期"),
        ),
        bill=False,
    ),
    Form(
        "BD_Currency",
        "币别",
        "FCURRENCYID",
        "FNumber",
        "CY",
        (
            _text("FName", "名称", required=True),
            Field("FForbidStatus", "禁用状态", default="A", read_only=True),
        ),
        bill=False,
    ),
    Form(
        "ENG_BOM",
        "物料清单",
        "FID",
        "FNumber",
        "BOM",
        (
            _base("FMATERIALID", "父项物料编码", "BD_MATERIAL", required=True),
            _number("FYIELDRATE", "成品率%", default="100"),
        ),
        "FTreeEntity",
        (
            _base("FMATERIALIDCHILD", "子项物料编码", "BD_MATERIAL", required=True),
            _number("FNUMERATOR", "用量:分子", required=True),
            _number("FDENOMINATOR", "用量:分母", default="1"),
            _base("FCHILDUNITID", "子项单位", "BD_UNIT", required=True),
            _number("FSCRAPRATE", "变动损耗率%", default="0"),
            Field("FMATERIALTYPE", "子项类型", default="1"),
            Field("FReplaceGroup", "项次", "integer"),
            Field("FReplacePriority", "替代优先级", "integer"),
            Field("F_MS_UseFirst", "优先用旧料", "flag", default="0"),
            _base("F_MS_Customer", "限定客户", "BD_Customer"),
            _base("F_MS_Product", "限定产品", "BD_MATERIAL"),
            _date("FEFFECTDATE", "生效日期"),
            _date("FEXPIREDATE", "失效日期"),
            Field("FOPERID", "工序", "integer"),
        ),
        bill=False,
    ),
    Form(
        "ENG_Route",
        "工艺路线",
        "FID",
        "FNumber",
        "RT",
        (_base("FMATERIALID", "物料编码", "BD_MATERIAL", required=True),),
        "FSubEntity",
        (
            Field("FOperNumber", "工序号", "integer", required=True),
            _base("FWorkCenterId", "工作中心", "ENG_WorkCenter", required=True),
            _text("FOperDescription", "工序说明"),
            _number("FSetupMinutes", "准备时间"),
            _number("FRunMinutes", "运行时间"),
            Field("FOutside", "委外", "flag", default="0"),
            _number("F_MS_ScrapRate", "工序损耗率%"),
            _number("F_MS_Days", "等待天数"),
        ),
        bill=False,
    ),
    Form(
        "ENG_WorkCenter",
        "工作中心",
        "FID",
        "FNumber",
        "WC",
        (
            _text("FName", "名称", required=True),
            Field("FForbidStatus", "禁用状态", default="A", read_only=True),
        ),
        bill=False,
    ),
    Form(
        "ENG_WorkCal",
        "工作日历",
        "FID",
        "FNumber",
        "RL",
        (_text("FName", "名称"),),
        "FDayEntity",
        (
            _date("FDay", "日期", required=True),
            Field("FHours", "工时", "number", required=True),
        ),
        bill=False,
    ),
    Form(
        "PLN_FORECAST",
        "预测单",
        "FID",
        "FBillNo",
        "YCD",
        (_date("FDate", "单据日期"),),
        "FEntity",
        (
            _MATERIAL,
            _UNIT,
            _number("FQty", "预测数量", required=True),
            _date("FStartDate", "预测日期", required=True),
            _base("FCustomerId", "客户", "BD_Customer"),
        ),
        cancellable=True,
    ),
    Form(
        "PUR_PurchaseOrder",
        "采购订单",
        "FID",
        "FBillNo",
        "CGDD",
        (
            _base("FSupplierId", "供应商", "BD_Supplier", required=True),
            _date("FDate", "采购日期"),
            _REFERENCE,
            Field("FCloseStatus", "关闭状态", default="A", read_only=True),
        ),
        "FPOOrderEntry",
        (
            _MATERIAL,
            _UNIT,
            _number("FQty", "采购数量", required=True),
            Field("FReceiveQty", "累计收料数量", "number", default="0", read_only=True),
            _date("FDeliveryDate", "交货日期", required=True),
        ),
        cancellable=True,
    ),
    Form(
        "PRD_MO",
        "生产订单",
        "FID",
        "FBillNo",
        "MO",
        (
            _base("FBillType", "单据类型", "BOS_BillType"),
            _date("FDate", "单据日期"),
            _REFERENCE,
            _text("F_MS_ReworkOf", "返工来源订单"),
        ),
        "FTreeEntity",
        (
            _MATERIAL,
            _UNIT,
            _number("FQty", "数量", required=True),
            Field("FFinishQty", "完成数量", "number", default="0", read_only=True),
            _date("FPlanStartDate", "计划开工时间", required=True),
            _date("FPlanFinishDate", "计划完工时间", required=True),
            Field("FStatus", "业务状态", default="1", read_only=True),
            _text("FSaleOrderNo", "销售订单号"),
            _text("F_MS_Configuration", "产品配置号"),
        ),
        cancellable=True,
    ),
    Form(
        "PUR_Requisition",
        "采购申请单",
        "FID",
        "FBillNo",
        "CGSQ",
        (
            _base("FBillTypeID", "单据类型", "BOS_BillType"),
            _date("FApplicationDate", "申请日期"),
            _REFERENCE,
        ),
        "FEntity",
        (
            _MATERIAL,
            _UNIT,
            _number("FReqQty", "申请数量", required=True),
            _date("FArrivalDate", "到货日期", required=True),
            _base("FSuggestSupplierId", "建议供应商", "BD_Supplier"),
        ),
        cancellable=True,
    ),
    Form(
        "SUB_SUBREQORDER",
        "委外订单",
        "FID",
        "FBillNo",
        "WWDD",
        (
            _base("FBillType", "单据类型", "BOS_BillType"),
            _date("FDate", "单据日期"),
            _REFERENCE,
        ),
        "FTreeEntity",
        (
            _MATERIAL,
            _UNIT,
            _number("FQty", "数量", required=True),
            _date("FPlanStartDate", "计划开工时间"),
            _date("FPlanFinishDate", "计划完工时间", required=True),
            _base("FSupplierId", "供应商", "BD_Supplier"),
        ),
        cancellable=True,
    ),
    Form(
        "PRD_MORPT",
        "生产汇报单",
        "FID",
        "FBillNo",
        "SCHB",
        (
            _text("FMoBillNo", "生产订单编号", required=True),
            _MATERIAL,
            Field("FFinishQty", "完成数量", "number", required=True),
            _number("FScrapQty", "报废数量", default="0"),
            Field("FReportDate", "汇报日期", "time", required=True),
            _REFERENCE,
        ),
    ),
    Form(
        "BOS_BillType",
        "单据类型",
        "FBILLTYPEID",
        "FNumber",
        "BT",
        (
            _text("FName", "名称", required=True),
            Field("FForbidStatus", "禁用状态", default="A", read_only=True),
        ),
        bill=False,
    ),
)

FORMS = {form.form_id: form for form in _ALL}


def form_named(form_id: object) -> Form:
    """The form, or the vendor's refusal when the id is missing or unknown."""
    if not isinstance(form_id, str) or not form_id.strip():
        raise Refused("业务对象标识不能为空", NO_FORM, "FormId")
    for known, form in FORMS.items():
        if known.lower() == form_id.strip().lower():
            return form
    raise Refused(f"业务对象标识[{form_id}]不存在", EXCEPTION, "FormId")


def common_fields(form: Form) -> tuple[Field, ...]:
    """What every head carries beside its own fields; the ERP alone writes them."""
    cancel = (Field("FCancelStatus", "作废状态", default="A", read_only=True),)
    return (
        Field("FDocumentStatus", "数据状态", default="A", read_only=True),
        Field("FCreateDate", "创建日期", "time", read_only=True),
        Field("FModifyDate", "最后修改日期", "time", read_only=True),
        *(cancel if form.cancellable else ()),
    )
