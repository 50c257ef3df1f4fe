"""Several recordings as one: files of one instrument after each other, instruments beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from framework.data.tape.merge import merged
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import NO_INSTRUMENT
from framework.schema.instrument import Instrument

Events = NDArray[np.void]


def together(recordings: Sequence[Recording]) -> Recording:
    """One recording of several. Those of the same instruments follow each other as given; others are merged by stamp.

    Raises:
        DataError: an instrument has other terms in another recording. While reading: a recording begins before the one before it ends.
    """
    if len(recordings) == 1:
        return recordings[0]
    found: dict[str, tuple[Instrument, str]] = {}
    for recording in recordings:
        for instrument in recording.instruments:
            known, source = found.setdefault(instrument.symbol, (instrument, recording.source))
            if known != instrument:
                raise DataError(
                    f"{recording.source}: {instrument.symbol} is {instrument}, in {source} it is {known}. "
                    "Give the reader the same terms for all files (--set tick_size=... and the like)."
                )
    instruments = tuple(found[symbol][0] for symbol in sorted(found))
    positions = {instrument.symbol: k for k, instrument in enumerate(instruments)}
    lanes: dict[tuple[str, ...], list[Recording]] = {}
    for recording in recordings:
        lanes.setdefault(tuple(sorted(i.symbol for i in recording.instruments)), []).append(recording)

    def parts() -> Iterator[Events]:
        return merged([_lane(lane, positions) for lane in lanes.values()])

    notes = dict.fromkeys(note for recording in recordings for note in recording.notes)
    sources = [recording.source for recording in recordings]
    source = ", ".join(sources[:3]) + (f" and {len(sources) - 3} more" if len(sources) > 3 else "")
    return Recording(instruments, parts, source, tuple(notes))


def _lane(recordings: Sequence[Recording], positions: dict[str, int]) -> Iterator[Events]:
    last, before = np.iinfo(np.int64).min, ""
    for recording in recordings:
        place = np.array([positions[instrument.symbol] for instrument in recording.instruments], dtype=np.uint32)
        for part in recording.parts():
            if not len(part):
                continue
            if int(part["ts_local_ns"][0]) < last:
                raise DataError(
                    f"{recording.source}: begins at {int(part['ts_local_ns'][0])}, {before} goes on until {last}; rule: files of the same "
                    "instruments follow each other. Give them in order of time, without overlap."
                )
            last, before = int(part["ts_local_ns"][-1]), recording.source
            moved = part.copy()
            mine = moved["instrument"] != NO_INSTRUMENT
            moved["instrument"][mine] = place[moved["instrument"][mine]]
            yield moved
