"""What currencies are worth in the account's, by the pairs that are quoted: directly, or through others.

A pair of base B and quote Q at price p says: one B is worth p Q. With the rate r of a currency being what one unit is worth in the
account's currency,

    r_B = p r_Q        r_Q = r_B / p

Every currency has one path of pairs to the account's, the one of the fewest pairs; among equals the first by symbol. A rate is not
known before every pair on its path was seen.

Assumptions: money is converted at the mid of each pair on the path.
"""

from __future__ import annotations

from collections.abc import Sequence

from framework.kernel.layout.account_records import money_row
from framework.kernel.layout.market_records import conversion_row, marks_row, terms_row
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import kernel
from framework.schema.instrument import Instrument, InstrumentKind


def conversions(instruments: Sequence[Instrument], currencies: Sequence[str], account: str) -> list[tuple[int, int, int, int]]:
    """Rows of `CONVERSION`, each after those it needs: pair, currency, the one whose rate it comes from, whether it is the quoted one.

    >>> pairs = [Instrument(s, kind=InstrumentKind.FX, base_currency=s[:3], currency=s[3:]) for s in ("EURJPY", "EURUSD")]
    >>> conversions(pairs, ["EUR", "JPY", "USD"], "USD")
    [(1, 0, 2, 0), (0, 1, 0, 1)]
    """
    pairs = [(k, i.base_currency, i.currency) for k, i in enumerate(instruments) if i.kind is InstrumentKind.FX]
    known, rows, reached = {account}, [], [account]
    while reached:
        at, reached = reached, []
        for k, base, quote in pairs:
            for currency, source, is_quoted in ((base, quote, 0), (quote, base, 1)):
                if source in at and currency not in known:
                    known.add(currency)
                    reached.append(currency)
                    rows.append((k, currencies.index(currency), currencies.index(source), is_quoted))
    return rows


@kernel
def follow_rates(t: TraderRoot) -> None:
    """A pair's mark has moved: work out every rate anew."""
    for k in range(t.conversions_count):
        row = conversion_row(t.conversions, k)
        marks = marks_row(t.marks, row.instrument)
        if marks.seen_ns == 0:
            continue
        price, source = marks.mark_ticks * terms_row(t.terms, row.instrument).tick, money_row(t.money, row.source).fx_rate
        money_row(t.money, row.currency).fx_rate = source / price if row.is_quoted != 0 else source * price
