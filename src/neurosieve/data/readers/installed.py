"""The demo's corpus: modules of the standard library, and small ones of the packages that neurosieve requires."""

from importlib.util import find_spec
from pathlib import Path

from neurosieve.data.dataset import Dataset
from neurosieve.data.readers.stdlib import read_sample, stdlib_files
from neurosieve.typing import Split

# Sampled once among modules of 0.7 to 2.3 kB that hold a function or a class, no more than 45 of one package. To show a
# loss within two points takes some 60 test files; few of the standard library's were kept from the package's models.
FILES: dict[Split, str] = {
    "train": """
        huggingface_hub/utils/_chunk_utils.py numpy/_configtool.py polars/_utils/cloud.py
        polars/_utils/unstable.py polars/_warnings.py polars/expr/ext.py polars/interchange/protocol.py
        polars/io/scan_options/_options.py polars/io/spreadsheet/_utils.py polars/series/ext.py
        pydantic/_internal/_serializers.py pydantic/plugin/_loader.py rich/pager.py rich/protocol.py
        sklearn/utils/_bunch.py torch/_dynamo/hooks.py torch/_functorch/utils.py
        torch/_numpy/_unary_ufuncs_impl.py torch/_subclasses/complex_tensor/_ops/prims.py
        torch/distributed/checkpoint/stateful.py
        torch/distributed/elastic/multiprocessing/subprocess_handler/handlers.py
        torch/distributed/elastic/utils/api.py torch/package/_directory_reader.py
        transformers/exporters/runners/runner_dynamo.py transformers/integrations/liger.py
    """,
    "validation": """
        numpy/lib/_array_utils_impl.py polars/_utils/polars_version.py polars/_utils/pycapsule.py
        polars/_utils/reduce_balanced.py polars/_utils/serde.py polars/io/avro.py
        polars/io/external_reader/api.py polars/lazyframe/in_process.py polars/meta/thread_pool.py
        polars/ml/utilities.py pydantic/_internal/_schema_gather.py pydantic/alias_generators.py
        rich/_null_file.py rich/_windows.py rich/abc.py rich/color_triplet.py rich/diagnose.py
        rich/file_proxy.py scipy/_lib/_sparse.py scipy/_lib/cobyqa/utils/math.py
        scipy/_lib/pyprima/common/_bounds.py scipy/_lib/pyprima/common/_linear_constraints.py
        scipy/_lib/pyprima/common/history.py scipy/_lib/pyprima/common/ratio.py scipy/datasets/_download_all.py
        scipy/interpolate/_pade.py scipy/interpolate/_rbfinterp_common.py
        scipy/optimize/_trustregion_constr/report.py scipy/signal/_wavelets.py scipy/sparse/_spfuncs.py
        sklearn/inspection/_pd_utils.py sklearn/utils/_missing.py sklearn/utils/_optional_dependencies.py
        sklearn/utils/_sparse.py sklearn/utils/_user_interface.py torch/_classes.py
        torch/_export/db/examples/fn_with_kwargs.py torch/_export/pass_infra/proxy_value.py
        torch/_native/common_utils.py torch/_opaque_base.py torch/cuda/profiler.py
        torch/distributed/_shard/metadata.py torch/distributed/_shard/sharder.py
        torch/distributed/algorithms/ddp_comm_hooks/debugging_hooks.py
        torch/distributed/elastic/agent/server/health_check_server.py torch/distributed/elastic/utils/logging.py
        torch/distributed/optim/utils.py torch/multiprocessing/pool.py
        torch/package/analyze/trace_dependencies.py torch/utils/_stats.py torch/utils/benchmark/utils/_stubs.py
        torch/utils/file_baton.py transformers/dependency_versions_check.py
        transformers/image_processing_outputs.py transformers/integrations/tiktoken.py
    """,
    "test": """
        fsspec/implementations/data.py huggingface_hub/cli/_help_formatter.py
        huggingface_hub/inference/_mcp/types.py huggingface_hub/utils/sha.py numpy/dtypes.py
        numpy/f2py/_backends/_backend.py polars/_utils/monitoring.py polars/_utils/threading.py
        polars/datatype_expr/array.py polars/datatype_expr/struct.py polars/datatypes/_utils.py
        polars/functions/escape_regex.py polars/functions/len.py polars/io/_expand_paths.py
        polars/io/clipboard.py polars/io/csv/_utils.py polars/meta/build.py rich/_emoji_replace.py rich/_loop.py
        rich/constrain.py rich/screen.py rich/styled.py scipy/_lib/cobyqa/utils/versions.py
        scipy/_lib/pyprima/common/_nonlinear_constraints.py scipy/_lib/pyprima/common/redrho.py
        scipy/integrate/_rules/_gauss_legendre.py scipy/io/matlab/_byteordercodes.py sklearn/utils/_arpack.py
        torch/_dynamo/logging.py torch/_export/db/examples/cond_branch_class_method.py
        torch/_export/db/examples/cond_operands.py torch/_export/pass_infra/node_metadata.py
        torch/_native/ops/bmm_outer_product/triton_kernels.py torch/_numpy/_binary_ufuncs_impl.py
        torch/_numpy/_funcs.py torch/_prims/executor.py torch/_storage_docs.py
        torch/distributed/_shard/op_registry_utils.py torch/distributed/checkpoint/api.py
        torch/distributed/fsdp/_limiter_utils.py torch/distributed/tensor/_ops/_mask_buffer.py
        torch/export/custom_ops.py torch/jit/_ir_utils.py torch/multiprocessing/_atfork.py
        torch/nn/modules/channelshuffle.py torch/nn/utils/_expanded_weights/linear_expanded_weights.py
        torch/package/analyze/find_first_use_of_broken_modules.py torch/utils/tensorboard/_convert_np.py
        transformers/cli/download.py transformers/cli/transformers.py transformers/integrations/flash_paged.py
        transformers/integrations/mistral/constants.py
    """,
}


def read_installed(scheme: str) -> Dataset:
    """The demo's data set, labelled by a scheme; modules that are not here are counted in the notes.

    Raises:
        DataError: There are no source files of a split.
        ConfigError: Unknown scheme.
    """
    files, splits = stdlib_files()
    for split, names in FILES.items():
        for name in names.split():
            files[name], splits[name] = _package(name.partition("/")[0]) / name, split
    return read_sample(files, splits, scheme, "Python standard library and packages that neurosieve requires")


def _package(name: str) -> Path:
    """The folder that contains a package's folder, found without an import."""
    spec = find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]).parent if places else Path()
