"""Writes safetensors files (https://github.com/huggingface/safetensors, README, "Format")."""

import json
import struct

import torch

CODES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
}


def bytes_of(tensor):
    tensor = tensor.detach().contiguous().reshape(-1)
    if tensor.dtype == torch.bfloat16:  # NumPy has no such type
        tensor = tensor.view(torch.int16)
    return tensor.numpy().tobytes()


def write_safetensors(path, tensors, metadata):
    header, body, end = {"__metadata__": metadata}, [], 0
    for name, tensor in tensors.items():
        data = bytes_of(tensor)
        header[name] = {
            "dtype": CODES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + len(data)],
        }
        body.append(data)
        end += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(body))
