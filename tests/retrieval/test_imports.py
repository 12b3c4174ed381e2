import pytest

from retrieval.imports import imports_of
from retrieval.records import Import


@pytest.mark.parametrize(
    ("statement", "language", "found"),
    [
        ("from ..a.b import (c as d, e)", "python", Import("a.b", 3, 2, (("c", "d"), ("e", "e")))),
        ("import a.b as c", "python", Import("a.b", 3, alias="c")),
        (
            "import x, {a as b} from './u';",
            "typescript",
            Import("./u", 3, names=(("default", "x"), ("a", "b"))),
        ),
        ("import * as n from 'm'", "javascript", Import("m", 3, alias="n")),
        ('h "net/http"', "go", Import("net/http", 3, alias="h")),
        ("import static com.foo.Bar;", "java", Import("com.foo.Bar", 3)),
        ('#include "a/b.h"', "c", Import("a/b.h", 3)),
    ],
)
def test_import(statement: str, language: str, found: Import):
    assert imports_of(statement, 3, language) == (found,)
