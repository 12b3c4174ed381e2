"""What is shown of what a model would go on to write, language by language.

In the tables ``|`` is the cursor; the last column is what remains of the generated text.
"""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from completion.records import CompletionRequest, FinishReason
from completion.stopping import Stop, StopRule, is_inside_line, rule_for, whole_lines


def stop_of(language: str, document: str, generated: str, *, single_line: bool | None = None) -> Stop | None:
    """Feed ``generated`` character by character, like a model would."""
    before, after = document.split("|")
    rule = StopRule(before=before, after=after, language=language, single_line=single_line)
    for end in range(1, len(generated) + 1):
        stop = rule.check(generated[:end])
        if stop:
            return stop
    return rule.check(generated, final=True)


def shown(language: str, document: str, generated: str, *, single_line: bool | None = None) -> str:
    stop = stop_of(language, document, generated, single_line=single_line)
    return generated if stop is None else generated[: stop.keep]


FIB = "if n < 2:\n        return n\n    return fibonacci(n - 1) + fibonacci(n - 2)"

PYTHON = [
    # a body for whoever opened a block
    ("def fibonacci(n):\n    |", FIB + "\n\n\nprint(fibonacci(10))\n", FIB),
    ("def fibonacci(n):|", f"\n    {FIB}\nprint(1)", f"\n    {FIB}"),
    ("def fibonacci(n):\n|", f"    {FIB}\n\ndef g():\n", f"    {FIB}"),
    (
        "class A:\n    def f(self):\n        |\n\n    def g(self): ...",
        "a = 1\n\n        b = 2\n\n    def h",
        None,
    ),
    ("if x:  # why\n    |\n", "y()\nz()", "y()"),
    (
        "def f():\n    |",
        'x = """\nnot indented\n"""\n    return x\nf()',
        'x = """\nnot indented\n"""\n    return x',
    ),
    # the rest of a statement
    ("x = |", "compute(1)\ny = 2\n", "compute(1)"),
    ("    return |\n", "a + b\n\n    def g", "a + b"),
    ("x = foo(|", "a,\n    b,\n)\ny = 1", "a,\n    b,\n)"),
    ("x = [|\n", "\n    1,\n    2,\n]\ny = 1", "\n    1,\n    2,\n]"),
    ("def f(|", "a, b):\n    return a + b\n\nf(1)", "a, b):\n    return a + b"),
    ("foo(|)", "a, b)\nbar()", "a, b)"),
    ("foo(|) + 1", "a, b\nbar()", "a, b"),
    ('def f():\n    """|', 'Add.\n\n    Slowly.\n    """\n    return 1\nx', 'Add.\n\n    Slowly.\n    """'),
    # the next statement
    ("x = 1|", "\ny = 2\n\nz = 3", "\ny = 2"),
    ("def f():\n    x = 1|", "\n    return x\n\ndef g():", "\n    return x"),
    ("def f():\n    return 1|", "\n\n\ndef g():\n    pass", ""),
    ("def f():\n    x = 1\n    |\n", "y = 2\n    return y\ng()", "y = 2\n    return y"),
    ("def f():\n    x = 1\n    |\n", "y = 2\n\n    return y\ng()", "y = 2"),
    ("|", "import os\nimport sys\n\nos.exit()", "import os\nimport sys"),
    (
        "# add two numbers|",
        "\ndef add(a, b):\n    return a + b\n\nadd(1, 2)",
        "\ndef add(a, b):\n    return a + b",
    ),
    # what is there already
    ("if a:\n    |\nreturn x", "foo()\nreturn x\n", "foo()"),
    ("    |\n    return x", "return x\n", ""),
    ("try:\n    |\nexcept OSError:\n    pass", "read()\nexcept OSError:\n    raise", "read()"),
    ("a = [\n    |\n]", "1,\n    2,\n]\n", "1,\n    2,"),
]

BRACES = [
    ("javascript", "function f(a) {\n  |\n}\n", "return a;\n}\nf(1);", "return a;"),
    ("javascript", "function f(a) {\n  |", "return a;\n}\nf(1);", "return a;\n}"),
    ("javascript", "function f(a) {|}", "\n  return a;\n}\nf(1);", "\n  return a;\n"),
    ("javascript", "const f = (a) => {|", "\n  return a;\n};\nf(1);", "\n  return a;\n};"),
    ("javascript", "if (a) {\n  |", "b();\n} else {\n  c();\n}\nd();", "b();\n} else {\n  c();\n}"),
    ("javascript", "const x = |", "a.b()\n  .c()\nd()", "a.b()\n  .c()"),
    ("javascript", "const x = |", "1;\nconst y = 2;", "1;"),
    ("javascript", "foo(|);", "a, b);\nbar();", "a, b);"),
    ("javascript", "items.map(|)", "(x) => {\n  return x;\n})\nbar", "(x) => {\n  return x;\n})"),
    ("javascript", "{\n  a();\n  |\n  c();\n}", "b();\n}\n", "b();"),
    ("javascript", "/** |", "Adds.\n * @param a\n */\nfunction f", "Adds.\n * @param a\n */"),
    ("typescript", "enum A {\n  B,\n  |\n}", "C,\n  D,\n}\n", "C,\n  D,"),
    ("go", "func f(a int) int {\n\t|\n}\n", "if a > 1 {\n\t\treturn a\n\t}\n\treturn 1\n}\n", None),
    ("go", "if err != nil {\n\t|", "return err\n}\nx := 1", "return err\n}"),
    ("go", "\tif err != nil {\n\t\t|\n\t}\n\treturn x\n", "return err\n\t}\n\treturn x", "return err"),
    ("c", "int main(void)\n|", "{\n    return 0;\n}\n\nint f", "{\n    return 0;\n}"),
    (
        "c",
        "for (int i = 0; i < n; |",
        "i++) {\n    sum += a[i];\n}\nreturn sum;",
        "i++) {\n    sum += a[i];\n}",
    ),
    ("c", "switch (x) {\ncase 1:\n    |\n}", "f();\n    break;\ncase 2:\n", "f();\n    break;"),
    (
        "c",
        "    int a = 1;\n    |\n}\n",
        "int b = 2;\n    return a + b;\n}\n",
        "int b = 2;\n    return a + b;",
    ),
    (
        "rust",
        "let x = match y {\n    |\n};",
        "Some(z) => z,\n    None => 0,\n};\n",
        "Some(z) => z,\n    None => 0,",
    ),
    ("html", "<ul>\n  |\n</ul>", "<li>a</li>\n  <li>b</li>\n</ul>\n", "<li>a</li>\n  <li>b</li>"),
    ("html", "<ul>\n  |", "<li>a</li>\n</ul>\n<p>", "<li>a</li>\n</ul>"),
    ("html", "<div>|</div>", "\n  text\n</div>\n<p>", "\n  text\n"),
    ("html", "<br>\n|\n", "<p>\n  a\n</p>\n\n<p>", "<p>\n  a\n</p>"),
    ("ruby", "def f(a)\n  |", "a + 1\nend\n\nf(1)", "a + 1\nend"),
    ("ruby", "items.each do |\n".replace("do |", "do ~|"), "x~\n  puts x\nend\nputs 1", "x~\n  puts x\nend"),
    ("lua", "if a then\n  |\nend", "b()\nend\nc()", "b()"),
    ("json", '{\n  "a": 1,\n  |\n}', '"b": 2\n}\n', '"b": 2'),
]


@pytest.mark.parametrize(("document", "generated", "kept"), PYTHON)
def test_python(document: str, generated: str, kept: str | None) -> None:
    if kept is None:
        kept = "a = 1\n\n        b = 2"
    assert shown("python", document, generated) == kept


@pytest.mark.parametrize(("language", "document", "generated", "kept"), BRACES)
def test_other_languages(language: str, document: str, generated: str, kept: str | None) -> None:
    if kept is None:
        kept = "if a > 1 {\n\t\treturn a\n\t}\n\treturn 1"
    assert shown(language, document, generated) == kept


@pytest.mark.parametrize(
    ("rest", "inside"),
    [("", False), (")", False), ("  ", False), ('");', False), ("}", False), ("):", True), (" + 1", True)],
)
def test_code_behind_the_cursor_makes_it_a_single_line(rest: str, *, inside: bool) -> None:
    assert is_inside_line(rest) is inside
    assert StopRule(before="x = f(", after=rest + "\nnext").single_line is inside


def test_asking_for_a_single_line_overrules_the_text() -> None:
    assert shown("python", "def f():\n    |", "a = 1\n    b = 2", single_line=True) == "a = 1"
    assert shown("python", "x = f(|) + 1", "a,\n    b", single_line=False) == "a,\n    b"


@pytest.mark.parametrize(
    ("language", "document", "generated", "reason"),
    [
        ("python", "x = |", "1\ny", FinishReason.LINE),
        ("javascript", "x = |", "1\ny", FinishReason.LINE),
        ("python", "x = f(|) + 1", "1\ny", FinishReason.LINE),
        ("python", "def f():\n    |", "a = 1\nb = 2", FinishReason.BLOCK),
        ("python", "if a:\n    |\nb", "c\nb\n", FinishReason.BLOCK),
        ("python", "|\nb", "c\nb\n", FinishReason.SUFFIX),
        ("python", "|", "a.b()\n" * 3, FinishReason.REPETITION),
    ],
)
def test_the_reason_is_told(language: str, document: str, generated: str, reason: FinishReason) -> None:
    stop = stop_of(language, document, generated)
    assert stop is not None
    assert stop.reason is reason


@pytest.mark.parametrize(
    ("generated", "kept"),
    [
        ("a.append(1)\n" * 5, "a.append(1)"),
        ("b = 0\n" + "a = 1\nc = a\n" * 4, "b = 0\na = 1\nc = a"),
        ("x = y + " + "z + " * 20, "x = y + z"),
        ("x = [" + "0, " * 16 + "]", "x = [" + "0, " * 16 + "]"),
        ("# " + "-" * 70 + "\n", "# " + "-" * 70 + "\n"),
        ("x = 1" + "0" * 60, "x = 10"),
        ("x = 0x" + "0" * 16, "x = 0x" + "0" * 16),
        ("[\n    0, 1, 1, 0,\n    1, 0, 0, 1,\n]", "[\n    0, 1, 1, 0,\n    1, 0, 0, 1,\n]"),
        ("[[[\n" + "]\n" * 3, "[[[\n" + "]\n" * 3),
        ("  a.append(1)\n" * 3, "  a.append(1)"),
        ("a = 1  \n" + "a = 1\n" * 2, "a = 1  "),
    ],
)
def test_what_is_said_again_and_again_is_said_once(generated: str, kept: str) -> None:
    assert shown("plaintext", "|", generated) == kept


NESTED = [
    (
        "lua",
        "function f(t)\n  |",
        "for k in t do\n    if k then\n      while g() do\n        h()\n      end\n    end\n  end\nend",
    ),
    ("lua", "for k in t do\n  |", "if k then\n    if g() then\n      h()\n    end\n  end\nend"),
    (
        "ruby",
        "class A\n  |",
        "def f\n    a.each do |x|\n      if x\n        g x\n      end\n    end\n  end\nend",
    ),
    (
        "html",
        "<body>\n  |",
        "<div>\n    <div>\n      <div>\n        a\n      </div>\n    </div>\n  </div>\n</body>",
    ),
    (
        "html",
        "<div>\n|",
        "  <div>\n    <div>\n      <div>\n        a\n      </div>\n    </div>\n  </div>\n</div>",
    ),
    (
        "c",
        "void f(void) {\n  |",
        "if (a) {\n    if (b) {\n      if (c) {\n        g();\n      }\n    }\n  }\n}",
    ),
    (
        "python",
        "def f(x):\n    |",
        "if a:\n        if b:\n            return x\n        return x\n    return x",
    ),
    (
        "python",
        "def f(x):\n    |",
        "if a:\n        return x\n    if b:\n        return x\n    if c:\n        return x\n    return x",
    ),
    (
        "python",
        "def f(x):\n    |",
        "if a:\n        g()\n        if a:\n            g()\n            if a:\n                g()",
    ),
]


@pytest.mark.parametrize(("language", "document", "generated"), NESTED)
def test_the_same_words_at_another_depth_are_no_repetition(
    language: str, document: str, generated: str
) -> None:
    assert shown(language, document, f"{generated}\nx\n") == generated


def test_it_waits_while_a_line_could_still_go_on() -> None:
    rule = StopRule(before="def f():\n    ", after="", language="python")
    for undecided in ("", "a = 1", "a = 1\n", "a = 1\n  ", "a = 1\n\n", "a = 1\n    b"):
        assert rule.check(undecided) is None
    assert rule.check("a = 1\nb") == Stop(5, FinishReason.BLOCK)


def test_a_closing_line_is_judged_when_it_is_whole() -> None:
    rule = StopRule(before="if (a) {\n  ", after="", language="c")
    assert rule.check("b();\n}") is None
    assert rule.check("b();\n} else {") is None
    assert rule.check("b();\n}\n") == Stop(6, FinishReason.BLOCK)
    assert rule.check("b();\n}", final=True) == Stop(6, FinishReason.BLOCK)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\nb\nc = ", "a\nb"), ("a = ", "a = "), ("\n  a = ", "\n  a = "), ("a\n", "a\n"), ("", "")],
)
def test_a_broken_off_text_ends_with_a_whole_line(text: str, kept: str) -> None:
    assert text[: whole_lines(text)] == kept


CODE = st.text(alphabet="ab:{}() \n", max_size=60)
LANGUAGES = st.sampled_from(["python", "javascript", "html", "ruby", "plaintext"])


@given(CODE, CODE, LANGUAGES, st.none() | st.booleans(), CODE)
def test_keep_is_a_place_in_the_text(
    before: str, after: str, language: str, single_line: bool | None, generated: str
) -> None:
    rule = StopRule(before=before, after=after, language=language, single_line=single_line)
    for final in (False, True):
        stop = rule.check(generated, final=final)
        assert stop is None or 0 <= stop.keep <= len(generated)


@given(CODE, CODE, LANGUAGES, CODE)
@example(before=":", after="\n:", language="python", generated=" \n:\n")
def test_it_does_not_matter_how_the_text_arrives(
    before: str, after: str, language: str, generated: str
) -> None:
    """Unless it repeats itself: that is noticed earlier in small steps."""
    rule = StopRule(before=before, after=after, language=language)
    ends = range(1, len(generated) + 1)
    first = next((stop for end in ends if (stop := rule.check(generated[:end]))), None)
    at_once = rule.check(generated)
    repeated = any(stop and stop.reason is FinishReason.REPETITION for stop in (first, at_once))
    assert repeated or (first and first.keep) == (at_once and at_once.keep)


@given(CODE, CODE, LANGUAGES, CODE)
def test_what_was_kept_is_not_cut_again(before: str, after: str, language: str, generated: str) -> None:
    rule = StopRule(before=before, after=after, language=language)
    stop = rule.check(generated, final=True)
    kept = generated[: stop.keep] if stop else generated
    again = rule.check(kept, final=True)
    assert again is None or kept[: again.keep].rstrip() == kept.rstrip()


@pytest.mark.parametrize(
    ("generated", "keep"),
    [("a = 1;b", 5), ("a = ENDb;", 4), ("a = EN", None), (";", 0)],
)
def test_strings_end_a_text_before_them(generated: str, keep: int | None) -> None:
    rule = rule_for(CompletionRequest("", 0, stop=("END", ";")))
    assert rule.check(generated) == (None if keep is None else Stop(keep, FinishReason.STRING))


def test_the_rules_of_a_request_are_those_of_its_document() -> None:
    request = CompletionRequest("f(|)\n", 2, language="python", single_line=True)
    assert rule_for(request).single_line
    assert not rule_for(CompletionRequest("f(\n", 2)).single_line
