"""Impact that stays for a while: our own fills push the price, and the push fades.

With x = lots / daily lots (participation), s the side, g permanent, h temporary, e the fixed share, and w_j, r_j weight and rate of
the exponentials, a fill at time t finds the price displaced by

    D(t) = sum over our earlier pushes i at t_i of  s_i x_i (g + sum_j w_j exp(-r_j (t - t_i)) + 2h [t_i = t])

as a fraction of the price; it pays what stands and half of its own jump, and leaves the jump behind:

    impact = notional x (s D + x (g + sum_j w_j) / 2 + x h + e)

So over any fills at one price the sum is e x traded + half a quadratic form of the pushes, which is never negative, since a constant
and decaying exponentials are positive definite kernels: a round trip never earns from its own impact. That needs impact linear in size
wherever it decays exponentially: Gatheral 2010, No-Dynamic-Arbitrage and Market Impact, Quantitative Finance 10(7), on exponential decay.
Without exponentials it is Almgren and Chriss 2000, Optimal Execution of Portfolio Transactions, of trades n_k at n_k / daily = x_k,

    E = g X^2 / 2 + e X + h sum x_k^2     in units of price x daily lots, with h = eta~ / tau

with exponentials the propagator of Obizhaeva and Wang 2013, Optimal Trading Strategy and Supply/Demand Dynamics, J. Fin. Markets 16(1).
Fills of one stamp count as one trade, however many prices they took: `2h` of them stands for each other.

Assumptions: the daily volume is known beforehand and constant; the displacement scales with the price; nobody else reacts to it.
Fails when: impact is concave in size, as it is measured to be for large orders; displacements come near the price itself.
"""

from __future__ import annotations

import math

from framework.kernel.layout.displacement_records import decay_row, displacement_row, volume_row
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.machine.compile import kernel


@kernel
def displaced_by(t: TraderRoot, x: ExchangeRoot, instrument: int) -> float:
    """How far our earlier fills hold the price from where it would be now, signed, as a fraction of it."""
    displacement = displacement_row(x.displacements, instrument)
    found = displacement.permanent
    if displacement.at_ns == x.now_ns:
        found += displacement.instant
    for j in range(t.decays_count):
        found += displacement.fading[j] * math.exp(-decay_row(t.decays, j).rate * (x.now_ns - displacement.at_ns))
    return found


@kernel
def push_cost(t: TraderRoot, instrument: int, notional: float, lots: float, against: float) -> float:
    """What a trade of `lots` pays where the price stands displaced `against` it by this fraction, in the instrument's currency."""
    costs = t.costs
    jump = costs.permanent
    for j in range(t.decays_count):
        jump += decay_row(t.decays, j).weight
    participation = lots / volume_row(t.volumes, instrument).daily_lots
    return notional * (against + participation * (0.5 * jump + costs.temporary) + costs.fixed_rate)


@kernel
def push(t: TraderRoot, x: ExchangeRoot, instrument: int, side: int, lots: int) -> None:
    """Leave the jump of a fill behind."""
    displacement = displacement_row(x.displacements, instrument)
    size = side * lots / volume_row(t.volumes, instrument).daily_lots
    if displacement.at_ns != x.now_ns:
        displacement.instant = 0.0
    displacement.instant += 2.0 * t.costs.temporary * size
    displacement.permanent += t.costs.permanent * size
    for j in range(t.decays_count):
        decay = decay_row(t.decays, j)
        displacement.fading[j] = displacement.fading[j] * math.exp(-decay.rate * (x.now_ns - displacement.at_ns)) + decay.weight * size
    displacement.at_ns = x.now_ns


@kernel
def restate_volume(t: TraderRoot, instrument: int, new: int, old: int) -> None:
    """The usual day's volume across a split."""
    volume_row(t.volumes, instrument).daily_lots *= new / old
