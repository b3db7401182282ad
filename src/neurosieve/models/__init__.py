"""A name or folder → `CodeModel`; all knowledge of families is in `adapters`."""

from neurosieve.models.adapters import Adapter, adapter_for, register_family
from neurosieve.models.code_model import CodeModel
from neurosieve.models.known import KNOWN, KnownModel
from neurosieve.models.language import LanguageModel, load_language_model
from neurosieve.models.loading import ModelInfo, inspect_model, load_model, resolve_device
from neurosieve.models.places import Place, acting, check_places, find_places
from neurosieve.models.untrained import untrained_copy

__all__ = [
    "KNOWN",
    "Adapter",
    "CodeModel",
    "KnownModel",
    "LanguageModel",
    "ModelInfo",
    "Place",
    "acting",
    "adapter_for",
    "check_places",
    "find_places",
    "inspect_model",
    "load_language_model",
    "load_model",
    "register_family",
    "resolve_device",
    "untrained_copy",
]
