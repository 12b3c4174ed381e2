import pytest

from retrieval.symbols import outline
from retrieval.syntax import SyntaxReader

SNIPPETS = (
    ("python", "class A:\n    def f(self):\n        return g()\n", "A A.f", "g"),
    ("javascript", "class A { f() { return g(); } }\nconst h = () => { g(); }\n", "A A.f h", "g g"),
    ("typescript", "interface I { a: string }\nclass A { f(): void { g(); } }\n", "I A A.f", "g"),
    ("typescriptreact", "export function V() { return g(<p/>); }\n", "V", "g"),
    ("go", "package a\ntype S struct { a int }\nfunc (s *S) F() { g() }\n", "S S.F", "g"),
    ("rust", "struct A;\nimpl A { fn f(&self) { g() } }\n", "A A.f", "g"),
    ("java", "class A { void f() { g(); } }\n", "A A.f", "g"),
    ("c", "struct s { int a; };\nint *f(void) { return g(); }\n", "s f", "g"),
    ("cpp", "class A { void h() { g(); } };\nvoid A::f() { g(); }\n", "A A.h A.f", "g g"),
    ("csharp", "class A { void F() { G(); } }\n", "A A.F", "G"),
    ("ruby", "class A\n  def f\n    g(1)\n  end\nend\n", "A A.f", "g"),
    ("php", "<?php\nclass A { function f() { g(); } }\n", "A A.f", "g"),
    ("kotlin", "class A {\n  fun f() {\n    g()\n  }\n}\n", "A A.f", "g"),
    ("swift", "class A { func f() { g() } }\n", "A A.f", "g"),
    ("scala", "class A { def f() = { g() } }\n", "A A.f", "g"),
    ("shellscript", "f() {\n  g 1\n}\n", "f", "g"),
)


@pytest.mark.parametrize(("language", "text", "names", "calls"), SNIPPETS, ids=[s[0] for s in SNIPPETS])
def test_definitions_and_calls(language: str, text: str, names: str, calls: str):
    said = outline(text, language, SyntaxReader())
    assert " ".join(each.qualified for each in said.definitions) == names
    assert " ".join(each.name for each in said.references if each.is_call) == calls
    assert not said.broken
