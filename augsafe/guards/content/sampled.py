"""What a guess says of all images, for rates that the masks of a few of them measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augsafe.statistics import RateGuess

Counts = NDArray[np.int64]


def said_of_all(said: Counts, heard: Counts, rows: NDArray[np.intp], labels: NDArray[np.int64]) -> RateGuess | None:
    """The guess at the rates of the sample, and its mean and range over all images of the same classes.

    The mean is that of classes in the proportions of the sample: so the sample is one of the images it is over,
    whether or not its classes are drawn in their own proportions.

    Args:
        said: How many draws of each image lose content, by the guess (n,).
        heard: How many draws of each image it was asked about (n,).
        rows: The images of the sample.
        labels: Class indices (n,).

    Returns:
        None where the sample leaves out a class: the guess then says nothing of how the classes differ.
    """
    asked = heard > 0
    classes, counts = np.unique(labels[rows], return_counts=True)
    if not np.isin(labels[asked], classes).all():
        return None
    rates = np.where(asked, said, 0) / np.maximum(heard, 1)
    means = [rates[asked & (labels == c)].mean() for c in classes]
    mean = float(np.average(means, weights=counts))
    return RateGuess(rates[rows], mean, (float(rates[asked].min()), float(rates[asked].max())))
