"""The same regressions, slowly: Newton's method on every row."""

import numpy as np


def newton(scores_n, labels_n, ridge):
    """(intercept, slope, mean loss) on standardised scores, one row a term."""
    scores_n, labels_n = scores_n.astype(np.float64), labels_n.astype(np.float64)
    z_n = (scores_n - scores_n.mean()) / scores_n.std()
    at = np.array([np.log(labels_n.mean() / (1 - labels_n.mean())), 0.0])

    def losses(at):
        logit_n = at[0] + at[1] * z_n
        loss = np.mean(np.logaddexp(0, logit_n) - labels_n * logit_n)
        return loss, loss + ridge / 2 * at[1] ** 2

    for _ in range(100):
        yes_n = 1 / (1 + np.exp(-(at[0] + at[1] * z_n)))
        bend_n, rows_2n = yes_n * (1 - yes_n), np.stack([np.ones_like(z_n), z_n])
        gradient = rows_2n @ (yes_n - labels_n) / len(z_n) + [0, ridge * at[1]]
        hessian = (rows_2n * bend_n) @ rows_2n.T / len(z_n) + np.diag([0, ridge])
        step = np.linalg.solve(hessian, gradient)
        if gradient @ step < 1e-20:
            break
        while losses(at - step)[1] > losses(at)[1] + 1e-15:
            step /= 2
        at = at - step
    return at[0], at[1], losses(at)[0]
