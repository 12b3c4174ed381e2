import pytest

from retrieval.modules import ModuleIndex
from retrieval.records import Import

PATHS = (
    "src/app/__init__.py", "src/app/a.py", "src/app/sub/b.py", "web/x.ts", "web/lib/index.tsx",
    "pkg/net/s.go", "pkg/net/s_test.go", "j/com/foo/Bar.java", "inc/u.h", "c/main.c", "r/src/deep/mod.rs",
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "language", "imported", "found"),
    [
        (
            "src/app/sub/b.py",
            "python",
            Import("", 0, 2, (("a", "a"),)),
            ("src/app/a.py", "src/app/__init__.py"),
        ),
        ("t.py", "python", Import("app.sub.b", 0), ("src/app/sub/b.py",)),
        ("t.py", "python", Import("os", 0), ()),
        ("web/y.ts", "typescript", Import("./x.js", 0), ("web/x.ts",)),
        ("web/y.ts", "typescript", Import("./lib", 0), ("web/lib/index.tsx",)),
        ("m.go", "go", Import("h.com/me/pkg/net", 0), ("pkg/net/s.go",)),
        ("A.java", "java", Import("com.foo.Bar", 0), ("j/com/foo/Bar.java",)),
        ("c/main.c", "c", Import("u.h", 0), ("inc/u.h",)),
        ("r/src/lib.rs", "rust", Import("crate::deep::Thing", 0), ("r/src/deep/mod.rs",)),
    ],
)
def test_resolve(path: str, language: str, imported: Import, found: tuple[str, ...]):
    assert ModuleIndex(PATHS).resolve(path, language, imported) == found
