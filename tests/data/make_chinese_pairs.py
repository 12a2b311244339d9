"""Writes the Chinese matching sets beside this file: pairs of materials and of companies, with hard negatives.

Each family below is a hand-written list of what one thing may be called by two systems, and of the values in which
two different things differ by one attribute only. The lists were written before the parser was tuned to them.
Run `python tests/data/make_chinese_pairs.py`; the seed is fixed, so the files are the same every time.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SEED = 20261122
ITEMS_PER_FAMILY = 18
TRIES = 200

Values = dict[str, str]


@dataclass(frozen=True)
class Family:
    """One kind of material: its values by attribute, how each side writes it, which attributes make it another."""

    values: Mapping[str, Sequence[str]]
    left: Sequence[str]
    right: Sequence[str]
    hard: Sequence[str]
    words: Mapping[str, Mapping[str, Sequence[str]]]
    """Attribute → value → other spellings the right side may use."""


def fastener(names: Sequence[str], others: Sequence[str]) -> Family:
    """Screws and bolts: thread × length, strength, finish."""
    return Family(
        values={
            "d": ["4", "5", "6", "8", "10", "12", "16", "20"], "l": ["10", "12", "16", "20", "25", "30", "40", "50"],
            "g": ["4.8", "8.8", "10.9", "12.9", "A2-70", "A4-80"], "f": ["镀锌", "发黑", "达克罗"],
            "n": names,
        },
        left=["{n} M{d}*{l} {g}级 {f}", "{n} M{d}×{l}mm {g}级{f}", "{n} M{d}X{l} {g} {f}"],
        right=["{n} M{d}x{l}mm {g} {f}", "M{d}*{l} {n} {f} {g}级", "{n}，M{d}×{l}，{f}，强度{g}", "{n} Ｍ{d}＊{l} {g} {f}",
               "{n} M{d}x{lc}cm {g}级 {f}"],
        hard=["d", "l", "g", "f"],
        words={"n": dict.fromkeys(names, others), "f": {
            "镀锌": ["镀锌", "鍍鋅", "白锌"], "发黑": ["发黑", "發黑", "氧化发黑"], "达克罗": ["达克罗", "達克羅", "DACROMET"]}},
    )  # fmt: skip


FAMILIES: dict[str, Family] = {
    "socket_screw": fastener(["内六角螺钉"], ["内六角圆柱头螺钉", "内六角螺丝", "內六角螺絲", "杯头内六角螺钉"]),
    "hex_bolt": fastener(["外六角螺栓"], ["六角头螺栓", "外六角螺丝", "六角螺栓", "外六角螺栓"]),
    "countersunk": fastener(["沉头螺钉"], ["沉头螺丝", "平头螺钉", "沉头机螺钉", "沉頭螺絲"]),
    "nut": Family(
        values={"d": ["4", "5", "6", "8", "10", "12", "16", "20"], "g": ["4", "6", "8", "10"],
                "m": ["碳钢", "304"], "n": ["六角螺母"]},
        left=["{n} M{d} {g}级 {m}", "{n} M{d} {m} {g}级"],
        right=["{n} M{d} {m} {g}级", "M{d}{n} {g}级 {m}", "{n}（M{d}） {m} {g}级"],
        hard=["d", "g", "m"],
        words={"n": {"六角螺母": ["六角螺帽", "外六角螺母", "六角螺母", "六角螺帽"]},
               "m": {"碳钢": ["碳钢", "碳鋼", "铁"], "304": ["SUS304", "304不锈钢", "不鏽鋼304", "06Cr19Ni10"]}},
    ),
    "washer": Family(
        values={"d": ["4", "5", "6", "8", "10", "12", "16"], "m": ["304", "316", "65Mn"], "n": ["平垫圈", "弹簧垫圈"]},
        left=["{n} Φ{d} {m}", "{n} {d} {m}"],
        right=["{n} φ{d}mm {m}", "{m} {n} Φ{d}", "{n} ø{d} {m}"],
        hard=["d", "m", "n"],
        words={"n": {"平垫圈": ["平垫", "平垫片", "平墊圈"], "弹簧垫圈": ["弹垫", "弹簧垫", "彈簧墊圈"]},
               "m": {"304": ["SUS304", "不锈钢304"], "316": ["SUS316", "不锈钢316"], "65Mn": ["65Mn", "65锰"]}},
    ),
    "bearing": Family(
        values={"c": ["6000", "6001", "6203", "6204", "6205", "6206", "6305", "6308", "6310"],
                "s": ["2RS", "ZZ", "2RZ"], "b": ["SKF", "NSK", "人本"], "n": ["深沟球轴承"]},
        left=["{n} {c}-{s} {b}", "{n} {c}{s} {b}"],
        right=["{b} {n} {c} {s}", "{n}{c}/{s} {b}", "{b}轴承 {c}-{s}"],
        hard=["c", "s", "b"],
        words={"n": {"深沟球轴承": ["深沟球轴承", "轴承", "深溝球軸承", "滚动轴承"]}, "b": {"人本": ["人本", "C&U"]}},
    ),
    "steel_plate": Family(
        values={"t": ["0.8", "1.0", "1.2", "1.5", "2.0", "3.0", "5.0"], "w": ["1000", "1219", "1250", "1500"],
                "l": ["2000", "2438", "2500", "3000"], "g": ["SPCC", "Q235B", "Q345B", "SECC"], "n": ["钢板"]},
        left=["{n} {g} {t}*{w}*{l}", "{n} {g} {t}×{w}×{l}mm"],
        right=["{g}{n} {t}x{w}x{l}", "{n} {t}mm*{w}mm*{l}mm {g}", "{n} {g} 厚{t}mm {w}*{l}", "{n} {t}X{wm}mX{lm}m {g}"],
        hard=["t", "w", "l", "g"],
        words={"n": {"钢板": ["钢板", "板材", "鋼板", "钢板材"]}},
    ),
    "round_bar": Family(
        values={"d": ["10", "16", "20", "25", "30", "45", "60", "80"], "g": ["45#", "40Cr", "Q235", "20CrMnTi"],
                "n": ["圆钢"]},
        left=["{n} {g} Φ{d}", "{n} Φ{d} {g}"],
        right=["{g}{n} φ{d}mm", "{n} 直径{d}mm {g}", "圓鋼 ø{d} {g}", "{n} {dc}cm {g}"],
        hard=["d", "g"],
        words={"n": {"圆钢": ["圆钢", "圆棒", "圆钢棒"]}, "g": {"45#": ["45#", "45号钢", "45钢", "S45C"]}},
    ),
    "pipe": Family(
        values={"d": ["25", "32", "38", "48", "57", "76", "89", "108"], "t": ["2.5", "3", "3.5", "4", "5"],
                "g": ["20#", "304", "Q345B"], "n": ["无缝钢管"]},
        left=["{n} Φ{d}*{t} {g}", "{n} {g} Φ{d}×{t}"],
        right=["{g} {n} φ{d}x{t}mm", "{n} 外径{d} 壁厚{t} {g}", "{n}D{d}*{t} {g}"],
        hard=["d", "t", "g"],
        words={"n": {"无缝钢管": ["无缝管", "無縫鋼管", "无缝钢管"]},
               "g": {"20#": ["20号钢", "20#", "20钢"], "304": ["SUS304", "304不锈钢"]}},
    ),
    "o_ring": Family(
        values={"d": ["10", "15", "20", "25", "30", "40", "50"], "t": ["1.8", "2.4", "2.65", "3.1", "3.55"],
                "m": ["NBR", "FKM", "EPDM"], "n": ["O型圈"]},
        left=["{n} {d}*{t} {m}", "{n} Φ{d}×{t} {m}"],
        right=["{n} {d}x{t}mm {m}", "{m} {n} φ{d}*{t}", "{n} 内径{d} 线径{t} {m}"],
        hard=["d", "t", "m"],
        words={"n": {"O型圈": ["O形圈", "O型密封圈", "Ｏ型圈", "O-RING密封圈"]},
               "m": {"NBR": ["丁腈", "NBR", "丁腈橡胶"], "FKM": ["氟橡胶", "FKM", "VITON"], "EPDM": ["三元乙丙", "EPDM"]}},
    ),
    "oil_seal": Family(
        values={"a": ["20", "25", "30", "35", "40"], "b": ["47", "50", "52", "62"], "h": ["7", "8", "10"],
                "m": ["NBR", "FKM"], "n": ["骨架油封"]},
        left=["{n} TC {a}*{b}*{h} {m}", "{n} {a}×{b}×{h} TC {m}"],
        right=["TC{n} {a}x{b}x{h} {m}", "{n}TC {a}-{b}-{h} {m}", "{n} TC型 {a}*{b}*{h}mm {m}"],
        hard=["a", "b", "h", "m"],
        words={"n": {"骨架油封": ["油封", "骨架式油封", "骨架油封"]}, "m": {"NBR": ["丁腈", "NBR"], "FKM": ["氟橡胶", "FKM"]}},
    ),
    "resistor": Family(
        values={"r": ["1K", "4.7K", "10K", "47K", "100R", "220R", "1M"], "p": ["0402", "0603", "0805", "1206"],
                "a": ["1%", "5%"], "n": ["贴片电阻"]},
        left=["{n} {r} {p} {a}", "{n} {p} {r} ±{a}"],
        right=["{n} {p} {ro} ±{a}", "{ro} {a} {p} {n}", "{n}-{p}-{ro}-{a}"],
        hard=["r", "p", "a"],
        words={"n": {"贴片电阻": ["电阻", "SMD电阻", "贴片電阻", "片式电阻"]}},
    ),
    "capacitor": Family(
        values={"c": ["100nF", "10nF", "1uF", "4.7uF", "10uF", "220pF"], "v": ["16V", "25V", "50V"],
                "p": ["0402", "0603", "0805"], "x": ["X7R", "X5R", "C0G"], "n": ["贴片电容"]},
        left=["{n} {c} {v} {p} {x}", "{n} {p} {c} {v} {x}"],
        right=["{n} {p} {co}/{v} {x}", "{co} {v} {x} {p} {n}", "MLCC {n} {p} {x} {co} {v}"],
        hard=["c", "v", "p", "x"],
        words={"n": {"贴片电容": ["陶瓷电容", "贴片电容器", "貼片電容", "电容"]}},
    ),
    "cable": Family(
        values={"k": ["2", "3", "4", "5"], "s": ["0.75", "1.0", "1.5", "2.5", "4", "6"], "y": ["RVV", "RVVP", "BVR", "YJV"],
                "f": ["黑色", "灰色"], "n": ["电缆"]},
        left=["{n} {y} {k}*{s} {f}", "{y} {k}×{s}mm2 {f}{n}"],
        right=["{y}{n} {k}x{s}平方 {f}", "{f}{n} {y}-{k}*{s}mm²", "{n} {y} {k}芯{s}平方 {f}"],
        hard=["k", "s", "y", "f"],
        words={"n": {"电缆": ["电缆线", "電纜", "线缆"]}, "f": {"黑色": ["黑", "BLACK", "黑色"], "灰色": ["灰", "GREY", "灰色"]}},
    ),
    "cylinder": Family(
        values={"b": ["32", "40", "50", "63", "80", "100"], "s": ["25", "50", "75", "100", "150", "200"],
                "y": ["SC", "SDA", "MAL"], "n": ["气缸"]},
        left=["{n} {y}{b}*{s}", "{n} {y}-{b}×{s}"],
        right=["{y}{b}x{s} 标准{n}", "亚德客{n} {y}{b}X{s}", "{n} {y} 缸径{b} 行程{s}"],
        hard=["b", "s", "y"],
        words={"n": {"气缸": ["气缸", "氣缸", "汽缸"]}},
    ),
    "v_belt": Family(
        values={"y": ["A", "B", "C", "SPA", "SPB"], "l": ["1000", "1120", "1250", "1400", "1600", "2000"], "n": ["三角带"]},
        left=["{n} {y}-{l}", "{n} {y}{l}"],
        right=["{y}{l} {n}", "{n} {y}型 {l}mm", "{n} {y}*{l}"],
        hard=["y", "l"],
        words={"n": {"三角带": ["V带", "三角皮带", "V型带", "三角帶"]}},
    ),
    "paint": Family(
        values={"c": ["7035", "9005", "5012", "3020", "1021"], "k": ["1kg", "5kg", "20kg"], "y": ["环氧", "聚氨酯", "丙烯酸"],
                "n": ["面漆"]},
        left=["{y}{n} RAL{c} {k}/桶", "{n} {y} RAL {c} {k}"],
        right=["{y}{n} RAL-{c} {kg}/桶", "RAL{c}{y}{n} {k}装", "{y}漆 RAL{c} 每桶{k}"],
        hard=["c", "k", "y"],
        words={"n": {"面漆": ["面漆", "油漆"]}, "y": {"环氧": ["环氧", "環氧"], "聚氨酯": ["聚氨酯", "PU"], "丙烯酸": ["丙烯酸"]}},
    ),
    "glue": Family(
        values={"c": ["222", "243", "263", "271", "401", "495", "638"], "k": ["10ml", "50ml", "250ml"], "n": ["螺纹胶"]},
        left=["乐泰{n} {c} {k}", "{n} 乐泰{c} {k}/瓶"],
        right=["LOCTITE {c} {n} {k}", "乐泰 {c} {kl}", "樂泰{c}{n} {k}装"],
        hard=["c", "k"],
        words={"n": {"螺纹胶": ["螺纹锁固胶", "厌氧胶", "螺紋膠"]}},
    ),
    "plc": Family(
        values={"c": ["6ES7215-1AG40-0XB0", "6ES7214-1AG40-0XB0", "6ES7223-1BL32-0XB0", "6ES7231-4HD32-0XB0",
                      "6ES7232-4HD32-0XB0", "6ES7241-1CH32-0XB0", "6ES7288-1SR20-0AA0", "6ES7288-1ST30-0AA1"],
                "n": ["PLC模块"], "v": ["DC24V", "AC220V"]},
        left=["西门子{n} {c} {v}", "{n} {c} {v} 西门子"],
        right=["SIEMENS {n} {cs} {v}", "{cs} 西门子可编程控制器 {v}", "西門子 {n} {cs} {vr}"],
        hard=["c", "v"],
        words={"n": {"PLC模块": ["模块", "PLC", "PLC模組"]}},
    ),
    "carton": Family(
        values={"a": ["300", "400", "450", "500"], "b": ["200", "250", "300"], "h": ["150", "200", "250", "300"],
                "y": ["三层", "五层"], "n": ["纸箱"]},
        left=["{n} {a}*{b}*{h} {y}", "{y}{n} {a}×{b}×{h}mm"],
        right=["{y}瓦楞{n} {a}x{b}x{h}", "{n} {ac}*{bc}*{hc}cm {y}", "{n}{y} {a}*{b}*{h}MM"],
        hard=["a", "b", "h", "y"],
        words={"n": {"纸箱": ["纸箱", "紙箱", "包装箱"]}, "y": {"三层": ["三层", "3层"], "五层": ["五层", "5层", "五層"]}},
    ),
    "gloves": Family(
        values={"z": ["S", "M", "L", "XL"], "f": ["白色", "蓝色", "黑色"], "k": ["100只/盒", "50只/盒"], "n": ["丁腈手套"]},
        left=["{n} {f} {z}码 {k}", "{n} {z} {f} {k}"],
        right=["{f}{n} {z}号 {kp}", "{n}（{f}，{z}码） {k}", "{n} {z}码 {f} {kp}"],
        hard=["z", "f", "k"],
        words={"n": {"丁腈手套": ["丁腈手套", "丁腈橡胶手套", "一次性丁腈手套"]},
               "f": {"白色": ["白", "WHITE"], "蓝色": ["蓝", "藍色"], "黑色": ["黑", "黑色"]}},
    ),
}  # fmt: skip

_OHMS = {"1K": "1kΩ", "4.7K": "4K7", "10K": "10kΩ", "47K": "47千欧", "100R": "100Ω", "220R": "220欧", "1M": "1MΩ"}
_FARADS = {"100nF": "0.1uF", "10nF": "0.01μF", "1uF": "1000nF", "4.7uF": "4.7μF", "10uF": "10μF", "220pF": "0.22nF"}
_PACKS = {"100只/盒": "100PCS/盒", "50只/盒": "盒装50只"}
_KILOS = {"1kg": "1000g", "5kg": "5公斤", "20kg": "20千克"}
_LITRES = {"10ml": "10毫升", "50ml": "0.05L", "250ml": "0.25升"}


def _plain(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")


def derived(values: Values) -> Values:
    """The same values in other units or spellings."""
    more = dict(values)
    for name, value in values.items():
        try:
            number = float(value)
        except ValueError:
            continue
        more[f"{name}c"], more[f"{name}m"] = _plain(number / 10), _plain(number / 1000)
    more["ro"] = _OHMS.get(values.get("r", ""), "")
    more["co"] = _FARADS.get(values.get("c", ""), "")
    more["kp"] = _PACKS.get(values.get("k", ""), "")
    more["kg"] = _KILOS.get(values.get("k", ""), "")
    more["kl"] = _LITRES.get(values.get("k", ""), "")
    more["cs"] = values.get("c", "").replace("-", " ")
    more["vr"] = {"DC24V": "24VDC", "AC220V": "220VAC"}.get(values.get("v", ""), "")
    return more


def render(template: str, values: Values, words: Mapping[str, Mapping[str, Sequence[str]]], rng: random.Random) -> str:
    """One system's way to write the thing."""
    said = derived(values)
    for name, spellings in words.items():
        said[name] = rng.choice(list(spellings.get(values[name], [values[name]])))
    return template.format(**said)


def another(values: Values, family: Family, rng: random.Random) -> tuple[str, Values]:
    """The same thing but for one attribute that makes it a different thing."""
    name = rng.choice([one for one in family.hard if len(family.values[one]) > 1])
    return name, values | {name: rng.choice([value for value in family.values[name] if value != values[name]])}


def materials(rng: random.Random) -> Iterator[tuple[str, str, int, str]]:
    """(left, right, same?, why)."""
    for kind, family in FAMILIES.items():
        seen: set[tuple[str, ...]] = set()
        for _ in range(ITEMS_PER_FAMILY):
            values = _fresh(family, seen, rng)
            if values is None:
                break
            left = render(rng.choice(list(family.left)), values, {}, rng)
            yield left, render(rng.choice(list(family.right)), values, family.words, rng), 1, kind
            name, other = another(values, family, rng)
            if tuple(other.values()) not in seen:
                seen.add(tuple(other.values()))
                right = render(rng.choice(list(family.right)), other, family.words, rng)
                yield left, right, 0, f"{kind}:{name}"


def _fresh(family: Family, seen: set[tuple[str, ...]], rng: random.Random) -> Values | None:
    for _ in range(TRIES):
        values = {name: rng.choice(list(choices)) for name, choices in family.values.items()}
        if tuple(values.values()) not in seen:
            seen.add(tuple(values.values()))
            return values
    return None


REGIONS = ["上海", "苏州", "深圳", "宁波", "无锡", "东莞", "杭州", "青岛", "成都", "武汉", "天津", "佛山"]
PROVINCES = {"苏州": "江苏省", "深圳": "广东省", "宁波": "浙江省", "无锡": "江苏", "东莞": "广东", "杭州": "浙江省", "青岛": "山东省",
             "成都": "四川省", "武汉": "湖北省", "佛山": "广东省"}  # fmt: skip
CORES = ["华鑫", "恒达", "瑞丰", "金桥", "东方龙", "鼎盛", "博远", "天宇", "宏图", "联创", "新时代", "科瑞", "国泰", "美亚", "永固",
         "正阳", "凯旋", "百川", "华欣", "恒大成", "瑞峰", "鼎晟", "博源", "天语", "海纳", "领航", "江南", "赛维", "优耐", "德力"]  # fmt: skip
TRADES = [
    "精密机械",
    "电子科技",
    "五金制品",
    "自动化设备",
    "贸易",
    "物流",
    "包装材料",
    "模具",
    "汽车零部件",
    "新材料",
    "轴承",
    "仪器仪表",
]
TRADITIONAL = str.maketrans("华联国东龙鼎达图创时阳旋领优宁无广庆连门圆机电装动车轴术业贸务厂设备仪器仪测创兴",
                            "華聯國東龍鼎達圖創時陽旋領優寧無廣慶連門圓機電裝動車軸術業貿務廠設備儀器儀測創興")  # fmt: skip
BRANCHES = ["第一分公司", "第二分公司", "昆山分公司", "南京分公司", "销售分公司"]
ENGLISH_REGIONS = ["Shanghai", "Suzhou", "Shenzhen", "Ningbo", "Wuxi", "Dongguan"]
ENGLISH_CORES = ["Huaxin", "Hengda", "Ruifeng", "Jinqiao", "Dingsheng", "Boyuan", "Keyrui", "Lianchuang"]
ENGLISH_TRADES = [
    "Precision Machinery",
    "Electronic Technology",
    "Hardware Products",
    "Automation Equipment",
    "Packaging",
]


@dataclass(frozen=True)
class Company:
    """A company by its parts."""

    region: str
    core: str
    trade: str
    branch: str = ""


def _full(one: Company) -> str:
    return f"{one.region}市{one.core}{one.trade}有限公司{one.branch}"


SPELLINGS: list[Callable[[Company], str]] = [
    lambda one: f"{one.region}{one.core}{one.trade}有限责任公司{one.branch}",
    lambda one: f"{one.core}{one.trade}（{one.region}）有限公司{one.branch}",
    lambda one: f"{PROVINCES.get(one.region, '')}{one.region}市{one.core}{one.trade}有限公司{one.branch}",
    lambda one: f"{one.region}{one.core}{one.trade}有限公司{one.branch}".translate(TRADITIONAL),
    lambda one: f"{one.region}{one.core}{one.trade}公司{one.branch}",
    lambda one: f" {one.region} {one.core} {one.trade}(有限公司) {one.branch}",
    lambda one: f"{one.region}市{one.core}{one.trade}股份有限公司{one.branch}",
    lambda one: f"{one.region}{one.core}{one.trade}{one.branch}",
    lambda one: f"{one.core}{one.trade}有限公司{one.branch}",
]


def _english(one: Company) -> str:
    return f"{one.region} {one.core} {one.trade} Co., Ltd."


ENGLISH_SPELLINGS: list[Callable[[Company], str]] = [
    lambda one: f"{one.region.upper()} {one.core.upper()} {one.trade.upper()} CO LTD",
    lambda one: f"{one.core} {one.trade} ({one.region}) Co.,Ltd",
    lambda one: f"{one.region} {one.core} {one.trade} Company Limited",
    lambda one: f"{one.region} {one.core} {one.trade} Limited",
]


def companies(rng: random.Random) -> Iterator[tuple[str, str, int, str]]:
    """(left, right, same?, why)."""
    seen: set[Company] = set()
    for index in range(200):
        region, core, trade = rng.choice(REGIONS), CORES[index % len(CORES)], rng.choice(TRADES)
        one = Company(region, core, trade, rng.choice(BRANCHES) if index % 6 == 0 else "")
        yield from _company_pairs(one, seen, rng, (REGIONS, TRADES), (_full, SPELLINGS), branch=True)
    for index in range(40):
        core = ENGLISH_CORES[index % len(ENGLISH_CORES)]
        one = Company(rng.choice(ENGLISH_REGIONS), core, rng.choice(ENGLISH_TRADES))
        words = (ENGLISH_REGIONS, ENGLISH_TRADES)
        yield from _company_pairs(one, seen, rng, words, (_english, ENGLISH_SPELLINGS), branch=False)


def _company_pairs(
    one: Company,
    seen: set[Company],
    rng: random.Random,
    words: tuple[list[str], list[str]],
    spell: tuple[Callable[[Company], str], list[Callable[[Company], str]]],
    *,
    branch: bool,
) -> Iterator[tuple[str, str, int, str]]:
    # Two companies of one name in two regions, plus a spelling without region, would have no right answer.
    if any(one.core == other.core and one.trade == other.trade for other in seen):
        return
    seen.add(one)
    regions, trades = words
    kinds = ["region", "trade", "branch"] if branch else ["region", "trade"]
    kind = rng.choice(kinds)
    # A spelling that drops the region is ambiguous beside a namesake elsewhere.
    spellings = spell[1][:-1] if branch and kind == "region" else spell[1]
    yield spell[0](one), rng.choice(spellings)(one), 1, "branch" if one.branch else "plain"
    change = {
        "region": lambda: Company(_but(regions, one.region, rng), one.core, one.trade, one.branch),
        "trade": lambda: Company(one.region, one.core, _but(trades, one.trade, rng), one.branch),
        "branch": lambda: Company(one.region, one.core, one.trade, _but(["", *BRANCHES], one.branch, rng)),
    }[kind]()
    if change not in seen:
        seen.add(change)
        sure = spell[1][:-1] if branch else spell[1]
        yield spell[0](one), rng.choice(sure)(change), 0, f"hard:{kind}"


def _but(choices: Sequence[str], value: str, rng: random.Random) -> str:
    return rng.choice([choice for choice in choices if choice != value])


def write(name: str, pairs: Iterator[tuple[str, str, int, str]]) -> None:
    """One CSV: left, right, same, why."""
    with (HERE / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["left", "right", "same", "why"])
        writer.writerows(pairs)


if __name__ == "__main__":
    write("chinese_materials.csv", materials(random.Random(SEED)))
    write("chinese_companies.csv", companies(random.Random(SEED)))
