"""What was chosen with a number: each once, under operation ids that never change."""

from callserver.domain.opening import ItemKind, ItemState, OpeningItem, chosen


def test_what_was_chosen() -> None:
    """Features in their order, each once, then the plan."""
    assert chosen(("menu", "recording", "menu"), "gold") == (
        OpeningItem(ItemKind.FEATURE, "menu"),
        OpeningItem(ItemKind.FEATURE, "recording"),
        OpeningItem(ItemKind.PLAN, "gold"),
    )
    assert chosen((), "") == ()


def test_operation_ids() -> None:
    """One for each feature of an application, one for its plan: whichever it is, it is one."""
    items = chosen(("menu", "recording"), "gold")
    assert [item.operation_id(7) for item in items] == [
        "application:7:feature:menu",
        "application:7:feature:recording",
        "application:7:plan",
    ]


def test_what_is_unfinished() -> None:
    """All but what is on."""
    unfinished = {
        state for state in ItemState if OpeningItem(ItemKind.PLAN, "gold", state).unfinished
    }
    assert unfinished == set(ItemState) - {ItemState.DONE, ItemState.ALREADY}
