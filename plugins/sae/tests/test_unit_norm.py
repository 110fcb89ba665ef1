import torch

from traits_plugin_sae.unit_norm import BLOCK, normalize_, project_


def test_a_projected_gradient_is_what_of_it_is_orthogonal_to_each_decoder_row():
    generator = torch.Generator().manual_seed(0)
    n_latents = 2 * BLOCK + 3  # the last block is not full
    decoder_sd = torch.randn(n_latents, 5, generator=generator)
    normalize_(decoder_sd)
    torch.testing.assert_close(decoder_sd.norm(dim=1), torch.ones(n_latents))
    gradients_sd = torch.randn(n_latents, 5, generator=generator)
    expected_sd = torch.stack(
        [g - d * (g @ d) for g, d in zip(gradients_sd, decoder_sd, strict=True)]
    )
    project_(gradients_sd, decoder_sd)
    torch.testing.assert_close(gradients_sd, expected_sd)
