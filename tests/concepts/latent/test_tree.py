"""Clusters of token vectors: scikit-learn's Ward clustering, plain nearest centroids, and rows in any batches."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from neurosieve.concepts.latent.tree import LatentConcepts, LatentTree, assign, grow_tree
from neurosieve.errors import DataError
from neurosieve.probes.archive import Archive
from neurosieve.storage.folder import Folder

ROWS, WIDTH = 300, 6


def vectors(rows: int = ROWS, seed: int = 0, spread: float = 1.0) -> torch.Tensor:
    """Rows around eight centres."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(8, WIDTH, generator=torch.Generator().manual_seed(99)) * 5
    which = torch.randint(0, 8, (rows,), generator=generator)
    return centres[which] + torch.randn(rows, WIDTH, generator=generator) * spread


def whole_tree(x: torch.Tensor) -> LatentTree:
    return LatentTree(x, np.arange(len(x)), layer=2)


@pytest.mark.parametrize("k", [1, 2, 7, 40, ROWS])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_cut_is_ward_clustering(k: int, seed: int) -> None:
    x = vectors(seed=seed)
    cut = whole_tree(x).cut(k)
    expected = AgglomerativeClustering(k, linkage="ward").fit_predict(x.double().numpy())
    assert len(cut.centroids) == k
    assert adjusted_rand_score(expected, cut.cluster) == 1
    for c in range(k):
        np.testing.assert_allclose(cut.centroids[c], x.double().numpy()[cut.cluster == c].mean(0))
    first = [int(np.flatnonzero(cut.cluster == c)[0]) for c in range(k)]
    assert first == sorted(first)


def test_cuts_of_one_tree_are_nested() -> None:
    tree = whole_tree(vectors())
    for few, many in pairwise(tree.cut(k).cluster for k in (3, 10, 50, 200)):
        for c in range(many.max() + 1):
            assert len(set(few[many == c])) == 1


def test_planted_clusters_are_found_by_rows_outside_of_the_sample() -> None:
    x = vectors(2000, spread=0.3)
    centres = torch.randn(8, WIDTH, generator=torch.Generator().manual_seed(99)) * 5
    tree = grow_tree([x], len(x), 0, sample=200)
    (found,) = assign([tree.cut(8)], [x])
    assert adjusted_rand_score(torch.cdist(x, centres).argmin(1), found.cluster) == 1
    assert found.moved == 0


def test_copies_are_never_parted() -> None:
    x = vectors(5).repeat_interleave(4, 0)
    cut = whole_tree(x).cut(12)
    assert len(cut.centroids) == 5
    assert (cut.cluster == np.arange(5).repeat(4)).all()


@settings(max_examples=25, deadline=None)
@given(bounds=st.lists(st.integers(0, ROWS), max_size=5), sample=st.integers(2, ROWS + 5), held_out=st.booleans())
def test_rows_in_any_batches_and_their_nearest_centroids(bounds: list[int], sample: int, held_out: bool) -> None:
    x = vectors()
    batches = [x[a:b] for a, b in pairwise([0, *sorted(bounds), ROWS])]
    tree = grow_tree(batches, ROWS, 1, sample=sample, seed=3)
    cuts = [tree.cut(k) for k in (1, min(sample, 20))]
    for cut, found in zip(cuts, assign(cuts, iter(batches), held_out=held_out), strict=True):
        assert len(cut.rows) == min(sample, ROWS)
        expected = cdist(x.double().numpy(), cut.centroids).argmin(1)
        assert cut.moved == pytest.approx((expected[cut.rows] != cut.cluster).mean())
        if not held_out:
            expected[cut.rows] = cut.cluster
        np.testing.assert_array_equal(found.cluster, expected)
        assert (found.layer, found.k, found.sizes.sum()) == (1, len(cut.centroids), ROWS)


def test_the_sample_depends_on_its_seed_alone() -> None:
    x = vectors()
    one, same, other = (grow_tree([x], ROWS, 0, sample=50, seed=s).cut(5) for s in (0, 0, 1))
    assert (one.rows == same.rows).all()
    assert set(one.rows) != set(other.rows)
    assert (grow_tree([x], ROWS, 0, sample=10**6).cut(5).rows == np.arange(ROWS)).all()


def test_rows_that_the_tree_put_elsewhere_are_counted_as_moved() -> None:
    x = vectors(spread=6.0)
    cut = whole_tree(x).cut(30)
    assert 0 < cut.moved < 0.5
    assert (assign([cut], [x])[0].cluster == cut.cluster).all()
    assert (assign([cut], [x], held_out=True)[0].cluster != cut.cluster).mean() == pytest.approx(cut.moved)


def test_clusters_come_back_from_files(tmp_path: Path) -> None:
    (found,) = assign([whole_tree(vectors()).cut(9)], [vectors()])
    found.archive().save(Folder(tmp_path), "latent")
    again = LatentConcepts.from_archive(Archive.load(Folder(tmp_path), "latent"))
    for name, value in vars(found).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    assert again.to_frame()["rows"].to_list() == np.bincount(found.cluster).tolist()
    assert "9 clusters of 300 rows of layer 2" in found._repr_html_()


@pytest.mark.parametrize("bad", ["one row", "nan", "order", "k 0", "k above", "count", "width", "fewer", "inf later"])
def test_bad_input_is_named(bad: str) -> None:
    x = vectors(20)
    broken = x.clone()
    broken[3, 1] = torch.nan
    cut = whole_tree(x).cut(3)
    calls: dict[str, Callable[[], object]] = {
        "one row": lambda: whole_tree(x[:1]),
        "nan": lambda: whole_tree(broken),
        "order": lambda: LatentTree(x, np.zeros(20, dtype=np.int64)),
        "k 0": lambda: whole_tree(x).cut(0),
        "k above": lambda: whole_tree(x).cut(21),
        "count": lambda: grow_tree([x], 21, 0),
        "width": lambda: assign([cut], [x[:, :4]]),
        "fewer": lambda: assign([cut], [x[:10]]),
        "inf later": lambda: assign([cut], [x, broken]),
    }
    with pytest.raises(DataError, match="expected") as e:
        calls[bad]()
    assert "\n" not in str(e.value)
