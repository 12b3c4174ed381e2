"""Which language a path is written in, by the names of the LSP (3.17, TextDocumentItem). Pure."""

import re
from pathlib import PurePosixPath
from types import MappingProxyType

PLAIN = "plaintext"

_BY_LANGUAGE = MappingProxyType(
    {
        "python": "py pyi pyw", "typescript": "ts mts cts", "typescriptreact": "tsx",
        "javascript": "js mjs cjs", "javascriptreact": "jsx", "go": "go", "rust": "rs", "java": "java",
        "c": "c h", "cpp": "cc cpp cxx c++ hh hpp hxx h++ ipp cu cuh", "csharp": "cs csx",
        "ruby": "rb rake gemspec", "php": "php phtml", "kotlin": "kt kts", "swift": "swift",
        "scala": "scala sc", "shellscript": "sh bash zsh ksh", "markdown": "md markdown",
        "restructuredtext": "rst", "json": "json", "jsonc": "jsonc", "yaml": "yaml yml", "toml": "toml",
        "xml": "xml xsd xsl", "html": "html htm", "css": "css", "scss": "scss", "less": "less", "sql": "sql",
        "lua": "lua", "perl": "pl pm", "r": "r", "julia": "jl", "haskell": "hs", "elixir": "ex exs",
        "erlang": "erl hrl", "clojure": "clj cljs", "dart": "dart", "vue": "vue", "svelte": "svelte",
        "powershell": "ps1 psm1", "bat": "bat cmd", "ini": "ini cfg", "proto": "proto", "groovy": "groovy",
        "fsharp": "fs fsx", "ocaml": "ml mli", "zig": "zig", "objective-c": "m", "objective-cpp": "mm",
    }
)  # fmt: skip
_BY_SUFFIX = MappingProxyType(
    {suffix: language for language, suffixes in _BY_LANGUAGE.items() for suffix in suffixes.split()}
)
_BY_NAME = MappingProxyType(
    {"dockerfile": "dockerfile", "makefile": "makefile", "gnumakefile": "makefile", "rakefile": "ruby",
     "gemfile": "ruby", ".bashrc": "shellscript", ".zshrc": "shellscript", ".profile": "shellscript"}
)  # fmt: skip
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-\S+\s+)*)?(?:\S*/)?([A-Za-z]+)")
_BY_PROGRAM = MappingProxyType(
    {"python": "python", "node": "javascript", "bash": "shellscript", "sh": "shellscript",
     "zsh": "shellscript", "dash": "shellscript", "ksh": "shellscript", "ruby": "ruby", "php": "php",
     "perl": "perl", "deno": "typescript", "scala": "scala", "swift": "swift"}
)  # fmt: skip


def language_of(path: str, first_line: str = "") -> str:
    """The LSP language id of ``path``; the shebang in ``first_line`` decides where there is no extension."""
    name = PurePosixPath(path).name.lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    suffix = PurePosixPath(name).suffix[1:]
    if suffix:
        return _BY_SUFFIX.get(suffix, PLAIN)
    found = _SHEBANG.match(first_line)
    return _BY_PROGRAM.get(found[1].lower(), PLAIN) if found else PLAIN
