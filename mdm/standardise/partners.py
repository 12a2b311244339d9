"""Partners: a company's name taken apart into region, core, trade, legal form and branch; addresses; tax numbers.

Two companies of one core in two regions, trades or branches are two companies, however alike their names look.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from mdm.standardise.places import LATIN, PROVINCE_OF
from mdm.standardise.text import is_chinese, normalise, squash, words

_LEGAL = re.compile(
    r"集团股份有限公司|股份有限责任公司|股份有限公司|有限责任公司|有限合伙企业|有限合伙|有限公司|总公司|股份公司|(?<!分)公司|集团|个体工商户|合伙企业|\((?:有限|股份|集团)\)"
)
_LATIN_LEGAL = re.compile(
    r"(?<![a-z])(?:co\.?\s*,?\s*ltd\.?|company limited|company ltd|limited liability company|limited|ltd\.?|inc(?:orporated)?\.?|corp(?:oration)?\.?|company|co\.?"
    r"|gmbh(?:\s*&\s*co\.?\s*kg)?|l\.?l\.?c\.?|plc|s\.?a\.?r\.?l\.?|s\.?a\.?s?|s\.?r\.?l\.?|b\.?v\.?|n\.?v\.?|a\.?g\.?|k\.?g\.?|oy|ab|a/s|aps|pte\.?|pty\.?|s\.?p\.?a\.?|sdn\.? bhd\.?|kk|group|holdings?)(?![a-z])"
)
_BRANCH = re.compile(
    r"(?:第?[一二三四五六七八九十\d]{1,12}|[\u4e00-\u9fff]{2,6}?)(?:分公司|分厂|分店|办事处|营业部|门市部|经营部|销售部|项目部|事业部|支行|分行|车间)$"
)
_LATIN_BRANCH = re.compile(
    r"(?<![a-z])(?:([a-z]+|(?<!\d)\d{1,12}(?:st|nd|rd|th)?|no\.? ?\d{1,12}) (?:branch|office|division|plant)|(?:branch|plant) (?:no\.? ?)?(\d+|[a-z]+))(?![a-z])"
)
_PLACES = sorted(PROVINCE_OF, key=len, reverse=True)
_PLACE = re.compile(
    rf"({'|'.join(_PLACES)})(?:特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)?(?:[\u4e00-\u9fff]{{1,3}}(?:区|县|镇)(?=[\u4e00-\u9fff]{{4}}))?"
)
_LATIN_PLACE = re.compile(
    rf"(?<![a-z])({'|'.join(sorted(map(re.escape, LATIN), key=len, reverse=True))})(?: city| province)?(?![a-z])"
)
_TRADES = """精密机械 机械设备 机械制造 机械 机电设备 机电 电子科技 电子 信息技术 网络科技 生物科技 科技 五金制品 五金 自动化设备 自动化科技 自动化 国际贸易 进出口 贸易 商贸
供应链管理 供应链 物流 货运 运输 包装材料 包装制品 包装 印刷 精密模具 模具 汽车零部件 汽车配件 汽车 新材料 材料 轴承 仪器仪表 仪器 仪表 塑料制品 塑胶制品 塑胶 塑料 橡胶 密封件 紧固件 标准件 弹簧
化工 涂料 油墨 电气设备 电气 电器 电缆 线缆 电线 电机 电源 照明 光电 半导体 集成电路 通信 软件 智能装备 智能科技 智能 装备 设备 实业 工业 工程 建筑 建材 装饰 家具 纺织 服装 食品 医疗器械 医疗 医药 药业
能源 新能源 环保科技 环保 节能 钢铁 钢材 金属制品 金属材料 金属 铸造 锻造 热处理 表面处理 液压 气动 阀门 泵业 管业 玻璃 陶瓷 纸业 农业 投资 咨询 管理 技术 制造 制品 工贸 厂""".split()  # noqa: SIM905
_TRADE = frozenset(_TRADES)
_TRADE_LENGTHS = sorted({len(trade) for trade in _TRADES})
_TAX = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True, slots=True)
class ParsedPartner:
    """A company name: as it came, in one written form, and its parts; an empty part was not said."""

    raw: str
    text: str
    region: str
    province: str
    core: str
    trade: str
    legal: str
    branch: str

    @property
    def name(self) -> str:
        """Core and trade: what is compared."""
        return f"{self.core} {self.trade}".strip()


@lru_cache(maxsize=400_000)
def parse_partner(raw: str) -> ParsedPartner:
    """Parse a company's name, Chinese or Latin."""
    text = normalise(raw)
    return _chinese(raw, text) if is_chinese(text) else _latin(raw, text)


def _chinese(raw: str, text: str) -> ParsedPartner:
    left = re.sub(r"\s+", "", text)
    branch = ""
    ends = list(_LEGAL.finditer(left))
    tail = left[ends[-1].end() :].lstrip("()（）") if ends else left
    if tail and (found := _BRANCH.search(tail if ends else left)):
        # A branch without a legal form before it is the shortest ending that reads as one.
        branch = tail if ends else found[0][-5:] if found[0].endswith("分公司") else found[0]
        left = left[: len(left) - len(branch)]
    legal = "".join(match[0] for match in _LEGAL.finditer(left))
    left = re.sub(r"[()（）\[\]·,，.。\-]", "", _LEGAL.sub("", left))
    places = [match[1] for match in _PLACE.finditer(left)]
    rest = _PLACE.sub("", left)
    at = _trade_from(rest)
    if at == 0:
        rest, at = left, _trade_from(left)  # the place is the name
    region = next((place for place in reversed(places) if PROVINCE_OF[place] != place), places[-1] if places else "")
    return ParsedPartner(raw, text, region, PROVINCE_OF.get(region, ""), rest[:at], rest[at:], legal, branch)


def _trade_from(text: str) -> int:
    """Where the trades begin that a name ends with; its length where it ends with none.

    Backwards, each place once: trades are made of trades (机械设备 is 机械 and 设备), and a pattern would try them all.
    """
    first = len(text)
    starts = {first}
    for at in range(first - 1, -1, -1):
        if at < first - _TRADE_LENGTHS[-1]:
            break
        if any(at + length in starts and text[at : at + length] in _TRADE for length in _TRADE_LENGTHS):
            starts.add(at)
            first = at
    return first


def _latin(raw: str, text: str) -> ParsedPartner:
    branches = [match[0] for match in _LATIN_BRANCH.finditer(text)]
    left = _LATIN_BRANCH.sub(" ", text)
    legal = " ".join(re.sub(r"\W", "", match[0]) for match in _LATIN_LEGAL.finditer(left))
    left = _LATIN_LEGAL.sub(" ", left)
    places = [LATIN[match[1]] for match in _LATIN_PLACE.finditer(left)]
    rest = words(_LATIN_PLACE.sub(" ", left)) or words(left)
    region = places[0] if places else ""
    return ParsedPartner(
        raw,
        text,
        region,
        PROVINCE_OF.get(region, ""),
        " ".join(rest[:1]),
        " ".join(rest[1:]),
        legal,
        " ".join(branches),
    )


def partner_contradictions(left: ParsedPartner, right: ParsedPartner) -> tuple[str, ...]:
    """Parts in which the two names exclude each other: region and branch; in Chinese, where they parse, core and trade."""
    found = []
    if is_chinese(left.core) and is_chinese(right.core) and left.core not in right.core and right.core not in left.core:
        found.append("core")
    if left.region and right.region and _apart(left, right):
        found.append("region")
    if left.branch != right.branch:
        found.append("branch")
    if left.trade and right.trade and is_chinese(left.text) and is_chinese(right.text) and not _same_trade(left, right):
        found.append("trade")
    return tuple(found)


def _apart(left: ParsedPartner, right: ParsedPartner) -> bool:
    if left.region == right.region:
        return False
    # A province does not exclude its own city.
    wider = {left.region, right.region} & {left.province, right.province}
    return not (wider and left.province == right.province)


def _same_trade(left: ParsedPartner, right: ParsedPartner) -> bool:
    return left.trade in right.trade or right.trade in left.trade


def tax_number(raw: str) -> str:
    """A tax or registration number without spaces, hyphens and full-width forms; empty if it cannot be one."""
    number = _TAX.sub("", normalise(raw).upper())
    return number if len(number) >= 6 and any(c.isdigit() for c in number) else ""  # noqa: PLR2004


_STREETS = {"street": "st", "road": "rd", "avenue": "ave", "drive": "dr", "place": "pl", "crescent": "cres", "court": "ct", "circuit": "cct",
            "lane": "ln", "close": "cl", "boulevard": "blvd", "highway": "hwy", "building": "bldg", "suite": "ste", "north": "n", "south": "s",
            "east": "e", "west": "w"}  # fmt: skip


def address(raw: str) -> str:
    """An address in one written form: provinces' and cities' suffixes dropped, street words abbreviated."""
    text = normalise(raw)
    if is_chinese(text):
        return squash(re.sub(r"(?<=[\u4e00-\u9fff])(?:省|市|自治区|特别行政区|中国)", "", text))
    return " ".join(_STREETS.get(word, word) for word in words(text))
