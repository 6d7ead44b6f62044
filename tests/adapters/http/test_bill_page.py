"""The printed bill: in both languages, whole, and with nothing from outside as markup."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from callserver.adapters.http.bill_page import bill_html
from callserver.adapters.http.bill_words import WORDS, Language
from callserver.domain.bill import BillState
from callserver.domain.minimum import Standing
from tests.adapters.http.bill_samples import BILL

VOID = {"meta", "br"}


class Checked(HTMLParser):
    """Every tag is closed in its order; texts and tags are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(language: Language, *, for_provider: bool = True, **changed: object) -> Checked:
    made = Checked()
    bill = replace(BILL, **changed)  # type: ignore[arg-type]  # fields by name
    made.feed(bill_html(bill, language=language, for_provider=for_provider))
    assert made.open == []
    return made


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everything_stands_on_it_and_nothing_is_loaded(language: Language) -> None:
    """Names are text, not markup; there is no script, image, frame or link."""
    made = page(language)
    assert BILL.name in made.text
    assert made.tags.isdisjoint({"script", "img", "iframe", "link", "b"})
    for shown in ("4001234560", "47.00", "2.05", "recording", "-30.00", "0.30", "600.00", "96"):
        assert shown in made.text
    for standing in Standing:
        assert WORDS[language][f"standing_{standing.value}"] in made.text


def test_feature_fees_are_the_providers() -> None:
    """The customer's page does not have them, nor what was due with them."""
    assert "recording" not in page("en", for_provider=False).text


def test_a_fixed_bill_projects_nothing() -> None:
    """Only while the month is not closed the shortfall is one that would be."""
    now, later = WORDS["en"]["projected_open"].strip(), WORDS["en"]["projected_over"].strip()
    assert (now in page("en").text, later in page("en").text) == (True, False)
    over = page("en", state=BillState.OVER)
    assert (now in over.text, later in over.text) == (False, True)
    closed = page("en", state=BillState.CLOSED, running=None, notice=None, late=(), movements=())
    assert now not in closed.text
    assert later not in closed.text
    assert "Calls in progress" not in closed.text


def test_both_languages_have_the_same_words() -> None:
    """None is missing."""
    assert WORDS["zh-CN"].keys() == WORDS["en"].keys()
