"""Random compiled strategies as source text: expressions over the view, arithmetic, indices, state, orders, now and then a mistake.

A class has several bodies and a parameter that says which one runs, since compiling costs more than running. What compiled code is
known to do differently, whole numbers beyond 64 bits above all, is not generated.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

HEAD = """
import math
from framework import PerInstrument, State, Strategy, compiled


"""
BODIES = 5
"""Strategies in one class."""

_MATH = (
    "math.sqrt({})",
    "math.log({})",
    "math.exp({} / 50.0)",
    "math.floor({})",
    "math.ceil({})",
    "math.fabs({})",
    "math.tanh({})",
    "math.log10({})",
)


@dataclass
class Writer:
    """Writes one class."""

    draw: random.Random
    mistakes: float = 0.02
    lines: list[str] = field(default_factory=list)

    def often(self, share: float) -> bool:
        return self.draw.random() < share

    def instrument(self) -> str:
        if self.often(self.mistakes):
            return self.draw.choice(("i + 1", "-1", "i - 1", "10 ** 6", "self.n"))
        return self.draw.choice(("i", "i", "i", "i", "0", "(i + 1) % 2", "int(i == 0)"))

    def index(self, size: int) -> str:
        if self.often(self.mistakes * 4):
            return self.draw.choice((str(size), str(-size - 1), "self.n", "i + 5", "self.n % 7"))
        return self.draw.choice(("-1", "0", str(size - 1), f"self.n % {size}", str(-size)))

    def order_id(self) -> str:
        if self.often(self.mistakes):
            return self.draw.choice(("-1", "view.next_order_id", "10 ** 9", "self.n"))
        return self.draw.choice(("max(view.next_order_id - 1, 0)", "self.last[i]", "view.next_order_id // 2"))

    def whole(self, depth: int = 2) -> str:
        if depth == 0 or self.often(0.35):
            return self.draw.choice(("i", "self.n", "self.seen[i]", "view.bar_count(i)", str(self.draw.randint(-9, 30)), "k", "self.step"))
        a, b = self.whole(depth - 1), self.whole(depth - 1)
        return self.draw.choice(
            (
                f"({a} + {b})",
                f"({a} - {b})",
                f"({a} * {b})",
                f"({a} // {b})",
                f"({a} % {b})",
                f"({a} % {self.draw.choice((3, 7, -5))})",
                f"(({a}) % 50) ** {self.draw.choice((0, 1, 2, 3))}",
                f"int({self.real(depth - 1)})",
                f"round({self.real(depth - 1)})",
                f"abs({a})",
                f"-{a}",
                f"min({a}, {b})",
                f"max({a}, {b})",
                f"({a} & {b})",
                f"({a} ^ {b})",
                f"(({a}) % 9 << {self.draw.randint(0, 5)})",
                f"({a} >> {self.draw.randint(0, 3)})",
                f"(bar.ts_ns // 60_000_000_000 % {self.draw.randint(2, 30)})",
                f"({self.test(depth - 1)} + {self.test(depth - 1)})",
                f"len(view.closes({self.instrument()}, {self.draw.randint(1, 20)}))",
                f"helper({self.real(depth - 1)}, {a})",
            )
        )

    def real(self, depth: int = 2) -> str:
        if depth == 0 or self.often(0.35):
            where = self.instrument()
            return self.draw.choice(
                (
                    *("bar.close", "bar.open", "bar.high", "bar.low", "bar.volume", "self.f", f"self.w[{where}]"),
                    *(f"view.price({where})", f"view.position({where})", "view.equity", "view.cash", "self.share"),
                    *(f"view.mean_close({where}, {self.bars()})", f"view.std_close({where}, {self.bars()})", f"view.tick({where})"),
                    *(f"view.bid({where})", f"view.ask_size({where})", f"{self.draw.uniform(-3, 3):.3f}", "0.0"),
                )
            )
        a, b, size = self.real(depth - 1), self.real(depth - 1), self.draw.randint(1, 6)
        return self.draw.choice(
            (
                f"({a} + {b})",
                f"({a} - {b})",
                f"({a} * {b})",
                f"({a} / {b})",
                f"({a} // {b})",
                f"({a} % {b})",
                f"({a} / {self.whole(depth - 1)})",
                f"({self.whole(depth - 1)} / {self.whole(depth - 1)})",
                f"({a} * {self.whole(depth - 1)})",
                f"round({a}, {self.draw.choice((0, 1, 2, 3, 8, -1, -2))})",
                f"round({a}, {self.draw.choice((1, 2, 2, 2))})",
                f"abs({a}) ** {self.draw.choice(('0.5', '2', '-1', '1.7', '3'))}",
                f"2.0 ** {self.draw.choice(('-3', '5'))}",
                f"2 ** -{self.draw.randint(1, 4)}",
                self.draw.choice(_MATH).format(a) if self.often(0.3) else self.draw.choice(_MATH).format(f"(abs({a}) + 1.0)"),
                f"min({a}, {b})",
                f"max({a}, {b})",
                f"view.closes({self.instrument()}, {size})[{self.index(size)}]",
                f"view.closes({self.instrument()}, {size}).mean()",
                f"view.closes({self.instrument()}, {size}).sum()",
                f"float({self.whole(depth - 1)})",
                f"({a} if {self.test(depth - 1)} else {b})",
                f"blend({a}, {b})",
                f"view.filled_quantity({self.order_id()})",
                f"self.w[{self.index(2)}]",
            )
        )

    def bars(self) -> str:
        return self.draw.choice(("0", "5000")) if self.often(self.mistakes / 2) else str(self.draw.randint(1, 25))

    def test(self, depth: int = 1) -> str:
        sign = self.draw.choice(("<", ">", "<=", ">=", "==", "!="))
        if depth == 0:
            return f"({self.whole(0)} {sign} {self.whole(0)})"
        return self.draw.choice(
            (
                f"({self.real(depth - 1)} {sign} {self.real(depth - 1)})",
                f"({self.whole(depth - 1)} {sign} {self.real(depth - 1)})",
                f"({self.test(depth - 1)} and {self.test(depth - 1)})",
                f"({self.test(depth - 1)} or not {self.test(depth - 1)})",
                f"({self.whole(0)} < {self.whole(0)} <= {self.whole(0)})",
                f"view.is_done({self.order_id()})",
                f"self.flag[{self.index(2)}]",
                "self.is_up",
            )
        )

    def near(self) -> str:
        return self.draw.choice(
            ("round(bar.close * 0.98, 2)", "round(bar.close + 1.0, 2)", "round((bar.high + bar.low) / 2.0, 2)", f"round({self.real(1)}, 2)")
        )

    def quantity(self) -> str:
        return self.draw.choice(("10.0", "-5.0", "1.0", "float(self.n % 20)", f"round({self.real(1)})", "0.0", "-(self.n % 7)"))

    def order(self) -> str:
        where, quantity = self.instrument(), self.quantity()
        force = self.draw.choice(("0", "1", "2", "3", "'DAY'", "99" if self.often(self.mistakes) else "0"))
        return self.draw.choice(
            (
                f"self.last[i] = view.order({where}, {quantity}, limit={self.near()})",
                f"self.last[i] = view.order({where}, {quantity}, limit={self.near()}, time_in_force={force})",
                f"view.order({where}, {quantity}, stop={self.near()}, reduce_only={self.test(0)})",
                f"view.order({where}, {quantity}, trail_bps={self.draw.randint(10, 300)})",
                f"view.order({where}, {quantity}, parent={self.order_id()}, limit={self.near()})",
                f"view.order({where}, {quantity}, group=view.next_order_id, limit={self.near()})",
                f"self.last[i] = view.bracket({where}, {quantity}, target={self.near()}, loss={self.near()})",
                f"view.bracket({where}, 5, target=round(bar.close * 1.05, 2), loss=round(bar.close * 0.95, 2), limit={self.near()})",
                f"view.target_quantity({where}, {quantity})",
                f"view.target_weight({where}, {self.draw.choice(('0.5', '-0.2', '0.0', self.real(0)))})",
                f"view.cancel({self.order_id()})",
                f"self.is_up = view.replace({self.order_id()}, limit={self.near()})",
                f"view.replace({self.order_id()}, quantity={quantity}, stop={self.near()})",
            )
        )

    def statement(self, indent: str, depth: int) -> None:
        choice = self.draw.randrange(12)
        if choice == 0 and depth:
            self.lines.append(f"{indent}if {self.test(1)}:")
            self.block(indent, depth)
            if self.often(0.5):
                self.lines.append(f"{indent}else:")
                self.block(indent, depth)
        elif choice == 1 and depth:
            self.lines.append(f"{indent}for k in range({self.draw.choice(('3', 'self.n % 5', 'len(view.instruments)'))}):")
            self.block(indent, depth)
        elif choice == 2 and depth:
            self.lines.append(f"{indent}loop{depth} = 0")
            self.lines.append(f"{indent}while loop{depth} < {self.draw.randint(1, 6)}:")
            self.lines.append(f"{indent}    loop{depth} += 1")
            self.block(indent, depth)
        elif choice < 6:
            self.lines.append(indent + self.order())
        else:
            self.lines.append(
                indent
                + self.draw.choice(
                    (
                        f"self.n = ({self.whole()}) % 1000",
                        f"self.n += {self.whole(0)} % 5",
                        f"self.f = {self.real()}",
                        f"self.f += {self.real(1)}",
                        f"self.w[{self.instrument()}] = {self.real()}",
                        f"self.w[{self.index(2)}] += {self.whole(0)}",
                        f"self.seen[{self.index(2)}] += 1",
                        f"self.flag[i] = {self.test()}",
                        f"self.is_up = {self.test()}",
                    )
                )
            )

    def block(self, indent: str, depth: int) -> None:
        for _ in range(self.draw.randint(1, 2)):
            self.statement(indent + "    ", depth - 1)

    def hook(self, name: str, handed: str, prelude: str) -> None:
        self.lines.append(f"    def {name}(self, view, {handed}):")
        self.lines.extend(("        k = 0", *(f"        {line}" for line in prelude.splitlines())))
        for which in range(BODIES):
            self.lines.append(f"        {'if' if which == 0 else 'elif'} self.which == {which}:")
            for _ in range(self.draw.randint(1, 4)):
                self.statement("            ", 2)
        self.lines.append("")

    def helper(self) -> None:
        body = self.draw.choice(("x * 2.0 + y", "x / y", "max(x, y) - min(x, y)", "(x + y) // 3.0", "round(x - y, 3)"))
        self.lines += ["@compiled", "def blend(x, y):", f"    return {body}", "", ""]
        body = self.draw.choice(("int(x) % 7 + k", "k // 3", "round(x) % 5 - k", "k * k % 11", "k % (int(x) % 3)"))
        self.lines += ["@compiled", "def helper(x, k):", f"    return {body}", "", ""]


def source_of(seed: int) -> str:
    """The text of a module whose class `Drawn` has `BODIES` random strategies."""
    writer = Writer(random.Random(seed))
    writer.helper()
    writer.lines += ["@compiled", "class Drawn(Strategy):", "    which: int = 0", "    step: int = 3", "    share: float = 0.3"]
    for name, kind in (("n", "State[int]"), ("f", "State[float]"), ("is_up", "State[bool]")):
        writer.lines.append(f"    {name}: {kind} = {'False' if kind == 'State[bool]' else '1'}")
    for name, kind in (("w", "float"), ("seen", "int"), ("flag", "bool"), ("last", "int")):
        writer.lines.append(f"    {name}: PerInstrument[{kind}]")
    writer.lines.append("")
    writer.lines += ["    def on_start(self, view):", "        view.timers.at('12:00', name='noon')", ""]
    writer.hook("on_bar", "bar", "i = bar.instrument")
    others = (
        ("on_bars", "bars", "bar = bars[-1]\ni = bar.instrument"),
        ("on_order", "order", ""),
        ("on_timer", "name", ""),
        ("on_event", "event", "i = event.instrument"),
    )
    name, handed, prelude = others[seed % 4]
    if name == "on_bars":
        writer.hook(name, handed, prelude)
    elif name == "on_order":
        quantity, where = writer.draw.choice(("self.f", "order.quantity / 2", "10.0")), writer.draw.choice(("order.instrument", "0"))
        writer.lines += [
            "    def on_order(self, view, order):",
            "        self.n += order.state + order.reason",
            f"        if order.is_done and order.filled_quantity > 0.0 and view.next_order_id < {writer.draw.randint(5, 60)}:",
            "            self.f += order.average_price - order.limit_price",
            f"            self.w[{where}] = order.quantity / order.filled_quantity",
            f"            view.order({where}, -order.filled_quantity, limit=round(order.average_price * 1.01, 2))",
            f"            view.target_quantity({where}, {quantity})" if writer.often(0.3) else "            self.n += 1",
        ]
    elif name == "on_timer":
        writer.lines += ["    def on_timer(self, view, name):", "        if name == 'noon':", "            for i in view.instruments:"]
        writer.lines.append(
            f"                view.target_weight(i, {writer.draw.choice(('0.1', 'self.f % 1.0', '1.0 / (i + self.n % 2)'))})"
        )
    else:
        writer.lines += ["    def on_event(self, view, event):", "        self.n += event.kind"]
        writer.lines.append(f"        if event.instrument >= {writer.draw.choice((0, 0, 0, -1))}:")
        writer.lines.append("            self.f += view.position(event.instrument) + self.w[event.instrument]")
    return HEAD + "\n".join(writer.lines) + "\n"
