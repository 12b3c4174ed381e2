"""Fill-in-the-middle families, told apart by the special tokens of a tokenizer. Pure.

The order of a prompt, with ``p`` the text before the cursor and ``s`` the text behind it::

    psm    prefix p suffix s middle  …the model writes here
    spm    suffix s prefix p middle  …the model writes here (``middle`` may be empty)

Sources: Qwen2.5-Coder (arXiv 2409.12186, section 3), DeepSeek-Coder (arXiv 2401.14196, section
3.1.2), StarCoder (arXiv 2305.06161), Code Llama (arXiv 2308.12950, section 2.3), CodeGemma
(arXiv 2406.11409, section 3), Codestral (mistral-common, ``encode_fim``), Granite Code
(arXiv 2405.04324).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from completion.errors import NoFimTokens


@dataclass(frozen=True)
class FimFamily:
    """How one family of code models marks the two sides of the cursor."""

    name: str
    prefix: str
    suffix: str
    middle: str
    """Empty where the model continues right behind the prefix (Codestral)."""
    stop: tuple[str, ...]
    """Tokens that end a completion. A tokenizer need not have them all: take those it has."""
    order: Literal["psm", "spm"]
    bos: str | None = None
    """The token that must open the prompt; None: there is none."""
    marks: tuple[str, ...] = ()
    """Further tokens that tell this family from another with the same markers."""

    @property
    def markers(self) -> tuple[str, ...]:
        """The markers that exist, in the order of the prompt."""
        both = (self.prefix, self.suffix) if self.order == "psm" else (self.suffix, self.prefix)
        return (*both, self.middle) if self.middle else both


_BARS = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_PLAIN = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
_DEEPSEEK = ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
_LLAMA = ("▁<PRE>", "▁<SUF>", "▁<MID>")
_MISTRAL = ("[PREFIX]", "[SUFFIX]")

# The more telling a family's tokens, the earlier it stands: the first that fits is taken.
FAMILIES: tuple[FimFamily, ...] = (
    FimFamily(
        "codegemma", *_BARS, order="psm", bos="<bos>", marks=("<|file_separator|>",),
        stop=("<|file_separator|>", "<eos>", "<end_of_turn>", *_BARS),
    ),
    FimFamily(
        "granite", *_BARS, order="psm", marks=("<|end_of_text|>",),
        stop=("<|end_of_text|>", "<|fim_pad|>", "<|filename|>", "<|reponame|>", *_BARS),
    ),
    FimFamily(
        "qwen2.5-coder", *_BARS, order="psm",
        stop=("<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>", "<|im_end|>", *_BARS),
    ),
    FimFamily(
        "deepseek-coder", *_DEEPSEEK, order="psm", bos="<｜begin▁of▁sentence｜>",
        stop=("<｜end▁of▁sentence｜>", "<|EOT|>", *_DEEPSEEK),
    ),
    FimFamily(
        "granite-code", *_PLAIN, order="psm", marks=("<reponame>",),
        stop=("<|endoftext|>", "<|end_of_text|>", "<fim_pad>", "<filename>", "<reponame>", *_PLAIN),
    ),
    FimFamily(
        "starcoder2", *_PLAIN, order="psm",
        stop=("<|endoftext|>", "<|end_of_text|>", "<fim_pad>", "<file_sep>", "<repo_name>", *_PLAIN),
    ),
    FimFamily(
        "codellama", *_LLAMA, order="psm", bos="<s>",
        stop=("▁<EOT>", "</s>", *_LLAMA),
    ),
    FimFamily(
        "codestral", *_MISTRAL, middle="", order="spm", bos="<s>",
        stop=("</s>", "[MIDDLE]", *_MISTRAL),
    ),
)  # fmt: skip


def detect_family(special_tokens: Iterable[str]) -> FimFamily:
    """Return the first family all of whose markers are among ``special_tokens``.

    Raises NoFimTokens when none fits; the sentence names what was looked for.
    """
    present = frozenset(special_tokens)
    for family in FAMILIES:
        if present.issuperset((*family.markers, *family.marks)):
            return family
    looked_for = "; ".join(dict.fromkeys(" ".join(family.markers) for family in FAMILIES))
    raise NoFimTokens(
        "The tokenizer has no fill-in-the-middle tokens, so the model cannot complete inside a file"
        f" (looked for: {looked_for})."
    )
