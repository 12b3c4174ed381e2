"""Summaries against what the authors wrote: BLEU-4, METEOR, ROUGE-L.

Every set answers the same rows in each of its ways, greedily. mce: methods of classes, shown alone, with
the whole class, with its skeleton. mcsn: with and without examples of other code. repository: documented
functions of real repositories, alone and with 2,000 tokens of what is around them. The docstring that is
to be guessed is cut out of everything that is shown.
"""

import argparse
import ast
import json
import random
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.table import Report, Row
from completion.background import Background
from completion.config import EngineConfig
from completion.loading import LoadedModel, load_model
from completion.registry import obtain
from completion.summaries.levels import Level, Part, Subject, first_paragraph
from completion.summaries.prompting import Example
from completion.summaries.subjects import Source, function
from completion.summaries.summarizer import Summarizer
from completion.threads import use_threads
from retrieval.reading import read
from retrieval.records import Definition, Snippet, SymbolHit, SymbolKind
from retrieval.syntax import SyntaxReader

BFL, REPOS = Path("code-summarization-bfl"), Path("repoeval-function", "repos.jsonl")
_LEAST_WORDS = 4
_TELLING = 40
"""So many characters of a summary are enough to know it again."""
_STORE_BYTES = 1 << 30


class Case(NamedTuple):
    """A subject as one way shows it, and what its author says."""

    subject: Subject
    reference: str
    examples: tuple[Example, ...] = ()


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


def undocumented(code: str, name: str | None = None) -> str:
    """``code`` without the docstring of every function called ``name``; None: of every definition.

    Code that does not parse is handed back as it is.
    """
    try:
        tree = ast.parse(textwrap.dedent(code))
    except SyntaxError:
        return code
    lines = textwrap.dedent(code).split("\n")
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = [each for each in ast.walk(tree) if isinstance(each, kinds) and name in {None, each.name}]
    for each in sorted(found, key=lambda each: each.lineno, reverse=True):
        if ast.get_docstring(each, clean=False) is not None:
            said = each.body[0]
            indent = " " * said.col_offset
            lines[said.lineno - 1 : said.end_lineno] = [] if len(each.body) > 1 else [f"{indent}..."]
    return "\n".join(lines)


def mce_case(row: Mapping[str, str], shown: str = "") -> Case:
    """A method, with the column ``shown`` of its row as context; its docstring is nowhere."""
    code = undocumented(row["method_code"])
    name = _name_of(code)
    context = (Part("Its class", undocumented(row[shown], name)),) if shown else ()
    return Case(Subject(Level.FUNCTION, name, "python", own=code, context=context), row["method_summary"])


def is_told(row: Mapping[str, str]) -> bool:
    """Whether what is asked for still stands in the class or skeleton of a row.

    So it does where the class does not parse, or where another method says the same.
    """
    told = _plain(row["method_summary"])[:_TELLING]
    shown = (mce_case(row, column).subject.context[0].text for column in ("class_code", "skeleton"))
    return any(told in _plain(text) for text in shown)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def mcsn_case(row: Mapping[str, str]) -> Case:
    """A method alone."""
    code = undocumented(row["method_code"])
    return Case(Subject(Level.FUNCTION, row["method_name"], "python", own=code), row["method_summary"])


def _name_of(code: str) -> str:
    return code.partition("def ")[2].partition("(")[0].strip()


class Names:
    """The repository as far as names tell: what a function calls. It searches nothing."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._hits: dict[str, list[SymbolHit]] = {}
        self._outlines = {source.path: source.outline for source in sources}
        for source in sources:
            for each in source.outline.definitions:
                hit = SymbolHit(source.path, "python", each)
                self._hits.setdefault(each.name, []).append(hit)

    def callees(self, path: str, qualified: str) -> list[SymbolHit]:
        uses = self._outlines[path].references
        called = dict.fromkeys(use.name for use in uses if use.is_call and use.within == qualified)
        found = (self._hits.get(name, []) for name in called)
        return [hits[0] for hits in found if len(hits) == 1]

    def search(self, _query: str, _k: int = 10) -> list[Snippet]:
        return []


def repository_cases(rows: Sequence[Mapping[str, str]], most: int, choice: random.Random) -> list[Case]:
    """Documented functions, with what is around them; no docstring of theirs is shown."""
    reader = SyntaxReader()
    by_repository: dict[str, list[Source]] = {}
    for row in rows:
        outline, _ = read(row["content"], "python", reader)
        by_repository.setdefault(row["repository"], []).append(Source(row["file"], row["content"], outline))
    found: list[tuple[str, Source, Definition]] = [
        (name, source, each)
        for name, sources in by_repository.items()
        for source in sources
        for each in source.outline.definitions
        if each.kind in {SymbolKind.FUNCTION, SymbolKind.METHOD}
        and len(first_paragraph(each.docstring).split()) >= _LEAST_WORDS
    ]
    indexes = {name: Names(sources) for name, sources in by_repository.items()}
    chosen = _sample(found, most, choice)
    return [_repository_case(source, each, indexes[name]) for name, source, each in chosen]


def _repository_case(source: Source, definition: Definition, index: Any) -> Case:
    subject = function(source, definition, index)
    bare = replace(subject, own=undocumented(subject.own, definition.name), known="")
    return Case(bare, first_paragraph(definition.docstring))


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
        "mce: rows where it still stands there (no parse, or two methods that say the same) are left out.",
        "repository: skeleton of the class and callees by name; the search of the index takes no part.",
    ]
