"""A plain torch.nn script up to the end of its first step: python plain_start.py BEGAN REPORT IMAGES

What one would write instead of ``zoo train dcgan``: the embedded digits (IMAGES, an IDX file), a DCGAN for 28×28, a DataLoader over
tensors, two Adams, an update of each network. Writes to REPORT what first_step.py writes. It makes no run, no pictures, no checks.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

BEGAN = float(sys.argv[1])
done = {"Python": time.time() - BEGAN}

import gzip  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

done["torch"] = time.time() - BEGAN
BATCH, LATENT = 64, 100

pixels = np.frombuffer(gzip.decompress(Path(sys.argv[3]).read_bytes()), np.uint8, offset=16).reshape(-1, 1, 28, 28)
loader = DataLoader(
    TensorDataset(torch.from_numpy(pixels / np.float32(127.5) - 1)), BATCH, shuffle=True, drop_last=True
)
done["data"] = time.time() - BEGAN

generator = nn.Sequential(
    nn.Linear(LATENT, 128 * 49, bias=False),
    nn.Unflatten(1, (128, 7, 7)),
    nn.BatchNorm2d(128),
    nn.ReLU(),
    nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False),
    nn.BatchNorm2d(64),
    nn.ReLU(),
    nn.ConvTranspose2d(64, 1, 4, 2, 1),
    nn.Tanh(),
)
discriminator = nn.Sequential(
    nn.Conv2d(1, 64, 4, 2, 1),
    nn.LeakyReLU(0.2),
    nn.Conv2d(64, 128, 4, 2, 1, bias=False),
    nn.BatchNorm2d(128),
    nn.LeakyReLU(0.2),
    nn.Flatten(),
    nn.Linear(128 * 49, 1),
)
updates_g = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
updates_d = torch.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))
done["networks built, optimisers"] = time.time() - BEGAN

loss = nn.BCEWithLogitsLoss()
real_label, fake_label = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
(real,) = next(iter(loader))
fake = generator(torch.randn(BATCH, LATENT))
updates_d.zero_grad()
(loss(discriminator(real), real_label) + loss(discriminator(fake.detach()), fake_label)).backward()
updates_d.step()
updates_g.zero_grad()
loss(discriminator(fake), real_label).backward()
updates_g.step()
done["first step"] = time.time() - BEGAN
Path(sys.argv[2]).write_text(json.dumps(done), "utf-8")
