"""The intent form: real data pass, placeholders do not, each field says what is wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.intent_form import (
    FIELDS,
    FormRefused,
    is_credit_code,
    is_id_number,
    is_placeholder,
    read_form,
)

GOOD = {
    "company": "杭州西溪茶业有限公司",
    "credit_code": "91350100M000100Y43",
    "contact": "陈建国",
    "mobile": "13588826633",
    "address": "杭州市西湖区文三路 90 号",
    "purpose": "茶叶订购热线",
    "industry": "食品零售",
}


def wrong_fields(**changed: Any) -> dict[str, str]:
    """What is wrong with the good form, changed so."""
    with pytest.raises(FormRefused) as refused:
        read_form(GOOD | changed)
    return refused.value.errors


def test_real_data_pass() -> None:
    """Spaces and hyphens of codes and numbers are dropped, wide signs made narrow."""
    form = read_form(GOOD | {"mobile": " 135-8882-6633", "credit_code": "91350100m000100y43"})
    assert (form.mobile, form.credit_code, form.id_number) == (
        "13588826633",
        "91350100M000100Y43",
        "",
    )


def test_a_person_has_an_id_number() -> None:
    """One of the two is needed."""
    form = read_form(GOOD | {"credit_code": "", "id_number": "11010519491231002x"})
    assert form.id_number == "11010519491231002X"
    assert wrong_fields(credit_code="").keys() == {"credit_code"}


def test_every_wrong_field_is_named_at_once() -> None:
    """In the order of the form, each with a sentence of its own."""
    with pytest.raises(FormRefused) as refused:
        read_form({})
    assert list(refused.value.errors) == [field for field in FIELDS if field != "id_number"]
    assert str(refused.value).count("missing") == 7


PLACEHOLDERS = [
    ("company", "test"), ("company", "测试公司"), ("company", "Test Co., Ltd."),
    ("company", "xxx有限公司"), ("company", "某某科技有限公司"), ("company", "aaaaaaaa"),
    ("company", "123456"), ("company", "111111"), ("company", "有限公司"), ("company", "公司"),
    ("company", "ＴＥＳＴ"), ("company", "…………"), ("company", "XX 贸易"),
    ("contact", "王"), ("contact", "张三"), ("contact", "陈陈"), ("contact", "123456"),
    ("contact", "x"), ("contact", "测试员"), ("contact", "n/a"),
    ("mobile", "13812345678"), ("mobile", "13800000000"), ("mobile", "13800138000"),
    ("mobile", "1381234567"), ("mobile", "02188886666"), ("mobile", "11111111111"),
    ("address", "无"), ("address", "xx路xx号"), ("address", "上海"), ("address", "654321"),
    ("purpose", "测试"), ("purpose", "暂无"), ("purpose", "test call"),
    ("industry", "未知"), ("industry", "?"),
    ("credit_code", "91350100M000100Y44"), ("credit_code", "000000000000000000"),
    ("credit_code", "123456789012345678"), ("credit_code", "9135"),
    ("id_number", "110105194912310021"), ("id_number", "11010519491331002X"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), PLACEHOLDERS)
def test_placeholders_are_refused(field: str, value: str) -> None:
    """The one field is named, and what was written is not repeated."""
    errors = wrong_fields(**{field: value})
    assert errors.keys() == {field}
    assert value not in errors[field] or len(value) == 1


REAL = [
    ("company", "上海软件测试中心有限公司"), ("company", "Testo Instruments (Shanghai)"),
    ("company", "西安 360 商贸行"), ("contact", "欧阳娜娜"), ("contact", "Li Na"),
    ("contact", "张三丰"), ("address", "海口市龙华区 123456 信箱"), ("industry", "软件测试"),
    ("purpose", "售后服务 7×24"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), REAL)
def test_real_words_that_look_like_placeholders_pass(field: str, value: str) -> None:
    """Who tests software for a living may have a telephone."""
    assert getattr(read_form(GOOD | {field: value}), field)


ODD = [
    ("company", 5, "text"), ("company", "a" * 201, "at most"), ("contact", "陈\n国", "printed"),
    ("colour", "red", "no such field"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "said"), ODD)
def test_what_is_no_text(field: str, value: object, said: str) -> None:
    """Numbers, control signs, novels, and fields nobody asked for."""
    assert said in wrong_fields(**{field: value})[field]


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000600037341L", "91440300708461136T"])
def test_credit_codes(code: str) -> None:
    """Real ones pass; with any one sign changed, they do not."""
    assert is_credit_code(code)
    for place, sign in enumerate(code):
        other = "1" if sign != "1" else "2"
        assert not is_credit_code(code[:place] + other + code[place + 1 :])


@given(st.text(max_size=20))
def test_nothing_breaks_the_checks(text: str) -> None:
    """Whatever is typed gets an answer."""
    assert {is_credit_code(text), is_id_number(text), is_placeholder(text)} <= {True, False}
