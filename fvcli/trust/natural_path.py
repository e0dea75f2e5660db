"""Whether a picture excites its unit by the way that photos do.

Geirhos et al., *Don't trust your eyes: on the (un)reliability of feature visualizations*, ICML 2024,
compare the
activations of a picture with those of photos, layer by layer: pictures can take another way through a
network than photos do, and a network can be built so that its pictures show nothing of what it does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TINY = 1e-12


def flow_shares(products: np.ndarray) -> np.ndarray:
    """Return which share of a unit's value each channel of a layer carries, [pictures, channels].

    Args:
        products: [pictures, channels], gradient of the unit's objective x activation, summed over positions
            (Shrikumar et al., *Not Just a Black Box*, 2016). What lowers the objective counts as 0.
    """
    positive = np.maximum(products, 0.0)
    total = positive.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.divide(positive, total, out=np.zeros_like(positive), where=total > 0)
    return shares


def overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return what two flows have in common, 0 to 1: the sum of the smaller shares (histogram intersection).

    Swain, Ballard, *Color Indexing*, 1991.

    Args:
        one, other: [..., channels], from ``flow_shares``.
    """
    common: np.ndarray = np.minimum(one, other).sum(axis=-1)
    return common


def flow_overlap(pictures: Sequence[np.ndarray], photos: Sequence[np.ndarray]) -> np.ndarray:
    """Return how much of the way of each picture is the way of photos, [pictures], 0 to 1.

    The mean over the layers that either flows through; 0 in those that only one flows through.

    Args:
        pictures: [P, channels] of each layer, from ``flow_shares``.
        photos: [K, channels] of each layer; their mean is compared.
    """
    each = np.array(
        [
            overlap(of_pictures, of_photos.mean(axis=0))
            for of_pictures, of_photos in zip(pictures, photos, strict=True)
        ]
    )
    flows = np.array(
        [(part.sum(axis=1) > 0) | (of.sum() > 0) for part, of in zip(pictures, photos, strict=True)]
    )
    mean: np.ndarray = (each * flows).sum(axis=0) / np.maximum(flows.sum(axis=0), 1)
    return mean


def scaled(value: float, unlike: float, like: float) -> float | None:
    """Return a value so that what is unlike is 0 and what is like is 1; None where these do not differ."""
    return (value - unlike) / (like - unlike) if like - unlike > TINY else None


def rank_correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation of each row with each row, [A, B]; equal values share a mean rank.

    Args:
        one, other: [A, channels] and [B, channels].
    """
    found: np.ndarray = _standardised_ranks(one) @ _standardised_ranks(other).T
    return found


def _standardised_ranks(rows: np.ndarray) -> np.ndarray:
    ranks = np.stack([_mean_ranks(row) for row in rows])
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.linalg.norm(ranks, axis=1, keepdims=True)
    found: np.ndarray = np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)
    return found


def _mean_ranks(row: np.ndarray) -> np.ndarray:
    _, place, counts = np.unique(row, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: np.ndarray = (ends - (counts - 1) / 2.0)[place]
    return means


def rank_path(
    picture: Sequence[np.ndarray], like: Sequence[np.ndarray], unlike: Sequence[np.ndarray]
) -> float | None:
    """Return how alike activations are to those of the unit's photos: 0 as other photos, 1 as its own.

    Geirhos et al. 2024, section 4: Spearman's rank correlation in each layer between the picture and the
    unit's photos, scaled by that between its photos and others (0) and among its photos (1). Here
    activations are pooled over positions, and the layers are added up before they are scaled, because the
    two ends of one layer can be nearly the same.

    Args:
        picture: [channels] of each layer.
        like: [K, channels] of each layer, photos that excite the unit most, two at least.
        unlike: [N, channels], other photos.

    Returns:
        None where the photos of the unit are no more alike than others.
    """
    found, low, high = 0.0, 0.0, 0.0
    for of_picture, of_like, of_unlike in zip(picture, like, unlike, strict=True):
        found += float(rank_correlations(of_picture[None], of_like).mean())
        low += float(rank_correlations(of_like, of_unlike).mean())
        among = rank_correlations(of_like, of_like)
        high += float((among.sum() - np.trace(among)) / (among.size - len(among)))
    return scaled(found, low, high)
