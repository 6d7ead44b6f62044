"""The intent form [R3]: the real basic data of the customer a number is reserved for.

A number is held for somebody, not for the shelf: placeholders are refused, each field with a
sentence of its own. What a form says is personal data; it is never logged, and kept sealed.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from callserver.domain.declined import Declined, Reason
from callserver.domain.number import is_mobile

CHARS_MAX = 200
_CODE_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I, O, S, V, Z
_CODE = re.compile(rf"[{_CODE_SIGNS}]{{18}}", re.ASCII)
_ID = re.compile(r"[1-9]\d{16}[\dX]", re.ASCII)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"  # GB 11643-1999

_WORDS = """
test testing tester demo sample example none null nil na n/a unknown todo tbd foo bar abc
asdf qwer qwerty company name address contact person customer
无 暂无 没有 未知 不详 待定 待补 某 某某 某公司 公司 有限公司 姓名 联系人 地址 客户
示例 样例 演示 张三 李四 王五 甲方 乙方
"""
_EMPTY_WORDS = frozenset(_WORDS.split())
_FAKE_BEGIN = re.compile(r"(测试|示例|样例|某某|test(?![a-z])|demo(?![a-z])|sample(?![a-z]))")
_CROSSES = re.compile(r"(?<![a-z])x{2,}(?![a-z])|×{2,}|\*{2,}|\?{2,}|…|\.{3,}")
_LETTER = re.compile(r"[^\W\d_]")
_RUNS = ("01234567890123456789", "98765432109876543210")
_RUN_LEAST = 6
_SERVICE_NUMBERS = frozenset({"13800138000"})  # of the carriers: everybody's example


@dataclass(frozen=True, slots=True)
class IntentForm:
    """Checked data. A company has a credit code, a person an ID number: one of them is there."""

    company: str
    credit_code: str
    id_number: str
    contact: str
    mobile: str
    address: str
    purpose: str
    industry: str


FIELDS = tuple(IntentForm.__dataclass_fields__)


class FormRefused(Declined):
    """The form is incomplete or not real. `errors`: a sentence for each wrong field.

    The sentences never repeat what was written.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        said = "; ".join(f"{field}: {what}" for field, what in errors.items())
        super().__init__(Reason.INTENT_FORM_REFUSED, f"The intent form is refused: {said}")
        self.errors = dict(errors)


def read_form(raw: Mapping[str, object]) -> IntentForm:
    """The form of a table of texts. Raises FormRefused with every wrong field."""
    errors = {
        key: f"there is no such field; there are {', '.join(FIELDS)}"
        for key in sorted(raw.keys() - set(FIELDS))
    }
    texts = {field: _text(raw.get(field, ""), field, errors) for field in FIELDS}
    texts["credit_code"] = texts["credit_code"].upper().replace(" ", "").replace("-", "")
    texts["id_number"] = texts["id_number"].upper().replace(" ", "")
    texts["mobile"] = texts["mobile"].replace(" ", "").replace("-", "")
    for field, check in _CHECKS.items():
        if field not in errors and (wrong := check(texts[field])):
            errors[field] = wrong
    if not texts["credit_code"] and not texts["id_number"]:
        errors.setdefault("credit_code", "missing; a person without one writes id_number")
    if errors:
        raise FormRefused({field: errors[field] for field in (*FIELDS, *errors) if field in errors})
    return IntentForm(**texts)


def is_credit_code(text: str) -> bool:
    """Whether the text is a unified social credit code with the right check sign (GB 32100)."""
    if not _CODE.fullmatch(text):
        return False
    total = sum(_CODE_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(text[:17]))
    return _CODE_SIGNS.index(text[17]) == -total % 31


def is_id_number(text: str) -> bool:
    """Whether the text is a citizen's ID number: a real birthday and the right check sign."""
    if not _ID.fullmatch(text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11] == text[17]


def is_placeholder(text: str) -> bool:
    """Whether a text stands for nothing: test, 测试, xxx, 123456, 111111, one sign repeated …."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    signs = re.sub(r"[\W_]", "", plain)
    return (
        plain in _EMPTY_WORDS
        or signs in _EMPTY_WORDS
        or len(set(signs)) <= 1
        or _FAKE_BEGIN.match(plain) is not None
        or _CROSSES.search(plain) is not None
        or (signs.isdigit() and _is_run(signs))
    )


def _is_run(digits: str) -> bool:
    return len(digits) >= _RUN_LEAST and any(digits in run for run in _RUNS)


def _text(value: object, field: str, errors: dict[str, str]) -> str:
    if not isinstance(value, str):
        errors[field] = "must be a text"
        return ""
    text = unicodedata.normalize("NFKC", value).strip()
    if len(text) > CHARS_MAX:
        errors[field] = f"at most {CHARS_MAX} characters"
    elif not text.isprintable():
        errors[field] = "has signs that cannot be printed"
    return text


def _words(least: int, what: str) -> Callable[[str], str]:
    """A check of a text for people: there, long enough, in letters, and no placeholder."""

    def check(text: str) -> str:
        if not text:
            return "missing"
        if is_placeholder(text):
            return "looks like a placeholder; write the real one"
        if len(text) < least:
            return f"too short; write {what}"
        return "" if _LETTER.search(text) else f"has no words; write {what}"

    return check


def _mobile(text: str) -> str:
    if not text:
        return "missing"
    if not is_mobile(text):
        return "must be a mobile number of 11 digits"
    last = text[-8:]
    fake = len(set(last)) == 1 or _is_run(last) or text in _SERVICE_NUMBERS
    return "looks like a placeholder; write the real one" if fake else ""


def _credit_code(text: str) -> str:
    # 123456789012345678 has the right check sign.
    if text and (is_placeholder(text) or not is_credit_code(text)):
        return "is not a unified social credit code: 18 signs, the last one checks the others"
    return ""


def _id_number(text: str) -> str:
    if text and (is_placeholder(text) or not is_id_number(text)):
        return "is not an ID number: 18 signs, the last one checks the others"
    return ""


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "company": _words(4, "the full registered name"),
    "credit_code": _credit_code,
    "id_number": _id_number,
    "contact": _words(2, "the full name"),
    "mobile": _mobile,
    "address": _words(6, "the full address"),
    "purpose": _words(4, "what the number is for"),
    "industry": _words(2, "the line of business"),
}
