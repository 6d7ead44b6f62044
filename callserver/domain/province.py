"""The provinces as number blocks name them, and what else people write for them."""

_PINYIN = (
    "安徽 anhui|北京 beijing|重庆 chongqing|福建 fujian|甘肃 gansu|广东 guangdong|广西 guangxi|"
    "贵州 guizhou|海南 hainan|河北 hebei|黑龙江 heilongjiang|河南 henan|湖北 hubei|湖南 hunan|"
    "江苏 jiangsu|江西 jiangxi|吉林 jilin|辽宁 liaoning|内蒙古 neimenggu|宁夏 ningxia|"
    "青海 qinghai|陕西 shaanxi|山东 shandong|上海 shanghai|山西 shanxi|四川 sichuan|"
    "天津 tianjin|新疆 xinjiang|西藏 xizang|云南 yunnan|浙江 zhejiang"
)
_SUFFIXES = ("省", "市", "壮族自治区", "回族自治区", "维吾尔自治区", "自治区")

PROVINCES: tuple[str, ...] = tuple(pair.split()[0] for pair in _PINYIN.split("|"))


def _written() -> dict[str, str]:
    """Every accepted way to write a province, in the order of PROVINCES."""
    found: dict[str, str] = {}
    for pair in _PINYIN.split("|"):
        name, pinyin = pair.split()
        found |= dict.fromkeys((name, pinyin, *(f"{name}{suffix}" for suffix in _SUFFIXES)), name)
    return found


WRITTEN = _written()
"""`浙江`, `浙江省`, `zhejiang` → `浙江`."""
