"""Normalisers that were fitted to given rows."""

import pytest

from traits_core.normalization.fit import fit
from traits_core.records import FeatureSpec
from traits_core.statistics.duplicates import RowHashes, hash_rows
from traits_core.statistics.moments import Moments
from traits_core.statistics.norms import Norms, row_norms
from traits_core.statistics.positions import PositionNorms
from traits_core.statistics.statistics import Statistics, Subject


@pytest.fixture(scope="session")
def feature():
    return FeatureSpec(
        backbone="b",
        checkpoint="c",
        layer="l",
        d_model=6,
        position="token",
        grid=None,
        preprocessing="none",
    )


@pytest.fixture(scope="session")
def statistics_of_rows(feature):
    def make(rows_nd, covariance):
        subject = Subject(
            store="0" * 64,
            array="a",
            feature=feature,
            dataset="d",
            split="train",
            rows=len(rows_nd),
            positions=1,
        )
        norms_n = row_norms(rows_nd)
        return Statistics(
            subject=subject,
            parts=((0, len(rows_nd)),),
            moments=Moments.of(rows_nd, covariance),
            norms=Norms.of(norms_n),
            positions=PositionNorms.of(norms_n, 0, 1),
            duplicates=RowHashes.of(hash_rows(rows_nd)),
        )

    return make


@pytest.fixture(scope="session")
def fitted(statistics_of_rows):
    """Fit a normaliser to `rows_nd`."""

    def make(kind, rows_nd, epsilon=1e-12):
        return fit(
            kind,
            rows_nd.shape[1],
            epsilon,
            lambda covariance: statistics_of_rows(rows_nd, covariance),
        )

    return make
