"""Fits saev's Sparse1DProbe; run by a Python that can import saev, which prints one JSON object.

python saev_probe.py SAEV_ROOT FILE.npz ITERATIONS
"""

import json
import sys
import time
from pathlib import Path

import numpy as np


def main() -> None:
    """Time one fit; losses are computed here, in double precision, from the weights that it found."""
    root, path, iterations = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    sys.path[:0] = [str(root / "src"), str(root / "contrib" / "trait_discovery" / "src")]
    import torch
    from tdiscovery.probe1d import Sparse1DProbe

    torch.set_num_threads(2)
    with np.load(path) as file:
        offsets, prototypes, values, labels_nc = (
            file[name] for name in ("offsets", "prototypes", "values", "labels")
        )
        n_prototypes = int(file["n_prototypes"])
    n_rows, n_classes = labels_nc.shape
    x = torch.sparse_csr_tensor(
        torch.from_numpy(offsets),
        torch.from_numpy(prototypes.astype(np.int64)),
        torch.from_numpy(values),
        size=(n_rows, n_prototypes),
    )
    probe = Sparse1DProbe(
        n_latents=n_prototypes, n_classes=n_classes, device="cpu", max_iter=iterations
    )
    start = time.perf_counter()
    probe.fit(x, torch.from_numpy(labels_nc.astype(np.float32)))
    seconds = time.perf_counter() - start
    slope_kc, intercept_kc = (w.double().numpy() for w in (probe.coef_, probe.intercept_))
    scores_nk = x.to_dense().double().numpy()
    loss_kc = [
        [
            np.mean(np.logaddexp(0, (1 - 2 * y) * (intercept_kc[k, c] + slope_kc[k, c] * s)))
            for c, y in enumerate(labels_nc.T)
        ]
        for k, s in enumerate(scores_nk.T)
    ]
    print(json.dumps({"seconds": seconds, "loss": loss_kc}))


if __name__ == "__main__":
    main()
