"""One shard of an activation store: its entry in the manifest, and the file of its values."""

from collections.abc import Callable, Mapping

from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor
from typing_extensions import TypedDict

from neurosieve.errors import StoreError
from neurosieve.storage.folder import Folder
from neurosieve.typing import Split

REDO = "delete the store's folder, or choose another, and give the same command again: it is written again"
Layer = Callable[[int], Float[Tensor, "rows width"]]  # the values of a layer, by its number


class Shard(TypedDict):
    """The manifest's entry of one shard: its two files with their sha256, its split, rows, and layers kept wider."""

    values: str
    rows: str
    split: Split
    count: int
    sha256: str
    rows_sha256: str
    float32_layers: list[int]


class ShardFile:
    """Reads single layers of a shard: memory-mapped where the file is local, else from its bytes."""

    def __init__(self, folder: Folder, shard: Shard, width: int) -> None:
        self._folder, self._name = folder, shard["values"]
        self._where, self._shape = f"shard {folder.url}/{self._name}", (shard["count"], width)

    def __enter__(self) -> Layer:
        path = self._folder.local(self._name)
        try:
            if path is None:
                tensors: Mapping[str, Tensor] = load(self._folder.read(self._name, REDO))
                self._get: Callable[[str], Tensor] = tensors.__getitem__
            else:
                self._get = safe_open(path, framework="pt").get_tensor
        except (OSError, SafetensorError) as e:
            raise StoreError(self._where, expected="a whole safetensors file", got=str(e), remedy=REDO) from e
        return self._layer

    def _layer(self, number: int) -> Float[Tensor, "rows width"]:
        name = f"layer.{number}"
        try:
            values = self._get(name)
        except (KeyError, SafetensorError) as e:
            raise StoreError(self._where, expected=f"the tensor {name}", got="none", remedy=REDO) from e
        if tuple(values.shape) != self._shape or not values.is_floating_point():
            expected, came = f"{name} of floats, shape {self._shape}", f"{values.dtype}, {tuple(values.shape)}"
            raise StoreError(self._where, expected=expected, got=came, remedy=REDO)
        return values

    def __exit__(self, *_: object) -> None:
        del self._get
