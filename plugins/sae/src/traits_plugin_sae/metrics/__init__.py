"""What is measured of a sparse autoencoder, as sums that add up over batches; see docs/sae-metrics.md."""
