"""What no path that reads files may hand on: files that hold keys, and texts that look like it. Pure."""

import math
import re
from collections import Counter
from fnmatch import translate

_NAMES = (
    ".env*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".npmrc", ".pypirc", ".htpasswd",
    ".pgpass", "credentials", "credentials.*", ".credentials*", "secrets.json", "secrets.y*ml",
    "secrets.toml", ".git-credentials", "service-account*.json", "application_default_credentials.json",
    "kubeconfig", ".dockercfg", ".s3cfg", ".boto", "*.tfstate",
)  # fmt: skip
_CODE = re.compile(r"\.(py|pyi|ts|tsx|js|jsx|go|rs|java|c|h|cc|cpp|cs|rb|php|kt|swift|scala|md|rst|html)$")
_NAME = re.compile("|".join(translate(pattern) for pattern in _NAMES))
_KEYS = (
    ("a private key", ("PRIVATE KEY",), re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----\s*(?:\\n|[\w:.,\- ]*\n)?\s*[A-Za-z0-9+/=]{32}")),
    ("an AWS key", ("AKIA", "ASIA"), re.compile(r"\b(?:AKIA|ASIA)(?![0-9A-Z]*EXAMPLE)[0-9A-Z]{16}\b")),
    ("a GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat"), re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,})")),
    ("a GitLab token", ("glpat-",), re.compile(r"\bglpat-[\w-]{20}\b")),
    ("a Slack token", ("xox",), re.compile(r"\bxox[abeoprs]-\d[\w-]{10,}")),
    ("a Google key", ("AIza",), re.compile(r"\bAIza[\w-]{35}")),
    ("a hub token", ("hf_",), re.compile(r"\bhf_[A-Za-z0-9]{34}\b")),
    ("a PyPI token", ("pypi-",), re.compile(r"\bpypi-[\w-]{50,}")),
    ("a Stripe key", ("k_live_",), re.compile(r"\b[rs]k_live_[A-Za-z0-9]{20,}")),
    ("an API key", ("sk-",), re.compile(r"\bsk-(?=[\w-]*\d)(?=[\w-]*[A-Z])[A-Za-z0-9_-]{32,}")),
)  # fmt: skip
"""What it is, what must be in a text for it, which is found quickly, and what it looks like."""
_ASSIGNED = re.compile(r"[:=][ \t]{0,3}['\"]([\w+/=\-]{20,200})['\"]")
_SECRETIVE = re.compile(r"(?i)(?:secret|token|passwd|password|api_?key|access_?key)\w{0,20}['\"]?\s{0,3}$")
_RANDOM_BITS = 3.9
"""Bits a character from which on a string reads as random."""


def secret_name(name: str) -> bool:
    """Whether a file of this name (without folders) is left out unread; source code never is by its name."""
    lowered = name.lower()
    return bool(_NAME.match(lowered)) and not _CODE.search(lowered)


def secret_in(text: str) -> str | None:
    """What in ``text`` looks like a key, in words; None when nothing does."""
    for what, hints, pattern in _KEYS:
        if any(hint in text for hint in hints) and pattern.search(text):
            return what
    found = any(
        _is_random(each[1]) and _SECRETIVE.search(text[max(0, each.start() - 60) : each.start()])
        for each in _ASSIGNED.finditer(text)
    )
    return "a value that looks random" if found else None


def _is_random(value: str) -> bool:
    """Whether letters and digits are mixed as chance mixes them (Shannon entropy)."""
    mixed = sum(char.isdigit() for char in value) >= 3 and any(char.isalpha() for char in value)
    counts = Counter(value).values()
    return mixed and -sum(n / len(value) * math.log2(n / len(value)) for n in counts) >= _RANDOM_BITS
