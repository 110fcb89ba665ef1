"""One module per architecture: how it chooses latents, its loss, and the gradients of that."""
