"""How a model that was taught to talk wants to be spoken to: its own chat template, once rendered.

Templates are Jinja and come with the model (transformers' ``chat_template``, also in GGUF files). A base
model often carries one as well, which it was never taught: it ends its texts with another token than the
turns of the template, and that tells it apart.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tokenizers import Tokenizer

from completion.tokens import TextCodec

_log = logging.getLogger(__name__)
_SYSTEM, _USER, _ANSWER = "\ufdd0system\ufdd0", "\ufdd0user\ufdd0", "\ufdd0answer\ufdd0"
"""Noncharacters of Unicode: no template and no text holds them."""


@dataclass(frozen=True)
class ChatFormat:
    """Token ids around what is said: ``opening`` system ``between`` user ``closing``, then the answer.

    ``between`` is None where the template knows no system message: then both go in one, a blank line between.
    """

    opening: tuple[int, ...]
    between: tuple[int, ...] | None
    closing: tuple[int, ...]

    def encode(self, system: str, user: str, codec: TextCodec) -> tuple[int, ...]:
        """The tokens of a question, so far as the answer begins. Text never becomes a special token."""
        if self.between is None:
            return (*self.opening, *codec.encode(f"{system}\n\n{user}"), *self.closing)
        asked = codec.encode(user)
        return (*self.opening, *codec.encode(system), *self.between, *asked, *self.closing)


def read_chat(directory: Path, tokenizer: Tokenizer) -> ChatFormat | None:
    """The chat of the model in ``directory``; None for a model that was taught none."""
    config = _config(directory)
    template, end = _template(directory, config), _spelled(config.get("eos_token"))
    if not template or not end:
        return None
    try:
        return _format(template, end, config, tokenizer)
    except Exception as error:  # noqa: BLE001 - a template is foreign code and may raise anything
        _log.warning("The model's chat template cannot be used: %s", type(error).__name__)
        return None


def _format(template: str, end: str, config: dict[str, Any], tokenizer: Tokenizer) -> ChatFormat | None:
    def shown(*said: str, answered: bool = False) -> str:
        return _render(template, config, list(said), answered=answered)

    try:
        text = shown(_SYSTEM, _USER)
        taught = end in shown(_SYSTEM, _USER, _ANSWER, answered=True)
    except Exception:  # noqa: BLE001 - templates say by an error that there is no system message
        text, taught = shown(_USER), end in shown(_USER, _ANSWER, answered=True)
    if not taught or text.count(_USER) != 1:
        return None

    def ids(piece: str) -> tuple[int, ...]:
        return tuple(tokenizer.encode(piece, add_special_tokens=False).ids)

    before, closing = text.split(_USER)
    if before.count(_SYSTEM) != 1:
        return ChatFormat(ids(before), None, ids(closing)) if _SYSTEM not in before else None
    opening, between = before.split(_SYSTEM)
    return ChatFormat(ids(opening), ids(between), ids(closing))


def _render(template: str, config: dict[str, Any], said: list[str], *, answered: bool) -> str:
    from transformers.utils import chat_template_utils

    untyped: Any = chat_template_utils
    roles = {_SYSTEM: "system", _USER: "user", _ANSWER: "assistant"}
    messages = [{"role": roles[each], "content": each} for each in said]
    specials = {name: _spelled(config.get(name)) for name in ("bos_token", "eos_token", "pad_token")}
    rendered: Any = untyped.render_jinja_template(
        [messages], chat_template=template, add_generation_prompt=not answered, **specials
    )
    texts = cast("list[str]", rendered[0] if isinstance(rendered, tuple) else rendered)
    return texts[0]


def _config(directory: Path) -> dict[str, Any]:
    try:
        told: object = json.loads((directory / "tokenizer_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def _template(directory: Path, config: dict[str, Any]) -> str:
    """A file of its own, or a field: the template, or several by name with one called ``default``."""
    try:
        return (directory / "chat_template.jinja").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        found = config.get("chat_template")
    if isinstance(found, list):
        named = [cast("dict[str, Any]", each) for each in cast("list[Any]", found) if isinstance(each, dict)]
        found = next((each.get("template") for each in named if each.get("name") == "default"), None)
    return found if isinstance(found, str) else ""


def _spelled(token: object) -> str:
    """A special token as the configuration says it: a string, or an object with its ``content``."""
    if isinstance(token, dict):
        token = cast("dict[str, Any]", token).get("content")
    return token if isinstance(token, str) else ""
