"""Summaries against what the authors wrote: BLEU-4, METEOR, ROUGE-L.

Every set answers the same rows in each of its ways, greedily. mce: methods of classes, shown alone, with
the whole class, with its skeleton. mcsn: with and without examples of other code. repository: documented
functions of real repositories, alone and with 2,000 tokens of what is around them. The docstring that is
to be guessed is cut out of everything that is shown.
"""

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.summary_cases import Case, is_told, mce_case, mcsn_case, repository_cases
from benchmarks.table import Report, Row
from completion.background import Background
from completion.config import EngineConfig
from completion.loading import LoadedModel, load_model
from completion.registry import obtain
from completion.summaries.prompting import Example
from completion.summaries.summarizer import Summarizer
from completion.threads import use_threads

BFL, REPOS = Path("code-summarization-bfl"), Path("repoeval-function", "repos.jsonl")
_STORE_BYTES = 1 << 30


@dataclass(frozen=True)
class Way:
    """One way to show the rows of one set."""

    data: str
    name: str
    cases: Sequence[Case]


class NoWords:
    """A WordNet in which no word has a synonym: METEOR then matches words and stems only."""

    def synsets(self, _: str) -> list[Any]:
        return []


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help=f"the folder that holds {BFL} and {REPOS}")
    parser.add_argument("--limit", type=int, default=60, help="rows of each set")
    parser.add_argument("--seed", type=int, default=7, help="of the choice of rows")
    parser.add_argument("--model", help="a name, a directory or a file; default: the default model")
    parser.add_argument("--threads", type=int, help="of the engine; default: the physical cores")
    parser.add_argument("--out", type=Path, help="write every answer here, a line each")
    parser.add_argument("--json", type=Path, help="write the table's figures here")


def run(options: argparse.Namespace) -> int:
    """Measure; 1 when an expectation is missed."""
    use_threads(options.threads)
    loaded = _load(options.model)
    ways = list(_ways(options))
    answers = [_answers(way, loaded) for way in ways]
    rows = [_row(way, texts) for way, texts in zip(ways, answers, strict=True)]
    if options.out:
        lines = (
            {
                "set": way.data,
                "shown": way.name,
                "name": case.subject.name,
                "answer": text,
                "said": case.reference,
            }
            for way, texts in zip(ways, answers, strict=True)
            for case, text in zip(way.cases, texts, strict=True)
        )
        options.out.write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8"
        )
    missed = list(misses(rows))
    Report("summaries", rows, [*_notes(options, loaded), *missed]).write(options.json)
    return 1 if missed else 0


def _load(model: str | None) -> LoadedModel:
    found = obtain(model, models_dir=None, has_gpu=torch.cuda.is_available(), progress=lambda _: None)
    return load_model(found.name, found.directory, EngineConfig())


def _answers(way: Way, loaded: LoadedModel) -> list[str]:
    work = Background(loaded, step_tokens=256, budget_bytes=_STORE_BYTES, stop_ids=loaded.codec.special_ids)
    return [
        _last(Summarizer(loaded.name, examples=case.examples).summarize(case.subject, work))
        for case in way.cases
    ]


def _last(steps: Any) -> str:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value.text


# The sets


def _ways(options: argparse.Namespace) -> Iterator[Way]:
    folder = options.data / BFL
    choice = random.Random(options.seed)
    sealed = [row for row in _rows(folder / "method-level-mce.jsonl") if not is_told(row)]
    mce = _sample(sealed, options.limit, choice)
    yield Way("mce", "function", [mce_case(row) for row in mce])
    yield Way("mce", "class", [mce_case(row, "class_code") for row in mce])
    yield Way("mce", "skeleton", [mce_case(row, "skeleton") for row in mce])
    mcsn = _sample(_rows(folder / "method-level-mcsn.jsonl"), options.limit, choice)
    shots = tuple(
        Example(row["method_name"], row["method_code"], row["method_summary"])
        for row in _rows(folder / "method-level-mcsn-few-shot.jsonl")
    )
    yield Way("mcsn", "zero-shot", [mcsn_case(row) for row in mcsn])
    yield Way("mcsn", "few-shot", [mcsn_case(row)._replace(examples=shots) for row in mcsn])
    around = repository_cases(_rows(options.data / REPOS), options.limit, choice)
    alone = [case._replace(subject=replace(case.subject, context=())) for case in around]
    yield Way("repository", "none", alone)
    yield Way("repository", "2,000 tokens", around)


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _sample(rows: Sequence[Any], most: int, choice: random.Random) -> list[Any]:
    return choice.sample(rows, min(most, len(rows)))


# The figures


def _row(way: Way, answers: Sequence[str]) -> Row:
    said = [case.reference for case in way.cases]
    return {"set": way.data, "shown": way.name, "rows": len(said), **scores(answers, said)}


def scores(answers: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """BLEU-4 of the corpus, METEOR and ROUGE-L on average; all from 0 to 100."""
    import sacrebleu
    from nltk.translate.meteor_score import meteor_score
    from rouge_score.rouge_scorer import RougeScorer

    pairs = list(zip(answers, references, strict=True))
    rouge = RougeScorer(["rougeL"], use_stemmer=True)
    words: Any = NoWords()
    return {
        "BLEU-4": round(sacrebleu.corpus_bleu(list(answers), [list(references)]).score, 2),
        "METEOR": _mean(meteor_score([said.split()], text.split(), wordnet=words) for text, said in pairs),
        "ROUGE-L": _mean(rouge.score(said, text)["rougeL"].fmeasure for text, said in pairs),
    }


def _mean(figures: Iterable[float]) -> float:
    all_of_them = list(figures)
    return round(100 * sum(all_of_them) / max(1, len(all_of_them)), 2)


def misses(rows: Sequence[Row]) -> Iterator[str]:
    """The expectations that the figures do not meet, a sentence each."""
    found = {(row["set"], row["shown"]): row for row in rows}
    expected = (
        ("mce", "skeleton", "function"),
        ("mcsn", "few-shot", "zero-shot"),
        ("repository", "2,000 tokens", "none"),
    )
    for data, better, worse in expected:
        for figure in ("BLEU-4", "METEOR"):
            high, low = found[data, better][figure], found[data, worse][figure]
            if isinstance(high, float) and isinstance(low, float) and high < low:
                yield f"MISSED: {data}, {figure}: {better} {high} is below {worse} {low}."


def _notes(options: argparse.Namespace, loaded: LoadedModel) -> list[str]:
    return [
        f"Model {loaded.name}; {options.limit} rows a set, seed {options.seed}.",
        "METEOR matches words and stems, not synonyms (no WordNet): lower than published figures.",
        "BERTScore, BLEURT and SIDE were skipped: their models are not at hand.",
        "The docstring asked for is cut out of class and skeleton; the data set's own skeletons contain it.",
        "Rows where it still stands there (no parse, or two methods that say the same) are left out.",
        "repository: skeleton of the class and callees by name; the search of the index takes no part.",
    ]
