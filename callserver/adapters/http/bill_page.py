"""A bill as a page for the browser and for paper: one file, A4 when printed, nothing loaded."""

from functools import cache

from jinja2 import BaseLoader, Environment, StrictUndefined, Template

from callserver.adapters.http.bill_words import WORDS, Language
from callserver.adapters.http.month_shapes import minutes_text
from callserver.domain.bill import Bill
from callserver.domain.billing_month import shanghai
from callserver.domain.money import short_yuan


def bill_html(bill: Bill, *, language: Language, for_provider: bool) -> str:
    """The whole page. Every text from outside is escaped."""
    words = WORDS[language]
    return _template().render(
        bill=bill if for_provider else bill.for_customer(),
        words=words,
        language=language,
        projected=words.get(f"projected_{bill.state.value}", ""),
        yuan=short_yuan,
        minutes=minutes_text,
        instant=lambda at_ms: shanghai(at_ms).strftime("%Y-%m-%d %H:%M:%S"),
        word=lambda name: words.get(name, name.partition("_")[2]),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=BaseLoader(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(_PAGE)


_PAGE = """\
<!DOCTYPE html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ words.title }} {{ bill.customer }} {{ bill.month }}</title>
<style>
@page { size: A4; margin: 16mm 14mm 18mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 210mm; padding: 8mm; color: #1a1a1a; background: #fff;
  font: 10.5pt/1.45 "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif; }
h1 { font-size: 18pt; margin: 0 0 4mm; }
h2 { font-size: 12pt; margin: 7mm 0 2mm; break-after: avoid; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1mm 6mm; margin: 0; }
dt { color: #555; } dd { margin: 0; }
table { width: 100%; border-collapse: collapse; font-size: 9pt; }
thead { display: table-header-group; } tr { break-inside: avoid; }
th, td { padding: 1.2mm 1.5mm; border-bottom: 0.3pt solid #999; text-align: left; }
th { border-bottom: 1pt solid #333; font-weight: 600; vertical-align: bottom; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.due { font-size: 14pt; font-weight: 700; }
.notice { border: 1.2pt solid #a40000; padding: 3mm; margin: 5mm 0; font-weight: 600; }
.state { color: #555; }
@media print { body { max-width: none; padding: 0; } }
</style>
</head>
<body>
<h1>{{ words.title }}</h1>
<dl>
<dt>{{ words.customer }}</dt><dd>{{ bill.name }} ({{ bill.customer }})</dd>
<dt>{{ words.provider }}</dt><dd>{{ bill.provider }}</dd>
<dt>{{ words.month }}</dt><dd>{{ bill.month }}</dd>
<dt>{{ words.as_of }}</dt><dd>{{ instant(bill.as_of_ms) }}
 <span class="state">{{ word(bill.state.value) }}</span></dd>
</dl>
{% if bill.notice %}
<p class="notice">{{ words.notice.format(fee=yuan(bill.notice.fee_micros),
 mean=yuan(bill.notice.mean_micros), factor=bill.notice.factor) }}</p>
{% endif %}
<h2>{{ words.total }}</h2>
<table>
<tr><td>{{ words.calls_total }}</td><td class="n">{{ yuan(bill.usage.charged_micros) }}</td></tr>
{% if bill.corrections_micros %}
<tr><td>{{ words.corrections }}</td><td class="n">{{ yuan(bill.corrections_micros) }}</td></tr>
{% endif %}
<tr><td>{{ words.shortfall_total }}{{ projected }}</td>
<td class="n">{{ yuan(bill.shortfall_micros) }}</td></tr>
<tr><td>{{ words.plan_fees }}</td><td class="n">{{ yuan(bill.plan_micros) }}</td></tr>
{% if bill.late %}
<tr><td>{{ words.late_total }}</td><td class="n">{{ yuan(bill.late_micros) }}</td></tr>
{% endif %}
<tr class="due"><td>{{ words.due }} ({{ words.yuan }})</td>
<td class="n">{{ yuan(bill.due_micros) }}</td></tr>
</table>
<p>{{ words.included }}: {{ bill.usage.minutes }} {{ words.used }},
 {{ bill.minutes_left }} {{ words.left }}</p>
<h2>{{ words.numbers }}</h2>
<table>
<thead><tr><th>{{ words.number }}</th><th class="n">{{ words.calls }}</th>
<th class="n">{{ words.answered }}</th><th class="n">{{ words.talk }}</th>
<th class="n">{{ words.billed }}</th><th class="n">{{ words.included_used }}</th>
<th class="n">{{ words.fee }}</th><th class="n">{{ words.minimum }}</th>
<th class="n">{{ words.shortfall }}</th><th>{{ words.standing }}</th></tr></thead>
<tbody>
{% for line in bill.lines %}
<tr><td>{{ line.did }}</td><td class="n">{{ line.usage.calls }}</td>
<td class="n">{{ line.usage.answered }}</td><td class="n">{{ minutes(line.usage.talk_s) }}</td>
<td class="n">{{ minutes(line.usage.billed_s) }}</td><td class="n">{{ line.usage.minutes }}</td>
<td class="n">{{ yuan(line.usage.charged_micros) }}</td>
<td class="n">{{ yuan(line.minimum_micros) }}</td>
<td class="n">{{ yuan(line.shortfall_micros) }}</td>
<td>{{ word("standing_" ~ line.standing.value) }}</td></tr>
{% endfor %}
</tbody>
</table>
{% if bill.late %}
<h2>{{ words.late }}</h2>
<table>
<thead><tr><th>{{ words.month }}</th><th>{{ words.number }}</th><th class="n">{{ words.calls }}</th>
<th class="n">{{ words.fee }}</th><th class="n">{{ words.shortfall }}</th></tr></thead>
<tbody>
{% for each in bill.late %}
<tr><td>{{ each.month }}</td><td>{{ each.did }}</td><td class="n">{{ each.usage.calls }}</td>
<td class="n">{{ yuan(each.usage.charged_micros) }}</td>
<td class="n">{{ yuan(each.shortfall_micros) }}</td></tr>
{% endfor %}
</tbody>
</table>
{% endif %}
{% if bill.movements %}
<h2>{{ words.movements }}</h2>
<table>
<thead><tr><th>{{ words.time }}</th><th>{{ words.kind }}</th><th>{{ words.reason }}</th>
<th class="n">{{ words.minutes }}</th><th class="n">{{ words.amount }}</th></tr></thead>
<tbody>
{% for each in bill.movements %}
<tr><td>{{ instant(each.at_ms) }}</td><td>{{ word("kind_" ~ each.kind.value) }}</td>
<td>{{ each.reason }}</td><td class="n">{{ each.minutes }}</td>
<td class="n">{{ yuan(each.amount_micros) }}</td></tr>
{% endfor %}
</tbody>
</table>
{% endif %}
{% if bill.running %}
<h2>{{ words.running }}</h2>
<table>
<thead><tr><th>{{ words.number }}</th><th>{{ words.time }}</th>
<th class="n">{{ words.duration }}</th><th class="n">{{ words.running_fee }}</th></tr></thead>
<tbody>
{% for call in bill.running %}
<tr><td>{{ call.did }}</td><td>{{ instant(call.started_ms) }}</td>
<td class="n">{{ call.duration_s }}</td><td class="n">{{ yuan(call.fee_micros) }}</td></tr>
{% endfor %}
</tbody>
</table>
{% endif %}
{% if bill.features %}
<h2>{{ words.features }}</h2>
<table>
<thead><tr><th>{{ words.day }}</th><th>{{ words.number }}</th><th>{{ words.feature }}</th>
<th class="n">{{ words.amount }}</th></tr></thead>
<tbody>
{% for each in bill.features %}
<tr><td>{{ each.day }}</td><td>{{ each.did }}</td><td>{{ each.feature }}</td>
<td class="n">{{ yuan(each.fee_micros) }}</td></tr>
{% endfor %}
</tbody>
</table>
{% endif %}
</body>
</html>
"""
