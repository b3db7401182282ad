"""What every test shares: one thread, since tiny tensors spend their time waiting for more."""

import torch

torch.set_num_threads(1)
