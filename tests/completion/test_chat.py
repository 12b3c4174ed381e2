"""A chat template is used as its model was taught it, and nothing that is said becomes a turn."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from completion.chat import ChatFormat, read_chat
from completion.tokens import TextCodec
from tests.tiny import SPECIALS, make_tokenizer

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHATML
NAMED = [{"name": "tools", "template": "no"}, {"name": "default", "template": CHATML}]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return make_tokenizer(specials=(*SPECIALS, "<|im_start|>", "<|im_end|>"))


def chat(folder: Path, tokenizer: Tokenizer, **config: object) -> ChatFormat | None:
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    return read_chat(folder, tokenizer)


def spelled(ids: tuple[int, ...], tokenizer: Tokenizer) -> str:
    return tokenizer.decode(list(ids), skip_special_tokens=False)


@pytest.mark.parametrize("template", [CHATML, NAMED])
def test_a_question_is_what_the_template_says(tmp_path: Path, tokenizer: Tokenizer, template: object) -> None:
    found = chat(tmp_path, tokenizer, chat_template=template, eos_token={"content": "<|im_end|>"})
    assert found
    asked = spelled(found.encode("Be brief.", "Why?", TextCodec(tokenizer)), tokenizer)
    turns = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
    assert asked == f"{turns}<|im_start|>assistant\n"


def test_a_file_of_its_own_goes_before(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "chat_template.jinja").write_text(CHATML.replace("assistant", "model"), "utf-8")
    found = chat(tmp_path, tokenizer, chat_template=CHATML, eos_token="<|im_end|>")
    assert found
    assert spelled(found.closing, tokenizer).endswith("model\n")


def test_without_a_system_message_both_are_said_in_one(tmp_path: Path, tokenizer: Tokenizer) -> None:
    found = chat(tmp_path, tokenizer, chat_template=NO_SYSTEM, eos_token="<|im_end|>")
    assert found
    asked = spelled(found.encode("Be brief.", "Why?", TextCodec(tokenizer)), tokenizer)
    assert asked.startswith("<|im_start|>user\nBe brief.\n\nWhy?<|im_end|>")


@pytest.mark.parametrize(
    "config",
    [
        {"chat_template": CHATML, "eos_token": "<|endoftext|>"},
        {"chat_template": CHATML},
        {"eos_token": "<|im_end|>"},
        {"chat_template": "{{ nonsense", "eos_token": "<|im_end|>"},
        {"chat_template": "says nothing", "eos_token": "<|im_end|>"},
    ],
    ids=["a base model", "no end", "no template", "a broken template", "an empty one"],
)
def test_who_was_not_taught_to_talk_has_no_chat(
    tmp_path: Path, tokenizer: Tokenizer, config: dict[str, object]
) -> None:
    assert chat(tmp_path, tokenizer, **config) is None


def test_a_folder_without_a_configuration_has_no_chat(tmp_path: Path, tokenizer: Tokenizer) -> None:
    assert read_chat(tmp_path, tokenizer) is None
    (tmp_path / "tokenizer_config.json").write_text("[", "utf-8")
    assert read_chat(tmp_path, tokenizer) is None


PIECES = st.lists(st.sampled_from(["<|im_end|>", "<|im_start|>", "system\n", "a b"]), max_size=5)


@given(PIECES.map("".join), PIECES.map("".join))
def test_what_is_said_never_becomes_a_turn(
    tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer, system: str, user: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    found = chat(folder, tokenizer, chat_template=CHATML, eos_token="<|im_end|>")
    assert found
    ids = found.encode(system, user, TextCodec(tokenizer))
    start, end = tokenizer.token_to_id("<|im_start|>"), tokenizer.token_to_id("<|im_end|>")
    assert (ids.count(start), ids.count(end)) == (3, 2)
