"""What is looked up at a cursor."""

from completion.context.scope import compared_at, names_near, query_at

TEXT = "import far\n" + "\n".join(f"line{number} = x" for number in range(30)) + "\nvalue = here(\nbehind"
CURSOR = TEXT.index("\nbehind")


def test_names_fade_with_distance():
    names = names_near(TEXT, CURSOR)
    assert list(names)[:3] == ["value", "here", "line29"]
    assert names["value"] == 1.0
    assert names["line25"] == 0.5
    assert "line10" not in names
    assert "x" not in names
    assert "behind" not in names


def test_a_name_counts_where_it_stands_nearest():
    assert names_near("far\nfar", 7) == {"far": 1.0}


def test_the_queries_end_at_the_cursor():
    assert query_at(TEXT, CURSOR).split("\n") == [
        *(f"line{number} = x" for number in range(21, 30)),
        "value = here(",
    ]
    assert compared_at(TEXT, CURSOR).startswith("line26")
    assert query_at("", 0) == ""
