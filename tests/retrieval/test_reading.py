from retrieval.reading import read
from retrieval.syntax import SyntaxReader


def test_one_parse_gives_both():
    said, pieces = read("import os\n\ndef f():\n    pass\n", "python", SyntaxReader())
    assert [each.name for each in said.definitions] == ["f"]
    assert [(each.kind, each.name) for each in pieces] == [("module", ""), ("function", "f")]
