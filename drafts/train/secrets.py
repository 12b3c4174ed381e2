"""What must not be learnt: files that hold keys, and texts that look as if they did. Pure.

Better one file too many: a draft repeats what it has learnt.
"""

import math
import re
from collections import Counter
from fnmatch import fnmatch

_NAMES = (
    ".env", ".env.*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
    "*.asc", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", ".pypirc", ".npmrc", ".htpasswd",
    ".pgpass", "credentials", "credentials.json", "credentials.y*ml", "secrets.json", "secrets.y*ml",
    "secrets.toml", ".git-credentials",
)  # fmt: skip
_KEYS = (
    ("a private key", ("PRIVATE KEY",), re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")),
    ("an AWS key", ("AKIA", "ASIA"), re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", ("gh", "github_pat"), re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,})")),
    ("a GitLab token", ("glpat-",), re.compile(r"\bglpat-[\w-]{20}\b")),
    ("a Slack token", ("xox",), re.compile(r"\bxox[abeoprs]-[\w-]{10,}")),
    ("a Google key", ("AIza",), re.compile(r"\bAIza[\w-]{35}")),
    ("a hub token", ("hf_",), re.compile(r"\bhf_[A-Za-z0-9]{30,}\b")),
    ("a PyPI token", ("pypi-",), re.compile(r"\bpypi-[\w-]{50,}")),
    ("an API key", ("sk-",), re.compile(r"\bsk-[A-Za-z0-9_-]{32,}")),
    ("a web token", ("eyJ",), re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")),
    (
        "a password in an address",
        ("://",),
        re.compile(r"://[^\s/:@'\"{<$]+:[^\s/@'\"{<$]{6,}@"),
    ),
)
"""What it is, what must be in a text for it, which is found quickly, and what it looks like."""
_ASSIGNED = re.compile(
    r"(?i)(?:secret|token|passwd|password|api_?key|access_?key)\w*['\"]?\s*[:=]\s*['\"]([\w+/=\-]{20,})['\"]"
)
_RANDOM_BITS = 3.7
"""Bits a character from which on a string reads as random; words of code lie at 3.5 and below."""


def secret_name(name: str) -> bool:
    """Whether a file of this name is left out unread."""
    return any(fnmatch(name.lower(), pattern) for pattern in _NAMES)


def secret_in(text: str) -> str | None:
    """What in ``text`` looks like a key, in words; None when nothing does."""
    known = next((what for what, hints, pattern in _KEYS if _has(text, hints) and pattern.search(text)), None)
    if known:
        return known
    return "a value that looks random" if any(map(_is_random, _ASSIGNED.findall(text))) else None


def _has(text: str, hints: tuple[str, ...]) -> bool:
    return any(hint in text for hint in hints)


def _is_random(value: str) -> bool:
    """Whether letters and digits are mixed as chance mixes them (Shannon entropy)."""
    mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    counts = Counter(value).values()
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return mixed and bits >= _RANDOM_BITS
