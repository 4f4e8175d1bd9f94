"""The transformer: one file, two shapes.

classic   GPT-2 (Radford et al. 2019), as in nanoGPT: LayerNorm, learned positions, GELU or ReLU.
modern    RMSNorm (Zhang & Sennrich 2019), rotary positions (Su et al. 2021), per-head QK-norm (Henry et al. 2020),
          SwiGLU (Shazeer 2020), no biases: weight for weight the block of Qwen3.

In the shape comments B is batch, T time, C n_embd, H n_head, D head_dim, V vocab_size.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.config import ModelConfig

SHORT = 512  # ids of a context up to which all scores of attention may lie in memory


class Past(Protocol):
    """What an engine remembers, in one block, of the ids before those that it feeds."""

    def put(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keep keys and values (B, H, T, D); returns those of all S ids so far, (B, H, S, D)."""


def make_norm(config: ModelConfig, size: int) -> nn.Module:
    if config.shape == "modern":
        return nn.RMSNorm(size, eps=config.norm_eps)
    return nn.LayerNorm(size, eps=config.norm_eps, bias=config.norm_bias)


class Dropout(nn.Module):
    """Drops a share of what passes in training."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        return drop(x, self.share) if self.training else x


def drop(x: Tensor, share: float) -> Tensor:
    """x with a share of it zeroed, and the rest larger for it (Srivastava et al. 2014)."""
    if not share or x.device.type != "cpu":
        return F.dropout(x, share)
    # torch's own draws a number for each, with one thread: two bytes of a random word are enough (docs/log.md)
    words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device).random_(-(2**63), None)
    kept = words.view(torch.int16)[: x.numel()].view(x.shape) >= round(share * 2**16) - 2**15
    return x * kept.to(x).mul_(1 / (1 - share))


class Attention(nn.Module):
    """Causal self-attention over all heads at once."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_head, self.head_dim, self.dropout = config.n_head, config.head_dim, config.dropout
        attended = config.n_head * config.head_dim
        self.qkv = nn.Linear(config.n_embd, 3 * attended, bias=config.qkv_bias)
        self.modern = config.shape == "modern"
        if self.modern:
            self.q_norm = nn.RMSNorm(config.head_dim, eps=config.norm_eps)
            self.k_norm = nn.RMSNorm(config.head_dim, eps=config.norm_eps)
        self.proj = nn.Linear(attended, config.n_embd, bias=config.proj_bias)
        self.residual_dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor] | None, past: Past | None = None) -> Tensor:
        B, T, _ = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.n_head, self.head_dim).unbind(2)  # each (B, T, H, D)
        if self.modern:
            assert rotary is not None
            # in float32 whatever the autocast, as Qwen3 does it
            q, k = rotate(self.q_norm(q.float()), *rotary).to(v), rotate(self.k_norm(k.float()), *rotary).to(v)
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)  # each (B, H, T, D)
        if past is not None:
            k, v = past.put(k, v)  # each (B, H, S, D)
        # the modern shape drops only what goes into the stream: attention itself would lose its fused kernel to it
        p = self.dropout if self.training and not self.modern else 0.0
        y = attend(q, k, v, p)  # (B, H, T, D)
        y = y.transpose(1, 2).reshape(B, T, self.n_head * self.head_dim)
        return self.residual_dropout(self.proj(y))  # type: ignore[no-any-return]


def attend(q: Tensor, k: Tensor, v: Tensor, dropout: float) -> Tensor:
    """Causal attention of q (B, H, T, D), k and v (B, H, S, D), where q are the last T of S positions; `dropout` is the
    share of the weights that are dropped."""
    T, S = q.shape[-2], k.shape[-2]
    if T < S:
        seen = torch.ones(T, S, dtype=torch.bool, device=q.device).tril(S - T)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    if q.device.type != "cpu" or q.dtype != torch.bfloat16 or T > SHORT:
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
    # where the processor multiplies bfloat16, products and a softmax are faster than torch's kernel (docs/log.md)
    future = torch.full((T, T), -math.inf, dtype=q.dtype, device=q.device).triu(1)
    scores = ((q * q.shape[-1] ** -0.5) @ k.mT).add_(future)  # (B, H, T, T)
    return drop(scores.softmax(-1), dropout) @ v


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions, the two halves of a head paired (as in Qwen3): x (B, T, H, D), cos and sin (T, 1, D/2)."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class MLP(nn.Module):
    """Two matrices around a non-linearity, or SwiGLU's three."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.activation = config.activation
        if config.activation == "swiglu":
            self.gate = nn.Linear(config.n_embd, config.hidden_size, bias=False)
        self.up = nn.Linear(config.n_embd, config.hidden_size, bias=config.mlp_bias)
        self.down = nn.Linear(config.hidden_size, config.n_embd, bias=config.mlp_bias)
        self.residual_dropout = Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        match self.activation:
            case "swiglu":
                hidden = F.silu(self.gate(x)) * self.up(x)
            case "relu":
                hidden = F.relu(self.up(x))
            case "gelu_tanh":
                hidden = F.gelu(self.up(x), approximate="tanh")
            case _:
                hidden = F.gelu(self.up(x))
        return self.residual_dropout(self.down(hidden))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention and MLP, each behind a norm and added to the residual stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm1 = make_norm(config, config.n_embd)
        self.attention = Attention(config)
        self.norm2 = make_norm(config, config.n_embd)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor] | None, past: Past | None = None) -> Tensor:
        x = x + self.attention(self.norm1(x), rotary, past)
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


class GPT(nn.Module):
    """A decoder-only transformer of a resolved config (no size left at 0)."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        if config.shape == "classic":
            self.wpe = nn.Embedding(config.block_size, config.n_embd)
        else:
            cos, sin = rotary_tables(config)
            self.register_buffer("cos", cos, persistent=False)
            self.register_buffer("sin", sin, persistent=False)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = make_norm(config, config.n_embd)
        self.head = nn.Linear(config.n_embd, config.vocab_size, bias=config.head_bias)
        if config.tied:
            self.head.weight = self.wte.weight
        self.initialise()

    def initialise(self) -> None:
        """GPT-2's: N(0, 0.02), but smaller into the residual stream, whose variance would else grow with depth."""
        for name, parameter in self.named_parameters():
            if parameter.dim() < 2:
                continue
            into_stream = name.endswith(("attention.proj.weight", "mlp.down.weight"))
            nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * self.config.n_layer) if into_stream else 0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, ids: Tensor, begin: int = 0, pasts: Sequence[Past | None] = ()) -> Tensor:
        """Logits (B, T, V) for ids (B, T), the first at position `begin`; each block has its past of those before."""
        end = begin + ids.shape[1]
        assert self.config.block_size >= end
        x = self.wte(ids)  # (B, T, C)
        rotary = None
        if self.config.shape == "classic":
            x = x + self.wpe.weight[begin:end]
        else:
            rotary = (self.cos[begin:end], self.sin[begin:end])
        x = self.dropout(x)
        for block, past in zip(self.blocks, pasts or [None] * len(self.blocks), strict=True):
            x = block(x, rotary, past)
        return self.head(self.norm(x))  # type: ignore[no-any-return]

    def loss(self, ids: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """Cross-entropy in nats of targets (B, T) after ids (B, T)."""
        logits = self(ids).float()
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction=reduction)


def rotary_tables(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Cosines and sines (block_size, 1, D/2) of position times frequency, in float32 as Qwen3 computes them."""
    frequencies = 1.0 / config.rope_theta ** (torch.arange(0, config.head_dim, 2).float() / config.head_dim)
    angles = torch.outer(torch.arange(config.block_size).float(), frequencies)
    return angles.cos()[:, None, :], angles.sin()[:, None, :]
