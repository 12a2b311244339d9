"""The trade's synonyms, as tables: what plants write for one material, finish, colour or brand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MATERIALS: Mapping[str, str] = {
    "304": "sus304|304不锈钢|不锈钢304|06cr19ni10|0cr18ni9|aisi ?304|1\\.4301|(?<![\\d.x*φ-])304(?![\\d.])",
    "316l": "sus316l|316l不锈钢|不锈钢316l|022cr17ni12mo2|1\\.4404|316l",
    "316": "sus316(?!l)|316不锈钢|不锈钢316|06cr17ni12mo2|1\\.4401|(?<![\\d.x*φ-])316(?![\\dl.])",
    "201": "sus201|201不锈钢|不锈钢201",
    "430": "sus430|430不锈钢|不锈钢430",
    "45": "45#|45号钢|45号|45钢|s45c|c45",
    "20": "20#|20号钢|20号|20钢|s20c",
    "q235b": "q235b", "q235": "q235a?(?!b)", "q345b": "q345b|q355b", "q345": "q345(?!b)|q355(?!b)",
    "20crmnti": "20crmnti", "40cr": "40cr(?!ni)", "42crmo": "42crmo|scm440", "65mn": "65mn|65锰",
    "gcr15": "gcr15|suj2", "spcc": "spcc|dc01", "secc": "secc", "sgcc": "sgcc|dx51d", "spcd": "spcd",
    "carbon": "碳钢|carbon steel|(?<![\\u3400-\\u9fff])铁(?![\\u3400-\\u9fff])",
    "brass": "黄铜|h62|h59|brass", "copper": "紫铜|t2铜|红铜", "al6061": "6061", "al7075": "7075", "al5052": "5052",
    "nbr": "nbr|丁腈橡胶|丁腈", "fkm": "fkm|氟橡胶|viton|fpm", "epdm": "epdm|三元乙丙橡胶|三元乙丙", "ptfe": "ptfe|四氟|特氟龙|teflon",
    "silicone": "硅胶|硅橡胶|silicone|vmq", "pu": "聚氨酯|(?<![a-z])pu(?![a-z])", "epoxy": "环氧|epoxy", "acrylic": "丙烯酸|acrylic",
    "pom": "(?<![a-z])pom(?![a-z])|赛钢|聚甲醛", "nylon": "尼龙|pa66|pa6|nylon", "pvc": "pvc|聚氯乙烯", "abs": "(?<![a-z])abs(?![a-z])",
}  # fmt: skip
FINISHES: Mapping[str, str] = {
    "yellow_zinc": "彩锌|镀彩锌|彩色锌", "zinc": "热镀锌|镀锌|白锌|蓝白锌|zinc[ -]plated|galvani[sz]ed", "black_oxide": "氧化发黑|发黑|黑色氧化|氧化黑|black oxide",
    "dacromet": "达克罗|dacromet", "nickel": "镀镍|nickel[ -]plated", "chrome": "镀铬|chrome[ -]plated", "anodised": "阳极氧化|anodi[sz]ed",
}  # fmt: skip
COLOURS: Mapping[str, str] = {
    "black": "黑色|黑(?=[\\s,，/）)\\-]|$|[\\u3400-\\u9fff]{0,3}缆|线)|(?<![a-z])(?:black|blk)(?![a-z])", "white": "白色|白(?=[\\s,，/）)]|$|丁)|(?<![a-z])(?:white|wht|whi)(?![a-z])",
    "grey": "灰色|灰(?=[\\s,，/）)]|$|[\\u3400-\\u9fff]{0,3}缆|线)|(?<![a-z])(?:gr[ea]y|gry)(?![a-z])",
    "blue": "蓝色|蓝(?=[\\s,，/）)]|$|丁)|(?<![a-z])(?:blue|blu)(?![a-z])", "red": "红色|红(?=[\\s,，/）)]|$)|(?<![a-z])red(?![a-z])",
    "green": "绿色|绿(?=[\\s,，/）)]|$)|(?<![a-z])(?:green|grn)(?![a-z])", "yellow": "黄色|黄(?=[\\s,，/）)]|$)|(?<![a-z])(?:yellow|ylw)(?![a-z])",
    "silver": "银色|(?<![a-z])(?:silver|slv)(?![a-z])", "pink": "粉色|粉红色?|(?<![a-z])pink(?![a-z])", "orange": "橙色|(?<![a-z])orange(?![a-z])",
    "transparent": "透明",
}  # fmt: skip
BRANDS: Mapping[str, str] = {
    "loctite": "乐泰|loctite", "siemens": "西门子|siemens", "c&u": "人本|c&u", "airtac": "亚德客|airtac", "schneider": "施耐德|schneider",
    "omron": "欧姆龙|omron", "mitsubishi": "三菱|mitsubishi", "festo": "费斯托|festo", "bosch": "博世|bosch", "skf": "斯凯孚|skf", "nsk": "恩斯克|nsk",
    "fag": "舍弗勒|(?<![a-z])fag(?![a-z])", "panasonic": "松下|panasonic", "delta": "台达", "chint": "正泰|chint", "delixi": "德力西|delixi",
    "abb": "(?<![a-z])abb(?![a-z])", "smc": "(?<![a-z])smc(?![a-z])", "ntn": "(?<![a-z])ntn(?![a-z])", "timken": "铁姆肯|timken", "3m": "(?<![a-z\\d.*x])3m(?![a-z\\d])(?=.*(?:胶|tape))",
    "keyence": "基恩士|keyence", "hiwin": "上银|hiwin", "thk": "(?<![a-z])thk(?![a-z])", "phoenix": "菲尼克斯|phoenix", "weidmuller": "魏德米勒|weidm",
}  # fmt: skip
FORMS: Mapping[str, str] = {
    "flat_washer": "平垫|flat washer", "spring_washer": "弹簧?垫|spring washer", "ball_valve": "球阀|ball valve", "gate_valve": "闸阀|gate valve",
    "butterfly_valve": "蝶阀|butterfly valve", "globe_valve": "截止阀|globe valve", "check_valve": "止回阀|check valve",
    "deep_groove": "深沟球|deep groove", "angular": "角接触|angular contact", "taper_roller": "圆锥滚子|taper(?:ed)? roller", "thrust": "推力(?:球|滚)|thrust b",
    "socket_head": "内六角|socket head", "countersunk": "沉头|countersunk|flat head", "pan_head": "盘头|pan head", "hex_head": "外六角|六角头|hex head",
    "elbow": "弯头|elbow", "tee": "三通|(?<![a-z])tee(?![a-z])", "reducer": "异径|大小头|reducer", "male": "公头|外螺纹", "female": "母头|内螺纹",
}  # fmt: skip
"""Kinds of one family that are never each other."""
NOUNS: Mapping[str, str] = {
    "nut": "螺母|螺帽|(?<![a-z])nuts?(?![a-z])", "screw": "螺栓|螺钉|螺丝(?!刀|批)|(?<![a-z])(?:bolts?|screws?)(?![a-z])", "washer": "垫圈|垫片|平垫|弹垫|(?<![a-z])washers?(?![a-z])",
    "resistor": "电阻|resistor", "capacitor": "电容|capacitor", "inductor": "电感|inductor", "diode": "二极管|diode", "transistor": "三极管|mos管|transistor",
    "bearing": "轴承(?!座)|(?<![a-z])bearings?(?![a-z])", "housing": "轴承座", "cable": "电缆|线缆|电线|(?<![a-z])cables?(?![a-z])", "plate": "钢板|板材|steel plate|steel sheet",
    "pipe": "钢管|无缝管|焊管|steel (?:pipe|tube)", "bar": "圆钢|圆棒|round bar", "o_ring": "o型圈|o形圈|o型密封圈|o-?ring", "oil_seal": "油封|oil seal",
    "box": "纸箱|包装箱|carton", "gloves": "手套|glove", "cylinder": "气缸|汽缸|cylinder", "valve": "[球闸蝶]阀|电磁阀|截止阀|止回阀|(?<![a-z])valves?(?![a-z])",
    "paint": "面漆|底漆|油漆|(?<![a-z])paint(?![a-z])", "belt": "三角带|v带|三角皮带|同步带|v-?belt", "motor": "电机|电动机|马达|(?<![a-z])motors?(?![a-z])",
    "sensor": "传感器|接近开关|(?<![a-z])sensors?(?![a-z])", "relay": "继电器|(?<![a-z])relays?(?![a-z])", "contactor": "接触器|contactor", "breaker": "断路器|空开|circuit breaker",
}  # fmt: skip
"""What the thing is; two things without a common noun are two things."""
WORDS: Mapping[str, str] = {
    "杯头": "", "圆柱头": "", "螺丝": "螺钉", "螺帽": "螺母", "六角头": "六角", "外六角": "六角", "机螺钉": "螺钉", "o形": "o型", "o-ring": "o型", "v型带": "三角带",
    "v带": "三角带", "三角皮带": "三角带", "汽缸": "气缸", "垫片": "垫圈", "弹簧垫": "弹垫", "密封圈": "圈", "电缆线": "电缆", "线缆": "电缆", "油漆": "面漆",
    "无缝管": "无缝钢管", "骨架式": "骨架", "棒": "钢", "片式": "贴片", "smd": "贴片", "陶瓷电容": "贴片电容",
}  # fmt: skip
"""Head words: what is said → what is compared; short and general, the learned features do the rest."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One word of a table: its pattern, and texts of which at least one must stand in whatever it matches."""

    name: str
    pattern: re.Pattern[str]
    needed: tuple[str, ...]

    def may_stand_in(self, text: str) -> bool:
        """Whether it is worth searching: looking for a few plain texts is much faster than for a pattern."""
        return not self.needed or any(part in text for part in self.needed)


def compiled(table: Mapping[str, str]) -> list[Entry]:
    """The table's patterns, ready to search."""
    return [Entry(name, re.compile(pattern), needed(pattern)) for name, pattern in table.items()]


_AROUND = re.compile(r"\(\?<?[!=](?:[^()]|\([^()]*\))*\)")
_INNER = re.compile(r"\((?:\?:)?[^()]*\)\??")
_VAGUE = re.compile(r"\[[^\]]*\](?:[?*]|\{[^}]*\})?|\\.|.[?*]")
_GAP = "\0"


def needed(pattern: str) -> tuple[str, ...]:
    """For each alternative of a pattern its longest plain part; empty where an alternative has none."""
    plain = _VAGUE.sub(_GAP, _INNER.sub(_GAP, _AROUND.sub(_GAP, pattern)))
    found = [max(re.split(r"[\0$^.(){}+]", part), key=len) for part in plain.split("|")]
    return tuple(found) if all(found) else ()
