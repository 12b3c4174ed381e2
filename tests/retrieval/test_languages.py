import pytest

from retrieval.languages import language_of


@pytest.mark.parametrize(
    ("path", "first", "language"),
    [
        ("a/b.py", "", "python"), ("b.TSX", "", "typescriptreact"), ("x.d.ts", "", "typescript"),
        ("a.rs", "", "rust"), ("run", "#!/usr/bin/env -S python3 -u", "python"),
        ("run", "#!/bin/sh", "shellscript"), ("run", "", "plaintext"),
        ("x.unknown", "#!/bin/sh", "plaintext"),
        ("Makefile", "", "makefile"), ("a.cs", "", "csharp"),
    ],
)  # fmt: skip
def test_language(path: str, first: str, language: str):
    assert language_of(path, first) == language
