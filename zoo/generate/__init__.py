"""What is done with a trained generator: latents, grids, pictures."""
