"""saev's shards read by the description of the format alone: a vector is at one offset of one file."""

import json
import struct


def vector(root, example, layer, token):
    """The vector of one token, CLS being token 0 where there is one."""
    facts = json.loads((root / "metadata.json").read_text())
    tokens = facts["content_tokens_per_example"] + facts["cls_token"]
    size = facts["max_tokens_per_shard"] // (tokens * len(facts["layers"]))
    row = (example % size) * len(facts["layers"]) + facts["layers"].index(layer)
    with (root / f"acts{example // size:06}.bin").open("rb") as file:
        file.seek((row * tokens + token) * facts["d_model"] * 4)
        return list(struct.unpack(f"<{facts['d_model']}f", file.read(facts["d_model"] * 4)))


def vectors(root, layer, tokens, examples):
    """The vectors of these tokens of these examples, example-major."""
    return [vector(root, example, layer, token) for example in examples for token in tokens]
