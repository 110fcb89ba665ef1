"""Ten epochs of saev's k-means: run in saev's own Python, with its sources on the path.

    python saev_fit.py ROWS.npy N_CLUSTERS SEED CENTROIDS.npy

Writes the centroids, and prints the seconds that the epochs took.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch

BATCH, EPOCHS = 8192, 10


def main() -> None:
    """Feed shuffled batches to `partial_fit`."""
    from tdiscovery.baselines import MiniBatchKMeans

    rows, n_clusters, seed, centroids = sys.argv[1:]
    rows_nd = torch.from_numpy(np.load(rows))
    torch.manual_seed(int(seed))
    model = MiniBatchKMeans(int(n_clusters), device="cpu")
    began = time.perf_counter()
    for _ in range(EPOCHS):
        for order_b in torch.randperm(len(rows_nd)).split(BATCH):
            model.partial_fit(rows_nd[order_b])
    seconds = time.perf_counter() - began
    np.save(centroids, model.cluster_centers_.numpy())
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
