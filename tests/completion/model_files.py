"""Tiny models as they come from outside: GGUF files, wheels that carry one, a catalogue, a hub."""

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import gguf
import numpy as np
from gguf.quants import quantize
from transformers.convert_slow_tokenizer import bytes_to_unicode

from completion.catalog import HubFile, KnownModel, WheelSet

HIDDEN, FFN, LAYERS, HEADS, KV_HEADS = 32, 64, 2, 4, 2
HEAD_DIM = HIDDEN // HEADS
ALPHABET = list(bytes_to_unicode().values())
MERGES = ["d e", "de f", "Ġ Ġ"]
QWEN_SPECIAL = [
    "<|endoftext|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
]  # fmt: skip
Q8 = gguf.GGMLQuantizationType.Q8_0


def write_gguf(
    path: Path,
    *,
    architecture: str = "qwen2",
    special: Sequence[str] = QWEN_SPECIAL,
    pre: str = "qwen2",
    vocabulary_kind: str = "gpt2",
    tensors: dict[str, np.ndarray] | None = None,
    stored: gguf.GGMLQuantizationType = Q8,
    metadata: dict[str, object] | None = None,
) -> Path:
    """A whole GGUF file; ``tensors`` defaults to random ones of the right shapes."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(256)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    tokens, types = _vocabulary(special)
    writer.add_tokenizer_model(vocabulary_kind)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(MERGES)
    writer.add_eos_token_id(len(ALPHABET) + len(MERGES))
    for key, value in (metadata or {}).items():
        (writer.add_string if isinstance(value, str) else writer.add_float32)(f"{architecture}.{key}", value)
    if tensors is None:
        tensors = random_tensors(len(tokens), biases=architecture == "qwen2")
    for name, values in tensors.items():
        whole = values.ndim == 1
        writer.add_tensor(
            name, values if whole else quantize(values, stored), raw_dtype=None if whole else stored
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _vocabulary(special: Sequence[str]) -> tuple[list[str], list[int]]:
    tokens = [*ALPHABET, *(merge.replace(" ", "") for merge in MERGES), *special, "<tool>"]
    types = [1] * (len(ALPHABET) + len(MERGES)) + [3] * len(special) + [4]
    filler = -len(tokens) % 32
    return tokens + [f"[PAD{index}]" for index in range(filler)], types + [5] * filler


def random_tensors(vocabulary: int, *, biases: bool, seed: int = 0) -> dict[str, np.ndarray]:
    """Every tensor of a model, by its GGUF name, in rows."""
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (vocabulary, HIDDEN)}
    for layer in range(LAYERS):
        widths = {"attn_q": HIDDEN, "attn_k": KV_HEADS * HEAD_DIM, "attn_v": KV_HEADS * HEAD_DIM}
        for part, rows in widths.items():
            shapes[f"blk.{layer}.{part}.weight"] = (rows, HIDDEN)
            if biases:
                shapes[f"blk.{layer}.{part}.bias"] = (rows,)
        shapes |= {
            f"blk.{layer}.attn_norm.weight": (HIDDEN,),
            f"blk.{layer}.attn_output.weight": (HIDDEN, HIDDEN),
            f"blk.{layer}.ffn_norm.weight": (HIDDEN,),
            f"blk.{layer}.ffn_gate.weight": (FFN, HIDDEN),
            f"blk.{layer}.ffn_up.weight": (FFN, HIDDEN),
            f"blk.{layer}.ffn_down.weight": (HIDDEN, FFN),
        }
    shapes["output_norm.weight"] = (HIDDEN,)
    return {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def write_wheels(folder: Path, payload: bytes, *, parts: int = 2, name: str = "tiny-model") -> WheelSet:
    """Cut ``payload`` into wheels that pip accepts, and describe them."""
    folder.mkdir(parents=True, exist_ok=True)
    step = -(-len(payload) // parts)
    names = tuple(f"{name}-part{index + 1}" for index in range(parts))
    size = 0
    for index, distribution in enumerate(names):
        wheel = write_wheel(
            folder, distribution, {"data/part.bin": payload[index * step : (index + 1) * step]}
        )
        size += wheel.stat().st_size
    return WheelSet("1.0", names, size)


def write_wheel(folder: Path, distribution: str, members: dict[str, bytes]) -> Path:
    package = distribution.replace("-", "_")
    info = f"{package}-1.0.dist-info"
    wheel = folder / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, content in members.items():
            archive.writestr(f"{package}/{member}", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def known_model(payload: bytes, *, wheels: WheelSet | None = None, hub: HubFile | None = None) -> KnownModel:
    return KnownModel(
        name="tiny", description="A tiny model.", license="none", size=len(payload),
        sha256=hashlib.sha256(payload).hexdigest(), converted_size=200_000, default_for="cpu",
        wheels=wheels, hub=hub,
    )  # fmt: skip


def only(folder: Path) -> tuple[str, ...]:
    """Arguments that let pip see nothing but ``folder``."""
    return ("--no-index", "--find-links", str(folder))


UNREACHABLE = ("--index-url", "http://127.0.0.1:9/simple", "--retries", "1", "--timeout", "1")
NO_HUB = "http://127.0.0.1:9"


class Hub(ThreadingHTTPServer):
    """A hub with one repository ``org/tiny``, and the requests it got.

    What it lists is ``promised``: the same files, unless a test has other ones in mind.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.files = files
        self.promised = dict(files)
        self.seen: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.seen.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/org/tiny"):
            self._send(200, self._listing())
        elif path.startswith("/org/tiny/resolve/") and (name := path.split("/", 5)[5]) in self.server.files:
            self._send_file(self.server.files[name])
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _listing(self) -> bytes:
        siblings = [_sibling(name, data) for name, data in self.server.promised.items()]
        return json.dumps({"id": "org/tiny", "sha": "c" * 40, "siblings": siblings}).encode()

    def _send_file(self, data: bytes) -> None:
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": "c" * 40}
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(206 if start else 200, data[start:], headers)

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def _sibling(name: str, data: bytes) -> dict[str, object]:
    """A file as the hub lists it; only large ones come with their hash."""
    sibling: dict[str, object] = {"rfilename": name, "size": len(data)}
    if name.endswith((".safetensors", ".gguf")):
        digest = hashlib.sha256(data).hexdigest()
        sibling["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 134}
    return sibling


@contextmanager
def serve_hub(files: dict[str, bytes]) -> Iterator[Hub]:
    """Run a hub that holds ``files`` while the block runs."""
    server = Hub(files)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
