"""Files of tariffs as strangers may write them: right ones, and wrong ones with what is said."""

VALID = {
    "the least": "rate = 0.15",
    "numbers as texts": 'rate = "0.15"\ncap = "5"\nconnection_fee = "0.020000"\nfree_s = "3"',
    "numbers as numbers": "rate = 1\ncap = 5.5\nfree_s = 3\nminimum_charge = 0",
    "a number with an exponent": "rate = 15e-2",
    "increments in one": 'rate = 0.15\nincrements = "30/6"',
    "increments in two": "rate = 0.15\ninitial_increment_s = 30\nincrement_s = 6",
    "only the first increment": "rate = 0.15\ninitial_increment_s = 30",
    "precision as a number": "rate = 0.15\nprecision = 0.01",
    "precision as text": 'rate = 0.15\nprecision = "0.001"',
    "a moment": "rate = 0.15\neffective_from = 2020-01-01T00:00:00+08:00",
    "a moment as text": 'rate = 0.15\neffective_from = "2020-01-01T00:00:00Z"',
    "a moment in lower case": 'rate = 0.15\neffective_from = "2020-01-01t00:00:00z"',
    "Shanghai's moment": "rate = 0.15\neffective_from = 2020-01-01T08:00:00",
    "a day": "rate = 0.15\neffective_from = 2020-01-01",
    "a day as text": 'rate = 0.15\neffective_from = "2020-01-01"',
    "times as texts": 'rate = 1\n[[band]]\nfrom = "22:00"\nto = "08:00:30"\nrate = 0',
    "times of TOML": "rate = 1\n[[band]]\nfrom = 22:00:00\nto = 08:00:30\nrate = 0",
    "the day's end": 'rate = 1\n[[band]]\nfrom = "22:00"\nto = "24:00"\nrate = 0',
    "one end only": (
        'rate = 1\n[[band]]\nfrom = "22:00"\nrate = 0\n[[band]]\nto = "08:00"\nrate = 0'
    ),
    "a whole day": 'rate = 1\n[[band]]\nfrom = "08:00"\nto = "08:00"\nrate = 0',
    "a band for all": "rate = 1\n[[band]]\nrate = 0",
    "days": 'rate = 1\n[[band]]\ndays = ["sat", "sun", "workday", "weekend", "holiday"]\nrate = 0',
    "days in a text": 'rate = 1\n[[band]]\ndays = "sat, sun"\nrate = 0',
    "callers": (
        'rate = 1\n[[band]]\nprovinces = ["浙江", "上海市", "neimenggu"]\n'
        'area_codes = ["0571", "010"]\ncaller_kinds = ["mobile", "landline"]\n'
        'caller_prefixes = ["138", "0571", "+852"]\nrate = 0'
    ),
    "destinations": 'rate = 1\n[[band]]\ndestination_prefixes = "138; 021 +1"\nrate = 0',
    "names": 'rate = 1\n[[band]]\nname = "夜间"\nrate = 0',
    "a list over lines": (
        "rate = 1\n[[band]]\nprovinces = [ # where\n  '浙江', # one\n\n  '上海',\n]\nrate = 0"
    ),
    "bands in a list": (
        'rate = 1\nband = [\n  { from = "22:00", rate = 0.1 },\n  { rate = "0" },\n]'
    ),
    "records": (
        '[[tariff]]\nid = "a"\nrate = 1\n[[tariff.band]]\nrate = 0\n[[tariff.band]]\nrate = 2\n'
        '[[tariff]]\nid = "b"\nrate = 1\n[[holiday]]\ndate = 2027-02-06\nkind = "holiday"\n'
        '[[holiday]]\ndate = "2027-02-07"\nkind = "workday"\nname = "补班"'
    ),
    "versions": (
        '[[tariff]]\nid = "a"\nrate = 1\n[[tariff]]\nid = "a"\nrate = 2\n'
        "effective_from = 2026-01-01T00:00:00Z\n[[tariff.band]]\nrate = 0"
    ),
    "one table": '[tariff]\nid = "a"\nrate = 1\n[[tariff.band]]\nrate = 0',
    "a lone tariff and days": (
        'id = "a"\nrate = 1\n[[band]]\nrate = 0\n[[holiday]]\ndate = 2027-02-06\nkind = "holiday"'
    ),
    "days in a list": 'rate = 1\nholiday = [{ date = 2027-02-06, kind = "workday" }]',
    "keys in quotes": "\"rate\" = 1\n'cap' = 5",
    "a list under a key in quotes": 'rate = 1\n[[band]]\n"days" = [\n"sat",\n]\nrate = 0',
    "a band after a day": (
        'rate = 1\n[[holiday]]\ndate = 2027-02-06\nkind = "holiday"\n[[band]]\nrate = 0'
    ),
    "a band after another record": (
        '[[tariff]]\nid = "a"\nrate = 1\n[[holiday]]\ndate = 2027-02-06\nkind = "holiday"\n'
        "[[tariff.band]]\nrate = 0"
    ),
    "Chinese commas": 'rate = 1\n[[band]]\nprovinces = "浙江，上海、北京；天津"\nrate = 0',
    "a name and spaces": f'rate = 1\n[[band]]\nname = " {"x" * 200} "\nrate = 0',
    "noughts": 'rate = "1000.000000"\ncap = "01000"\nfree_s = "003"\nprecision = "0.0010"',
    "whole seconds with a point": "rate = 1\nfree_s = 3.0",
    "among other records": (
        '[[provider]]\nid = "p"\nname = "P"\n[[tariff]]\nid = "a"\nrate = 1\n[[customer]]\n'
        'id = "c"\nname = "C"\nprovider = "p"'
    ),
    "comments and Windows": "# ours\r\nrate = 1 # yuan\r\n\r\n[[band]] # at night\r\nrate = 0\r\n",
}

INVALID = {  # file, line, what is said
    "too dear a text": ('rate = "1000.1"', 1, "not between"),
    "an exponent in a text": ('rate = "1e2"', 1, "not an amount"),
    "an underscore in a text": ('rate = "1_0"', 1, "not an amount"),
    "a plus in a text": ('rate = "+1"', 1, "not an amount"),
    "seconds in a text": ('rate = 1\nincrement_s = "3601"', 2, "not between 1 and 3600"),
    "long increments": ('rate = 1\nincrements = "3601/1"', 2, "each 1 to 3600"),
    "a day in another form": ('rate = 1\neffective_from = "20270101"', 2, "not a time like"),
    "a month that is none": ('rate = 1\neffective_from = "2027-13-01"', 2, "not a time like"),
    "an offset that is none": (
        'rate = 1\neffective_from = "2027-01-01T00:00:00+24:00"',
        2,
        "not a time like",
    ),
    "a week's day": (
        'rate = 1\n[[holiday]]\ndate = "2027-W05-6"\nkind = "holiday"',
        3,
        "not a day like",
    ),
    "a text of days that are none": (
        'rate = 1\n[[band]]\nrate = 0\ndays = "sat, Sunday"',
        4,
        "'Sunday' is not a day",
    ),
    "an empty text of days": ('rate = 1\n[[band]]\nrate = 0\ndays = ", "', 4, "give 1 to 500"),
    "a name of nothing": ('rate = 1\n[[band]]\nrate = 0\nname = " "', 4, "1 to 200 characters"),
    "a name over lines": (
        'rate = 1\n[[band]]\nrate = 0\nname = "a\\nb"',
        4,
        "no control characters",
    ),
    "a name that turns the text around": (
        'rate = 1\n[[band]]\nrate = 0\nname = "a\\u202eb"',
        4,
        "no control characters",
    ),
    "a band that names its tariff": (
        '[[tariff]]\nid = "a"\nrate = 1\n[[tariff.band]]\ntariff = "b"\nrate = 0',
        5,
        "leave it out",
    ),
    "a band by its CSV name": (
        '[[tariff]]\nid = "a"\nrate = 1\n[[tariff_band]]\ntariff = "a"\nrate = 0',
        4,
        "a band stands under its tariff, as [[tariff.band]]",
    ),
    "no rate": ('[[tariff]]\nid = "a"', 1, "rate is missing"),
    "no id among records": ("[[tariff]]\nrate = 1", 1, "id is missing"),
    "an unknown key": ("rate = 1\nrates = 2", 2, "did you mean 'rate'?"),
    "a key of seconds": ("rate = 1\nfree_seconds = 2", 2, "did you mean 'free_s'?"),
    "a negative rate": ("rate = -1", 1, "not between 0.00 and 1000.00"),
    "too dear": ("rate = 1000.01", 1, "not between"),
    "seven decimals": ('rate = "0.1234567"', 1, "at most 6 decimals"),
    "no amount": ('rate = "free"', 1, "not an amount"),
    "a truth": ("rate = true", 1, "a text, a number or a time is wanted"),
    "another precision": ("rate = 1\nprecision = 0.1", 2, "0.1 is not 0.001 or 0.01"),
    "no seconds": ("rate = 1\nincrement_s = 0", 2, "not between 1 and 3600"),
    "half seconds": ("rate = 1\nincrement_s = 1.5", 2, "not a whole number"),
    "increments of one": ('rate = 1\nincrements = "60"', 2, "not like 60/60"),
    "increments twice": ('rate = 1\nincrements = "6/6"\nincrement_s = 6', 2, "they say the same"),
    "a day that never was": ('rate = 1\neffective_from = "soon"', 2, "not a time like"),
    "an hour that is none": ('rate = 1\n[[band]]\nfrom = "25:00"\nrate = 1', 3, "00:00 to 23:59"),
    "24:00 as a beginning": (
        'rate = 1\n[[band]]\nfrom = "24:00"\nrate = 1',
        3,
        "not a time of day",
    ),
    "an hour alone": ('rate = 1\n[[band]]\nto = "8"\nrate = 1', 3, "not a time of day like 08:00"),
    "a half minute": ("rate = 1\n[[band]]\nto = 08:00:00.5\nrate = 1", 3, "not a time of day"),
    "a day in German": (
        'rate = 1\n[[band]]\ndays = ["Mo"]\nrate = 1',
        3,
        "'Mo' is not a day; known",
    ),
    "a list of nothing": ("rate = 1\n[[band]]\ndays = []\nrate = 1", 3, "or leave the key out"),
    "numbers in a list": (
        "rate = 1\n[[band]]\narea_codes = [571]\nrate = 1",
        3,
        "put each in quotes",
    ),
    "a province that is none": (
        'rate = 1\n[[band]]\nprovinces = ["Bayern"]\nrate = 1',
        3,
        "a province",
    ),
    "an area code without zero": (
        'rate = 1\n[[band]]\narea_codes = ["571"]\nrate = 1',
        3,
        "010 or 0571",
    ),
    "a prefix with +86": (
        'rate = 1\n[[band]]\ncaller_prefixes = ["+86571"]\nrate = 1',
        3,
        "without +86",
    ),
    "a prefix with 00": ('rate = 1\n[[band]]\ncaller_prefixes = ["00852"]\nrate = 1', 3, "+852"),
    "a pattern": (
        'rate = 1\n[[band]]\ndestination_prefixes = ["0571*"]\nrate = 1',
        3,
        "how a number begins",
    ),
    "a kind of caller that is none": (
        'rate = 1\n[[band]]\ncaller_kinds = ["fax"]\nrate = 1',
        3,
        "kind of caller",
    ),
    "a band without a rate": ('rate = 1\n[[band]]\ndays = ["mon"]', 2, "rate is missing"),
    "a band's unknown key": ("rate = 1\n[[band]]\nday = 1\nrate = 1", 3, "did you mean 'days'?"),
    "a wrong band in a list": (
        "rate = 1\nband = [\n{ rate = 1 },\n{ rate = 1, x = 1 },\n]",
        2,
        "has no 'x'",
    ),
    "bands that are none": ("rate = 1\nband = [1]", 2, "a list of tables is wanted"),
    "a weekend as an exception": (
        'rate = 1\n[[holiday]]\ndate = 2027-02-06\nkind = "weekend"',
        4,
        "not one of holiday, workday",
    ),
    "a holiday without a day": ('rate = 1\n[[holiday]]\nkind = "holiday"', 2, "date is missing"),
    "an instant as a day": (
        'rate = 1\n[[holiday]]\nkind = "holiday"\ndate = 2027-02-06T00:00:00Z',
        4,
        "a day is wanted",
    ),
}

# What a schema can't say.
SENSELESS = {
    "a record nobody knows": ("[[tarif]]\nid = 'a'\nrate = 1", 1, "not one of"),
    "a cap below the minimum": (
        "rate = 1\nminimum_charge = 2\ncap = 1",
        3,
        "below the minimum charge",
    ),
    "a day twice": (
        'rate = 1\n[[holiday]]\ndate = 2027-02-06\nkind = "holiday"\n'
        '[[holiday]]\ndate = 2027-02-06\nkind = "workday"',
        6,
        "there already",
    ),
    "two undated versions": (
        '[[tariff]]\nid = "a"\nrate = 1\n[[tariff]]\nid = "a"\nrate = 2',
        5,
        "give effective_from",
    ),
    "a band without a tariff": ("[[tariff.band]]\nrate = 1", 1, "stands under its tariff"),
    "a lone file's band without the rate above": (
        "[[band]]\nrate = 1",
        1,
        "the tariff's rate is missing: write it at the top of the file, above [[band]],"
        ' as rate = "0.15"',
    ),
    "a band of records in a lone file": ("rate = 1\n[[tariff.band]]\nrate = 1", 2, "as [[band]]"),
    "a lone file's band among records": (
        "[[tariff]]\nid = 'a'\nrate = 1\n[[band]]\nrate = 1",
        4,
        "as [[tariff.band]]",
    ),
    "bands in a list and below": (
        "rate = 1\nband = [{rate = 1}]\n[[band]]\nrate = 1",
        3,
        "in a list already",
    ),
    "a list without an end": (
        'rate = 1\n[[band]]\ndays = ["mon",\nrate = 1',
        3,
        "not a line of TOML",
    ),
    "a bare time without seconds": (
        "rate = 1\n[[band]]\nfrom = 08:00\nrate = 1",
        3,
        'write a time as "08:00" or 08:00:00',
    ),
    "not TOML": ("rate = 1\nwhat", 2, "not a line of TOML"),
}
