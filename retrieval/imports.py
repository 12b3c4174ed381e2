"""From the text of one import statement to what it imports. Pure."""

import re

from retrieval.records import Import

_FROM = re.compile(r"from\s+(\.*)\s*([\w.]*)\s+import\s+(.*)", re.DOTALL)
_QUOTED = re.compile(r"""['"]([^'"]*)['"]""")


def imports_of(statement: str, line: int, language: str) -> tuple[Import, ...]:
    """What ``statement`` imports; ``line`` is where it stands."""
    if language == "python":
        return _python(statement, line)
    if language.startswith(("typescript", "javascript")):
        return _script(statement, line)
    if language == "go":
        quoted = _QUOTED.search(statement)
        alias = statement.split('"', maxsplit=1)[0].strip()
        return (Import(quoted[1], line, alias=alias),) if quoted else ()
    if language in {"c", "cpp", "ruby"}:
        named = re.search(r"""[<"']([^>"']+)[>"']""", statement)
        return (Import(named[1], line),) if named else ()
    words = re.sub(r"^(pub\s+)?(use|import|using)\s+(static\s+)?|;\s*$", "", statement.strip())
    return (Import(words, line),) if words else ()


def _python(statement: str, line: int) -> tuple[Import, ...]:
    statement = re.sub(r"#[^\n]*|\\\n", " ", statement)
    found = _FROM.match(statement)
    if found:
        return (Import(found[2], line, len(found[1]), _names(found[3], "as")),)
    parts = statement.removeprefix("import").split(",")
    pairs = [part.split() for part in parts if part.strip()]
    return tuple(Import(pair[0], line, alias=pair[2] if len(pair) == 3 else "") for pair in pairs)


def _script(statement: str, line: int) -> tuple[Import, ...]:
    quoted = _QUOTED.findall(statement)
    if not quoted:
        return ()
    head = re.sub(r"^(import|export)\s+(type\s+)?", "", statement).split("from")[0]
    braces = re.search(r"\{([^}]*)\}", head)
    names = _names(braces[1], "as") if braces else ()
    space = re.search(r"\*\s+as\s+([\w$]+)", head)
    default = re.match(r"([\w$]+)\s*(,|$)", head)
    if default:
        names = (("default", default[1]), *names)
    return (Import(quoted[-1], line, names=names, alias=space[1] if space else ""),)


def _names(listed: str, word: str) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for part in listed.strip(" ()\n\t").split(","):
        words = [each for each in part.split() if each not in {word, "type"}]
        if words:
            pairs.append((words[0], words[-1]))
    return tuple(pairs)
