"""Pairs of tables made by rule, unlike the sets the matcher grew up with: nothing in the matcher may know them.

Each has sisters (things that differ in one part), records without a partner on either side, gaps and slips of the
keyboard. What is true is known because the two tables are told from one list of things.
"""

# ruff: noqa: E501, PERF401, PLR2004 - tables of words and of chances

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.labelled_sets import Labelled, Table, Truth

Teller = Callable[[random.Random, dict[str, str]], dict[str, str]]


@dataclass(frozen=True, slots=True)
class _World:
    """Things, and how the left and the right table tell of one."""

    things: Sequence[dict[str, str]]
    left: Teller
    right: Teller


def made(name: str, *, shared: float = 0.6, twins: float = 0.0, seed: int = 11) -> Labelled:
    """A set by name. `shared`: part of the things that both tables hold; `twins`: part the right one holds twice."""
    draw = random.Random(f"{name}{seed}")
    world = MADE[name](draw)
    left: Table = []
    right: Table = []
    truth: Truth = []
    for number, thing in enumerate(world.things):
        where = draw.random()
        ours = where < shared or where < (1 + shared) / 2
        theirs = where < shared or not ours
        if ours:
            left.append({"id": f"L{number}", **world.left(draw, thing)})
        for k in range((1 + (draw.random() < twins)) if theirs else 0):
            right.append({"ref": f"R{number}.{k}", **world.right(draw, thing)})
            if ours:
                truth.append((f"L{number}", f"R{number}.{k}"))
    draw.shuffle(left)
    draw.shuffle(right)
    return left, right, truth


_SHORT, _OFTEN, _SELDOM = 5, 0.5, 0.3


def _slip(draw: random.Random, text: str, chance: float) -> str:
    """Now and then a letter is left out, doubled or swapped."""
    if len(text) < _SHORT or draw.random() >= chance:
        return text
    at = draw.randrange(1, len(text) - 2)
    return draw.choice(
        (
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        )
    )


def _said(draw: random.Random, text: str, chance: float) -> str:
    return text if draw.random() < chance else ""


# --- English tools and spare parts: brand, model, what it is, variant -------------------------------------------------

_BRANDS = (
    "Bosch",
    "Makita",
    "DeWalt",
    "Festool",
    "Hilti",
    "Metabo",
    "Milwaukee",
    "Ryobi",
    "Hikoki",
    "Stanley",
    "Einhell",
    "Fein",
)
_TOOLS = (
    ("cordless drill", "drill driver", ("12V", "18V", "20V", "36V")),
    ("angle grinder", "grinder", ("115 mm", "125 mm", "150 mm", "230 mm")),
    ("circular saw", "hand-held circular saw", ("160 mm", "190 mm", "235 mm")),
    ("random orbital sander", "orbit sander", ("125 mm", "150 mm")),
    ("rotary hammer", "SDS hammer drill", ("2 kg", "4 kg", "5 kg")),
    ("impact wrench", "impact driver", ("1/2 in", "3/4 in", "1/4 in")),
    ("jigsaw", "pendulum jig saw", ("650 W", "720 W", "800 W")),
    ("vacuum cleaner", "dust extractor", ("20 L", "25 L", "35 L", "50 L")),
)
_KITS = ("", "with case", "2 x 4.0 Ah batteries", "bare tool", "in L-Boxx")


def _tools(draw: random.Random) -> _World:
    things = []
    for _ in range(330):
        brand, (what, other, sizes) = draw.choice(_BRANDS), draw.choice(_TOOLS)
        stem = "".join(draw.choices(string.ascii_uppercase, k=draw.choice((2, 3))))
        number = draw.randrange(10, 999)
        for sister in range(draw.choice((1, 1, 2, 3))):
            model = f"{stem}{number + sister * draw.choice((1, 5, 10))}{draw.choice(('', '', 'E', 'XR', 'Z'))}"
            things.append({
                "brand": brand, "what": what, "other": other, "model": model, "size": draw.choice(sizes),
                "kit": draw.choice(_KITS), "price": f"{draw.uniform(40, 700):.2f}",
            })  # fmt: skip

    def left(draw: random.Random, thing: dict[str, str]) -> dict[str, str]:
        name = f"{thing['brand']} {thing['model']} {thing['size']} {thing['what']} {thing['kit']}".strip()
        return {"product": _slip(draw, name, 0.1), "maker": thing["brand"], "list price": f"${thing['price']}"}

    def right(draw: random.Random, thing: dict[str, str]) -> dict[str, str]:
        model = thing["model"]
        cut = next(k for k, c in enumerate(model) if c.isdigit())
        model = draw.choice((model, f"{model[:cut]} {model[cut:]}", f"{model[:cut]}-{model[cut:]}", model.lower()))
        size = thing["size"].replace(" ", "") if draw.random() < _OFTEN else thing["size"]
        parts = [draw.choice((thing["what"], thing["other"])), _said(draw, model, 0.85), _said(draw, size, 0.8)]
        draw.shuffle(parts)
        title = " ".join(part for part in (_said(draw, thing["brand"], 0.8), *parts) if part)
        price = float(thing["price"]) * draw.choice((1, 1, 0.95, 1.1))
        return {
            "title": title.title() if draw.random() < _SELDOM else title,
            "details": _said(draw, f"{thing['brand']} {thing['other']}, {thing['kit'] or 'boxed'}", 0.5),
            "cost": _said(draw, f"{price:.2f} EUR", 0.7),
        }

    return _World(things, left, right)


# --- English companies: name, street, town, telephone, VAT ------------------------------------------------------------

_CORES = ("Northfield", "Harlow", "Oakridge", "Sterling", "Blackwood", "Redstone", "Kingsley", "Ashford", "Vanguard", "Summit", "Pioneer",
          "Meridian", "Falcon", "Granite", "Beacon", "Crestview", "Lakeside", "Orion", "Atlas", "Delta", "Evergreen", "Heritage", "Titan", "Zenith",
          "Bradley & Sons", "Whitmore", "Fairfax", "Colby", "Draper", "Ellison", "Hartmann", "Jansen", "Kowalski", "Larsson", "Moreau", "Novak")  # fmt: skip
_LINES = ("Precision Engineering", "Plastics", "Logistics", "Metalworks", "Packaging", "Foods", "Electronics", "Tooling", "Castings", "Fasteners",
          "Software", "Chemicals", "Hydraulics", "Bearings", "Timber", "Textiles")  # fmt: skip
_FORMS = (
    ("Limited", "Ltd"),
    ("Incorporated", "Inc."),
    ("Corporation", "Corp"),
    ("GmbH", "GmbH"),
    ("LLC", "L.L.C."),
    ("PLC", "plc"),
)
_TOWNS = (
    "Leeds",
    "Bristol",
    "Sheffield",
    "Dayton",
    "Toledo",
    "Hamburg",
    "Ulm",
    "Lyon",
    "Austin",
    "Boise",
    "Cork",
    "Derby",
)
_STREETS = (
    "Mill Lane",
    "Station Road",
    "Church Street",
    "Industrial Avenue",
    "High Street",
    "Canal Road",
    "Park Drive",
    "Foundry Court",
)


def _firms(draw: random.Random) -> _World:
    things = []
    for _ in range(420):
        core, line, form = draw.choice(_CORES), draw.choice(_LINES), draw.randrange(len(_FORMS))
        for _ in range(draw.choice((1, 1, 1, 2))):
            things.append({
                "core": core, "line": line, "form": str(form), "town": draw.choice(_TOWNS),
                "street": f"{draw.randrange(1, 240)} {draw.choice(_STREETS)}", "phone": str(draw.randrange(10**9, 10**10)),
                "vat": f"GB{draw.randrange(10**8, 10**9)}",
            })  # fmt: skip

    def told(short: int) -> Teller:
        def tell(draw: random.Random, thing: dict[str, str]) -> dict[str, str]:
            form = _FORMS[int(thing["form"])][short]
            name = f"{thing['core']} {thing['line']} {form if draw.random() < 0.85 else ''}".strip()
            street = thing["street"].replace("Road", "Rd").replace("Street", "St") if short else thing["street"]
            phone = f"+44 {thing['phone'][:4]} {thing['phone'][4:]}" if short else thing["phone"]
            names = (
                ("name", "street", "town", "telephone", "vat no")
                if short
                else ("company", "address", "city", "phone", "tax number")
            )
            values = (
                _slip(draw, name.upper() if short and draw.random() < _SELDOM else name, 0.15), _slip(draw, _said(draw, street, 0.8), 0.1),
                _said(draw, thing["town"], 0.9), _said(draw, phone, 0.6), _said(draw, thing["vat"], 0.4),
            )  # fmt: skip
            return dict(zip(names, values, strict=True))

        return tell

    return _World(things, told(0), told(1))


# --- Chinese companies with a tax number here and there ---------------------------------------------------------------

_PLACES = (
    "杭州",
    "宁波",
    "温州",
    "苏州",
    "无锡",
    "东莞",
    "佛山",
    "青岛",
    "济南",
    "成都",
    "重庆",
    "西安",
    "长沙",
    "合肥",
    "福州",
    "沈阳",
)
_MARKS = (
    "宏",
    "盛",
    "达",
    "鑫",
    "瑞",
    "华",
    "恒",
    "泰",
    "远",
    "博",
    "诚",
    "信",
    "德",
    "润",
    "丰",
    "隆",
    "昌",
    "盈",
    "嘉",
    "凯",
    "锐",
    "驰",
    "尚",
    "中",
)
_WORKS = (
    "机械",
    "电气",
    "五金制品",
    "塑胶",
    "化工",
    "包装材料",
    "精密模具",
    "自动化设备",
    "轴承",
    "阀门",
    "电子科技",
    "物流",
    "贸易",
    "纺织",
    "食品",
    "医疗器械",
)
_SIGNS = ("有限公司", "股份有限公司", "有限责任公司")


def _firms_zh(draw: random.Random) -> _World:
    things = []
    for _ in range(380):
        core, work, place, sign = (
            "".join(draw.sample(_MARKS, 2)),
            draw.choice(_WORKS),
            draw.choice(_PLACES),
            draw.choice(_SIGNS),
        )
        for kind in draw.choice((("",), ("",), ("", "place"), ("", "work"), ("", "branch"))):
            things.append({
                "core": core, "work": draw.choice(_WORKS) if kind == "work" else work, "place": draw.choice(_PLACES) if kind == "place" else place,
                "sign": sign, "branch": draw.choice(("第二分公司", "销售分公司", "第一分厂")) if kind == "branch" else "",
                "tax": "91" + "".join(draw.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=16)), "road": f"{draw.choice(('人民', '中山', '解放', '工业', '科技', '建设'))}路{draw.randrange(1, 900)}号",
            })  # fmt: skip
    things = list({(one["core"], one["work"], one["place"], one["branch"]): one for one in things}.values())

    def left(draw: random.Random, thing: dict[str, str]) -> dict[str, str]:
        name = (
            f"{thing['place']}{draw.choice(('市', ''))}{thing['core']}{thing['work']}{thing['sign']}{thing['branch']}"
        )
        return {
            "单位名称": name,
            "地址": _said(draw, f"{thing['place']}市{thing['road']}", 0.7),
            "税号": _said(draw, thing["tax"], 0.5),
        }

    def right(draw: random.Random, thing: dict[str, str]) -> dict[str, str]:
        sign = draw.choice((thing["sign"], "有限公司", "公司", "")) if not thing["branch"] else thing["sign"]
        front = draw.choice(
            (
                f"{thing['place']}{thing['core']}{thing['work']}{sign}",
                f"{thing['core']}{thing['work']}（{thing['place']}）{sign}",
                f"{thing['place']}市{thing['core']}{thing['work']}{sign}",
            )
        )
        return {
            "客户": f"{front}{thing['branch']}",
            "详细地址": _said(draw, f"{thing['place']}{thing['road']}", 0.6),
            "信用代码": _said(draw, thing["tax"], 0.5),
        }

    return _World(things, left, right)


# --- Chinese electrical parts: name, specification, unit ---------------------------------------------------------------


def _parts_zh(draw: random.Random) -> _World:
    things = []
    for _ in range(700):
        kind = draw.randrange(5)
        if kind == 0:
            value, unit = (
                draw.choice(("1", "2.2", "4.7", "10", "22", "47", "100", "220")),
                draw.choice(("nF", "uF", "pF")),
            )
            what = {
                "name": "贴片电容",
                "also": "陶瓷电容 MLCC",
                "spec": f"{value}{unit} {draw.choice(('16', '25', '50', '100'))}V {draw.choice(('0402', '0603', '0805', '1206'))} {draw.choice(('X7R', 'NPO'))}",
            }
        elif kind == 1:
            what = {
                "name": "贴片电阻",
                "also": "厚膜电阻",
                "spec": f"{draw.choice(('1', '2.2', '4.7', '10', '47', '100'))}{draw.choice(('kΩ', 'Ω', 'MΩ'))} {draw.choice(('1%', '5%'))} {draw.choice(('0402', '0603', '0805', '1206'))}",
            }
        elif kind == 2:
            what = {
                "name": "电缆",
                "also": "电力电缆线",
                "spec": f"{draw.choice(('YJV', 'VV', 'RVV', 'KVV'))} {draw.choice(('2', '3', '4', '5'))}×{draw.choice(('1.5', '2.5', '4', '6', '10', '16'))}",
            }
        elif kind == 3:
            what = {
                "name": "接触器",
                "also": "交流接触器",
                "spec": f"{draw.choice(('CJX2', 'LC1D', 'NXC'))}-{draw.choice(('09', '12', '18', '25', '32', '40', '65'))}{draw.choice(('10', '01', '11'))} {draw.choice(('AC220V', 'AC380V', 'DC24V'))}",
            }
        else:
            what = {
                "name": "深沟球轴承",
                "also": "滚珠轴承",
                "spec": f"{draw.choice(('60', '62', '63', '69'))}{draw.randrange(0, 20):02d}{draw.choice(('', '-2RS', '-ZZ', '-2RS/C3'))}",
            }
        things.append(what | {"unit": draw.choice(("个", "只", "PCS"))})
    things = list({one["spec"]: one for one in things}.values())

    def left(draw: random.Random, thing: dict[str, str]) -> dict[str, str]:
        return {
            "物料名称": thing["name"],
            "规格型号": thing["spec"],
            "计量单位": thing["unit"],
            "品牌": draw.choice(("正泰", "德力西", "施耐德", "")),
        }

    def right(draw: random.Random, thing: dict[str, str]) -> dict[str, str]:
        spec = thing["spec"].replace("×", draw.choice(("*", "x", "X", "×"))).replace("Ω", draw.choice(("Ω", "欧", "R")))
        words = spec.split(" ")
        if draw.random() < _SELDOM:
            draw.shuffle(words)
        spec = draw.choice((" ", "/", ",")).join(words)
        return {
            "描述": f"{draw.choice((thing['name'], thing['also']))} {spec}",
            "单位": draw.choice(("个", "只", "PCS", "")),
        }

    return _World(things, left, right)


MADE: dict[str, Callable[[random.Random], _World]] = {
    "tools": _tools,
    "firms": _firms,
    "firms_zh": _firms_zh,
    "parts_zh": _parts_zh,
}
