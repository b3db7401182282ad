"""What every test shares: one thread, since tiny tensors spend their time waiting for more."""

import torch
from hypothesis import settings

torch.set_num_threads(1)

settings.register_profile("machine", deadline=None)  # machines are noisy; no test is about its own time
settings.load_profile("machine")
