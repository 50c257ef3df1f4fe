"""`onetape doctor FILE...`: whether market data can be trusted, before anything is done with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framework.commands.options import AsJson, FormatName, ReaderSettings

if TYPE_CHECKING:
    from framework.data.quality.findings import Examination
    from framework.data.tape.recording import Recording


def doctor(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of one format; files of an instrument in order of time.")],
    format_name: FormatName = None,
    settings: ReaderSettings = None,
    calendar: Annotated[str | None, typer.Option("--calendar", help="Where it trades, such as XNYS or 24/7.")] = None,
    against: Annotated[list[Path] | None, typer.Option("--against", help="A second source, same format and settings; repeatable.")] = None,
    finer: Annotated[list[Path] | None, typer.Option("--finer", help="Finer data, to prove that bars are stamped at closes.")] = None,
    finer_settings: Annotated[list[str] | None, typer.Option("--finer-set", metavar="KEY=VALUE", help="As --set, for --finer.")] = None,
    expect: Annotated[list[str] | None, typer.Option("--expect", help="A symbol that must be there; repeatable.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page with pictures here.")] = None,
    *,
    notes: Annotated[bool, typer.Option("--notes", help="Show notes, too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Examine files: gaps, duplicates, wrong units and zones, crossed books, bad prints; exits with 1 where there is an error."""
    from framework.commands.examination import EXIT_FINDINGS, is_serious, now_ns, print_json, show, write_page
    from framework.commands.guess import read_guessed
    from framework.data.quality.compare import compare
    from framework.data.quality.examine import examine
    from framework.errors import DataError

    try:
        recording = read_guessed(paths, format_name, settings or [])
        found = [examine(recording, calendar=calendar, now_ns=now_ns(), expected=expect or ())]
        if against:
            found.append(compare(recording, read_guessed(against, format_name, settings or [])))
        if finer:
            found.append(_stamps(recording, read_guessed(finer, None, finer_settings or [])))
    except DataError as error:
        found, recording = [_refused(paths, str(error))], None
    if as_json:
        print_json(found)
    else:
        show(found, notes=notes)
    if report is not None and recording is not None:
        write_page(report, found, recording)
    if is_serious(found, strict=strict):
        raise typer.Exit(EXIT_FINDINGS)


def _refused(paths: list[Path], sentence: str) -> Examination:
    """What the reader refuses is the gravest finding there is: nothing else can be looked at."""
    from framework.data.quality.findings import Examination, Finding

    finding = Finding("refused", "error", "", 0, 0, 1, 1.0, sentence)
    return Examination(", ".join(map(str, paths)), {}, {}, 0, 0, (finding,))


def _stamps(bars: Recording, finer: Recording) -> Examination:
    from framework.data.quality.bar_stamps import verify_bar_stamps
    from framework.data.quality.findings import Examination, Finding, Severity

    proof = verify_bar_stamps(bars, finer)
    severity: Severity = "note" if proof.verdict == "close" else "error" if proof.verdict == "open" else "warning"
    sentence = f"stamps are {'closes' if proof.verdict == 'close' else 'opens' if proof.verdict == 'open' else 'not proved'}: {proof}"
    finding = Finding("bar_stamp", severity, proof.symbol, 0, 0, proof.bars, 1.0, sentence)
    return Examination(f"{bars.source} against {finer.source}", {proof.symbol: proof.bars}, {"BAR": proof.bars}, 0, 0, (finding,))
