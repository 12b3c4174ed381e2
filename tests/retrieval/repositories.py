"""Repositories made of real files, and an embedder that needs no model."""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retrieval.config import RetrievalConfig
from retrieval.embed import Vectors, normalised
from retrieval.words import terms

FILES = {
    "shop/cart.py": (
        "from shop.money import Price\n\n\n"
        "class ShoppingCart:\n"
        '    """What somebody wants to buy."""\n\n'
        "    def add_item(self, price: Price) -> None:\n"
        "        self.total = add_prices(self.total, price)\n\n\n"
        "def checkout(cart: ShoppingCart) -> Price:\n"
        '    """Charge the customer."""\n'
        "    return apply_discount(cart.total)\n"
    ),
    "shop/money.py": (
        "class Price:\n"
        '    """An amount in cents."""\n\n'
        "    cents = 0\n\n\n"
        "def add_prices(left: Price, right: Price) -> Price:\n"
        "    return Price(left.cents + right.cents)\n\n\n"
        "def apply_discount(price: Price) -> Price:\n"
        '    """Take the voucher off."""\n'
        "    return price\n"
    ),
    "shop/__init__.py": "",
    "README.md": "# The shop\n\nIt sells zebras and gnus.\n",
}


def write_files(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return root


def make_repository(root: Path, files: dict[str, str] | None = None) -> Path:
    """A git repository with these files committed."""
    write_files(root, FILES if files is None else files)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    commit(root, "first")
    return root


def commit(root: Path, message: str) -> None:
    name = ("-c", "user.name=t", "-c", "user.email=t@t")
    git(root, *name, "commit", "-q", "--allow-empty", "-m", message)


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def config_in(folder: Path, **fields: object) -> RetrievalConfig:
    return RetrievalConfig(index_dir=folder / "index", **fields)  # type: ignore[arg-type]


class WordEmbedder:
    """A hashed bag of words; remembers what it was given."""

    def __init__(self, name: str = "words", dimension: int = 64) -> None:
        self.name = name
        self.dimension = dimension
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        return normalised(np.array([self._counts(text) for text in texts], np.float32))

    def embed_query(self, text: str) -> Vectors:
        return normalised(self._counts(text)[None])[0]

    def _counts(self, text: str) -> Vectors:
        counts = np.zeros(self.dimension, np.float32)
        for term in terms(text):
            counts[hashlib.blake2b(term.encode(), digest_size=2).digest()[0] % self.dimension] += 1
        return counts
