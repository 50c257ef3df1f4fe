"""What captures of cryptofeed have in common: how they are read. What its messages mean, the module of each venue says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from framework.data.formats.capture import Decoder, Paths, Symbols, record
from framework.data.formats.lines import Truncated
from framework.data.tape.recording import Recording
from framework.schema.instrument import Instrument


class Read(Protocol):
    """Reads the captures of one venue."""

    def __call__(
        self,
        paths: Paths,
        *,
        instruments: Sequence[Instrument] | None = None,
        clock_offset_ns: int = 0,
        truncated: Truncated = "refuse",
    ) -> Recording:
        """See `reader_of`."""


class Messages:
    """What the messages of a venue told so far: the beginning of each venue's own decoder."""

    def __init__(self, symbols: Symbols) -> None:
        self.notes: Counter[str] = Counter()
        self._symbols = symbols


def reader_of(decoder: Callable[[Symbols], Decoder], venue: str) -> Read:
    """The function `read` of a venue whose messages a decoder understands."""

    def read(
        paths: Paths,
        *,
        instruments: Sequence[Instrument] | None = None,
        clock_offset_ns: int = 0,
        truncated: Truncated = "refuse",
    ) -> Recording:
        """Read captures of cryptofeed; several files, such as books and trades, are merged by their local stamps.

        Args:
            paths: one file or several.
            instruments: which symbols, and their ticks and lots; if not given, all, at the coarsest decimal steps that represent them.
            clock_offset_ns: added to local stamps, for a capture whose clock was behind the venue's.
            truncated: "refuse" a file that ends inside its gzip stream, or "allow" it and note where it ends.

        Raises:
            DataError: naming file, line, value and rule.
        """
        return record(paths, decoder, venue=venue, instruments=instruments, clock_offset_ns=clock_offset_ns, truncated=truncated)

    return read
