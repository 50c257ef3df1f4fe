"""What US regulators take of sales of shares, by the day from which on: the SEC's Section 31 fee and FINRA's trading activity fee.

Sources. SEC: the fee rate advisories and orders under 15 U.S.C. 78ee (sec.gov, "Section 31 fee rates") and FINRA's information notices
that repeat them. FINRA: By-Laws, Schedule A, section 1, by NASD notice 04-84, regulatory notices 11-27, 12-06 and 12-31, and rule
filings SR-FINRA-2020-032 and SR-FINRA-2024-019. A rate holds for trades of its day and later, New York time.

Written down from memory and not yet compared with a source, so compare them before you rely on them: of the SEC's the rows from
2007-03-17, 2008-01-25, 2009-04-10, 2012-04-01, 2013-05-25, 2015-02-14, 2016-02-16, 2022-05-14, 2023-02-27, 2024-05-22 and 2026-04-04,
of FINRA's those from 2012-07-01 and 2026-01-01.

Assumptions: brokers pass both on, as most do, and unrounded; the fees of before the first day of a table are not charged.
Fails when: a rate changes after the last row: add the row.
"""

from __future__ import annotations

from functools import cache

import pandas as pd

SECTION_31 = (
    ("2000-01-01", 33.30),
    ("2001-12-28", 15.00),
    ("2002-04-01", 30.10),
    ("2003-03-22", 25.20),
    ("2003-04-01", 46.80),
    ("2004-02-22", 39.00),
    ("2004-04-01", 23.40),
    ("2005-01-07", 32.90),
    ("2005-04-01", 41.80),
    ("2005-12-22", 30.70),
    ("2007-03-17", 15.30),
    ("2008-01-25", 11.00),
    ("2008-04-01", 5.60),
    ("2009-04-10", 25.70),
    ("2010-01-15", 12.70),
    ("2010-04-01", 16.90),
    ("2011-01-21", 19.20),
    ("2012-02-21", 18.00),
    ("2012-04-01", 22.40),
    ("2013-05-25", 17.40),
    ("2014-03-18", 22.10),
    ("2015-02-14", 18.40),
    ("2016-02-16", 21.80),
    ("2017-07-04", 23.10),
    ("2018-05-22", 13.00),
    ("2019-04-16", 20.70),
    ("2020-02-18", 22.10),
    ("2021-02-25", 5.10),
    ("2022-05-14", 22.90),
    ("2023-02-27", 8.00),
    ("2024-05-22", 27.80),
    ("2025-05-14", 0.00),
    ("2026-04-04", 20.60),
)
"""(from, dollars per million dollars sold)."""

TRADING_ACTIVITY = (
    ("2004-11-01", 0.000075, 3.75),
    ("2011-07-01", 0.000090, 4.50),
    ("2012-03-01", 0.000095, 4.75),
    ("2012-07-01", 0.000119, 5.95),
    ("2022-01-01", 0.000130, 6.49),
    ("2023-01-01", 0.000145, 7.27),
    ("2024-01-01", 0.000166, 8.30),
    ("2026-01-01", 0.000195, 9.79),
)
"""(from, dollars per share sold, most dollars a trade)."""


@cache
def us_levies() -> tuple[tuple[int, float, float, float], ...]:
    """Both schedules as one: (from ns, SEC rate as a fraction, TAF per share, TAF maximum a trade), ascending."""
    days = sorted({row[0] for row in SECTION_31} | {row[0] for row in TRADING_ACTIVITY})
    made = []
    for day in days:
        per_million = [rate for since, rate in SECTION_31 if since <= day][-1]
        _, per_share, maximum = next((row for row in reversed(TRADING_ACTIVITY) if row[0] <= day), ("", 0.0, 0.0))
        made.append((int(pd.Timestamp(day, tz="America/New_York").as_unit("ns").value), per_million * 1e-6, per_share, maximum))
    return tuple(made)
