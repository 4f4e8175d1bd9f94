"""llama.cpp, as the wheel `xllamacpp` has it, writes a text; prints as JSON its first one and the characters a second.

    python bench/llamacpp.py WEIGHTS FORMAT WAY LENGTH THREADS

What bench/decode.py calls, with the Python that has the wheels xllamacpp and gguf. WEIGHTS is an .npz of a model of
the modern shape, `config` and `alphabet` in it; beside it lands the same in FORMAT (f32, f16 or q8_0) as a GGUF of
Qwen3. The alphabet must lie in "!" to "~", which GPT-2's vocabulary spells as they are. llama.cpp's has a row more than
zoo's, all zeros, for the end of the text: without it, it would take another token for that.

WAY is `server`, through the binding, seconds as the server itself reports them; or `bare`, a loop around llama_decode
and the greedy sampler: the C functions inside the wheel, with their default parameters.
"""

import ctypes
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

RUNS = 3  # after one text that does not count
SPAN = 0.3  # seconds of a run, at least
PROMPT = "A"
NAMES = {
    **{"norm1": "attn_norm", "attention.q_norm": "attn_q_norm", "attention.k_norm": "attn_k_norm"},
    **{"attention.proj": "attn_output", "norm2": "ffn_norm"},
    **{"mlp.gate": "ffn_gate", "mlp.up": "ffn_up", "mlp.down": "ffn_down"},
}

Written = tuple[str, float]  # a text, and the seconds it took
Outcome = tuple[str, list[float]]  # the first text, and the characters a second of each run


def measure(write: Callable[[], Written]) -> Outcome:
    first, _ = write()
    rates = []
    for _ in range(RUNS):
        characters, seconds = 0, 0.0
        while seconds < SPAN:
            text, took = write()
            characters, seconds = characters + len(text), seconds + took
        rates.append(characters / seconds)
    return first, rates


def timed(write: Callable[[], str]) -> Written:
    begin = time.perf_counter()
    text = write()
    return text, time.perf_counter() - begin


def convert(weights: dict[str, np.ndarray], config: dict, alphabet: str, path: Path, format: str) -> None:
    """The same model for llama.cpp; norms stay in float32, as its own conversions leave them."""
    import gguf

    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_block_count(config["n_layer"])
    writer.add_context_length(config["block_size"])
    writer.add_embedding_length(config["n_embd"])
    writer.add_feed_forward_length(config["hidden_size"])
    writer.add_head_count(config["n_head"])
    writer.add_head_count_kv(config["n_head"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*alphabet, "</s>"])
    writer.add_token_types([*[gguf.TokenType.NORMAL] * len(alphabet), gguf.TokenType.CONTROL])
    writer.add_token_merges(["\u0100 \u0100"])  # there must be one; of a character that no text has
    writer.add_eos_token_id(len(alphabet))
    writer.add_add_bos_token(False)
    kind = gguf.GGMLQuantizationType[format.upper()]
    for name, array in tensors(weights, config["n_layer"]).items():
        stored = gguf.GGMLQuantizationType.F32 if array.ndim == 1 else kind
        writer.add_tensor(name, gguf.quants.quantize(array, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(weights: dict[str, np.ndarray], n_layer: int) -> dict[str, np.ndarray]:
    """The weights by llama.cpp's names: queries, keys and values apart, and the row for the end of the text."""
    named = {"output_norm.weight": weights["norm.weight"]}
    for ours, theirs in {"wte": "token_embd", "head": "output"}.items():
        named[f"{theirs}.weight"] = np.pad(weights[f"{ours}.weight"], ((0, 1), (0, 0)))
    for i in range(n_layer):
        for ours, theirs in NAMES.items():
            named[f"blk.{i}.{theirs}.weight"] = weights[f"blocks.{i}.{ours}.weight"]
        for letter, matrix in zip("qkv", np.split(weights[f"blocks.{i}.attention.qkv.weight"], 3), strict=True):
            named[f"blk.{i}.attn_{letter}.weight"] = matrix
    return named


def server(model: Path, length: int, threads: int) -> Callable[[], Written]:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.n_ctx, params.verbosity = str(model), 512, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    serving = xllamacpp.Server(params)
    asked = {"prompt": PROMPT, "max_tokens": length, "temperature": 0, "ignore_eos": True, "cache_prompt": False}

    def write() -> Written:
        answers: list[str] = []
        serving.handle_completions(json.dumps(asked), answers.append)
        answer = json.loads(answers[0])
        return answer["choices"][0]["text"], answer["timings"]["predicted_ms"] / 1000

    return write


class Struct(ctypes.Structure):
    """Any of llama.cpp's structs: they only pass from one of its functions to another, and this is larger than each."""

    _fields_ = (("room", ctypes.c_uint64 * 128),)


def bare(model: Path, alphabet: str, length: int, threads: int) -> Callable[[], Written]:
    from xllamacpp import xllamacpp

    library = ctypes.CDLL(xllamacpp.__file__)

    def function(name: str, *arguments: type, gives: type | None = ctypes.c_void_p) -> Callable:
        found = getattr(library, name)
        found.argtypes, found.restype = arguments, gives
        return found

    pointer, number = ctypes.c_void_p, ctypes.c_int32
    silence = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, pointer)(lambda *_: None)
    function("llama_log_set", pointer, pointer, gives=None)(silence, None)
    model_params = function("llama_model_default_params", gives=Struct)()
    context_params = function("llama_context_default_params", gives=Struct)()
    loaded = function("llama_model_load_from_file", ctypes.c_char_p, Struct)(str(model).encode(), model_params)
    context = function("llama_init_from_model", pointer, Struct)(loaded, context_params)
    function("llama_set_n_threads", pointer, number, number, gives=None)(context, threads, threads)
    memory = function("llama_get_memory", pointer)(context)
    clear = function("llama_memory_clear", pointer, ctypes.c_bool, gives=None)
    decode = function("llama_decode", pointer, Struct, gives=number)
    sample = function("llama_sampler_sample", pointer, pointer, number, gives=number)
    greedy = function("llama_sampler_init_greedy")()
    token = (number * 1)()
    batch = function("llama_batch_get_one", pointer, number, gives=Struct)(token, 1)

    def write() -> str:
        clear(memory, True)
        token[0] = alphabet.index(PROMPT)
        text = ""
        for _ in range(length):
            if decode(context, batch):
                sys.exit("llama_decode failed")
            token[0] = sample(greedy, context, -1)
            text += alphabet[token[0]]
        return text

    return partial(timed, write)


def main() -> None:
    path, format, way, length, threads = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    stored = np.load(path)
    config, alphabet = json.loads(str(stored["config"])), str(stored["alphabet"])
    model = path.with_suffix(f".{format}.gguf")
    if not model.exists():
        convert(dict(stored), config, alphabet, model, format)
    write = server(model, length, threads) if way == "server" else bare(model, alphabet, length, threads)
    print(json.dumps(measure(write)))


if __name__ == "__main__":
    main()
