"""The client of llama-server, against a real HTTP server that speaks the little of it we read."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks.keystrokes import Stroke, rows
from benchmarks.llama import LlamaError, LlamaServer, Made, PlainPrompts, Rival, Told
from benchmarks.product import Asked
from completion.config import CompletionConfig

TIMINGS = {"prompt_n": 3, "prompt_ms": 30.0, "predicted_n": 2, "predicted_ms": 8.0}


@contextmanager
def server(answer: bytes) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/", asked
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def test_what_the_server_says_of_itself_is_told() -> None:
    with server(json.dumps({"content": "x", "timings": TIMINGS}).encode()) as (url, asked):
        told = LlamaServer(url).complete([5, 6, 7, 8], make=2, reuse=False)
    assert (told.prompt, told.encoded, told.encode_ms, told.made, told.make_ms) == (4, 3, 30.0, 2, 8.0)
    assert told.wall_ms > 0
    assert (asked[0]["prompt"], asked[0]["n_predict"], asked[0]["cache_prompt"]) == ([5, 6, 7, 8], 2, False)


@pytest.mark.parametrize("answer", [b"not json", b'{"content": "x"}'])
def test_another_server_is_no_llama_server(answer: bytes) -> None:
    with server(answer) as (url, _), pytest.raises(LlamaError, match="no completion of llama-server"):
        LlamaServer(url).complete([1], make=1)
    with server(answer) as (url, _), pytest.raises(LlamaError, match="no completion of llama-server"):
        LlamaServer(url).go_on([1], most=1)


def test_tokens_are_told_without_the_one_that_ended_them() -> None:
    with server(json.dumps({"tokens": [7, 8], "stop_type": "eos"}).encode()) as (url, asked):
        assert LlamaServer(url).go_on([5, 6], most=4) == Made((7, 8), ended=True)
    assert (asked[0]["prompt"], asked[0]["n_predict"], asked[0]["return_tokens"]) == ([5, 6], 4, True)


def test_no_server_is_said_in_a_sentence() -> None:
    with server(b"") as (url, _):
        pass
    with pytest.raises(LlamaError, match=url):
        LlamaServer(url).complete([1], make=1)


def test_its_prompts_stand_in_the_plain_layout_and_their_windows_stay_put(tiny_model_dir: Path) -> None:
    prompts = PlainPrompts(str(tiny_model_dir), CompletionConfig(prefix_chars=300, suffix_chars=100))
    text = "".join(f"value_{number} = {number}\n" for number in range(60))
    cursor = text.index("value_40")
    before = prompts.ids(text, cursor)
    after = prompts.ids(f"{text[:cursor]}x{text[cursor:]}", cursor + 1)
    equal = next(index for index, (old, new) in enumerate(zip(before, after, strict=False)) if old != new)
    assert equal > len(before) // 2  # what is in front of the cursor, not a window that slid
    assert abs(len(after) - len(before)) <= 1


def test_the_rival_is_asked_for_one_token_with_its_cache(tiny_model_dir: Path) -> None:
    with server(json.dumps({"timings": TIMINGS}).encode()) as (url, asked):
        Rival(url, str(tiny_model_dir)).ask("first = 1\nsecond = ", 19)
    assert (asked[0]["n_predict"], asked[0]["cache_prompt"]) == (1, True)
    assert len(asked[0]["prompt"]) > 5


def test_its_requests_have_a_row_of_their_own() -> None:
    told = Told(prompt=900, encoded=300, encode_ms=1.0, made=1, make_ms=1.0, wall_ms=50.0)
    table = {row["requests"]: row for row in rows([Stroke(Asked("x", None, 1.0), None, told)])}
    row = table["llama-server, the same"]
    assert (row["count"], row["encoded median"], row["first token ms median"]) == (1, 300, 50.0)
