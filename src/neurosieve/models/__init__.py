"""A name or folder → `CodeModel`; all knowledge of families is in `adapters`."""

from neurosieve.models.adapters import Adapter, adapter_for, register_family
from neurosieve.models.code_model import CodeModel
from neurosieve.models.known import KNOWN, KnownModel
from neurosieve.models.loading import ModelInfo, inspect_model, load_model, resolve_device
from neurosieve.models.untrained import untrained_copy

__all__ = [
    "KNOWN",
    "Adapter",
    "CodeModel",
    "KnownModel",
    "ModelInfo",
    "adapter_for",
    "inspect_model",
    "load_model",
    "register_family",
    "resolve_device",
    "untrained_copy",
]
