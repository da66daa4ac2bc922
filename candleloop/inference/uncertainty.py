"""How torn a model is at a bar, by its class probabilities or by the votes of a committee. All between 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Probabilities = npt.NDArray[np.floating]


def least_confidence(probabilities: Probabilities) -> FloatArray:
    """Return one minus the largest probability of each row, shape (n_rows,).

    References
    ----------
    D. D. Lewis, W. A. Gale, "A Sequential Algorithm for Training Text Classifiers", SIGIR 1994.
    """
    return np.asarray(1 - probabilities.max(axis=1).astype(np.float64), dtype=np.float64)


def margin(probabilities: Probabilities) -> FloatArray:
    """Return one minus the distance between the two largest probabilities of each row, shape (n_rows,).

    References
    ----------
    T. Scheffer, C. Decomain, S. Wrobel, "Active Hidden Markov Models for Information Extraction", IDA 2001.
    """
    two = np.partition(probabilities, -2, axis=1)[:, -2:].astype(np.float64)
    return np.asarray(1 - (two[:, 1] - two[:, 0]), dtype=np.float64)


def entropy(probabilities: Probabilities) -> FloatArray:
    """Return the entropy of each row over that of a fair choice among all classes, shape (n_rows,).

    References
    ----------
    C. E. Shannon, "A Mathematical Theory of Communication", 1948; as a query strategy: B. Settles, M. Craven, "An
    Analysis of Active Learning Strategies for Sequence Labeling Tasks", EMNLP 2008.
    """
    likely = probabilities.astype(np.float64)
    logarithm = np.log(np.where(likely > 0, likely, 1.0))
    return np.asarray(-(likely * logarithm).sum(axis=1) / np.log(likely.shape[1]), dtype=np.float64)


def vote_shares(members: Sequence[Probabilities]) -> FloatArray:
    """Return the share of a committee that takes each class for the likeliest, shape (n_rows, n_classes).

    Parameters
    ----------
    members
        The class probabilities of each member, arrays of shape (n_rows, n_classes); where two classes are equally
        likely to a member it votes for the first.
    """
    shares = np.zeros(members[0].shape, dtype=np.float64)
    row = np.arange(len(shares))
    for member in members:
        shares[row, member.argmax(axis=1)] += 1 / len(members)
    return shares


def vote_entropy(members: Sequence[Probabilities]) -> FloatArray:
    """Return the entropy of a committee's votes over that of a fair choice among all classes, shape (n_rows,).

    Parameters
    ----------
    members
        See :func:`vote_shares`; members may be the trees of a forest or models of several families.

    References
    ----------
    I. Dagan, S. P. Engelson, "Committee-Based Sampling For Training Probabilistic Classifiers", ICML 1995.
    """
    return entropy(vote_shares(members))
