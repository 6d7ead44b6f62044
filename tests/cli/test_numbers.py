"""`callserver numbers`: the whole way on the command line, and what is said when it stops."""

from pathlib import Path

import pytest

from tests.adapters.sql.number_bed import FORM
from tests.cli.conftest import Ran, Run

NUMBER, SPECIAL = "4003334569", "4003330888"
PROVIDER, CUSTOMER = "huaxin-east", "clinic"


@pytest.fixture
def form(tmp_path: Path) -> Path:
    """An intent form as a file."""
    path = tmp_path / "form.toml"
    path.write_text("".join(f'{field} = "{text}"\n' for field, text in FORM.items()))
    return path


@pytest.fixture
def shelf(run: Run, data: Path) -> Path:
    """A data folder with two more numbers, a feature for 30 yuan and a plan for 600."""
    for command in (
        ("numbers", "add", NUMBER, SPECIAL),
        ("features", "add", "recording", "--fee", 30),
        ("plans", "add", "gold", "--annual-fee", 600, "--minutes", 4000),
    ):
        assert run(*command, "--data", data).status == 0
    return data


def test_the_whole_way(run: Run, shelf: Path, form: Path, tmp_path: Path) -> None:
    """Each command says what has become of the number; show says what is missing next."""

    def numbers(*args: object) -> str:
        got = run("numbers", *args, "--data", shelf)
        assert (got.status, got.err) == (0, "")
        return got.out

    topup = ("accounts", "topup", f"provider:{PROVIDER}", 30, "--data", shelf)
    assert run(*topup).status == 0
    missing = []
    for step in (
        ("reserve", NUMBER, "--provider", PROVIDER, "--form", form, "--feature", "recording"),
        ("lock", NUMBER, "--provider", PROVIDER, "--customer", CUSTOMER, "--contract", "C-17"),
        ("submit", NUMBER, "--file", f"licence={form}", "--keep"),
        ("reject", NUMBER, "--reason", "blurred"),
        ("submit", NUMBER, "--file", f"licence={form}", "--digest", f"id=box=7={'a' * 64}"),
        ("approve", NUMBER),
        ("activate", NUMBER, "--carrier-reference", "CT-1"),
    ):
        assert numbers(*step).startswith(f"{NUMBER}: ")
        shown = run("numbers", "show", NUMBER, "--data", shelf, "--json").json
        missing += [each for one in shown["application"]["steps"] for each in one["missing"]]
    assert missing == [
        "the signed contract with a customer",
        "the real-name material",
        "the review of the material",
        "the real-name material again (rejected: blurred)",
        "the review of the material",
        "the carrier's confirmation",
    ]
    material = shown["application"]["material"]
    assert [(each["reference"], each["kept_here"]) for each in material] == [
        (str(form), False),
        ("box=7", False),
    ]
    assert run("route", NUMBER, "--data", shelf, "--json").json["refusal"] != "not_active"
    assert "suspended" in numbers("suspend", NUMBER, "--for", "arrears", "--reason", "3 months")
    assert "active" in numbers("resume", NUMBER, "--for", "arrears")
    assert "frozen, until" in numbers("close", NUMBER)
    history = run("numbers", "history", NUMBER, "--data", shelf, "--json").json["history"]
    assert [line["event"] for line in history][-3:] == ["suspend", "resume", "close"]
    table = numbers("history", NUMBER)
    assert "arrears 3 months" in table
    assert numbers("applications", "--all").count(NUMBER) == 1
    assert run("numbers", "applications", "--data", shelf).err == "no application\n"


def test_what_was_chosen_is_switched_on(run: Run, shelf: Path, form: Path) -> None:
    """What is refused is told, the number stays open; activated again, the rest comes on."""

    def numbers(*args: object, status: int = 0) -> Ran:
        got = run("numbers", *args, "--data", shelf)
        assert got.status == status, got.err
        return got

    chosen = ("--feature", "recording", "--plan", "gold")
    for step in (
        ("reserve", NUMBER, "--provider", PROVIDER, "--form", form, *chosen),
        ("lock", NUMBER, "--provider", PROVIDER, "--customer", CUSTOMER),
        ("submit", NUMBER, "--file", f"licence={form}"),
        ("approve", NUMBER),
    ):
        numbers(*step)
    got = numbers("activate", NUMBER, "--json", status=1)
    assert (got.json["state"], "open, but not everything" in got.err) == ("active", True)
    told = [(each["kind"], each["name"], each["reason"]) for each in got.json["opening"]]
    assert told == [("feature", "recording", "not_covered"), ("plan", "gold", "not_covered")]
    shown = numbers("show", NUMBER).out
    assert "feature recording (not_covered); plan gold (not_covered)" in shown
    assert "refused: 'recording' costs 30.00 yuan" in shown
    for account, yuan in ((f"provider:{PROVIDER}", 100), (CUSTOMER, 1000)):
        assert run("accounts", "topup", account, yuan, "--data", shelf).status == 0
    again = numbers("activate", NUMBER)
    assert again.out.splitlines()[1:] == [
        "feature   recording  switched on",
        "plan      gold  switched on",
    ]
    assert "is not possible now" in numbers("activate", NUMBER, status=1).err
    [activation] = run("features", "list", "--on", "--json", "--data", shelf).json["activations"]
    assert (activation["number"], activation["feature"]) == (NUMBER, "recording")
    [term] = run("plans", "show", CUSTOMER, "--json", "--data", shelf).json["subscriptions"]
    assert (term["plan"], term["state"]) == ("gold", "active")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (("--feature", "recordin"), "no feature 'recordin'"),
        (("--plan", "glod"), "did you mean 'gold'?"),
    ],
)
def test_what_is_not_on_offer(
    run: Run, shelf: Path, form: Path, choice: tuple[str, str], said: str
) -> None:
    """It cannot be chosen, and nothing is reserved."""
    reserve = ("numbers", "reserve", NUMBER, "--provider", PROVIDER, "--form", form)
    got = run(*reserve, *choice, "--data", shelf)
    assert (got.status, said in got.err) == (1, True)
    assert run("numbers", "show", NUMBER, "--data", shelf, "--json").json["state"] == "available"


def test_show_and_the_form(run: Run, shelf: Path, form: Path) -> None:
    """The steps for people; what the form says only when asked for."""
    reserve = ("numbers", "reserve", NUMBER, "--provider", PROVIDER, "--form", form)
    assert run(*reserve, "--data", shelf).status == 0
    shown = run("numbers", "show", NUMBER, "--data", shelf).out
    assert "choose number, features and plan" in shown
    assert FORM["contact"] not in shown
    assert FORM["contact"] in run("numbers", "show", NUMBER, "--form", "--data", shelf).out
    told = run("numbers", "show", NUMBER, "--form", "--json", "--data", shelf).json
    assert told["intent_form"]["company"] == FORM["company"]
    assert run("numbers", "purge", "--data", shelf).out == "0 deleted\n"


def test_the_same_operation_is_done_once(run: Run, shelf: Path, form: Path) -> None:
    """The first outcome again; another request under its id fails."""
    reserve = ["numbers", "reserve", NUMBER, "--provider", PROVIDER, "--form", form]
    once = [*reserve, "--operation-id", "op-1", "--data", shelf, "--json"]
    assert run(*once).json == run(*once).json
    other = run("numbers", "cancel", NUMBER, "--operation-id", "op-1", "--data", shelf)
    assert (other.status, "used before" in other.err) == (1, True)


def test_a_rule_that_says_no(run: Run, shelf: Path, form: Path) -> None:
    """Exit status 1 and a sentence; a form names each wrong field."""
    reserve = ["numbers", "reserve", NUMBER, "--provider", PROVIDER, "--data", shelf, "--form"]
    fake = form.with_name("fake.toml")
    fake.write_text('company = "test"\nmobile = "13800000000"\n')
    got = run(*reserve, fake)
    assert got.status == 1
    for field in (
        "\n  company: looks like a placeholder",
        "\n  mobile: looks",
        "\n  contact: missing",
    ):
        assert field in got.err
    assert run(*reserve, form).status == 0
    for again, said in ((NUMBER, "is taken"), ("4009999999", "no number")):
        got = run("numbers", "reserve", again, *reserve[3:], form)
        assert (got.status, said in got.err) == (1, True)


def test_searching(run: Run, shelf: Path) -> None:
    """By pattern, class and price; the next page is named."""
    search = ("numbers", "search", "--data", shelf)
    assert [each["number"] for each in run(*search, "4003*", "--json").json["numbers"]] == [
        SPECIAL,
        NUMBER,
    ]
    assert "AAA" in run(*search, "*888").out
    first = run(*search, "4003*", "--limit", 1)
    assert first.err == f"there may be more: --after {SPECIAL}\n"
    assert NUMBER in run(*search, "4003*", "--after", SPECIAL).out
    assert run(*search, "--class", "AAAA", "4003*").err == "no number fits\n"
    assert run(*search, "--price-max", "100", "4003*").out.count("400333") == 1
    assert run(*search, "--special", "4003*").out.count("400333") == 1
    for wrong in (["888"], ["--state", "gone"], ["--price-max", "x"]):
        assert run(*search, *wrong).status == 2


def test_adding_from_a_file(run: Run, data: Path, tmp_path: Path) -> None:
    """Numbers and ranges, one a line; nothing is added if a line is wrong."""
    path = tmp_path / "numbers.txt"
    path.write_text("# from the carrier\n4005550000-4005550009\n\n4005551111  # AAAA\n")
    add = ("numbers", "add", "--data", data)
    assert run(*add, path, "--json").json == {"numbers": 11, "new": 11}
    assert run(*add, path).out == "11 numbers, 0 of them new\n"
    path.write_text("4005552222\n400\n")
    got = run(*add, path)
    assert (got.status, f"{path}:2:" in got.err) == (1, True)
    assert run("numbers", "show", "4005552222", "--data", data).status == 1
    assert run(*add, "nowhere.txt").status == 2
    lone = run(*add, "4005553333", "--price", "9.50")
    assert (lone.status, "goes with --class" in lone.err) == (2, True)
    assert run(*add, "4005553333", "--ordinary").status == 2
    assert run(*add, "4005553333", "--class", "VIP", "--price", "9.50").status == 0
    shown = run("numbers", "show", "4005553333", "--data", data).out
    assert shown.startswith("4005553333  special VIP  9.50 yuan\n")


def test_keys_that_cannot_be_used(run: Run, shelf: Path, form: Path) -> None:
    """Said in the words of the key file."""
    (shelf / "form.keys").write_text("x")
    (shelf / "form.keys").chmod(0o600)
    got = run("numbers", "reserve", NUMBER, "--provider", PROVIDER, "--form", form, "--data", shelf)
    assert (got.status, "key 1 is not 32 bytes" in got.err) == (1, True)


def test_what_a_lock_takes_is_said(run: Run, shelf: Path, form: Path) -> None:
    """A special number's price and whose account paid it; the same again says the same."""
    assert run("accounts", "topup", f"provider:{PROVIDER}", 9000, "--data", shelf).status == 0
    reserve = ("numbers", "reserve", SPECIAL, "--provider", PROVIDER, "--form", form)
    assert run(*reserve, "--data", shelf).status == 0
    price = run("numbers", "show", SPECIAL, "--data", shelf, "--json").json["price"]["amount"]
    lock = ("numbers", "lock", SPECIAL, "--provider", PROVIDER, "--customer", CUSTOMER)
    once = (*lock, "--operation-id", "lock-1", "--data", shelf)
    assert float(price) > 0
    for _ in range(2):
        taken = run(*once).out.splitlines()[1]
        assert taken == f"{price.removesuffix('0000')} yuan taken from provider:{PROVIDER}"
    assert run(*once, "--json").json["paid"] == {"amount": price, "currency": "CNY"}


WRONG = [
    ("suspend", NUMBER, "--for", "fun"), ("submit", NUMBER, "--file", "licence"),
    ("submit", NUMBER, "--digest", "a=b"), ("lock", NUMBER, "--provider", "No", "--customer", "x"),
    ("cancel", NUMBER, "--reason", "a\nb"), ("search", "--limit", "0"),
]  # fmt: skip


@pytest.mark.parametrize("args", WRONG)
def test_wrong_usage(run: Run, data: Path, args: tuple[str, ...]) -> None:
    """Exit status 2."""
    assert run("numbers", *args, "--data", data).status == 2


def test_files_that_are_not_there(run: Run, shelf: Path, form: Path) -> None:
    """The form and the material."""
    reserve = ("numbers", "reserve", NUMBER, "--provider", PROVIDER, "--data", shelf, "--form")
    assert run(*reserve, "gone.toml").status == 1
    form.write_text("= nothing")
    assert run(*reserve, form).status == 1
    assert run("numbers", "submit", NUMBER, "--file", "id=gone", "--data", shelf).status == 1
