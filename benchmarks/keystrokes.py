"""A recorded session replayed on the running product: what a keystroke costs.

Starts the server, opens the document over its websocket and, for every recorded edit, sends
``didChange`` and ``inlineCompletion`` and waits for the answer. Full recomputation is measured
in between: every Nth keystroke the same text is opened once more, as a document nobody has seen,
and asked at the same cursor. With ``--llama URL`` a running ``llama-server`` with the same model is
asked whatever reached our model, right behind it, in the plain layout.

With ``--dry`` no model runs: the tokens that a keystroke costs are counted, by our rules and by
others (:mod:`benchmarks.replay`).
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.llama import Rival, Told
from benchmarks.product import Asked, Editor, editor, running_product
from benchmarks.replay import BEFORE_LINES, BEHIND_LINES, WINDOWS, Count, Counted, count
from benchmarks.table import Cell, Report, Row
from benchmarks.traces import TypingTrace, applied, read_trace
from completion.config import EngineConfig
from completion.registry import locate

_URI = "file:///keystrokes/session.rs"
_COPY = "file:///keystrokes/copy.rs"
_LANGUAGE = "rust"


class Stroke(NamedTuple):
    """One keystroke; ``full`` is the same question to an empty cache, ``llama`` to llama-server."""

    asked: Asked
    full: Asked | None
    llama: Told | None = None


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trace", type=Path, required=True, help="a recorded session (rustcode.json)")
    parser.add_argument("--from", type=int, default=1_000, dest="first", help="the first edit to ask at")
    parser.add_argument("--to", type=int, default=1_100, dest="last", help="the edit to end in front of")
    parser.add_argument(
        "--full-every", type=int, default=10, help="measure full recomputation every Nth time"
    )
    parser.add_argument("--model", help="a name, a directory or a file; default: the default model")
    parser.add_argument(
        "--llama", metavar="URL", help="a llama-server (--cache-reuse 256, as many threads) to ask as well"
    )
    parser.add_argument("--json", type=Path, help="write the table's figures here")
    parser.add_argument("--dry", action="store_true", help="count tokens; no model is needed")
    parser.add_argument(
        "--tokenizer", type=Path, help="for --dry: a file or its folder; default: the model's"
    )


def run(options: argparse.Namespace) -> int:
    trace = read_trace(options.trace)
    if options.dry:
        return _dry(trace, options)
    rival = Rival(options.llama, options.model) if options.llama else None
    with running_product(options.model) as server, editor(server) as client:
        opening, strokes = _replay(client, trace, options, rival)
    notes = [
        f"{options.trace.name}, edits {options.first} to {options.last}; one request an edit, each awaited.",
        f"Before them the file was opened and asked once: {_opening(opening)}.",
        f"Full recomputation: the same question about an unseen copy, every {options.full_every}th edit.",
        "Typed along: the text shown last covered the edit, so no model was asked.",
        *_about(rival),
        "First token: from the request's arrival at the service; answer: all tokens, as the client sees it.",
    ]
    Report("keystrokes", rows(strokes), notes).write(options.json)
    return 0


def _dry(trace: TypingTrace, options: argparse.Namespace) -> int:
    counted = count(trace, options.first, options.last, tokenizer=_tokenizer(options))
    before, behind = counted.least_before(), counted.least_behind()
    windows = (
        f"windows of {WINDOWS.prefix_chars:,} and {WINDOWS.suffix_chars:,} characters, half used or more"
    )
    notes = [
        f"{options.trace.name}, edits {options.first} to {options.last}; one request an edit. No model ran.",
        f"Others: plain layout, {BEFORE_LINES} whole lines in front of the cursor, {BEHIND_LINES} behind it.",
        f"Splice: {windows}; {EngineConfig().places} places a document.",
        f"Fewest whole lines seen: {_lines(before)} in front, {_lines(behind)} behind (file's ends apart).",
        "Refresh is complete behind each request; without any, the same tokens are encoded.",
        "A pause does not anchor the prompt anew here.",
    ]
    Report("keystrokes, dry", dry_rows(counted.rules), notes).write(options.json)
    return 0 if _as_much(counted) else 1


def _tokenizer(options: argparse.Namespace) -> Path:
    given = options.tokenizer or locate(options.model, models_dir=None, has_gpu=False).directory
    return given / "tokenizer.json" if given.is_dir() else given


def _lines(count: int | None) -> str:
    return "all" if count is None else str(count)


def _as_much(counted: Count) -> bool:
    """Whether ours saw as much as the others at every request; complains if not."""
    before, behind = counted.least_before(), counted.least_behind()
    fits = (before is None or before >= BEFORE_LINES) and (behind is None or behind >= BEHIND_LINES)
    if not fits:
        print("Splice saw fewer lines than the others: the rows do not compare.", file=sys.stderr)
    return fits


def dry_rows(rules: Sequence[Counted]) -> list[Row]:
    """The table of counted tokens, a row a rule."""
    return [
        {
            "rule": each.name,
            "encoded mean": _mean(each.encoded),
            "median": _median(each.encoded),
            **{f"p{share}": percentile(each.encoded, share) for share in (90, 95, 99)},
            "prompt tokens median": _median(each.prompt),
            "refreshed mean": _mean(each.refreshed),
        }
        for each in rules
    ]


def _about(rival: Rival | None) -> list[str]:
    if rival is None:
        return ["llama-server was not asked: no --llama."]
    return ["llama-server: one token, plain layout, the same windows; first token: as its client sees it."]


def _replay(
    client: Editor, trace: TypingTrace, options: argparse.Namespace, rival: Rival | None
) -> tuple[Asked, list[Stroke]]:
    text = trace.text_before(options.first)
    file = client.open(_URI, text, language=_LANGUAGE)
    edits = trace.transactions[options.first : options.last]
    opening = file.ask(edits[0][0].position)
    if rival:
        rival.ask(text, edits[0][0].position)
    strokes: list[Stroke] = []
    for number, patches in enumerate(edits):
        text = applied(text, patches)
        file.type(patches)
        asked = file.ask(patches[-1].cursor)
        full = _ask_copy(client, text, patches[-1].cursor) if number % options.full_every == 0 else None
        told = rival.ask(text, patches[-1].cursor) if rival and asked.trace else None
        strokes.append(Stroke(asked, full, told))
        _tell(number + 1, asked)
    return opening, strokes


def _ask_copy(client: Editor, text: str, cursor: int) -> Asked:
    """Ask about a document that the server has never seen, and close it."""
    copy = client.open(_COPY, text, language=_LANGUAGE)
    asked = copy.ask(cursor)
    copy.close()
    return asked


def rows(strokes: Sequence[Stroke]) -> list[Row]:
    """The table: what reached the model, what did not, both, and full recomputation."""
    model = [stroke.asked for stroke in strokes if stroke.asked.trace]
    typed = [stroke.asked for stroke in strokes if not stroke.asked.trace]
    full = [stroke.full for stroke in strokes if stroke.full]
    beside = [stroke.asked for stroke in strokes if stroke.full and stroke.asked.trace]
    return [
        _row("asked the model", model),
        _row("typed along, no model", typed),
        {**_row("all requests", [*model, *typed]), **_spread("first token ms", [])},
        _row("full recomputation", full),
        _row("asked the model, beside full", beside),
        *_llama_rows([stroke.llama for stroke in strokes if stroke.llama]),
    ]


def _llama_rows(told: Sequence[Told]) -> list[Row]:
    if not told:
        return []
    return [
        {
            "requests": "llama-server, the same",
            "count": len(told),
            "prompt tokens": _median([each.prompt for each in told]),
            **_spread("encoded", [each.encoded for each in told]),
            **_spread("first token ms", [each.wall_ms for each in told]),
        }
    ]


def _row(name: str, asked: Sequence[Asked]) -> Row:
    encoded = [each.trace["reuse"]["computed"] if each.trace else 0 for each in asked]
    prompts = [each.trace["reuse"]["prompt"] for each in asked if each.trace]
    first = [each.trace["firstTokenMs"] for each in asked if each.trace and each.trace["firstTokenMs"]]
    made = [each.trace["generated"] for each in asked if each.trace]
    return {
        "requests": name,
        "count": len(asked),
        "prompt tokens": _median(prompts),
        **_spread("encoded", encoded),
        **_spread("first token ms", first),
        "tokens made": _mean(made),
        "answer ms median": _median([each.answer_ms for each in asked]),
    }


def _spread(name: str, values: Sequence[float]) -> dict[str, Cell]:
    return {
        f"{name} median": _median(values),
        f"{name} p95": percentile(values, 95),
        f"{name} mean": _mean(values),
    }


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def percentile(values: Sequence[float], share: int) -> float | None:
    """The smallest value that ``share`` per cent of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else None


def _opening(asked: Asked) -> str:
    if not asked.trace:
        return "no model was asked"
    encoded, first = asked.trace["reuse"]["computed"], asked.trace["firstTokenMs"] or 0.0
    return f"{encoded} tokens encoded, first token after {first:,.0f} ms"


def _tell(number: int, asked: Asked) -> None:
    encoded = asked.trace["reuse"]["computed"] if asked.trace else "typed along,"
    print(
        f"{number}: {encoded} encoded, {asked.answer_ms:.0f} ms, {asked.text!r}", file=sys.stderr, flush=True
    )
