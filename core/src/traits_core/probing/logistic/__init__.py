"""One-feature logistic regressions of every class on every prototype, from sums that shards add up."""
