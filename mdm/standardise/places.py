"""Provinces and the cities of China by name, as partners' names and addresses say them."""

from __future__ import annotations

from collections.abc import Mapping

_TABLE = """
北京:;上海:;天津:;重庆:;香港:;澳门:;台湾:台北 高雄 台中 台南 新竹 桃园
河北:石家庄 唐山 秦皇岛 邯郸 邢台 保定 张家口 承德 沧州 廊坊 衡水
山西:太原 大同 阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁
内蒙古:呼和浩特 包头 乌海 赤峰 通辽 鄂尔多斯 呼伦贝尔 巴彦淖尔 乌兰察布
辽宁:沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 朝阳 葫芦岛
吉林:长春 四平 辽源 通化 白山 松原 白城 延边
黑龙江:哈尔滨 齐齐哈尔 鸡西 鹤岗 双鸭山 大庆 伊春 佳木斯 七台河 牡丹江 黑河 绥化
江苏:南京 无锡 徐州 常州 苏州 南通 连云港 淮安 盐城 扬州 镇江 泰州 宿迁 昆山 江阴 张家港 常熟 太仓 宜兴 丹阳 靖江
浙江:杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水 义乌 慈溪 余姚 乐清 瑞安 永康 温岭 诸暨 海宁
安徽:合肥 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆 黄山 滁州 阜阳 宿州 六安 亳州 池州 宣城
福建:福州 厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德 晋江 石狮 福清
江西:南昌 景德镇 萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州 上饶
山东:济南 青岛 淄博 枣庄 东营 烟台 潍坊 济宁 泰安 威海 日照 莱芜 临沂 德州 聊城 滨州 菏泽
河南:郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 许昌 漯河 三门峡 南阳 商丘 信阳 周口 驻马店
湖北:武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州
湖南:长沙 株洲 湘潭 衡阳 邵阳 岳阳 常德 张家界 益阳 郴州 永州 怀化 娄底
广东:广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 梅州 汕尾 河源 阳江 清远 东莞 中山 潮州 揭阳 云浮 顺德
广西:南宁 柳州 桂林 梧州 北海 防城港 钦州 贵港 玉林 百色 贺州 河池 来宾 崇左
海南:海口 三亚 儋州
四川:成都 自贡 攀枝花 泸州 德阳 绵阳 广元 遂宁 内江 乐山 南充 眉山 宜宾 广安 达州 雅安 巴中 资阳
贵州:贵阳 六盘水 遵义 安顺 毕节 铜仁
云南:昆明 曲靖 玉溪 保山 昭通 丽江 普洱 临沧 大理
西藏:拉萨 日喀则;青海:西宁 海东;宁夏:银川 石嘴山 吴忠 固原 中卫;新疆:乌鲁木齐 克拉玛依 喀什 伊犁 昌吉
陕西:西安 铜川 宝鸡 咸阳 渭南 延安 汉中 榆林 安康 商洛
甘肃:兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 庆阳 定西 陇南
"""
_LATIN = """
beijing 北京|shanghai 上海|tianjin 天津|chongqing 重庆|hong kong 香港|hongkong 香港|macau 澳门|taiwan 台湾|suzhou 苏州|wuxi 无锡|nanjing 南京|changzhou 常州|
nantong 南通|kunshan 昆山|hangzhou 杭州|ningbo 宁波|wenzhou 温州|jiaxing 嘉兴|shaoxing 绍兴|taizhou 台州|yiwu 义乌|hefei 合肥|wuhu 芜湖|fuzhou 福州|xiamen 厦门|
quanzhou 泉州|nanchang 南昌|jinan 济南|qingdao 青岛|yantai 烟台|weifang 潍坊|zhengzhou 郑州|luoyang 洛阳|wuhan 武汉|changsha 长沙|guangzhou 广州|shenzhen 深圳|
zhuhai 珠海|foshan 佛山|dongguan 东莞|zhongshan 中山|huizhou 惠州|nanning 南宁|chengdu 成都|mianyang 绵阳|guiyang 贵阳|kunming 昆明|xian 西安|xi'an 西安|lanzhou 兰州|
shenyang 沈阳|dalian 大连|changchun 长春|harbin 哈尔滨|shijiazhuang 石家庄|taiyuan 太原|jiangsu 江苏|zhejiang 浙江|guangdong 广东|shandong 山东|fujian 福建|sichuan 四川|
hubei 湖北|hunan 湖南|henan 河南|hebei 河北|anhui 安徽|liaoning 辽宁|jiangxi 江西|shaanxi 陕西
"""


def _provinces() -> dict[str, str]:
    """Place → province; a province is its own."""
    found: dict[str, str] = {}
    for entry in _TABLE.replace("\n", ";").split(";"):
        province, _, cities = entry.partition(":")
        if province:
            found |= dict.fromkeys([province, *cities.split()], province)
    return found


PROVINCE_OF: Mapping[str, str] = _provinces()
LATIN: Mapping[str, str] = {
    pair.rsplit(" ", 1)[0].strip(): pair.rsplit(" ", 1)[1] for pair in _LATIN.replace("\n", "").split("|") if pair
}
