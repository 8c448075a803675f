"""What the theory says of GANs, checked where the densities are known: the optimal discriminator, the value, the modes."""
