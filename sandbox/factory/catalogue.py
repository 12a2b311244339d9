"""The words of the trade: families of materials of a maker of forklifts and hydraulics.

Each family gives a Chinese and an English name and the dimensions that tell its sizes apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Unit = Literal["pcs", "kg", "m"]


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of material. `pattern` is filled with one value of each list in `sizes`."""

    name_zh: str
    name_en: str
    pattern: str
    sizes: tuple[tuple[str, ...], ...]
    cost: str = "10"
    unit: Unit = "pcs"
    per_box: int | None = None

    def specification(self, number: int) -> str:
        """The size of the number-th member; later rounds through all sizes get a variant letter."""
        values, rest = [], number
        for size in self.sizes:
            rest, at = divmod(rest, len(size))
            values.append(size[at])
        text = self.pattern.format(*values)
        return text if rest == 0 else f"{text}-{_letters(rest)}"


def _letters(number: int) -> str:
    rest, at = divmod(number - 1, 26)
    return (_letters(rest) if rest else "") + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[at]


_TONS = ("10", "15", "20", "25", "30", "35", "40", "50")
_BORES = ("40", "50", "63", "80", "100", "125", "160")
_STROKES = ("150", "200", "300", "400", "550", "700", "900")
_THREADS = ("M5", "M6", "M8", "M10", "M12", "M16", "M20", "M24")
_LENGTHS = ("12", "16", "20", "25", "30", "40", "50", "60", "80")
_DIAMETERS = ("20", "25", "30", "35", "40", "50", "60", "70", "80", "90", "110")
_THICK = ("4", "6", "8", "10", "12", "16", "20", "25", "30", "40")

FINISHED: Final = (
    Family("平衡重式电动叉车", "Electric counterbalance forklift", "CPD{}-{}", (_TONS, ("M30", "M45", "M60")), "0"),
    Family("内燃平衡重叉车", "Diesel counterbalance forklift", "CPC{}-{}", (_TONS, ("M30", "M45", "M60")), "0"),
    Family("托盘堆垛车", "Pallet stacker", "CDD{}-H{}", (_TONS, ("16", "25", "35", "45")), "0"),
    Family("液压缸", "Hydraulic cylinder", "HSG{}×{}", (_BORES, _STROKES), "0"),
    Family("液压泵站", "Hydraulic power unit", "YZ{}-{}kW", (_BORES, ("2.2", "4", "5.5", "7.5", "11")), "0"),
    Family("齿轮泵", "Gear pump", "CBN-E{}-{}", (_DIAMETERS, ("FL", "FR", "AF")), "0"),
    Family("多路换向阀", "Directional control valve", "ZFS-L{}-{}", (_DIAMETERS, ("YT", "OT", "YW")), "0"),
    Family("液压升降平台", "Hydraulic lift table", "SJY{}-{}", (_TONS, ("1.2", "1.8", "3.0")), "0"),
)
UPPER: Final = (
    Family("叉车门架", "Forklift mast", "MJ{}-{}", (_TONS, ("3000", "4500", "6000")), "40"),
    Family("驱动桥总成", "Drive axle assembly", "QD{}-{}", (_TONS, ("A1", "B2", "C3")), "60"),
    Family("转向桥总成", "Steering axle assembly", "ZX{}-{}", (_TONS, ("A1", "B2", "C3")), "50"),
    Family("货叉架", "Fork carriage", "HC{}-{}", (_TONS, ("II", "III", "IV")), "30"),
    Family("车架焊接总成", "Chassis weldment", "CJ{}-{}", (_TONS, ("L", "S", "W")), "70"),
    Family("驾驶室", "Operator cabin", "JS{}-{}", (_TONS, ("标准", "低温", "冷库")), "60"),
    Family("电控箱", "Control cabinet", "DK{}-{}V", (_TONS, ("24", "48", "80")), "90"),
    Family("提升油缸", "Lift cylinder", "TS{}×{}", (_BORES, _STROKES), "30"),
)
LOWER: Final = (
    Family("活塞杆组件", "Piston rod assembly", "HG{}×{}", (_DIAMETERS, _STROKES), "8"),
    Family("缸筒焊接件", "Cylinder tube weldment", "GT{}×{}", (_BORES, _STROKES), "9"),
    Family("滚轮组件", "Mast roller assembly", "GL{}-{}", (_DIAMETERS, ("A", "B")), "6"),
    Family("泵体组件", "Pump body assembly", "BT{}-{}", (_DIAMETERS, ("L", "R")), "9"),
    Family("踏板组件", "Pedal assembly", "TB{}-{}", (_TONS, ("L", "R")), "5"),
    Family("液压油箱", "Hydraulic oil tank", "YX{}-{}L", (_BORES, ("40", "63", "100")), "12"),
    Family("线束", "Wiring harness", "XS{}-{}", (_TONS, ("主", "副", "灯")), "7"),
    Family("链轮组件", "Chain wheel assembly", "LL{}-{}", (_DIAMETERS, ("1", "2")), "6"),
)
MADE: Final = (
    Family("法兰", "Flange", "DN{} PN{}", (_DIAMETERS, ("10", "16", "25", "40")), "3"),
    Family("活塞", "Piston", "Φ{}-{}", (_BORES, ("A", "B", "C", "D")), "3"),
    Family("导向套", "Guide sleeve", "Φ{}×{}", (_BORES, _LENGTHS), "3"),
    Family("销轴", "Pin", "Φ{}×{}", (_DIAMETERS, _LENGTHS), "2"),
    Family("传动轴", "Drive shaft", "Φ{}×{}", (_DIAMETERS, _STROKES), "6"),
    Family("齿轮", "Gear", "m{} z{}", (("2", "2.5", "3", "4", "5"), _DIAMETERS), "7"),
    Family("支架", "Bracket", "{}×{}", (_STROKES, _THICK), "2"),
    Family("缸盖", "Cylinder head", "Φ{}-{}", (_BORES, ("A", "B", "C", "D")), "4"),
    Family("连接板", "Connecting plate", "{}×{}", (_STROKES, _THICK), "2"),
    Family("货叉", "Fork", "{}×{}", (("900", "1070", "1150", "1220"), _THICK), "9"),
)
BOUGHT: Final = (
    Family("六角螺栓", "Hex bolt", "{}×{}", (_THREADS, _LENGTHS), "0.4", per_box=12),
    Family("内六角螺钉", "Socket head cap screw", "{}×{}", (_THREADS, _LENGTHS), "0.5", per_box=12),
    Family("六角螺母", "Hex nut", "{} {}级", (_THREADS, ("6", "8", "10")), "0.2", per_box=50),
    Family("弹簧垫圈", "Spring washer", "{} {}", (_THREADS, ("65Mn", "304")), "0.1", per_box=100),
    Family("深沟球轴承", "Deep groove ball bearing", "6{}{}", (("2", "3", "0"), ("04", "05", "06", "08", "10")), "14"),
    Family("圆锥滚子轴承", "Tapered roller bearing", "32{}{}", (("0", "2", "3"), ("06", "07", "08", "10")), "32"),
    Family("O形密封圈", "O-ring", "{}×{}", (_DIAMETERS, ("1.8", "2.65", "3.55", "5.3")), "0.3"),
    Family("骨架油封", "Oil seal", "{}×{}", (_DIAMETERS, _THICK), "3"),
    Family("管接头", "Tube fitting", "{}-{}", (_THREADS, ("直通", "弯通", "三通")), "4"),
    Family("电磁阀", "Solenoid valve", "4WE{}-{}V", (("6", "10", "16"), ("12", "24", "110", "220")), "210"),
    Family("直流电机", "DC motor", "XQ-{}-{}V", (("2.2", "3", "5.5", "7.5", "11"), ("24", "48", "80")), "1200"),
    Family("实心轮胎", "Solid tyre", "{}-{}", (("6.50", "7.00", "8.15", "18×7"), ("8", "10", "12", "15")), "320"),
    Family("板式链", "Leaf chain", "LH{}{}", (("08", "10", "12", "16", "20"), ("22", "23", "34", "44")), "95"),
    Family("接近传感器", "Proximity sensor", "{}-{}", (_THREADS, ("PNP", "NPN")), "48"),
    Family("直流接触器", "DC contactor", "ZJ{}-{}V", (("50", "100", "200", "400"), ("24", "48", "80")), "130"),
)
RAW: Final = (
    Family("钢板", "Steel plate", "{} δ{}", (("Q235B", "Q345B", "Q460C"), _THICK), "5.2", "kg"),
    Family("圆钢", "Round bar", "{} Φ{}", (("45#", "40Cr", "20CrMnTi"), _DIAMETERS), "6.1", "kg"),
    Family("灰铸铁料", "Grey iron", "HT{}-{}", (("200", "250", "300"), ("A", "B")), "4.4", "kg"),
    Family("珩磨管", "Honed tube", "Φ{}-{}", (_BORES, ("H8", "H9")), "180", "m"),
    Family("无缝钢管", "Seamless tube", "Φ{}×{}", (_BORES, ("4", "6", "8")), "62", "m"),
    Family("液压软管", "Hydraulic hose", "{}SN-{}", (("1", "2", "4"), _DIAMETERS), "28", "m"),
    Family("电缆", "Cable", "YZ {}×{}", (("2", "3", "4", "5"), ("1.5", "2.5", "4", "6")), "11", "m"),
    Family(
        "聚氨酯面漆", "Polyurethane topcoat", "RAL{}-{}", (("1028", "2004", "7016", "9005"), ("G", "M")), "36", "kg"
    ),
)

# code, English, Chinese, hours a day
WORK_CENTRES: Final = (
    ("CUT", "Laser cutting", "激光下料", 16), ("SAW", "Sawing", "锯切", 16), ("TURN", "CNC turning", "数控车", 20),
    ("MILL", "Machining centre", "加工中心", 20), ("GEAR", "Gear hobbing", "滚齿", 16),
    ("GRIND", "Grinding", "磨削", 16), ("HONE", "Honing", "珩磨", 16), ("WELD", "Welding", "焊接", 20),
    ("PAINT", "Painting", "涂装", 16), ("ASM1", "Sub-assembly", "部装", 16), ("ASM2", "Final assembly", "总装", 16),
    ("TEST", "Test bench", "试验台", 16), ("OUT", "Outside processing", "外协", 24),
)  # fmt: skip
# Machines or benches that share the work of a centre, so that the plant can make what is ordered from it: grinding and
# final assembly just so, the others with some room. Times of operations are those of the centre as a whole.
MACHINES: Final = {"SAW": 10, "TURN": 8, "MILL": 8, "GRIND": 8, "PAINT": 3, "ASM1": 4, "ASM2": 2, "TEST": 8}
ROUTES: Final = {
    "finished": ("ASM2", "PAINT", "TEST"),
    "upper": ("WELD", "ASM1", "TEST"),
    "lower": ("ASM1", "TEST"),
    "made": ("SAW", "TURN", "MILL", "GRIND"),
}
CITIES: Final = (
    ("杭州", "Hangzhou", "0571"), ("宁波", "Ningbo", "0574"), ("上海", "Shanghai", "021"), ("苏州", "Suzhou", "0512"),
    ("合肥", "Hefei", "0551"), ("武汉", "Wuhan", "027"), ("长沙", "Changsha", "0731"), ("广州", "Guangzhou", "020"),
    ("佛山", "Foshan", "0757"), ("青岛", "Qingdao", "0532"), ("济南", "Jinan", "0531"), ("天津", "Tianjin", "022"),
    ("沈阳", "Shenyang", "024"), ("成都", "Chengdu", "028"), ("重庆", "Chongqing", "023"), ("西安", "Xi'an", "029"),
)  # fmt: skip
NAMES: Final = (
    ("恒", "Heng"), ("远", "Yuan"), ("鑫", "Xin"), ("达", "Da"), ("华", "Hua"), ("泰", "Tai"), ("瑞", "Rui"),
    ("丰", "Feng"), ("盛", "Sheng"), ("联", "Lian"), ("东", "Dong"), ("宏", "Hong"), ("嘉", "Jia"), ("德", "De"),
    ("永", "Yong"), ("力", "Li"), ("科", "Ke"), ("铭", "Ming"), ("博", "Bo"), ("通", "Tong"),
)  # fmt: skip
CUSTOMER_TRADES: Final = (
    ("物流有限公司", "Logistics Co., Ltd."), ("仓储设备有限公司", "Warehouse Equipment Co., Ltd."),
    ("工程机械有限公司", "Construction Machinery Co., Ltd."), ("重工股份有限公司", "Heavy Industry Co., Ltd."),
    ("港务集团有限公司", "Port Group Co., Ltd."), ("机电贸易有限公司", "Electromechanical Trading Co., Ltd."),
)  # fmt: skip
SUPPLIER_TRADES: Final = (
    ("紧固件有限公司", "Fasteners Co., Ltd."), ("轴承有限公司", "Bearings Co., Ltd."),
    ("密封件有限公司", "Seals Co., Ltd."), ("特钢有限公司", "Special Steel Co., Ltd."),
    ("精密铸造有限公司", "Precision Casting Co., Ltd."), ("电器有限公司", "Electric Co., Ltd."),
    ("表面处理有限公司", "Surface Treatment Co., Ltd."),
)  # fmt: skip
